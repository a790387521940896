//! A Qdrant server for tests: the real client's gRPC on a free port, in front of Qdrant's own
//! engine (qdrant-edge).
//!
//! What a request means is translated from the wire to the engine; searching, filtering, storing
//! and counting are the engine's. So the client, the wire format, the filters and the errors are
//! under test in every run, without a server to install. It is one node with one shard a
//! collection, and keeps collections and aliases for as long as it lives. What this project never
//! calls is answered with `UNIMPLEMENTED`.
//!
//! [`Faults`] makes it behave as a server in trouble does; [`Proxy`] breaks the way to it.

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
