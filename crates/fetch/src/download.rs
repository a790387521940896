//! One picture: kept if it is whole, fetched if not, and written atomically.

use std::fs;
use std::path::{Path, PathBuf};

use clippy_common::files;
use md5::{Digest, Md5};
use reqwest::Url;

use crate::error::FetchError;
use crate::page::Post;
use crate::site::{Site, SiteFailure};

/// A picture to have.
pub struct Wanted {
    pub post: Post,
    pub url: Url,
    /// Its tags of the tags file.
    pub matched: Vec<String>,
    /// Where it belongs, relative to the output folder; at least one place.
    pub places: Vec<String>,
}

/// A picture that is whole on the disk.
pub struct Whole {
    pub wanted: Wanted,
    pub md5: String,
    pub fetched: bool,
}

pub enum Failed {
    Picture { id: u64, failure: SiteFailure },
    File(FetchError),
}

/// Makes sure that the picture is in all of its places.
pub async fn ensure(site: &Site, out: &Path, wanted: Wanted) -> Result<Whole, Failed> {
    let paths: Vec<PathBuf> = wanted.places.iter().map(|place| out.join(place)).collect();
    let post = wanted.post.clone();
    let existing = blocking({
        let paths = paths.clone();
        move || Ok(paths.iter().find_map(|path| whole(path, &post)))
    })
    .await?;
    let fetched = existing.is_none();
    let content = match existing {
        Some(content) => content,
        None => site
            .picture(&wanted.url, |content| check(content, &wanted.post))
            .await
            .map_err(|failure| Failed::Picture {
                id: wanted.post.id,
                failure,
            })?,
    };
    let post = wanted.post.clone();
    let md5 = blocking(move || {
        for path in &paths {
            if whole(path, &post).is_none() {
                files::replace(path, &content).map_err(|error| FetchError::file(path, &error))?;
            }
        }
        Ok(hex::encode(Md5::digest(&content)))
    })
    .await?;
    Ok(Whole {
        wanted,
        md5,
        fetched,
    })
}

/// Reads a file if it is what the site describes. Files are written atomically, so one without a
/// description is whole as well.
fn whole(path: &Path, post: &Post) -> Option<Vec<u8>> {
    let content = fs::read(path).ok()?;
    check(&content, post).is_ok().then_some(content)
}

/// Compares bytes with what the site says of them.
fn check(content: &[u8], post: &Post) -> Result<(), String> {
    if content.is_empty() {
        return Err("the file is empty".to_owned());
    }
    if let Some(size) = post.size
        && size != content.len() as u64
    {
        return Err(format!(
            "the file has {} bytes instead of {size}",
            content.len()
        ));
    }
    match &post.md5 {
        Some(md5) if hex::encode(Md5::digest(content)) != *md5 => {
            Err("the file's md5 is not that of the post".to_owned())
        }
        // Without a description, a page for people would pass as a picture.
        None if content.trim_ascii_start().starts_with(b"<") => {
            Err("the site sent a page instead of the file".to_owned())
        }
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, Failed> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(FetchError::File(error.to_string())))
        .map_err(Failed::File)
}
