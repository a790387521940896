//! Searches on the real engine.

mod guesses;
mod harness;
mod pages;
mod repeated_queries;
mod styles;
mod words;
