//! What runs propose to record, and what became of it.

use std::collections::HashSet;

use async_trait::async_trait;
use uuid::Uuid;

use super::KnownFile;
use crate::Result;
use crate::ids::PointId;

/// The pictures that runs want to store, and the files that they found to be gone. Other runs see
/// what an aborted run proposed, since its pictures may be stored.
#[async_trait]
pub trait ProposedFiles: Send + Sync + 'static {
    /// Records pictures that a run wants to store. A second proposal for a file replaces the first.
    async fn propose(&self, collection: &str, run: Uuid, files: &[KnownFile]) -> Result<()>;

    /// Returns those of these points that a run proposed to store.
    async fn proposed(&self, run: Uuid, points: &[PointId]) -> Result<HashSet<PointId>>;

    /// Returns the files with pictures that a run proposed to store, by folder and name, from after
    /// this folder and name on: a page of at most `limit`.
    async fn proposed_files(
        &self,
        collection: &str,
        run: Uuid,
        after: (&str, &str),
        limit: usize,
    ) -> Result<Vec<KnownFile>>;

    /// Returns what other runs proposed in this folder and below it, if nothing is known of the
    /// file, or it was no picture, and no known file has its content. Such a run is still active, or
    /// it was aborted, and may have stored its pictures.
    async fn left_over(&self, collection: &str, run: Uuid, root: &str) -> Result<Vec<KnownFile>>;

    /// Returns what earlier runs than this one proposed for files that are known with another
    /// content now, or that are not known, if another known file has the proposed content.
    async fn superseded(&self, collection: &str, run: Uuid) -> Result<Vec<KnownFile>>;

    /// Deletes these proposals of earlier runs than this one. What those runs proposed for the same
    /// files with another content stays.
    async fn drop_earlier(&self, collection: &str, run: Uuid, proposed: &[KnownFile])
    -> Result<()>;

    /// Returns the pictures whose files a run found to be gone ([`KnownFile::is_gone`]).
    async fn gone_in(&self, run: Uuid) -> Result<Vec<PointId>>;

    /// Deletes a run's proposals to store these points, which were not stored. What it found to be
    /// gone stays.
    async fn withdraw(&self, run: Uuid, points: &[PointId]) -> Result<()>;

    /// Deletes a run's proposals for these files, by folder and name.
    async fn withdraw_files(
        &self,
        collection: &str,
        run: Uuid,
        files: &[(String, String)],
    ) -> Result<()>;

    /// Marks a run's proposals to store these points as uncertain ([`KnownFile::again`]): the
    /// pictures are stored, but not as they were proposed.
    async fn doubt(&self, run: Uuid, points: &[PointId]) -> Result<()>;

    /// Returns the pictures of a run whose files are known with another content: the known file,
    /// and the proposed one.
    async fn contradicted(&self, run: Uuid) -> Result<Vec<(KnownFile, KnownFile)>>;

    /// Records files for which there is no place among the known ones, as proposed before this run.
    /// A later run finds them with [`ProposedFiles::superseded`] or [`ProposedFiles::left_over`].
    async fn keep_aside(&self, collection: &str, run: Uuid, files: &[KnownFile]) -> Result<()>;

    /// Returns the points whose content was in files that have another content after the run is
    /// confirmed. Other files may have it.
    async fn overwritten(&self, run: Uuid) -> Result<Vec<PointId>>;

    /// Returns the points whose content is in no file after the run is confirmed, since their files
    /// were overwritten.
    async fn replaced(&self, run: Uuid) -> Result<Vec<PointId>>;

    /// Records the remaining proposals of a run as known files. Those that are gone stay proposed
    /// until the run is discarded, so that their pictures are still marked after a crash.
    async fn confirm(&self, run: Uuid) -> Result<()>;

    /// Deletes the proposals of a run.
    async fn discard(&self, run: Uuid) -> Result<()>;

    /// Deletes the proposals of aborted runs: those that are older than this id (a UUID of version
    /// 7).
    async fn discard_older(&self, than: Uuid) -> Result<()>;
}
