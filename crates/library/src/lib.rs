//! A user's own folders: from files to lines of a manifest.
//!
//! [`walk`] finds the files. [`reading`] recognises pictures by their content, and [`identity`]
//! computes their ids. [`sidecars`] reads the files beside pictures and the metadata inside them,
//! and [`entry`] makes a line from all of this. [`scan`] does this for whole folders in bounded
//! memory, and skips every file that has not changed since the last scan. The manifest is then
//! ingested like any other one. [`uploads`] stores pictures that were sent to the server, and
//! [`archives`] unpacks tars of pictures.

pub mod archives;
pub mod entry;
pub mod identity;
pub mod reading;
pub mod scan;
pub mod sidecars;
pub mod summary;
pub mod uploads;
pub mod walk;
pub mod words;

mod aborted;
mod batch;
mod context;
mod copies;
mod library;
mod missing;
mod presence;
mod scanner;
mod target;
mod vanished;
