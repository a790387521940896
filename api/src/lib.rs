//! The HTTP side of Clippy: routes, extraction, problem JSON, keys, OpenAPI and the built-in page.
//!
//! This crate uses the traits of `clippy-core` and the job store of `clippy-jobs`. The caller that
//! builds the [`AppState`] chooses the model, collection, database and queue. Call [`serve()`] to
//! run a server, or [`router()`] to mount the routes elsewhere.

mod access;
mod admission;
mod admit;
mod auth;
mod client;
mod connections;
mod cors;
mod embed;
mod extract;
mod folders;
mod generation;
mod hidden;
mod layers;
mod listings;
mod maps;
pub mod metrics;
mod new_jobs;
mod openapi;
mod options;
mod page;
mod problem;
mod readiness;
mod router;
mod routes;
mod sending;
mod serve;
mod socket;
mod state;
mod tags;

pub use access::sites::check_sites;
pub use embed::{CurrentEmbedder, serve_embedder};
pub use generation::GenerationParts;
pub use options::{ApiOptions, ConnectionLimits};
pub use problem::Problem;
pub use readiness::Readiness;
pub use router::router;
pub use serve::serve;
pub use state::{ApiParts, AppState};
