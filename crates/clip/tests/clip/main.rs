//! Parity with open_clip on shipped fixtures, what is wrong with model files, and the embedder on a
//! real model.
//!
//! `../fixtures/make_fixtures.py` says how the fixtures were made.

mod embedding;
mod fixtures;
mod models;
mod preprocessing;
mod pulling;
mod tokens;
