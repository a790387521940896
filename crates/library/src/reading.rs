//! Reads one file: whether it is a picture, its SHA-256, and the parts of it that may hold words.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use clippy_core::known::FileStamp;
use clippy_core::ledger::{FailureKind, LineFailure};
use clippy_imaging::{DecodeError, DecodeLimits, PictureFormat, sniff};
use sha2::{Digest, Sha256};

/// So many bytes tell a file's format.
const BEGINNING: usize = 512;
/// What is kept of a file's beginning and of its end, for the words inside of it.
const KEPT: usize = 1 << 20;
/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// A picture's content, as far as a line needs it.
#[derive(Debug)]
pub struct PictureBytes {
    /// What the file system said of it while it was read.
    pub stamp: FileStamp,
    /// Of the whole file.
    pub sha256: [u8; 32],
    /// Its format, told by the content.
    pub format: PictureFormat,
    /// The first MiB.
    pub head: Vec<u8>,
    /// The last MiB, where the file is longer than its head.
    pub tail: Vec<u8>,
}

/// What a file turned out to be.
#[derive(Debug)]
pub enum Content {
    /// A picture.
    Picture(Box<PictureBytes>),
    /// Something else: what, and how it looked.
    Other(FileStamp, String),
}

/// What the file system says of a file.
#[must_use]
pub fn stamp_of(metadata: &Metadata) -> FileStamp {
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let inode = 0;
    FileStamp {
        size: metadata.len(),
        modified_ns: since
            .and_then(|since| u64::try_from(since.as_nanos()).ok())
            .unwrap_or_default(),
        inode,
    }
}

/// Reads a file. No more than its beginning is read of what is no picture.
///
/// # Errors
/// Why it cannot be read, for a person; also when somebody writes to it meanwhile.
pub fn read(path: &Path) -> Result<Content, LineFailure> {
    let unreadable = |error: std::io::Error| {
        LineFailure::new(
            FailureKind::Unreadable,
            format!("{} cannot be read: {error}", path.display()),
        )
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let stamp = stamp_of(&file.metadata().map_err(unreadable)?);
    let mut head = Vec::new();
    Read::by_ref(&mut file)
        .take(BEGINNING as u64)
        .read_to_end(&mut head)
        .map_err(unreadable)?;
    let format = match sniff(&head) {
        Ok(format) if is_really(format, &head) => format,
        Ok(_) => return Ok(Content::Other(stamp, other(&DecodeError::NotAPicture))),
        Err(error) => return Ok(Content::Other(stamp, other(&error))),
    };
    let limit = DecodeLimits::bulk().bytes;
    if stamp.size > limit {
        let error = DecodeError::TooManyBytes {
            bytes: stamp.size,
            limit,
        };
        return Err(LineFailure::new(
            FailureKind::NotAPicture,
            format!("{}: {error}", path.display()),
        ));
    }
    let mut hash = Sha256::new_with_prefix(&head);
    let mut piece = vec![0; PIECE];
    let mut length = head.len() as u64;
    loop {
        let read = file.read(&mut piece).map_err(unreadable)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        // A file that grows as fast as it is read must not keep this here.
        if length > limit {
            return Err(growing(path));
        }
        hash.update(&piece[..read]);
        let room = KEPT.saturating_sub(head.len()).min(read);
        head.extend_from_slice(&piece[..room]);
    }
    let tail = tail_of(&mut file, length, head.len()).map_err(unreadable)?;
    if length != stamp.size || stamp_of(&file.metadata().map_err(unreadable)?) != stamp {
        return Err(growing(path));
    }
    Ok(Content::Picture(Box::new(PictureBytes {
        stamp,
        sha256: hash.finalize().into(),
        format,
        head,
        tail,
    })))
}

fn tail_of(file: &mut File, length: u64, kept: usize) -> std::io::Result<Vec<u8>> {
    let mut tail = Vec::new();
    if length > kept as u64 {
        file.seek(SeekFrom::Start(
            length.saturating_sub(KEPT as u64).max(kept as u64),
        ))?;
        file.take(KEPT as u64).read_to_end(&mut tail)?;
    }
    Ok(tail)
}

fn growing(path: &Path) -> LineFailure {
    LineFailure::new(
        FailureKind::Other,
        format!(
            "{} was written to while it was read: add it again when it is whole",
            path.display()
        ),
    )
}

/// A BMP begins with two letters only, as many texts do: its header's size must be one of the few
/// that there are, too.
fn is_really(format: PictureFormat, head: &[u8]) -> bool {
    if format != PictureFormat::Bmp {
        return true;
    }
    let header = head
        .get(14..18)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    matches!(header, Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// What a file is, for a count of files alike.
fn other(error: &DecodeError) -> String {
    match error {
        DecodeError::Empty => "empty".to_owned(),
        DecodeError::Unsupported { what } => format!("{what}, which is not read"),
        _ => "not a picture".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn read_bytes(bytes: &[u8]) -> Content {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        std::fs::write(&path, bytes).expect("written");
        read(&path).expect("read")
    }

    #[test]
    fn a_large_file_is_hashed_whole_and_its_two_ends_are_kept() {
        let mut bytes = PNG.to_vec();
        bytes.extend((0_u32..700_000).flat_map(u32::to_le_bytes));
        let Content::Picture(picture) = read_bytes(&bytes) else {
            panic!("a picture")
        };
        assert_eq!(picture.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_eq!(picture.head, bytes[..KEPT]);
        assert_eq!(picture.tail, bytes[bytes.len() - KEPT..]);
        assert_eq!(picture.stamp.size, bytes.len() as u64);
        let Content::Picture(small) = read_bytes(PNG) else {
            panic!("a picture")
        };
        assert_eq!((small.head.as_slice(), small.tail.len()), (PNG, 0));
    }

    #[test]
    fn what_is_no_picture_is_told_apart() {
        for (bytes, said) in [
            (&b""[..], "empty"),
            (b"BMW is a maker of cars, not a picture", "not a picture"),
            (b"apple, fox", "not a picture"),
            (b"\0\0\0\x1cftypavif", "AVIF"),
            (b"%PDF-1.7", "PDF"),
        ] {
            let Content::Other(_, what) = read_bytes(bytes) else {
                panic!("{said}")
            };
            assert!(what.contains(said), "{what}");
        }
        let missing = read(Path::new("/nowhere/at all")).expect_err("nothing there");
        assert_eq!(missing.kind, FailureKind::Unreadable);
    }
}
