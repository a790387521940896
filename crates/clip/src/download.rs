//! Downloads published weights. A download is resumed, checked, and renamed when it is complete.
//!
//! Hugging Face answers a request for a large file with a redirect, and that answer says what the
//! file is: `X-Linked-Etag` holds its SHA-256 and `X-Linked-Size` its size. A part of a file is
//! kept under a name with that hash, so a part is only ever continued with the rest of the same
//! file.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use backon::{BackoffBuilder, ExponentialBuilder};
use clippy_common::files;
use clippy_core::blocking;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, RANGE};
use reqwest::{Client, Response, StatusCode, redirect};
use sha2::{Digest, Sha256};

use crate::error::{ClipError, Result};
use crate::pretrained::{Pretrained, WEIGHTS_FILE};
use crate::tokenizer;

/// The default address of [`pull`].
pub const DEFAULT_BASE_URL: &str = "https://huggingface.co";

/// How often a download is tried before it fails.
const ATTEMPTS: usize = 5;
/// After this much silence a connection counts as broken.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// What the server announces about a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Announcement {
    size: Option<u64>,
    sha256: Option<String>,
}

/// Downloads the weights of a published model to
/// `<models>/<architecture>/<tag>/open_clip_model.safetensors`, and returns that path. The files of
/// a tokenizer that is not built in come first, beside it. A file of the announced size that exists
/// already is not downloaded again.
///
/// `base_url` is [`DEFAULT_BASE_URL`] or a mirror of it. `progress` is called with the number of
/// bytes of the weights so far and, if the server announces it, the total.
///
/// # Errors
/// [`ClipError::Download`] when the server refuses, the connection keeps breaking, or the file is
/// not the announced one; [`ClipError::Io`] when writing fails. A partial file that can be resumed
/// is kept.
pub async fn pull(
    entry: &Pretrained,
    models: &Path,
    base_url: &str,
    mut progress: impl FnMut(u64, Option<u64>) + Send,
) -> Result<PathBuf> {
    let folder = models.join(&entry.model).join(&entry.tag);
    fs::create_dir_all(&folder).map_err(io_at(&folder))?;
    let files = format!(
        "{}/{}/resolve/main",
        base_url.trim_end_matches('/'),
        entry.repository
    );
    if entry.config()?.text.siglip.is_some() {
        for name in tokenizer::FILES {
            pull_file(&files, name, &folder, &mut |_, _| ()).await?;
        }
    }
    pull_file(&files, WEIGHTS_FILE, &folder, &mut progress).await
}

/// Downloads one file of a repository into a folder, and returns its path.
async fn pull_file(
    files: &str,
    name: &str,
    folder: &Path,
    progress: &mut (impl FnMut(u64, Option<u64>) + Send),
) -> Result<PathBuf> {
    let url = format!("{files}/{name}");
    let target = folder.join(name);

    let announced = fetch_announcement(&url).await?;
    if let (Ok(there), Some(size)) = (fs::metadata(&target), announced.size)
        && there.len() == size
    {
        progress(size, Some(size));
        return Ok(target);
    }
    // Without a hash a part may belong to another file, so it is not resumed.
    let part_name = announced
        .sha256
        .as_deref()
        .map_or("unknown", |hash| &hash[..16]);
    let part = folder.join(format!("{name}.{part_name}.part"));
    if announced.sha256.is_none() && part.exists() {
        fs::remove_file(&part).map_err(io_at(&part))?;
    }
    let client = clippy_http::client()
        .read_timeout(SILENCE)
        .build()
        .map_err(|error| broken(&url, &error))?;
    let mut pauses = pauses();
    loop {
        match continue_part(&client, &url, &part, &announced, progress).await {
            Ok(()) => break,
            Err(Failure::Broken(reason)) => {
                let Some(pause) = pauses.next() else {
                    let reason = format!(
                        "the connection broke {ATTEMPTS} times ({reason}); run the command again \
                         to continue"
                    );
                    return Err(ClipError::Download { url, reason });
                };
                let url = clippy_core::settings::without_credentials(&url);
                tracing::warn!(url, reason, "the download broke off and is resumed");
                tokio::time::sleep(pause).await;
            }
            Err(Failure::Final(error)) => return Err(error),
        }
    }
    let (checked, wanted, checked_url) = (part.clone(), announced.sha256.clone(), url.clone());
    blocking("checking a download", move || {
        Ok(check(&checked, wanted.as_deref(), &checked_url))
    })
    .await
    .map_err(|error| ClipError::Download {
        url,
        reason: error.message,
    })??;
    files::rename(&part, &target).map_err(io_at(&target))?;
    Ok(target)
}

/// Returns the pauses before a broken download is resumed: each is twice as long as the one before.
fn pauses() -> impl Iterator<Item = std::time::Duration> {
    ExponentialBuilder::new()
        .with_min_delay(std::time::Duration::from_millis(500))
        .with_max_times(ATTEMPTS - 1)
        .build()
}

/// Why an attempt ended before the file did.
enum Failure {
    /// A retry may succeed.
    Broken(String),
    /// A retry cannot succeed.
    Final(ClipError),
}

impl From<ClipError> for Failure {
    fn from(error: ClipError) -> Self {
        Self::Final(error)
    }
}

/// Asks the server for a file's size and hash. They are in the redirect, which is not followed.
async fn fetch_announcement(url: &str) -> Result<Announcement> {
    let client = clippy_http::client()
        .redirect(redirect::Policy::none())
        .timeout(SILENCE)
        .build()
        .map_err(|error| broken(url, &error))?;
    // A compressed answer would have another size.
    let response = client
        .head(url)
        .header(ACCEPT_ENCODING, "identity")
        .send()
        .await
        .map_err(|error| broken(url, &error))?;
    if !response.status().is_success() && !response.status().is_redirection() {
        return Err(refused(url, response.status()));
    }
    let headers = response.headers();
    let sha256 = text(headers, "x-linked-etag")
        .or_else(|| text(headers, ETAG.as_str()))
        .map(|tag| {
            tag.trim_start_matches("W/")
                .trim_matches('"')
                .to_lowercase()
        })
        .filter(|tag| tag.len() == 64 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let own_size = || {
        response
            .status()
            .is_success()
            .then(|| text(headers, CONTENT_LENGTH.as_str()))
            .flatten()
    };
    let size = text(headers, "x-linked-size")
        .or_else(own_size)
        .and_then(|size| size.parse().ok());
    Ok(Announcement { size, sha256 })
}

/// Downloads the missing rest of a part.
async fn continue_part(
    client: &Client,
    url: &str,
    part: &Path,
    announced: &Announcement,
    progress: &mut (impl FnMut(u64, Option<u64>) + Send),
) -> Result<(), Failure> {
    let mut there = fs::metadata(part).map_or(0, |metadata| metadata.len());
    if announced.size.is_some_and(|size| there > size) {
        fs::remove_file(part).map_err(io_at(part))?;
        there = 0;
    }
    if announced.size == Some(there) {
        return Ok(());
    }
    let mut request = client.get(url).header(ACCEPT_ENCODING, "identity");
    if there > 0 {
        request = request.header(RANGE, format!("bytes={there}-"));
    }
    let mut response = request
        .send()
        .await
        .map_err(|error| Failure::Broken(error.to_string()))?;
    let status = response.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Failure::Broken(format!("the server answered {status}")));
    }
    if !status.is_success() {
        return Err(refused(url, status).into());
    }
    let continues = status == StatusCode::PARTIAL_CONTENT && begins_at(&response, there);
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
        .map_err(io_at(part))?;
    let whole = announced
        .size
        .or_else(|| response.content_length().map(|rest| there + rest));
    progress(there, whole);
    while let Some(bytes) = response
        .chunk()
        .await
        .map_err(|error| Failure::Broken(error.to_string()))?
    {
        // A chunk is a few kilobytes for the page cache, so writing does not block for long.
        file.write_all(&bytes).map_err(io_at(part))?;
        there += bytes.len() as u64;
        if whole.is_some_and(|whole| there > whole) {
            return Err(Failure::Final(wrong(
                url,
                part,
                "it is larger than announced",
            )));
        }
        progress(there, whole);
    }
    if whole.is_some_and(|whole| there < whole) {
        return Err(Failure::Broken("it ended early".to_owned()));
    }
    Ok(())
}

fn begins_at(response: &Response, offset: u64) -> bool {
    let range = text(response.headers(), CONTENT_RANGE.as_str());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}

/// Compares the file with its hash, and syncs it.
fn check(part: &Path, sha256: Option<&str>, url: &str) -> Result<()> {
    let mut file = fs::File::open(part).map_err(io_at(part))?;
    if let Some(wanted) = sha256 {
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer).map_err(io_at(part))?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
        }
        let found = hex::encode(hash.finalize());
        if found != wanted {
            return Err(wrong(
                url,
                part,
                &format!("its SHA-256 is {found}, {wanted} was announced"),
            ));
        }
    }
    file.sync_all().map_err(io_at(part))
}

/// Returns the error for a wrong file, which is removed: resuming it could never succeed.
fn wrong(url: &str, part: &Path, reason: &str) -> ClipError {
    // Best effort: if the part stays, its hash is found to be wrong again.
    let _ = fs::remove_file(part);
    ClipError::Download {
        url: url.to_owned(),
        reason: format!("{reason}. Nothing was kept; run the command again"),
    }
}

fn refused(url: &str, status: StatusCode) -> ClipError {
    ClipError::Download {
        url: url.to_owned(),
        reason: format!("the server answered {status}"),
    }
}

fn broken(url: &str, error: &reqwest::Error) -> ClipError {
    let reason = format!("{error}; check the network, or name a mirror");
    ClipError::Download {
        url: url.to_owned(),
        reason,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn io_at(path: &Path) -> impl Fn(std::io::Error) -> ClipError + '_ {
    move |source| ClipError::Io {
        path: path.to_owned(),
        source,
    }
}
