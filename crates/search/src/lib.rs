//! The way of a search: pictures and words -> embeddings -> candidates -> ranking -> a page.
//!
//! Everything here goes through the traits of `clippy-core`, so it runs alike on the embedded
//! engine and on a server, with the real model and with a fake one.

mod calibrating;
mod crowding;
mod digests;
mod known;
mod live;
mod prepare;
mod query;
mod searcher;
mod vectors;

pub use calibrating::{calibrate, calibrate_if_outgrown};
pub use live::{LiveSearcher, MakeSearcher};
pub use query::{Facets, Picture, SearchAnswer, SearchQuery, Took};
pub use searcher::{FACET_POOL, Searcher, SearcherOptions};
