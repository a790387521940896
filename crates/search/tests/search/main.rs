//! Searches on the real engine.

mod evidence;
mod guesses;
mod harness;
mod pages;
mod repeated_queries;
mod styles;
mod words;
