//! The doubles keep the contracts of what they stand for.

mod client;
mod contract;
