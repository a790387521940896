//! A Qdrant server for tests: the real client's gRPC on a free port, in front of Qdrant's own
//! engine (qdrant-edge).
//!
//! It translates requests from the wire to the engine, which searches, filters, stores and counts.
//! So every test run covers the client, the wire format, the filters and the errors, without a
//! server to install. It is one node with one shard per collection, and keeps its data until it is
//! dropped. Calls that this project never makes are answered with `UNIMPLEMENTED`.
//!
//! [`Faults`] makes it misbehave; [`Proxy`] breaks connections to it.

mod blocking;
mod collection;
mod collections;
mod convert;
mod faults;
mod filter;
mod older;
mod options;
mod points;
mod proxy;
mod query;
mod server;
mod state;

pub use faults::Faults;
pub use older::{OlderPoint, fill_older_collection, make_older_collection};
pub use options::FakeOptions;
pub use proxy::Proxy;
pub use server::FakeQdrant;
