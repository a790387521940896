//! Parity with open_clip on shipped fixtures, errors of broken model files, and the embedder on a
//! real model.
//!
//! `../fixtures/make_fixtures.py` says how the fixtures were made.

mod embedding;
mod fixtures;
mod full_size;
mod hub;
mod hugging;
mod models;
mod preprocessing;
mod siglip;
mod style;
mod style_sources;
mod tokens;
