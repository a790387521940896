//! The way of a search: pictures and words -> embeddings -> candidates -> ranking -> a page.
//!
//! Everything here goes through the traits of `clippy-core`, so it runs alike on the embedded engine and on a server,
//! with the real model and with a fake one.

mod live;
mod prepare;
mod query;
mod searcher;

pub use live::{LiveSearcher, MakeSearcher};
pub use query::{Picture, SearchAnswer, SearchQuery, Took};
pub use searcher::{Searcher, SearcherOptions};
