//! What a run reports while it works.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reads the pages of each tag; counts tags.
    Listing,
    /// Downloads; counts pictures.
    Downloading,
}

pub trait Progress: Sync {
    fn report(&self, stage: Stage, done: u64, total: u64, failed: u64);
}

/// Reports nothing.
impl Progress for () {
    fn report(&self, _: Stage, _: u64, _: u64, _: u64) {}
}
