//! Downloads a file's content. A download is resumed, checked, and renamed when it is complete.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clippy_common::files;
use clippy_core::settings::without_credentials;
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode, Url};

use super::announcement::{Announcement, LARGEST, text};
use super::cache::Cache;
use super::client::{Hub, download, on_disk, reason_of};
use super::lock;
use super::patience::{Patience, Setback};
use super::repository::Repository;
use crate::error::{ClipError, Result};

/// Why an attempt ended before the file did.
enum Failure {
    /// A retry may succeed.
    Broken(Setback),
    /// A retry cannot succeed.
    Final(ClipError),
}

impl From<ClipError> for Failure {
    fn from(error: ClipError) -> Self {
        Self::Final(error)
    }
}

impl From<Setback> for Failure {
    fn from(setback: Setback) -> Self {
        Self::Broken(setback)
    }
}

/// A file that is on its way.
struct Wanted<'a> {
    repository: &'a Repository,
    file: &'a str,
    announced: &'a Announcement,
    url: Url,
    part: PathBuf,
}

/// What the cache has of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    /// The commit's file.
    File,
    /// The content, without the commit's file.
    Content,
    /// At most a part of the content.
    Part,
}

/// A file of a commit in the cache.
#[derive(Clone)]
struct Place {
    announced: Announcement,
    /// The commit's file.
    pointer: PathBuf,
    /// Its content.
    blob: PathBuf,
    /// What was downloaded of the content so far.
    part: PathBuf,
}

impl Place {
    fn of(cache: &Cache, repository: &Repository, file: &str, announced: &Announcement) -> Self {
        let blob = cache.blob(repository, announced);
        Self {
            announced: announced.clone(),
            pointer: cache.snapshot_of(repository, announced.commit()).join(file),
            part: blob.with_added_extension("incomplete"),
            blob,
        }
    }

    fn look(&self) -> There {
        if self.announced.is_whole(&self.pointer) {
            There::File
        } else if self.announced.is_whole(&self.blob) {
            There::Content
        } else {
            There::Part
        }
    }

    /// How many bytes are missing, as far as the size is known.
    fn missing(&self) -> u64 {
        // Without a size, looking would hash the whole file.
        let Some(size) = self.announced.size() else {
            return 0;
        };
        match self.look() {
            There::File | There::Content => 0,
            There::Part => size.saturating_sub(length(&self.part)),
        }
    }
}

impl Hub {
    /// Checks that the disk has room for what is missing of all these files together.
    ///
    /// # Errors
    /// [`ClipError::Write`] where it has not, or where the cache's folder cannot be made.
    pub(crate) async fn check_room(
        &self,
        repository: &Repository,
        files: &[(String, Announcement)],
    ) -> Result<()> {
        let places = files
            .iter()
            .map(|(file, announced)| Place::of(self.cache(), repository, file, announced));
        let places: Vec<_> = places.collect();
        let folder = self.cache().blobs(repository);
        let there = folder.clone();
        let check = move || {
            let missing = places.iter().map(Place::missing);
            match missing.fold(0, u64::saturating_add) {
                // A cache that has everything need not be writable.
                0 => Ok(()),
                missing => make_room(&there, missing),
            }
        };
        on_disk(&folder, check).await
    }

    /// Downloads a file of the announced commit, unless the cache has it, and returns its path.
    /// While another process downloads it, this one waits. `progress` is called with the number of
    /// bytes so far.
    ///
    /// # Errors
    /// [`ClipError::Download`] when the hub refuses, the connection keeps breaking, or the file is
    /// not the announced one; [`ClipError::Write`] when writing fails. A part that can be resumed
    /// is kept.
    pub(crate) async fn fetch(
        &self,
        repository: &Repository,
        file: &str,
        announced: &Announcement,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<PathBuf> {
        let size = announced.size().unwrap_or_default();
        let place = Place::of(self.cache(), repository, file, announced);
        let looked = place.clone();
        if on_disk(&place.pointer, move || Ok(looked.look())).await? == There::File {
            progress(size);
            return Ok(place.pointer);
        }
        let mut lock = lock::take(self.cache().lock(repository, announced), file).await?;
        // Another process may have downloaded it meanwhile. On a disk without links it left the
        // file, and no content.
        let looked = place.clone();
        let there = on_disk(&place.blob, move || {
            let there = looked.look();
            if there == There::Part {
                let folder = looked.blob.parent().unwrap_or(&looked.blob);
                make_room(folder, looked.missing())?;
            }
            Ok(there)
        });
        let there = there.await?;
        if there == There::File {
            progress(size);
            return Ok(place.pointer);
        }
        if there == There::Part {
            let url = self.address(repository, announced.commit(), file)?;
            if !announced.has_known_hash() {
                let shown = without_credentials(url.as_str());
                tracing::warn!(
                    "the hash that is announced for {shown} is neither SHA-256 nor git's, so only \
                     the size of the file is checked"
                );
            }
            let wanted = Wanted {
                repository,
                file,
                announced,
                url,
                part: place.part.clone(),
            };
            self.download(&wanted, progress).await?;
            let (done, url) = (place.clone(), wanted.url);
            lock = lock::hold(lock, &place.blob, move || complete(&done, &url)).await?;
        }
        progress(size);
        let linked = place.clone();
        let link = move || Cache::link(&linked.blob, &linked.pointer, there == There::Part);
        drop(lock::hold(lock, &place.pointer, link).await?);
        Ok(place.pointer)
    }

    /// Downloads the rest of a part, in as many attempts as that takes.
    async fn download(
        &self,
        wanted: &Wanted<'_>,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<()> {
        let mut patience = Patience::new();
        let mut best = 0;
        loop {
            let setback = match self.continue_part(wanted, progress).await {
                Ok(()) => return Ok(()),
                Err(Failure::Broken(setback)) => setback,
                Err(Failure::Final(error)) => return Err(error),
            };
            // A connection that breaks now and then is worth more attempts than a dead one.
            let there = length(&wanted.part);
            if there > best {
                best = there;
                patience = Patience::new();
            }
            self.wait(&mut patience, &setback, &wanted.url).await?;
        }
    }

    async fn continue_part(
        &self,
        wanted: &Wanted<'_>,
        progress: &mut (impl FnMut(u64) + Send),
    ) -> Result<(), Failure> {
        let (part, url) = (&wanted.part, &wanted.url);
        let size = wanted.announced.size();
        let mut there = length(part);
        if size.is_some_and(|size| there > size) {
            fs::remove_file(part).map_err(ClipError::writing(part))?;
            there = 0;
        }
        if size == Some(there) && part.is_file() {
            return Ok(());
        }
        let mut response = self.get(url, there).await?;
        self.check_status(wanted, &response)?;
        let continues =
            response.status() == StatusCode::PARTIAL_CONTENT && begins_at(&response, there);
        if !continues {
            // The server ignored the range and sends the whole file.
            there = 0;
        }
        let rest = response.content_length();
        let whole = match size {
            Some(size) => Some(size),
            None => rest
                .map(|rest| sum(there, rest))
                .transpose()
                .map_err(|reason| download(url, reason))?,
        };
        let mut file = fs::OpenOptions::new()
            .create(true)
            .write(true)
            .append(continues)
            .truncate(!continues)
            .open(part)
            .map_err(ClipError::writing(part))?;
        progress(there);
        let broken = |error| Setback::new(reason_of(error));
        while let Some(bytes) = response.chunk().await.map_err(broken)? {
            // A chunk is a few kilobytes for the page cache, so writing does not block for long.
            let written = file.write_all(&bytes);
            written.map_err(|error| write_failed(part, error))?;
            there = there.saturating_add(bytes.len() as u64);
            if there > whole.unwrap_or(LARGEST) {
                let reason = "it is larger than announced";
                return Err(wrong(url, part, reason).into());
            }
            progress(there);
        }
        if whole.is_some_and(|whole| there < whole) {
            return Err(Setback::new("it ended early").into());
        }
        Ok(())
    }

    fn check_status(&self, wanted: &Wanted<'_>, response: &Response) -> Result<(), Failure> {
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let url = &wanted.url;
        if status == StatusCode::RANGE_NOT_SATISFIABLE {
            return Err(wrong(url, &wanted.part, "its part cannot be continued").into());
        }
        if self.is_own(response.url()) {
            return Err(self
                .refused(wanted.repository, wanted.file, url, response)
                .into());
        }
        let host = response.url().host_str().unwrap_or_default();
        let reason = format!("{host}, where the hub keeps it, answered {status}");
        if status == StatusCode::FORBIDDEN {
            // The address that the hub signed is valid for some minutes only.
            return Err(Setback::new(reason).into());
        }
        Err(download(url, reason).into())
    }
}

/// Returns the size of a file of which a part is there and a rest comes.
fn sum(there: u64, rest: u64) -> Result<u64, String> {
    let whole = there.checked_add(rest).filter(|whole| *whole <= LARGEST);
    whole.ok_or_else(|| {
        format!(
            "the answer announces {rest} further bytes, more than any model has. Check \
             HF_ENDPOINT, or name another mirror there"
        )
    })
}

/// Creates the folder of downloads, and checks that the disk has room for so many bytes.
fn make_room(folder: &Path, needed: u64) -> Result<()> {
    fs::create_dir_all(folder).map_err(ClipError::writing(folder))?;
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(ClipError::Write {
            path: folder.to_owned(),
            advice: full(&format!(
                "the disk has {} MB free, and {} MB are still to be downloaded",
                free >> 20,
                needed.div_ceil(1 << 20)
            )),
            source: ErrorKind::StorageFull.into(),
        }),
        // Where the room is unknown, writing tells.
        _ => Ok(()),
    }
}

/// Checks a part that has all its bytes, and gives it its name.
fn complete(place: &Place, url: &Url) -> Result<()> {
    let part = &place.part;
    if let Some(reason) = place.announced.difference(part)? {
        return Err(wrong(url, part, &reason));
    }
    let io = ClipError::writing(part);
    // Windows syncs only files that are open for writing.
    let file = fs::OpenOptions::new().write(true).open(part);
    file.and_then(|file| file.sync_all()).map_err(&io)?;
    files::rename(part, &place.blob).map_err(io)
}

fn begins_at(response: &Response, offset: u64) -> bool {
    let range = text(response.headers(), CONTENT_RANGE.as_str());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Returns the error for a wrong file, which is removed: resuming it could never succeed.
fn wrong(url: &Url, part: &Path, reason: &str) -> ClipError {
    // Best effort: if the part stays, its hash is found to be wrong again.
    let _ = fs::remove_file(part);
    let reason = format!("{reason}. Nothing was kept; run the command again");
    download(url, reason)
}

fn write_failed(part: &Path, error: std::io::Error) -> ClipError {
    if error.kind() == ErrorKind::StorageFull {
        return ClipError::Write {
            path: part.to_owned(),
            advice: full("the disk is full"),
            source: error,
        };
    }
    ClipError::writing(part)(error)
}

fn full(what: &str) -> String {
    format!(
        "{what}. Make room there, or set HF_HOME to a folder on another disk; then run the \
         command again: it continues from here"
    )
}
