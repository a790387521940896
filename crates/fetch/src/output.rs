//! The output folder: who may write to it, and which of its files are the run's own.
//!
//! `.clippy-fetch` in it has the record of the run, the lock, and the files that are not whole yet.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use clippy_common::files::{self, Unfinished};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use crate::error::FetchError;

pub const ATTRIBUTION: &str = "ATTRIBUTION.md";
pub const IDS_PER_TAG: &str = "ids_per_tag.json";
pub const MANIFEST: &str = "manifest.jsonl";

const RECORD: &str = ".clippy-fetch";
/// The files that describe the pictures.
const DESCRIPTIONS: [&str; 3] = [ATTRIBUTION, IDS_PER_TAG, MANIFEST];

/// A description that was written, so that no other file of its name is overwritten.
#[derive(Serialize, Deserialize)]
struct Written {
    name: String,
    md5: String,
}

/// The output folder of the only run that uses it.
pub struct Output {
    out: PathBuf,
    record: PathBuf,
    _lock: File,
}

impl Output {
    /// Takes the folder for one run, after it has checked that nothing of somebody else would be
    /// overwritten.
    pub fn open(out: &Path) -> Result<Self, FetchError> {
        let record = out.join(RECORD);
        check_kind(&record, true)?;
        for (name, is_folder) in [
            ("parts", true),
            ("lock", false),
            ("run.json", false),
            ("pages.jsonl", false),
            ("written.jsonl", false),
        ] {
            check_kind(&record.join(name), is_folder)?;
        }
        for name in DESCRIPTIONS {
            check_own(out, name)?;
        }
        let parts = record.join("parts");
        fs::create_dir_all(&parts).map_err(|error| FetchError::file(&parts, &error))?;
        let path = record.join("lock");
        let lock = files::open_locked(&path).map_err(|error| FetchError::file(&path, &error))?;
        let lock = lock.ok_or_else(|| {
            FetchError::Busy(format!(
                "another run of `clippy fetch` writes to {}: wait for its end or stop it, or name \
                 another folder",
                out.display()
            ))
        })?;
        // A run that was killed leaves the pictures that it was writing.
        files::remove_leftovers(&parts).map_err(|error| FetchError::file(&parts, &error))?;
        Ok(Self {
            out: out.to_owned(),
            record,
            _lock: lock,
        })
    }

    /// The path of a file that belongs to the record of the run.
    pub fn record(&self, name: &str) -> PathBuf {
        self.record.join(name)
    }

    /// The path of a place in the folder.
    pub fn path(&self, place: &str) -> PathBuf {
        self.out.join(place)
    }

    /// The folder of files that are not whole yet.
    pub fn parts(&self) -> PathBuf {
        self.record.join("parts")
    }

    /// Writes one of the files that describe the pictures, atomically.
    pub fn describe(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), FetchError> {
        check_own(&self.out, name)?;
        let path = self.out.join(name);
        (|| {
            let unfinished = Unfinished::begin(&self.parts(), &path)?;
            let mut writer = BufWriter::new(Hashed {
                to: unfinished,
                md5: Md5::new(),
            });
            content(&mut writer)?;
            let Hashed { to, md5 } = writer.into_inner().map_err(|error| error.into_error())?;
            let written = Written {
                name: name.to_owned(),
                md5: hex::encode(md5.finalize()),
            };
            files::append_line(
                &self.record.join("written.jsonl"),
                &serde_json::to_vec(&written)?,
            )?;
            to.finish()
        })()
        .map_err(|error| FetchError::file(&path, &error))
    }
}

struct Hashed {
    to: Unfinished,
    md5: Md5,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.md5.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Refuses a link in the place of a file or folder of the record, since it could lead out of the
/// output folder.
fn check_kind(path: &Path, is_folder: bool) -> Result<(), FetchError> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(FetchError::file(path, &error)),
    };
    if (is_folder && kind.is_dir()) || (!is_folder && kind.is_file()) {
        return Ok(());
    }
    let wanted = if is_folder { "folder" } else { "file" };
    Err(FetchError::Refused(format!(
        "{} is a link or something else than a {wanted} of `clippy fetch`: remove it, or name \
         another output folder",
        path.display()
    )))
}

/// Refuses to replace a file that no run in this folder has written.
fn check_own(out: &Path, name: &str) -> Result<(), FetchError> {
    let path = out.join(name);
    let failed = |error| FetchError::file(&path, &error);
    match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() => {
            let mut md5 = Md5::new();
            io::copy(&mut File::open(&path).map_err(failed)?, &mut md5).map_err(failed)?;
            if was_written(out, name, &hex::encode(md5.finalize())).map_err(failed)? {
                return Ok(());
            }
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    Err(FetchError::Refused(format!(
        "{} would be overwritten, but no run of `clippy fetch` in this folder has written it as it \
         is: move it away, or name another output folder",
        path.display()
    )))
}

fn was_written(out: &Path, name: &str, md5: &str) -> io::Result<bool> {
    let file = match File::open(out.join(RECORD).join("written.jsonl")) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(file).split(b'\n') {
        // A line that was cut by a kill belongs to a file that was not written.
        if let Ok(written) = serde_json::from_slice::<Written>(&line?)
            && written.name == name
            && written.md5 == md5
        {
            return Ok(true);
        }
    }
    Ok(false)
}
