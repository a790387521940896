//! Faults that tests can switch on.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tonic::Status;

/// Makes the server misbehave. All faults are off at first.
#[derive(Debug, Default)]
pub struct Faults {
    read_only: AtomicBool,
    disk_full: AtomicBool,
    dead_shard: AtomicBool,
    stall_ms: AtomicU64,
    reads: AtomicU64,
    facets: AtomicU64,
    writes: AtomicU64,
}

impl Faults {
    /// Makes the disk read-only.
    pub fn set_read_only(&self, on: bool) {
        self.read_only.store(on, Ordering::SeqCst);
    }

    /// Makes the disk full.
    pub fn set_disk_full(&self, on: bool) {
        self.disk_full.store(on, Ordering::SeqCst);
    }

    /// Makes the shard's node stop answering.
    pub fn set_dead_shard(&self, on: bool) {
        self.dead_shard.store(on, Ordering::SeqCst);
    }

    /// Delays every answer.
    pub fn set_stall(&self, stall: Duration) {
        self.stall_ms.store(
            u64::try_from(stall.as_millis()).unwrap_or(u64::MAX),
            Ordering::SeqCst,
        );
    }

    /// Returns how many calls read points.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    /// Returns how many of the reads counted the values of a field.
    #[must_use]
    pub fn facets(&self) -> u64 {
        self.facets.load(Ordering::SeqCst)
    }

    /// Call it before the values of a field are counted, in addition to [`Faults::before_read`].
    pub(crate) fn before_facet(&self) {
        self.facets.fetch_add(1, Ordering::SeqCst);
    }

    /// Returns how many calls changed points.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    /// Returns whether the shard's node is down.
    pub(crate) fn is_shard_dead(&self) -> bool {
        self.dead_shard.load(Ordering::SeqCst)
    }

    async fn stall(&self) {
        let stall = self.stall_ms.load(Ordering::SeqCst);
        if stall > 0 {
            tokio::time::sleep(Duration::from_millis(stall)).await;
        }
    }

    /// Call it before answering about the server or a collection.
    pub(crate) async fn before_info(&self) {
        self.stall().await;
    }

    /// Call it before points are read.
    pub(crate) async fn before_read(&self) -> Result<(), Status> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.stall().await;
        if self.is_shard_dead() {
            return Err(Status::internal(
                "Service internal error: The replica set for shard 0 on peer 1 has no active \
                 replica",
            ));
        }
        Ok(())
    }

    /// Call it before anything is changed.
    pub(crate) async fn before_write(&self) -> Result<(), Status> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.stall().await;
        if self.read_only.load(Ordering::SeqCst) {
            return Err(Status::internal(
                "Service internal error: Read-only file system (os error 30)",
            ));
        }
        if self.disk_full.load(Ordering::SeqCst) {
            return Err(Status::internal(
                "Service internal error: No space left on device: WAL buffer size exceeds \
                 available disk space",
            ));
        }
        if self.is_shard_dead() {
            return Err(Status::internal(
                "Service internal error: The replica set for shard 0 on peer 1 has no active \
                 replica",
            ));
        }
        Ok(())
    }
}
