//! Known files that are no longer in their place: moved, replaced by a copy, or missing.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use clippy_core::bulk::ScanPart;
use clippy_core::ids::PointId;
use clippy_core::known::{KnownContent, KnownFile, NameRange};
use clippy_core::{Result, blocking};

use crate::batch::{Overwritten, Worked, is_there, path_text, read_again};
use crate::presence::{Evidence, Identity, Places};
use crate::scanner::Scanner;
use crate::target::Target;
use crate::walk::lists;

/// The results of a walk over a target.
#[derive(Default)]
pub(crate) struct WalkResult {
    /// Known files of the scanned folders that no longer exist.
    pub(crate) vanished: Vec<KnownFile>,
    /// Files that have another content now.
    pub(crate) overwritten: Vec<Overwritten>,
    /// Folders that were scanned.
    pub(crate) visited: HashSet<String>,
    /// Folders that could not be read, such as a drive that is not mounted.
    pub(crate) closed: Vec<PathBuf>,
    /// Known files that are in their places.
    pub(crate) known_there: u64,
    /// Files whose pictures aborted runs stored. They may be outside of the scanned parts.
    pub(crate) adopted: Vec<KnownFile>,
    /// The identity of the target before the walk.
    before: Option<Identity>,
}

/// What a scan found below all of its targets.
#[derive(Default)]
pub(crate) struct AllFound {
    /// The points that a dry run found, since it proposes nothing.
    would_propose: HashSet<PointId>,
    /// Files that are proposed although they have no line, by their pictures.
    copies: HashMap<PointId, Vec<KnownFile>>,
    /// What earlier runs proposed for files that have another content now.
    superseded: Vec<KnownFile>,
}

impl AllFound {
    /// Reads what earlier runs proposed, after all walks.
    pub(crate) async fn read_superseded(&mut self, scanner: &Scanner) -> Result<()> {
        self.superseded = scanner.superseded().await?;
        Ok(())
    }

    /// Notes what was found in some files.
    pub(crate) fn note(&mut self, worked: &Worked, dry_run: bool) {
        if dry_run {
            let proposed = worked.proposed.iter().filter_map(KnownFile::point);
            self.would_propose.extend(proposed);
        }
        for copy in &worked.copies {
            if let Some(point) = copy.point() {
                self.copies.entry(point).or_default().push(copy.clone());
            }
        }
    }

    /// Returns those of these points that have a line.
    async fn with_line(&self, scanner: &Scanner, points: &[PointId]) -> Result<HashSet<PointId>> {
        let mut with_line = scanner.proposed(points).await?;
        // One of these may have a line, too. A second one does no harm.
        with_line.retain(|point| !self.copies.contains_key(point));
        with_line.extend(
            points
                .iter()
                .filter(|point| self.would_propose.contains(point)),
        );
        Ok(with_line)
    }

    /// Returns what aborted runs stored from files below a target that have another content now.
    /// Their pictures may still have the paths of those files.
    async fn superseded_below(&self, scanner: &Scanner, target: &Target) -> Result<Vec<KnownFile>> {
        let mut below = Vec::new();
        for file in &self.superseded {
            if Path::new(&file.folder).starts_with(&target.path) && !is_there(file).await? {
                below.push(file.clone());
            }
        }
        let points = below.iter().filter_map(KnownFile::point);
        let stored = scanner.find_stored(points).await?;
        below.retain(|file| file.point().is_some_and(|point| stored.contains(&point)));
        Ok(below)
    }
}

impl WalkResult {
    /// Begins a walk over a target.
    pub(crate) async fn begin(target: &Target) -> Result<Self> {
        let path = target.path.clone();
        let before = blocking("examining a folder", move || Ok(Identity::of(&path))).await?;
        Ok(Self {
            before,
            ..Self::default()
        })
    }

    /// Handles the files that vanished below one target. `found` is what the scan found below all
    /// targets.
    pub(crate) async fn settle(
        mut self,
        scanner: &Scanner,
        target: &Target,
        places: &Places,
        found: &AllFound,
    ) -> Result<Worked> {
        let mut sum = Worked::default();
        let gone = self.gone(scanner, target, places).await?;
        if self.is_away(scanner, target, places, gone.len()).await? {
            let path = target.path.display().to_string();
            sum.summary.remark(format!(
                "none of the known pictures in {path} is there: its drive seems to be away, so \
                 they do not count as missing"
            ));
            sum.summary.away.push(path);
            return Ok(sum);
        }
        let superseded = found.superseded_below(scanner, target).await?;
        let overwritten = self.overwritten.iter().map(|file| &file.before);
        let points: Vec<PointId> = gone
            .iter()
            .chain(overwritten)
            .chain(&superseded)
            .filter_map(KnownFile::point)
            .collect();
        let stored = scanner.find_stored(points.iter().copied()).await?;
        let mut moving = Moving {
            scanner,
            target,
            found,
            with_line: found.with_line(scanner, &points).await?,
            without: HashSet::new(),
            holders: HashMap::new(),
            sum,
        };
        let mut forgotten = Vec::new();
        for file in gone {
            let KnownContent::Picture(point) = file.content else {
                forgotten.push((file.folder, file.name));
                continue;
            };
            // The record of a moved file goes when the run is confirmed: if its new place is lost
            // before that, the picture must not be forgotten.
            if moving.has_line(point, &file).await? {
                moving.sum.summary.moved += 1;
            } else if !stored.contains(&point) {
                // Somebody deleted it. The record stays, so that it is marked once it is restored.
                continue;
            } else {
                let path = path_text(&file.folder, &file.name);
                moving.sum.summary.missing(path);
            }
            moving.sum.gone.push(file);
        }
        for Overwritten { before, no_picture } in self.overwritten {
            let KnownContent::Picture(point) = before.content else {
                continue;
            };
            if moving.has_line(point, &before).await? {
                moving.forget_picture(point, no_picture);
            } else if no_picture.is_some() && stored.contains(&point) {
                let path = path_text(&before.folder, &before.name);
                moving.sum.summary.missing(path);
                moving.sum.gone.push(before);
            }
        }
        for file in superseded {
            if let KnownContent::Picture(point) = file.content {
                moving.has_line(point, &file).await?;
            }
        }
        scanner.forget(&forgotten).await?;
        Ok(moving.sum)
    }

    /// Returns the known files of the scanned folders that are not in their places.
    async fn gone(
        &mut self,
        scanner: &Scanner,
        target: &Target,
        places: &Places,
    ) -> Result<Vec<KnownFile>> {
        let mut vanished = std::mem::take(&mut self.vanished);
        let (below, path) = (places.clone(), target.path.clone());
        let away = blocking("examining folders", move || Ok(below.away_below(&path))).await?;
        self.closed.extend(away);
        let parts = scanner.parts_of(target);
        for folder in scanner.folders_below(&target.path).await? {
            if !self.visited.contains(&folder) && is_part(parts, Path::new(&folder)) {
                let range = NameRange::default();
                vanished.extend(scanner.known_in_range(&folder, &range).await?);
            }
        }
        let listed: HashSet<(String, String)> = vanished
            .iter()
            .map(|file| (file.folder.clone(), file.name.clone()))
            .collect();
        vanished.extend(
            std::mem::take(&mut self.adopted)
                .into_iter()
                .filter(|file| !listed.contains(&(file.folder.clone(), file.name.clone()))),
        );
        vanished.retain(|file| {
            let is_closed = self
                .closed
                .iter()
                .any(|closed| Path::new(&file.folder).starts_with(closed));
            // A file that `.clippyignore` now excludes is not missing.
            let is_gone = || {
                let path = path_text(&file.folder, &file.name);
                !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
            };
            !is_closed && is_gone()
        });
        Ok(vanished)
    }

    /// Whether the drive of a target seems to be away. If it is there, its identity is recorded.
    async fn is_away(
        &self,
        scanner: &Scanner,
        target: &Target,
        places: &Places,
        gone: usize,
    ) -> Result<bool> {
        let path = target.path.clone();
        let (is_folder, now) = blocking("examining a folder", move || {
            Ok((!path.is_file(), Identity::of(&path)))
        })
        .await?;
        if !is_folder {
            return Ok(false);
        }
        let recorded = places.of(&target.path);
        let evidence = Evidence {
            recorded,
            before: self.before,
            now,
            known_there: self.known_there,
            gone: gone as u64,
        };
        if evidence.is_away() {
            return Ok(true);
        }
        if let Some(identity) = now.filter(|_| now != recorded && !scanner.request.dry_run) {
            let (places, path) = (places.clone(), target.path.clone());
            blocking("writing a file", move || places.record(&path, identity)).await?;
        }
        Ok(false)
    }
}

/// Whether the known files of a folder that was not visited belong to the parts of a scan. A folder
/// that is gone belongs to the part that it was in.
fn is_part(parts: &[ScanPart], folder: &Path) -> bool {
    lists(parts, folder)
        || (parts.iter().any(|part| folder.starts_with(&part.folder)) && !folder.exists())
}

/// Finds other places of pictures whose files are gone or have another content.
struct Moving<'s> {
    scanner: &'s Scanner,
    target: &'s Target,
    found: &'s AllFound,
    /// The pictures that have a line.
    with_line: HashSet<PointId>,
    /// The pictures that no file has.
    without: HashSet<PointId>,
    /// The known files that got the lines of pictures.
    holders: HashMap<PointId, KnownFile>,
    sum: Worked,
}

impl Moving<'_> {
    /// Returns whether the picture of this file has a line in this scan. If it has none, another
    /// file that has its content gets one.
    async fn has_line(&mut self, point: PointId, file: &KnownFile) -> Result<bool> {
        if self.with_line.contains(&point) {
            return Ok(true);
        }
        if self.without.contains(&point) {
            return Ok(false);
        }
        let holders = self.scanner.holders(&[point]).await?;
        let copies = self.found.copies.get(&point).cloned().unwrap_or_default();
        let recorded = holders.len();
        for (index, other) in holders.into_iter().chain(copies).enumerate() {
            let is_itself = other.folder == file.folder && other.name == file.name;
            if is_itself || !is_there(&other).await? {
                continue;
            }
            let worked = from_copy(self.scanner, self.target, other.clone()).await?;
            // It may have been written to since.
            if worked
                .proposed
                .iter()
                .any(|file| file.point() == Some(point))
            {
                self.add(worked);
                self.with_line.insert(point);
                if index < recorded {
                    self.holders.insert(point, other);
                }
                return Ok(true);
            }
        }
        self.without.insert(point);
        Ok(false)
    }

    /// Records that the file of a picture that has a line is no picture any more. If the run is
    /// killed, nothing shows that the picture needs a line. So the file that got it is described
    /// again then; a copy in the place of another picture cannot be recorded yet.
    fn forget_picture(&mut self, point: PointId, no_picture: Option<KnownFile>) {
        let Some(no_picture) = no_picture else { return };
        match self.holders.get(&point) {
            Some(holder) => {
                let again = holder.clone().again();
                self.sum.known.extend([no_picture, again]);
            }
            None if !self.found.copies.contains_key(&point) => self.sum.known.push(no_picture),
            None => {}
        }
    }

    fn add(&mut self, worked: Worked) {
        self.sum.lines.extend(worked.lines);
        self.sum.proposed.extend(worked.proposed);
        self.sum.summary.merge(crate::summary::Summary {
            // It was already counted as unchanged.
            new: 0,
            described_anew: 0,
            ..worked.summary
        });
    }
}

/// Makes the line of a copy that replaces a file that is gone.
async fn from_copy(scanner: &Scanner, target: &Target, copy: KnownFile) -> Result<Worked> {
    let root = scanner
        .root_of(&copy.folder)
        .unwrap_or(&target.root)
        .to_owned();
    read_again(scanner, &root, copy).await
}
