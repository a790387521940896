//! Searches on the real engine.

mod asked_before;
mod harness;
mod pages;
