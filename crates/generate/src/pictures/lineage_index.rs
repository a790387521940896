//! An index of the list of outputs by gallery picture. The list is read once, and after that only
//! its new lines.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::PathBuf;

use clippy_core::Result;
use clippy_core::ids::PointId;

use super::output::Output;
use crate::durable;

/// The longest line that is read. We never write longer ones.
const LONGEST_LINE: u64 = 1 << 20;

/// A part of the list of pictures that were made from a picture.
#[derive(Debug, Default)]
pub struct MadeFrom {
    /// The outputs, newest first.
    pub outputs: Vec<Output>,
    /// Whether there are older records.
    pub more: bool,
}

/// The offsets of the lines that mention each picture. The lines stay in the file, because there
/// may be very many.
#[derive(Debug)]
pub(crate) struct LineageIndex {
    list: PathBuf,
    /// The offset up to which the list has been read, always at the end of a line.
    read: u64,
    lines: HashMap<PointId, Vec<u64>>,
}

impl LineageIndex {
    /// An index of this list, which need not exist yet.
    pub(crate) fn new(list: PathBuf) -> Self {
        Self {
            list,
            read: 0,
            lines: HashMap::new(),
        }
    }

    /// The outputs that were made from a picture, newest first. Reads `lines` lines after skipping
    /// the newest `passed`. Lines that cannot be parsed, such as those truncated by a crash, are
    /// skipped.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the list cannot be read.
    pub(crate) fn made_from(
        &mut self,
        reference: PointId,
        passed: usize,
        lines: usize,
    ) -> Result<MadeFrom> {
        let file = match File::open(&self.list) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(MadeFrom::default()),
            Err(error) => return Err(durable::fault("open", &self.list)(error)),
        };
        let mut reader = BufReader::new(file);
        self.catch_up(&mut reader)
            .map_err(durable::fault("read", &self.list))?;
        let uses = |output: &Output| {
            output
                .lineage
                .references
                .iter()
                .any(|used| used.origin.id == Some(reference))
        };
        let mut found = MadeFrom::default();
        let starts = self
            .lines
            .get(&reference)
            .map(Vec::as_slice)
            .unwrap_or_default();
        for start in starts.iter().rev().skip(passed).take(lines) {
            let line = line_at(&mut reader, *start).map_err(durable::fault("read", &self.list))?;
            let output = serde_json::from_slice::<Output>(&line).ok().filter(uses);
            found.outputs.extend(output);
        }
        found.more = starts.len() > passed.saturating_add(lines);
        Ok(found)
    }

    fn catch_up(&mut self, reader: &mut BufReader<File>) -> std::io::Result<()> {
        let length = reader.get_ref().metadata()?.len();
        if length < self.read {
            // The list was replaced by a shorter one, so the index is no longer valid.
            (self.read, self.lines) = (0, HashMap::new());
        }
        reader.seek(SeekFrom::Start(self.read))?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let bytes = reader.read_until(b'\n', &mut line)? as u64;
            if !line.ends_with(b"\n") {
                // The end of the file, or a line that is still being written.
                return Ok(());
            }
            if let Ok(output) = serde_json::from_slice::<Output>(&line) {
                for id in output
                    .lineage
                    .references
                    .iter()
                    .filter_map(|used| used.origin.id)
                {
                    let starts = self.lines.entry(id).or_default();
                    if starts.last() != Some(&self.read) {
                        starts.push(self.read);
                    }
                }
            }
            self.read += bytes;
        }
    }
}

fn line_at(reader: &mut BufReader<File>, start: u64) -> std::io::Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(start))?;
    let mut line = Vec::new();
    reader.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    fn line(sha256: &str, ids: &[u64]) -> String {
        let references: Vec<_> = ids
            .iter()
            .map(|id| json!({"role": "style", "weight": 0.5, "id": id, "sha256": "aa"}))
            .collect();
        let lineage = json!({
            "index": 0, "provider": "local", "mode": "style", "references": references,
            "software": "clippy/0",
        });
        let path = format!("{sha256}.png");
        json!({"sha256": sha256, "path": path, "media_type": "image/png", "width": 1, "height": 1,
        "lineage": lineage})
        .to_string()
    }

    #[test]
    fn only_new_lines_are_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let list = folder.path().join("lineage.jsonl");
        let append = |text: &str| {
            let mut file = File::options()
                .create(true)
                .append(true)
                .open(&list)
                .expect("a file");
            file.write_all(text.as_bytes()).expect("written");
        };
        let mut index = LineageIndex::new(list.clone());
        let made = |index: &mut LineageIndex, id: u64| -> Vec<String> {
            index
                .made_from(id.into(), 0, 10)
                .expect("a list")
                .outputs
                .into_iter()
                .rev()
                .map(|output| output.sha256)
                .collect()
        };
        assert!(made(&mut index, 7).is_empty(), "there is no list yet");
        append(&format!(
            "{}\n{{cut off\n{}\n",
            line("a", &[7, 7, 8]),
            line("b", &[9])
        ));
        assert_eq!(made(&mut index, 7), ["a"]);
        assert_eq!(made(&mut index, 9), ["b"]);

        // Lines that were indexed are not read again, except those that are asked for: what is
        // written over one of them is not noticed.
        let seen = index.read;
        let text = std::fs::read_to_string(&list).expect("a list");
        let changed = text.replace(&line("b", &[9]), &line("b", &[5]));
        assert_ne!(changed, text);
        std::fs::write(&list, changed).expect("written");
        assert!(made(&mut index, 5).is_empty(), "the whole list was read");
        let (incomplete, rest) = (line("c", &[7]), "\n");
        append(&incomplete);
        assert_eq!(
            (made(&mut index, 7), index.read),
            (vec!["a".to_owned()], seen),
            "an incomplete line does not count yet"
        );
        append(rest);
        assert_eq!(made(&mut index, 7), ["a", "c"]);
        assert_eq!(index.read, std::fs::metadata(&list).expect("a file").len());

        let newest = index.made_from(7.into(), 0, 1).expect("a list");
        assert_eq!(
            (newest.outputs[0].sha256.as_str(), newest.more),
            ("c", true)
        );
        let older = index.made_from(7.into(), 1, 1).expect("a list");
        assert_eq!((older.outputs[0].sha256.as_str(), older.more), ("a", false));

        std::fs::write(&list, format!("{}\n", line("d", &[7]))).expect("written");
        assert_eq!(
            made(&mut index, 7),
            ["d"],
            "a replaced list is read from its start"
        );
    }
}
