//! Reads one picture's file, detects whether its content is stored already, and prepares its pixels
//! for the model.

use std::fs::File;
use std::io::Read;
use std::time::UNIX_EPOCH;

use clippy_core::embedding::{ImageTransform, ModelPixels};
use clippy_core::ledger::{FailureKind, LineFailure};
use clippy_core::search::duplicates::encode_colours;
use clippy_imaging::{
    DecodeError, DecodeLimits, appearance, decode, edge_map, perceptual_hash, probe, transform,
    transform_grey,
};

use crate::ingest::mark::Mark;
use crate::ingest::paths::FoundPicture;

/// A file's content, compared with the mark of the stored point.
pub(crate) enum Content {
    /// The same content, embedded by the same model. The mark has the file's current size and time.
    Same(Mark),
    /// Other content, another model, or no stored point.
    New {
        /// The file's bytes.
        bytes: Vec<u8>,
        /// The mark of a point that is made from these bytes. Its text is not known yet.
        mark: Mark,
    },
}

/// A decoded picture, prepared for the model.
pub(crate) struct PreparedPicture {
    pub mark: Mark,
    pub width: u32,
    pub height: u32,
    pub hash: u64,
    pub image: ModelPixels,
    pub edge: ModelPixels,
}

/// Reads a file, unless its size and time are those of the stored mark.
///
/// # Errors
/// A message that says why the file cannot be read.
pub(crate) fn read_if_changed(
    found: &FoundPicture,
    known: Option<&Mark>,
    model: &str,
    limits: &DecodeLimits,
) -> Result<Content, LineFailure> {
    let (file, size, mtime_ns) = open(found)?;
    let known = known.filter(|mark| mark.model == model);
    if let Some(mark) = known
        && mark.size == size
        && mark.mtime_ns == mtime_ns
        && mtime_ns.is_some()
    {
        return Ok(Content::Same(mark.clone()));
    }
    let bytes = read(&file, size, found, limits)?;
    let mark = Mark::new(&bytes, mtime_ns, model);
    if let Some(known) = known
        && known.md5 == mark.md5
    {
        return Ok(Content::Same(Mark {
            size: mark.size,
            mtime_ns,
            ..known.clone()
        }));
    }
    Ok(Content::New { bytes, mark })
}

/// Reads a file. Returns its bytes, and the mark of a point made from them.
///
/// # Errors
/// As [`read_if_changed`].
pub(crate) fn read_file(
    found: &FoundPicture,
    model: &str,
    limits: &DecodeLimits,
) -> Result<(Vec<u8>, Mark), LineFailure> {
    let (file, size, mtime_ns) = open(found)?;
    let bytes = read(&file, size, found, limits)?;
    let mark = Mark::new(&bytes, mtime_ns, model);
    Ok((bytes, mark))
}

/// Opens the file. Returns it with its size in bytes and its modification time in nanoseconds.
fn open(found: &FoundPicture) -> Result<(File, u64, Option<u64>), LineFailure> {
    let file = File::open(&found.file).map_err(|error| unreadable(found, error))?;
    let metadata = file.metadata().map_err(|error| unreadable(found, error))?;
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Ok((
        file,
        metadata.len(),
        since.and_then(|since| u64::try_from(since.as_nanos()).ok()),
    ))
}

/// Reads an open file, unless it has more bytes than a picture may have.
fn read(
    file: &File,
    size: u64,
    found: &FoundPicture,
    limits: &DecodeLimits,
) -> Result<Vec<u8>, LineFailure> {
    if size > limits.bytes {
        return Err(no_picture(&DecodeError::TooManyBytes {
            bytes: size,
            limit: limits.bytes,
        }));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    // One byte more than allowed, so that the decoder refuses a file that grew meanwhile, instead
    // of reading a part of it.
    file.take(limits.bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(found, error))?;
    Ok(bytes)
}

fn unreadable(found: &FoundPicture, source: std::io::Error) -> LineFailure {
    let reason = DecodeError::Unreadable {
        path: found.path.clone().into(),
        source,
    }
    .to_string();
    LineFailure::new(FailureKind::Unreadable, reason)
}

fn no_picture(error: &DecodeError) -> LineFailure {
    LineFailure::new(FailureKind::NotAPicture, error.to_string())
}

/// Decodes a picture and prepares it for the model.
///
/// # Errors
/// A message that says why the bytes are not a picture.
pub(crate) fn prepare(
    bytes: &[u8],
    mark: Mark,
    model_transform: &ImageTransform,
    limits: &DecodeLimits,
) -> Result<PreparedPicture, LineFailure> {
    let picture = decode(bytes, limits).map_err(|error| no_picture(&error))?;
    Ok(PreparedPicture {
        mark: Mark {
            appearance: Some(encode_colours(&appearance(&picture))),
            ..mark
        },
        width: picture.width(),
        height: picture.height(),
        hash: perceptual_hash(&picture),
        image: transform(model_transform, &picture),
        edge: transform_grey(model_transform, &edge_map(&picture)),
    })
}

/// Checks a picture by its header alone.
///
/// # Errors
/// As [`prepare`], for what can be seen in the header.
pub(crate) fn check_header(bytes: &[u8], limits: &DecodeLimits) -> Result<(), LineFailure> {
    let seen = probe(bytes).map_err(|error| no_picture(&error))?;
    if u64::from(seen.width) * u64::from(seen.height) > limits.pixels {
        let (width, height) = (seen.width, seen.height);
        return Err(no_picture(&DecodeError::TooManyPixels {
            width,
            height,
            limit: limits.pixels,
        }));
    }
    Ok(())
}
