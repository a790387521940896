//! Searches on the real engine.

mod asked_before;
mod guesses;
mod harness;
mod pages;
mod words;
