//! Opens a manifest as lines of text. A pipe, a compressed file, UTF-16, a JSON list or a table is
//! first converted into a temporary file, so that it can be read from any place on like other manifests.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use clippy_core::{Error, Result};
use parking_lot::Mutex;

use super::form::{Form, INSPECTED_BYTES};
use super::table::write_rows;
use super::values::write_one_per_line;

/// The limit for a temporary file, since a compressed file may contain more than fits on the disk.
const MAX_TEXT_BYTES: u64 = 32 << 30;
/// The limit for nested forms, such as a compressed list in UTF-16.
const MAX_CONVERSIONS: usize = 4;

/// An opened manifest, which can be read repeatedly.
#[derive(Debug, Clone)]
pub struct Manifest {
    path: PathBuf,
    text: Arc<File>,
}

/// Identifies a file and its content, to detect a change.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Key {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
}

/// The text that was converted last, which the parts of a job share. The temporary file has no
/// name, so the operating system deletes it at the end of the process.
static LAST_CONVERTED: Mutex<Option<(Key, Arc<File>)>> = Mutex::new(None);

impl Manifest {
    /// Opens a manifest; `-` is standard input. A pipe is read to its end. It waits for the disk or
    /// the pipe, so call it on a blocking thread.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when it cannot be read or is no manifest. The
    /// message says what it is instead.
    pub fn open(path: &Path) -> Result<Self> {
        let unreadable = |error: std::io::Error| unreadable(path, &error);
        if path == Path::new("-") {
            let text = copy_to_temporary(std::io::stdin().lock()).map_err(unreadable)?;
            return Self::convert(path, text);
        }
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
        }
        if !metadata.is_file() {
            return Self::convert(path, copy_to_temporary(file).map_err(unreadable)?);
        }
        let file = Arc::new(file);
        if form_of(&file).map_err(unreadable)? == Ok(Form::Lines) {
            return Ok(Self {
                path: path.to_owned(),
                text: file,
            });
        }
        let key = Key {
            path: path.to_owned(),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
        };
        // The lock is held during the conversion, so that a file is converted only once.
        let mut kept = LAST_CONVERTED.lock();
        if let Some((known, text)) = kept.as_ref()
            && *known == key
        {
            return Ok(Self {
                path: path.to_owned(),
                text: Arc::clone(text),
            });
        }
        let manifest = Self::convert(path, file)?;
        *kept = Some((key, Arc::clone(&manifest.text)));
        Ok(manifest)
    }

    /// Whether a manifest is a pipe, which can be read only once, and by this process alone.
    #[must_use]
    pub fn is_stream(path: &Path) -> bool {
        path == Path::new("-")
            || path
                .metadata()
                .is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
    }

    /// Converts the text, repeatedly if forms are nested, until it is lines.
    fn convert(path: &Path, mut text: Arc<File>) -> Result<Self> {
        for _ in 0..MAX_CONVERSIONS {
            let form = form_of(&text).map_err(|error| unreadable(path, &error))?;
            let form = form.map_err(|what| {
                Error::invalid(format!("{} is no manifest: it is {what}", shown(path)))
            })?;
            if form == Form::Lines {
                return Ok(Self {
                    path: path.to_owned(),
                    text,
                });
            }
            let reader = BufReader::with_capacity(
                1 << 16,
                Reader {
                    file: text,
                    position: 0,
                },
            );
            let broken = |error: std::io::Error| {
                let what = match form {
                    Form::Gzip => " as gzip",
                    Form::Utf16 { .. } => " as UTF-16 text",
                    Form::Table(_) => " as a table",
                    Form::Values | Form::Lines => "",
                };
                Error::invalid(format!(
                    "manifest {} cannot be read{what}: {error}",
                    shown(path)
                ))
            };
            let unpacked = match form {
                Form::Gzip => copy_to_temporary(flate2::bufread::MultiGzDecoder::new(reader)),
                Form::Utf16 { little } => {
                    write_temporary(|writer| convert_utf16(reader, little, writer))
                }
                Form::Table(separator) => {
                    write_temporary(|writer| write_rows(reader, separator, writer))
                }
                Form::Values | Form::Lines => {
                    write_temporary(|writer| write_one_per_line(reader, writer))
                }
            };
            text = unpacked.map_err(broken)?;
            if matches!(form, Form::Values | Form::Table(_)) {
                // The values are one a line now; invalid ones fail as lines of their own.
                return Ok(Self {
                    path: path.to_owned(),
                    text,
                });
            }
        }
        Err(Error::invalid(format!(
            "manifest {} is compressed more than {MAX_CONVERSIONS} times: unpack it first",
            shown(path)
        )))
    }

    /// Returns a reader with its own position, at the beginning.
    pub(super) fn reader(&self) -> Reader {
        Reader {
            file: Arc::clone(&self.text),
            position: 0,
        }
    }

    pub(super) fn unreadable(&self, error: &std::io::Error) -> Error {
        unreadable(&self.path, error)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(format!("manifest {} cannot be read: {error}", shown(path)))
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") {
        "on standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

fn form_of(file: &Arc<File>) -> std::io::Result<Result<Form, &'static str>> {
    let mut beginning = Vec::with_capacity(INSPECTED_BYTES);
    Reader {
        file: Arc::clone(file),
        position: 0,
    }
    .take(INSPECTED_BYTES as u64)
    .read_to_end(&mut beginning)?;
    Ok(Form::of(&beginning))
}

/// Copies all that a reader returns into a temporary file.
fn copy_to_temporary(mut reader: impl Read) -> std::io::Result<Arc<File>> {
    write_temporary(|mut writer| std::io::copy(&mut reader, &mut writer).map(drop))
}

fn write_temporary(
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> std::io::Result<Arc<File>> {
    let file = tempfile::tempfile()?;
    let mut writer = Bounded {
        inner: BufWriter::with_capacity(1 << 16, file),
        room: MAX_TEXT_BYTES,
    };
    write(&mut writer)?;
    Ok(Arc::new(
        writer
            .inner
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?,
    ))
}

/// Refuses to write more than `room` bytes.
struct Bounded {
    inner: BufWriter<File>,
    room: u64,
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.room = self.room.checked_sub(bytes.len() as u64).ok_or_else(|| {
            std::io::Error::other(format!(
                "it contains more than {} GiB of text",
                MAX_TEXT_BYTES >> 30
            ))
        })?;
        self.inner.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

/// Converts UTF-16 text to UTF-8.
fn convert_utf16(
    mut reader: impl BufRead,
    little: bool,
    writer: &mut dyn Write,
) -> std::io::Result<()> {
    let (mut units, mut half): (Vec<u16>, Option<u8>) = (Vec::new(), None);
    let mut text = String::new();
    loop {
        let buffer = reader.fill_buf()?;
        let at_end = buffer.is_empty();
        for byte in buffer {
            match half.take() {
                None => half = Some(*byte),
                Some(first) if little => units.push(u16::from_le_bytes([first, *byte])),
                Some(first) => units.push(u16::from_be_bytes([first, *byte])),
            }
        }
        let length = buffer.len();
        reader.consume(length);
        // The first half of a surrogate pair waits for the second.
        let pending = units.pop_if(|unit| !at_end && (0xd800..0xdc00).contains(unit));
        let broken = || std::io::Error::other("it contains half a character");
        for character in char::decode_utf16(units.drain(..)) {
            text.push(character.map_err(|_| broken())?);
        }
        units.extend(pending);
        writer.write_all(text.as_bytes())?;
        text.clear();
        if at_end {
            return if half.is_some() {
                Err(broken())
            } else {
                Ok(())
            };
        }
    }
}

/// Reads a shared file at its own position, so that any number of readers can use the file.
#[derive(Debug)]
pub(super) struct Reader {
    file: Arc<File>,
    position: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        #[cfg(unix)]
        let read = std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.position)?;
        #[cfg(windows)]
        let read = std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.metadata()?.len().checked_add_signed(by),
        };
        self.position =
            position.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::ingest::manifest::{Place, Slice};

    const TWO: &str = "{\"id\":1,\"local_path\":\"é.png\"}\n{\"id\":2,\"local_path\":\"🍎.png\"}\n";

    fn gzipped(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    }

    fn sixteen(text: &str, little: bool, mark: bool) -> Vec<u8> {
        let mark = mark.then_some(0xfeff_u16);
        let units = mark.into_iter().chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    }

    fn lines(manifest: &Manifest) -> Vec<String> {
        let lines = manifest.lines(Slice::default());
        lines
            .map(|line| line.expect("read").text.expect("UTF-8").trim().to_owned())
            .collect()
    }

    #[test]
    fn the_same_manifest_in_any_form_gives_the_same_lines() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let list = format!("[{}]", TWO.trim().replace('\n', ",\n"));
        let expected: Vec<&str> = TWO.lines().collect();
        for (name, content) in [
            ("plain", TWO.as_bytes().to_vec()),
            ("windows", TWO.replace('\n', "\r\n").into_bytes()),
            (
                "byte order mark",
                [b"\xef\xbb\xbf", TWO.as_bytes()].concat(),
            ),
            ("little", sixteen(TWO, true, true)),
            ("big", sixteen(TWO, false, true)),
            ("no mark", sixteen(TWO, true, false)),
            ("gzip", gzipped(TWO.as_bytes())),
            (
                "two gzips",
                [
                    gzipped(&TWO.as_bytes()[..20]),
                    gzipped(&TWO.as_bytes()[20..]),
                ]
                .concat(),
            ),
            ("list", list.clone().into_bytes()),
            (
                "gzip of a list in UTF-16",
                gzipped(&sixteen(&list, true, true)),
            ),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            let manifest = Manifest::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(
                manifest.count_lines(Slice::default()).expect("counted"),
                2,
                "{name}"
            );
            assert_eq!(lines(&manifest), expected, "{name}");
            assert_eq!(lines(&manifest), expected, "{name}, once more");
            let mut first = manifest.lines(Slice {
                max_lines: Some(1),
                ..Slice::default()
            });
            first.next().expect("a line").expect("read");
            let place = first.place();
            assert_eq!(place.line, 1, "{name}");
            let again = Manifest::open(&path).expect("there");
            let rest = again.lines_from(Slice::default(), place).expect("there");
            assert_eq!(rest.count(), 1, "{name}");
            assert!(Place::default() != place);
        }
    }

    #[test]
    fn a_file_that_is_no_manifest_is_refused_and_its_format_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cut = gzipped(TWO.as_bytes());
        for (name, content, word) in [
            ("zip", b"PK\x03\x04rest".to_vec(), "zip archive"),
            ("cut", cut[..cut.len() - 6].to_vec(), "gzip"),
            (
                "half",
                [sixteen(TWO, true, true), vec![b'a']].concat(),
                "UTF-16",
            ),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("written");
            let error = Manifest::open(&path).expect_err(name);
            assert!(error.message.contains(word), "{name}: {}", error.message);
        }
        assert!(Manifest::open(folder.path()).is_err(), "a folder");
        assert!(Manifest::open(&folder.path().join("none")).is_err());
    }
}
