//! Fetches pictures with their tags from a site with Gelbooru's interface (Safebooru by default),
//! and writes a manifest that `clippy ingest` reads.
//!
//! A run first reads the pages of every tag, then downloads the pictures. Each page is recorded
//! in the output folder and each picture is checked, so that a run that was cut can go on.

mod addresses;
mod attribution;
mod content;
mod download;
mod error;
mod manifest;
mod names;
mod options;
mod output;
mod page;
mod plan;
mod progress;
mod run;
mod site;
mod state;
mod tags_file;
mod throttle;

pub use error::FetchError;
pub use options::{DEFAULT_BASE_URL, FetchOptions, Pauses, USER_AGENT};
pub use progress::{Progress, Stage};
pub use run::{Outcome, run};
pub use tags_file::{parse_tags, read_tags};
