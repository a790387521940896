//! Where an export comes from, and where an import goes to.

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::ids::PointId;

use crate::batch::PointPage;
use crate::description::Description;
use crate::records::{Records, StoredRecords};
use crate::take::{Begun, Rules, Stored};

/// A collection to be exported.
#[async_trait]
pub trait Source: Send + Sync {
    /// Describes it.
    async fn describe(&self) -> Result<Description>;

    /// A page of points in the order of their ids, beginning at `from`.
    async fn points(&self, from: Option<PointId>) -> Result<PointPage>;

    /// A page of preferences and deleted pictures. `after` is [`Records::next`] of the page before.
    async fn records(&self, after: Option<&str>) -> Result<Records>;
}

/// A collection to import into. All calls may be repeated.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Checks that the vectors can be compared with those of this collection, and takes over what
    /// describes them.
    async fn begin(&self, description: &Description) -> Result<Begun>;

    /// Stores points.
    async fn points(&self, page: PointPage, rules: Rules) -> Result<Stored>;

    /// Stores preferences and deleted pictures.
    async fn records(&self, records: Records) -> Result<StoredRecords>;

    /// Builds the search graphs, and calibrates if it is needed.
    async fn finish(&self) -> Result<()>;
}

/// Shows how far an export, import or backup is.
pub trait Progress: Send + Sync {
    /// So many of about `total` are done.
    fn report(&self, what: &'static str, done: u64, total: u64);
}

impl Progress for () {
    fn report(&self, _what: &'static str, _done: u64, _total: u64) {}
}
