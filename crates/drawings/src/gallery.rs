//! The gallery as files: every subject in every style, and the manifest that Clippy ingests.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use md5::{Digest as _, Md5};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::canvas::PICTURE_SIDE;
use crate::error::Error;
use crate::files;
use crate::seed::named;
use crate::style::{Style, render};
use crate::subject::Subject;
use crate::subjects::subjects;

/// The file in the gallery's folder with the fingerprint of the sources that drew it.
const DRAWN_BY: &str = ".drawn-by";
/// Computed by `build.rs`.
const FINGERPRINT: &str = env!("DRAWINGS_FINGERPRINT");
const MANIFEST: &str = "manifest.jsonl";

/// The result of [`write_gallery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GallerySummary {
    /// Pictures in the gallery.
    pub pictures: usize,
    /// Pictures that were missing before, or differed.
    pub written: usize,
    /// Pictures that were there already.
    pub unchanged: usize,
    /// The manifest, one line for each picture; its paths are relative to its folder.
    pub manifest: PathBuf,
}

/// A line of the manifest.
#[derive(Debug, Serialize)]
struct Line {
    id: u64,
    local_path: String,
    tags_all: Vec<&'static str>,
    matched_tags: [&'static str; 1],
    rating: &'static str,
    score: u32,
    width: u32,
    height: u32,
    md5: String,
    style: &'static str,
    subject: &'static str,
    source_site: &'static str,
    source_post_url: Option<&'static str>,
    license: &'static str,
}

/// Returns how many pictures the gallery has.
#[must_use]
pub fn gallery_size() -> usize {
    subjects().len() * Style::ALL.len()
}

/// Draws the gallery into the folder: `<style>/<subject>.png` and `manifest.jsonl`.
///
/// It may be called again at any time: correct files are not touched, and each file is replaced as
/// a whole. A picture with the digest in the manifest is not drawn again, if the same sources wrote
/// that manifest. The manifest is written last, so it never names a picture that does not exist.
/// Other files in the folder are not touched.
///
/// # Errors
/// [`Error::File`] when the folder cannot be written.
pub fn write_gallery(folder: &Path) -> Result<GallerySummary, Error> {
    write_gallery_watched(folder, |_, _| true)
}

/// Like [`write_gallery`]. `drawn` is called after each picture with the number of pictures that
/// exist and the total, from several threads; when it returns false, drawing stops soon.
///
/// # Errors
/// Like [`write_gallery`], and [`Error::Stopped`].
pub fn write_gallery_watched(
    folder: &Path,
    drawn: impl Fn(usize, usize) -> bool + Sync,
) -> Result<GallerySummary, Error> {
    for style in Style::ALL {
        files::folder(&folder.join(style.tag()))?;
    }
    let digests = read_digests(folder)?;
    let pairs: Vec<(&Subject, Style)> = subjects()
        .iter()
        .flat_map(|subject| Style::ALL.map(|style| (subject, style)))
        .collect();
    let done = AtomicUsize::new(0);
    let watched = |(subject, style): &(&Subject, Style)| {
        if !drawn(done.load(Ordering::Relaxed), pairs.len()) {
            return Err(Error::Stopped);
        }
        let picture = write_picture(folder, subject, *style, &digests)?;
        drawn(done.fetch_add(1, Ordering::Relaxed) + 1, pairs.len());
        Ok(picture)
    };
    let drawn: Vec<(Line, bool)> = pairs.par_iter().map(watched).collect::<Result<_, _>>()?;

    let mut text = String::new();
    for (line, _) in &drawn {
        text.push_str(
            &serde_json::to_string(line).map_err(|error| Error::Picture(error.to_string()))?,
        );
        text.push('\n');
    }
    let manifest = folder.join(MANIFEST);
    files::keep(&manifest, text.as_bytes())?;
    let written = drawn.iter().filter(|(_, written)| *written).count();
    Ok(GallerySummary {
        pictures: drawn.len(),
        written,
        unchanged: drawn.len() - written,
        manifest,
    })
}

/// Reads the digests of the pictures that the same sources drew earlier, by path. The manifest of
/// other sources is removed, so that after a stop in the middle the gallery does not look complete.
fn read_digests(folder: &Path) -> Result<HashMap<String, String>, Error> {
    #[derive(Deserialize)]
    struct Drawn {
        local_path: String,
        md5: String,
    }

    let (mark, manifest) = (folder.join(DRAWN_BY), folder.join(MANIFEST));
    if files::read(&mark)?.as_deref() != Some(FINGERPRINT.as_bytes()) {
        files::remove(&manifest)?;
        files::keep(&mark, FINGERPRINT.as_bytes())?;
        return Ok(HashMap::new());
    }
    let lines = files::read(&manifest)?.unwrap_or_default();
    Ok(lines
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Drawn>(line).ok())
        .map(|drawn| (drawn.local_path, drawn.md5))
        .collect())
}

fn write_picture(
    folder: &Path,
    subject: &Subject,
    style: Style,
    digests: &HashMap<String, String>,
) -> Result<(Line, bool), Error> {
    let local_path = format!("{}/{}.png", style.tag(), subject.name);
    let path = folder.join(&local_path);
    let stored = files::read(&path)?.map(|bytes| hex_md5(&bytes));
    let (md5, written) = match stored {
        Some(md5) if digests.get(&local_path) == Some(&md5) => (md5, false),
        _ => {
            let bytes = files::png(&render(subject, style)?)?;
            (hex_md5(&bytes), files::keep(&path, &bytes)?)
        }
    };
    let line = Line {
        id: picture_id(subject, style),
        local_path,
        tags_all: tags(subject, style),
        matched_tags: [style.tag()],
        rating: "safe",
        score: 0,
        width: PICTURE_SIDE,
        height: PICTURE_SIDE,
        md5,
        style: style.tag(),
        subject: subject.name,
        source_site: "clippy demo gallery",
        source_post_url: None,
        license: "Apache-2.0",
    };
    Ok((line, written))
}

fn hex_md5(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// Returns the picture's id. It depends on the names only, so that new subjects change no ids. It
/// has 53 bits, which JavaScript can represent exactly.
pub(crate) fn picture_id(subject: &Subject, style: Style) -> u64 {
    named(&["demo", style.tag(), subject.name]) >> 11
}

/// Returns the name, words for it, its group and the style, in this order; no tag twice.
fn tags(subject: &Subject, style: Style) -> Vec<&'static str> {
    let mut tags: Vec<&'static str> = Vec::new();
    let all = [subject.name]
        .into_iter()
        .chain(subject.tags.iter().copied())
        .chain([subject.group, style.tag()]);
    for tag in all {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

#[cfg(test)]
mod tests;
