//! Reads the list of outputs from any line on, and overwrites lines of deleted pictures.

use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

use super::output::Output;

/// The longest line that is read. We never write longer ones.
const LONGEST_LINE: u64 = 1 << 20;

/// A picture of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedOutput {
    /// The picture.
    pub output: Output,
    /// Its file.
    pub file: OutputFile,
    /// Where its line begins.
    pub start: u64,
}

/// The file of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputFile {
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in milliseconds since 1970.
    pub written_at: i64,
}

/// A part of the list.
#[derive(Debug, Default)]
pub struct ListedOutputs {
    /// The pictures, in the order of the list.
    pub outputs: Vec<ListedOutput>,
    /// Where the next part begins.
    pub next: u64,
    /// Whether there are further lines.
    pub more: bool,
}

/// Reads lines from this byte on. A list that is shorter was replaced, and is read from its start.
/// `file_of` returns a picture's file.
pub(super) fn read_from(
    list: &Path,
    start: u64,
    most: usize,
    file_of: impl Fn(&Output) -> Option<OutputFile>,
) -> Result<ListedOutputs> {
    let file = match File::open(list) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ListedOutputs::default()),
        Err(error) => return Err(error),
    };
    let start = if file.metadata()?.len() < start {
        0
    } else {
        start
    };
    let mut found = ListedOutputs {
        next: start,
        ..ListedOutputs::default()
    };
    let mut lines = 0;
    each_line(file, start, |start, line| {
        if lines == most {
            found.more = true;
            return Ok(false);
        }
        lines += 1;
        found.next = start + line.len() as u64;
        let output = serde_json::from_slice::<Output>(line).ok();
        if let Some((output, file)) = output.and_then(|one| file_of(&one).map(|file| (one, file))) {
            found.outputs.push(ListedOutput {
                output,
                file,
                start,
            });
        }
        Ok(true)
    })?;
    Ok(found)
}

/// Overwrites the lines of these pictures with spaces. Readers skip such lines, and the places of
/// the others stay.
pub(super) fn blank(list: &Path, sha256: &[String]) -> Result<()> {
    let file = match File::open(list) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut writer = None;
    each_line(file, 0, |start, line| {
        let is_meant = serde_json::from_slice::<Output>(line)
            .is_ok_and(|output| sha256.contains(&output.sha256));
        if is_meant {
            let file = match &mut writer {
                Some(file) => file,
                // Not for appending: the bytes are written over those of the line.
                None => writer.insert(File::options().write(true).open(list)?),
            };
            file.seek(SeekFrom::Start(start))?;
            file.write_all(&vec![b' '; line.len() - 1])?;
        }
        Ok(true)
    })?;
    writer.map_or(Ok(()), |file| file.sync_all())
}

/// Calls `each` with every whole line and its place, until it returns `false`.
fn each_line(
    file: File,
    start: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<bool>,
) -> Result<()> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(start))?;
    let (mut start, mut line) = (start, Vec::new());
    loop {
        line.clear();
        (&mut reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)?;
        let is_whole = line.ends_with(b"\n");
        // The rest of a line that is too long is read as a line that cannot be parsed.
        if !is_whole && (line.len() as u64) < LONGEST_LINE {
            // The end of the file, or a line that is still being written.
            return Ok(());
        }
        if is_whole && !each(start, &line)? {
            return Ok(());
        }
        start += line.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(sha256: &str) -> String {
        let lineage = json!({"index": 0, "provider": "local", "mode": "style", "software": "x"});
        json!({"sha256": sha256, "path": sha256, "media_type": "image/png", "width": 1,
        "height": 1, "lineage": lineage})
        .to_string()
    }

    #[test]
    fn parts_fit_together_and_blanked_lines_are_skipped() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let list = folder.path().join("lineage.jsonl");
        let nothing = read_from(&list, 0, 2, |_| None).expect("no list yet");
        assert!(nothing.outputs.is_empty() && !nothing.more);
        let text = format!(
            "{}\nbroken\n{}\n{}\n{}\n{}",
            line("a"),
            line("b"),
            line("no file"),
            line("c"),
            line("not whole")
        );
        std::fs::write(&list, &text).expect("written");
        let file = OutputFile {
            size: 7,
            written_at: 9,
        };
        let size = |output: &Output| (output.sha256 != "no file").then_some(file);
        let names = |found: &ListedOutputs| -> Vec<String> {
            let outputs = found.outputs.iter();
            outputs.map(|one| one.output.sha256.clone()).collect()
        };
        let first = read_from(&list, 0, 3, size).expect("read");
        assert_eq!(
            (names(&first), first.more),
            (vec!["a".into(), "b".into()], true)
        );
        assert_eq!(first.outputs[0].file, file);
        let rest = read_from(&list, first.next, 3, size).expect("read");
        assert_eq!((names(&rest), rest.more), (vec!["c".to_owned()], false));
        let again = read_from(&list, rest.outputs[0].start, 3, size).expect("read");
        assert_eq!(names(&again), ["c"]);

        blank(&list, &["b".to_owned(), "unknown".to_owned()]).expect("blanked");
        let after = std::fs::read_to_string(&list).expect("there");
        assert_eq!(after.len(), text.len());
        assert!(!after.contains("\"b\""), "{after}");
        let all = read_from(&list, 0, 10, size).expect("read");
        assert_eq!(names(&all), ["a", "c"]);
        let shorter = read_from(&list, 1 << 20, 10, size).expect("read");
        assert_eq!(names(&shorter), ["a", "c"], "a replaced list");
    }
}
