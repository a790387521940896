//! The tests of this crate, in one program, so that libtorch and the engine are linked once.

mod collections;
mod contract;
mod durability;
mod newest;
mod opening;
mod pictures;
mod qdrant;
mod qdrant_collections;
mod qdrant_faults;
mod state;
mod support;
