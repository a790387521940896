//! Fetches from a site on the loopback interface.

mod cut;
mod folder;
mod quirks;
mod site;
