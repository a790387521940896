//! SHA-256 of files, while they are written and when they are checked.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes that are read at a time.
const STEP: usize = 1 << 20;

/// The size and content of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    /// Bytes of the file.
    pub(crate) bytes: u64,
    /// SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
}

impl Checksum {
    /// The checksum of these bytes.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self {
            bytes: content.len() as u64,
            sha256: hex::encode(Sha256::digest(content)),
        }
    }

    /// Reads a file to its end.
    pub(crate) fn of_file(path: &Path) -> io::Result<Self> {
        let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
        let mut buffer = vec![0; STEP];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            bytes += count as u64;
        }
        Ok(Self {
            bytes,
            sha256: hex::encode(hash.finalize()),
        })
    }
}

/// A new file whose checksum is computed as it is written.
pub(crate) struct HashedFile {
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl HashedFile {
    /// Makes the file.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(STEP, File::create_new(path)?),
            hash: Sha256::new(),
            bytes: 0,
        })
    }

    /// Appends a line.
    pub(crate) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        for part in [line, b"\n"] {
            self.file.write_all(part)?;
            self.hash.update(part);
            self.bytes += part.len() as u64;
        }
        Ok(())
    }

    /// Waits for the disk.
    pub(crate) fn finish(self) -> io::Result<Checksum> {
        let file = self
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        Ok(Checksum {
            bytes: self.bytes,
            sha256: hex::encode(self.hash.finalize()),
        })
    }
}
