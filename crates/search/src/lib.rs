//! The steps of a search: pictures and words -> embeddings -> probes -> candidates -> ranking -> a
//! page.
//!
//! Everything here goes through the traits of `clippy-core`, so it runs alike on the embedded
//! engine and on a server, with the real model and with a fake one.

mod answer;
mod calibrating;
mod crowding;
mod embedding_cache;
mod facets;
mod guessed;
mod inputs;
mod live;
mod order;
mod prepare;
mod probes;
mod query;
mod ranked;
mod searcher;
mod vocabulary;

pub use answer::{DidYouMean, Facets, GroupCount, SearchAnswer, StyleHits, Took};
pub use calibrating::{calibrate, calibrate_if_outgrown};
pub use facets::FACET_POOL;
pub use live::{LiveSearcher, MakeSearcher};
pub use query::{AskedOrder, Picture, SearchQuery};
pub use searcher::{Searcher, SearcherOptions};
