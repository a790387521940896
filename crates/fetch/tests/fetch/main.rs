//! Fetches from a site on the loopback interface.

mod cut;
mod quirks;
mod site;
