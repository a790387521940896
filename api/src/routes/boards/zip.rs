//! Writes a zip archive to a stream, one file after the other, without compression.
//!
//! A file's checksum follows its content (a data descriptor), so that nothing has to be read twice
//! or kept. Archives beyond 4 GiB use the zip64 records of APPNOTE.TXT 6.3, section 4.3; a single
//! file must be smaller. Crates for zip do the same, but their dependencies change the features of
//! the TLS stack, which all of the engine is built upon.

use std::io::{self, Read, Write};

/// Bytes that are copied at once.
const CHUNK: usize = 64 << 10;
/// The version of the format that is needed to unpack a file: 2.0, and 4.5 for zip64.
const PLAIN: u16 = 20;
const ZIP64: u16 = 45;
/// Bit 3: the sizes follow the content. Bit 11: names are UTF-8.
const FLAGS: u16 = 1 << 3 | 1 << 11;
/// 1980-01-01, the first day that a zip can name.
const DAY: u16 = 1 << 5 | 1;
/// Permissions of a plain file, `rw-r--r--`, in the place of Unix.
const ATTRIBUTES: u32 = 0o100_644 << 16;
/// Made by a program for Unix.
const MADE_BY: u16 = 3 << 8 | ZIP64;
/// Says that the value is in a zip64 record.
const ELSEWHERE: u32 = u32::MAX;

/// An archive that is being written.
pub(super) struct ZipStream<W> {
    to: W,
    /// Bytes that were written.
    at: u64,
    entries: Vec<ZipEntry>,
}

struct ZipEntry {
    name: String,
    start: u64,
    size: u32,
    checksum: u32,
}

impl<W: Write> ZipStream<W> {
    pub(super) fn new(to: W) -> Self {
        Self {
            to,
            at: 0,
            entries: Vec::new(),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.to.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Adds a file.
    ///
    /// # Errors
    /// What the content or the stream reports, and one for a file of 4 GiB or more.
    pub(super) fn add(&mut self, name: &str, content: &mut dyn Read) -> io::Result<()> {
        let start = self.at;
        let mut head = Record::new(*b"PK\x03\x04");
        head.u16(PLAIN).u16(FLAGS).u16(0).u16(0).u16(DAY);
        head.u32(0).u32(0).u32(0).u16(length_of(name)?).u16(0);
        self.put(&head.0)?;
        self.put(name.as_bytes())?;
        let (mut checksum, mut size) = (crc32fast::Hasher::new(), 0_u64);
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = content.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            checksum.update(&buffer[..count]);
            size += count as u64;
            self.put(&buffer[..count])?;
        }
        let size = u32::try_from(size).ok().filter(|size| *size < ELSEWHERE);
        let size = size.ok_or_else(|| io::Error::other("a file has 4 GiB or more"))?;
        let checksum = checksum.finalize();
        let mut sizes = Record::new(*b"PK\x07\x08");
        sizes.u32(checksum).u32(size).u32(size);
        self.put(&sizes.0)?;
        self.entries.push(ZipEntry {
            name: name.to_owned(),
            start,
            size,
            checksum,
        });
        Ok(())
    }

    /// Writes the list of files, and returns the stream.
    ///
    /// # Errors
    /// What the stream reports.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let start = self.at;
        let count = self.entries.len() as u64;
        for entry in std::mem::take(&mut self.entries) {
            let record = entry.listed()?;
            self.put(&record.0)?;
            self.put(entry.name.as_bytes())?;
            if let Some(place) = entry.far_place() {
                self.put(&place.0)?;
            }
        }
        let size = self.at - start;
        let is_large = start >= u64::from(ELSEWHERE) || size >= u64::from(ELSEWHERE);
        if is_large {
            let record_at = self.at;
            let mut record = Record::new(*b"PK\x06\x06");
            record.u64(44).u16(MADE_BY).u16(ZIP64).u32(0).u32(0);
            record.u64(count).u64(count).u64(size).u64(start);
            self.put(&record.0)?;
            let mut locator = Record::new(*b"PK\x06\x07");
            locator.u32(0).u64(record_at).u32(1);
            self.put(&locator.0)?;
        }
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        let mut end = Record::new(*b"PK\x05\x06");
        end.u16(0).u16(0).u16(count).u16(count);
        end.u32(clamped(size)).u32(clamped(start)).u16(0);
        self.put(&end.0)?;
        Ok(self.to)
    }
}

impl ZipEntry {
    /// The entry in the list of files, up to its name.
    fn listed(&self) -> io::Result<Record> {
        let place = self.far_place();
        let needed = if place.is_some() { ZIP64 } else { PLAIN };
        let mut record = Record::new(*b"PK\x01\x02");
        record.u16(MADE_BY).u16(needed).u16(FLAGS).u16(0).u16(0);
        record.u16(DAY).u32(self.checksum).u32(self.size);
        record.u32(self.size).u16(length_of(&self.name)?);
        record.u16(place.map_or(0, |_| 12)).u16(0).u16(0).u16(0);
        record.u32(ATTRIBUTES).u32(clamped(self.start));
        Ok(record)
    }

    /// The zip64 field with the place of a file beyond 4 GiB.
    fn far_place(&self) -> Option<Record> {
        (clamped(self.start) == ELSEWHERE).then(|| {
            let mut field = Record(Vec::new());
            field.u16(1).u16(8).u64(self.start);
            field
        })
    }
}

fn clamped(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(ELSEWHERE)
}

fn length_of(name: &str) -> io::Result<u16> {
    u16::try_from(name.len()).map_err(|_| io::Error::other("the name of a file is too long"))
}

/// A record: a signature, and values in little-endian order.
struct Record(Vec<u8>);

impl Record {
    fn new(signature: [u8; 4]) -> Self {
        Self(signature.to_vec())
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend(value.to_le_bytes());
        self
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Unpacks an archive with Python's library, which checks every checksum, and returns its files.
    fn unpacked(bytes: &[u8]) -> serde_json::Value {
        const PROGRAM: &str = "import json, sys, zipfile\n\
                               z = zipfile.ZipFile(sys.argv[1])\n\
                               assert z.testzip() is None\n\
                               print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))";
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("a.zip");
        std::fs::write(&file, bytes).expect("written");
        let mut python = Command::new("python3");
        let output = python.arg("-c").arg(PROGRAM).arg(&file).output();
        let output = output.expect("python3");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    #[test]
    fn another_program_unpacks_it() {
        let mut zip = ZipStream::new(Vec::new());
        let long = "x".repeat(CHUNK + 7);
        for (name, content) in [("a.txt", "apple"), ("empty", ""), ("äpfel/b.txt", &long)] {
            zip.add(name, &mut content.as_bytes()).expect("added");
        }
        let bytes = zip.finish().expect("finished");
        let expected = serde_json::json!({"a.txt": "apple", "empty": "", "äpfel/b.txt": long});
        assert_eq!(unpacked(&bytes), expected);
        let none = ZipStream::new(Vec::new()).finish().expect("finished");
        assert_eq!(unpacked(&none), serde_json::json!({}));
    }

    #[test]
    fn places_beyond_4_gib_are_in_zip64_records() {
        let mut zip = ZipStream::new(Vec::new());
        zip.at = u64::from(ELSEWHERE) + 5;
        zip.add("far", &mut &b"x"[..]).expect("added");
        let bytes = zip.finish().expect("finished");
        let place = (u64::from(ELSEWHERE) + 5).to_le_bytes();
        let field: Vec<u8> = [&[1, 0, 8, 0], &place[..]].concat();
        assert!(bytes.windows(field.len()).any(|part| part == field));
        let has = |signature: &[u8]| bytes.windows(4).any(|part| part == signature);
        assert!(has(b"PK\x06\x06") && has(b"PK\x06\x07"));
    }
}
