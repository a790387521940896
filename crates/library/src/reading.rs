//! Reads one file: whether it is a picture, its SHA-256, and the parts that may contain metadata.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

use clippy_core::known::FileStamp;
use clippy_core::ledger::{FailureKind, LineFailure};
use clippy_imaging::{DecodeError, DecodeLimits, PictureFormat, sniff};
use sha2::{Digest, Sha256};

/// The number of bytes from which the format is recognised.
const BEGINNING: usize = 512;
/// The number of bytes kept from the start and from the end of a file, for its metadata.
const KEPT: usize = 1 << 20;
/// The number of bytes read at once.
const PIECE: usize = 128 << 10;

/// The parts of a picture's content that a line needs.
#[derive(Debug)]
pub struct PictureBytes {
    /// The file's stamp when it was read.
    pub stamp: FileStamp,
    /// The SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// The format, recognised by the content.
    pub format: PictureFormat,
    /// The first MiB.
    pub head: Vec<u8>,
    /// The last MiB, if the file is longer than `head`.
    pub tail: Vec<u8>,
}

/// The content of a file.
#[derive(Debug)]
pub enum Content {
    /// A picture.
    Picture(Box<PictureBytes>),
    /// Something else: the file's stamp, and what it is.
    Other(FileStamp, String),
}

/// Returns a file's stamp.
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

/// Reads files one after the other, with one buffer for all of them.
pub struct Reader {
    piece: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            piece: vec![0; PIECE],
        }
    }
}

impl Reader {
    /// Reads a file. If it is not a picture, only its first bytes are read.
    ///
    /// # Errors
    /// The reason if it cannot be read, or if it is written to meanwhile.
    pub fn read(&mut self, path: &Path) -> Result<Content, LineFailure> {
        let unreadable = |error: std::io::Error| {
            LineFailure::new(
                FailureKind::Unreadable,
                format!("{} cannot be read: {error}", path.display()),
            )
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let stamp = stamp_of(&file.metadata().map_err(unreadable)?);
        let mut filled = 0;
        while filled < BEGINNING {
            match file.read(&mut self.piece[filled..]).map_err(unreadable)? {
                0 => break,
                read => filled += read,
            }
        }
        let beginning = &self.piece[..filled.min(BEGINNING)];
        let format = match sniff(beginning) {
            Ok(format) if has_valid_header(format, beginning) => format,
            Ok(_) => return Ok(Content::Other(stamp, other(&DecodeError::NotAPicture))),
            Err(error) => return Ok(Content::Other(stamp, other(&error))),
        };
        let limit = DecodeLimits::bulk().bytes;
        if stamp.size > limit {
            let bytes = stamp.size;
            let error = DecodeError::TooManyBytes { bytes, limit };
            return Ok(Content::Other(stamp, other(&error)));
        }
        let mut hash = Sha256::new();
        let expected = usize::try_from(stamp.size).unwrap_or(KEPT);
        let mut head = Vec::with_capacity(expected.min(KEPT));
        let mut length = 0;
        while filled > 0 {
            length += filled as u64;
            // A file that grows as fast as it is read must not keep this thread busy forever.
            if length > limit {
                return Err(still_written(path));
            }
            let piece = &self.piece[..filled];
            hash.update(piece);
            let room = KEPT.saturating_sub(head.len()).min(filled);
            head.extend_from_slice(&piece[..room]);
            filled = file.read(&mut self.piece).map_err(unreadable)?;
        }
        let tail = tail_of(&mut file, length, head.len()).map_err(unreadable)?;
        if length != stamp.size || stamp_of(&file.metadata().map_err(unreadable)?) != stamp {
            return Err(still_written(path));
        }
        Ok(Content::Picture(Box::new(PictureBytes {
            stamp,
            sha256: hash.finalize().into(),
            format,
            head,
            tail,
        })))
    }
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

fn still_written(path: &Path) -> LineFailure {
    LineFailure::new(
        FailureKind::Other,
        format!(
            "{} was written to while it was read: add it again when it is whole",
            path.display()
        ),
    )
}

/// Returns `false` for a text that only looks like a BMP. A BMP starts with just two letters, as
/// many texts do, so its header must also have one of the known sizes.
fn has_valid_header(format: PictureFormat, head: &[u8]) -> bool {
    if format != PictureFormat::Bmp {
        return true;
    }
    let header = head
        .get(14..18)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    matches!(header, Some(12 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Returns what a file is, to count similar files.
fn other(error: &DecodeError) -> String {
    match error {
        DecodeError::Empty => "empty".to_owned(),
        DecodeError::Unsupported { what } => format!("{what}, which is not supported"),
        DecodeError::TooManyBytes { limit, .. } => {
            format!("a picture of more than {} MiB, the limit", limit >> 20)
        }
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
        Reader::default().read(&path).expect("read")
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
    fn a_picture_that_is_too_large_is_recognised_by_its_first_bytes() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("large.png");
        std::fs::write(&path, PNG).expect("written");
        let file = File::options().write(true).open(&path).expect("opened");
        file.set_len(DecodeLimits::bulk().bytes + 1)
            .expect("longer");
        let Content::Other(_, what) = Reader::default().read(&path).expect("read") else {
            panic!("too large")
        };
        assert_eq!(what, "a picture of more than 64 MiB, the limit");
    }

    #[test]
    fn files_that_are_not_pictures_are_recognised() {
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
        let missing = Reader::default()
            .read(Path::new("/nowhere/at all"))
            .expect_err("nothing there");
        assert_eq!(missing.kind, FailureKind::Unreadable);
    }
}
