//! The tests of this crate, in one program: linking libtorch and the engine once is enough.

mod collections;
mod contract;
mod durability;
mod opening;
mod pictures;
mod qdrant;
mod qdrant_collections;
mod qdrant_faults;
mod state;
mod support;
