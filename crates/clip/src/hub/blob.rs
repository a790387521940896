//! Downloads a file's content. A download is resumed, checked, and renamed when it is complete.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use clippy_common::files;
use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode, Url};

use super::announcement::{Announcement, text};
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

impl Hub {
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
        let cache = self.cache();
        let snapshot = cache.snapshot_of(repository, announced.commit());
        let pointer = snapshot.join(file);
        let blob = cache.blob(repository, announced);
        let size = announced.size();
        let there = pointer.clone();
        if on_disk(&pointer, move || Ok(is_whole(&there, size))).await? {
            progress(size.unwrap_or_default());
            return Ok(pointer);
        }
        let lock = lock::take(cache.lock(repository, announced)).await?;
        let part = blob.with_added_extension("incomplete");
        let (whole, begun) = (blob.clone(), part.clone());
        let is_there = on_disk(&blob, move || {
            let is_there = is_whole(&whole, size);
            if !is_there {
                make_room(&begun, size)?;
            }
            Ok(is_there)
        });
        if !is_there.await? {
            let wanted = Wanted {
                repository,
                file,
                announced,
                url: self.address(repository, announced.commit(), file)?,
                part,
            };
            self.download(&wanted, progress).await?;
            let (part, whole) = (wanted.part.clone(), blob.clone());
            let (announced, url) = (announced.clone(), wanted.url.clone());
            on_disk(&blob, move || complete(&part, &whole, &announced, &url)).await?;
        }
        progress(size.unwrap_or_default());
        let link = pointer.clone();
        on_disk(&pointer, move || Cache::link(&blob, &link)).await?;
        drop(lock);
        Ok(pointer)
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
        let mut file = fs::OpenOptions::new()
            .create(true)
            .write(true)
            .append(continues)
            .truncate(!continues)
            .open(part)
            .map_err(ClipError::writing(part))?;
        let rest = response.content_length();
        let whole = size.or_else(|| rest.map(|rest| there + rest));
        progress(there);
        let broken = |error| Setback::new(reason_of(error));
        while let Some(bytes) = response.chunk().await.map_err(broken)? {
            // A chunk is a few kilobytes for the page cache, so writing does not block for long.
            let written = file.write_all(&bytes);
            written.map_err(|error| write_failed(part, error))?;
            there += bytes.len() as u64;
            if whole.is_some_and(|whole| there > whole) {
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

/// Creates the folder of a part, and checks that the disk has room for the rest.
fn make_room(part: &Path, size: Option<u64>) -> Result<()> {
    let Some(folder) = part.parent() else {
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(ClipError::writing(folder))?;
    let needed = size.unwrap_or_default().saturating_sub(length(part));
    match fs4::available_space(folder) {
        Ok(free) if free < needed => Err(ClipError::Write {
            path: part.to_owned(),
            advice: full(&format!(
                "the disk has {} MB free, and the file needs {} MB",
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
fn complete(part: &Path, blob: &Path, announced: &Announcement, url: &Url) -> Result<()> {
    if let Some(reason) = announced.difference(part)? {
        return Err(wrong(url, part, &reason));
    }
    let io = ClipError::writing(part);
    fs::File::open(part)
        .and_then(|file| file.sync_all())
        .map_err(&io)?;
    files::rename(part, blob).map_err(io)
}

fn begins_at(response: &Response, offset: u64) -> bool {
    let range = text(response.headers(), CONTENT_RANGE.as_str());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

fn is_whole(path: &Path, size: Option<u64>) -> bool {
    fs::metadata(path)
        .is_ok_and(|there| there.is_file() && size.is_none_or(|size| there.len() == size))
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
