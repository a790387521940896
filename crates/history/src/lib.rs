//! The history of generated pictures: what a worker records of a run, how pictures of older data
//! folders are added, and how entries are deleted with their files.
//!
//! A worker records a run *after* its pictures are stored and *before* its job ends. If it is
//! killed in between, the job runs again and records the same; if the job ends as failed, its
//! pictures are found in the list of outputs by [`HistoryKeeper::import_older`].

mod facts;
mod keeper;
mod older;
mod run;

pub use facts::MadeFacts;
pub use keeper::{HistoryKeeper, IN_FLIGHT};
pub use run::{MadeRun, record};
