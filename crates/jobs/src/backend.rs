//! Combinations of the store's traits, for code that needs several of them.

use crate::runs::RunStore;
use crate::store::JobStore;
use crate::transport::JobTransport;

/// What a [`crate::Runner`] needs: job ids from its lanes, and their runs.
pub trait WorkerBackend: RunStore + JobTransport {}

impl<T: RunStore + JobTransport> WorkerBackend for T {}

/// A whole store. Only a program that puts the parts together holds one: it hands a [`JobStore`] to
/// callers and a [`WorkerBackend`] to its runner.
pub trait JobBackend: JobStore + WorkerBackend {}

impl<T: JobStore + WorkerBackend> JobBackend for T {}
