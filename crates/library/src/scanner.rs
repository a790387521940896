//! A running scan: its request, and the parts that it uses.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::Result;
use clippy_core::bulk::ScanPart;
use clippy_core::gallery::{GalleryReader, With};
use clippy_core::ids::PointId;
use clippy_core::known::{KnownFile, KnownFiles, NameRange};
use uuid::Uuid;

use crate::target::Target;
use crate::walk::Slice;

/// What to scan.
#[derive(Debug, Clone, Default)]
pub struct ScanRequest {
    /// The run that proposals belong to: a UUID of version 7.
    pub run: Uuid,
    /// The folders and files to scan.
    pub targets: Vec<Target>,
    /// Further folders that pictures are served from.
    pub served: Vec<PathBuf>,
    /// Whether folder names become tags and styles.
    pub tags_from_folders: bool,
    /// Whether nothing is recorded.
    pub dry_run: bool,
    /// The parts of the targets to scan; empty scans everything.
    pub only: Vec<ScanPart>,
    /// Files that were written to within this time may be incomplete, and are left for later.
    pub settled_for: Duration,
}

/// A running scan.
pub(crate) struct Scanner {
    pub(crate) library: ScanTools,
    pub(crate) request: ScanRequest,
}

/// The library, and the collection that it fills.
pub(crate) struct ScanTools {
    pub(crate) known: Arc<dyn KnownFiles>,
    pub(crate) collection: String,
    pub(crate) gallery: Arc<dyn GalleryReader>,
}

impl Scanner {
    /// Returns the parts of a target to scan; empty means all of it. Parts elsewhere mean that
    /// links were resolved differently, so all of it is scanned.
    pub(crate) fn parts_of(&self, target: &Target) -> &[ScanPart] {
        let parts = &self.request.only;
        let are_inside = parts
            .iter()
            .all(|part| part.folder.starts_with(&target.path));
        if are_inside { parts } else { &[] }
    }

    /// Returns the folder that the pictures of this folder are served from, as far as this scan knows
    /// it: the outermost one, as that of a target.
    pub(crate) fn root_of(&self, folder: &str) -> Option<&Path> {
        let targets = self.request.targets.iter().map(|target| &target.root);
        self.request
            .served
            .iter()
            .chain(targets)
            .map(PathBuf::as_path)
            .filter(|root| Path::new(folder).starts_with(root))
            .min_by_key(|root| root.components().count())
    }

    pub(crate) async fn known_in(&self, slice: &Slice) -> Result<Vec<KnownFile>> {
        self.known_in_range(&slice.folder, &slice.names).await
    }

    pub(crate) async fn known_in_range(
        &self,
        folder: &str,
        names: &NameRange,
    ) -> Result<Vec<KnownFile>> {
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known.in_folder(collection, folder, names).await
    }

    pub(crate) async fn folders_below(&self, path: &Path) -> Result<Vec<String>> {
        let ScanTools {
            known, collection, ..
        } = &self.library;
        match path.to_str() {
            Some(path) => known.folders(collection, path).await,
            None => Ok(Vec::new()),
        }
    }

    pub(crate) async fn holders(&self, points: &[PointId]) -> Result<Vec<KnownFile>> {
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known.holders(collection, points).await
    }

    /// Returns those of these points that this scan found in some file: with a line, or as a copy.
    pub(crate) async fn proposed(&self, points: &[PointId]) -> Result<HashSet<PointId>> {
        self.library.known.proposed(self.request.run, points).await
    }

    /// Returns what other runs proposed below a folder, of files that are not known.
    pub(crate) async fn left_over(&self, root: &str) -> Result<Vec<KnownFile>> {
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known.left_over(collection, self.request.run, root).await
    }

    /// Returns what earlier runs proposed for files that are known with another content now. A dry
    /// run leaves them alone.
    pub(crate) async fn superseded(&self) -> Result<Vec<KnownFile>> {
        if self.request.dry_run {
            return Ok(Vec::new());
        }
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known.superseded(collection, self.request.run).await
    }

    /// Deletes these proposals of earlier runs.
    pub(crate) async fn drop_earlier(&self, proposed: &[KnownFile]) -> Result<()> {
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known
            .drop_earlier(collection, self.request.run, proposed)
            .await
    }

    pub(crate) async fn remember(&self, files: &[KnownFile]) -> Result<()> {
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known.remember(collection, files).await
    }

    pub(crate) async fn forget(&self, files: &[(String, String)]) -> Result<()> {
        if self.request.dry_run {
            return Ok(());
        }
        let ScanTools {
            known, collection, ..
        } = &self.library;
        known.forget(collection, files).await
    }

    /// Returns those of these points that are in the collection.
    pub(crate) async fn find_stored(
        &self,
        points: impl Iterator<Item = PointId>,
    ) -> Result<HashSet<PointId>> {
        let points: Vec<PointId> = points.collect::<HashSet<_>>().into_iter().collect();
        if points.is_empty() {
            return Ok(HashSet::new());
        }
        let found = self
            .library
            .gallery
            .retrieve(&points, With::NOTHING)
            .await?;
        Ok(found.into_iter().map(|point| point.id).collect())
    }
}
