//! The words that pictures are compared with.

use std::collections::HashSet;
use std::path::Path;

use clippy_common::shorten;
use clippy_core::{Error, ErrorCode, Result};

/// The largest number of tags.
pub const MOST_TAGS: usize = 50_000;
/// The longest tag, in bytes.
pub const LONGEST_TAG: usize = 200;
/// The largest file, in bytes.
const LARGEST_FILE: u64 = 16 << 20;

/// Reads a file with one tag a line. Lines that begin with `#` are comments.
///
/// # Errors
/// [`ErrorCode::InvalidInput`] for a file that cannot be read, is no text, has no tags, too many or
/// too long ones; [`ErrorCode::TooLarge`] for a huge file.
pub(crate) async fn read(file: &Path) -> Result<Vec<String>> {
    let name = file.display();
    let unreadable =
        |error| Error::invalid(format!("the vocabulary {name} cannot be read: {error}"));
    let size = tokio::fs::metadata(file).await.map_err(unreadable)?.len();
    if size > LARGEST_FILE {
        return Err(Error::new(
            ErrorCode::TooLarge,
            format!("the vocabulary {name} has {size} bytes, but at most {LARGEST_FILE} are read"),
        ));
    }
    let bytes = tokio::fs::read(file).await.map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| {
        Error::invalid(format!(
            "the vocabulary {name} is no text in UTF-8: give a file with one tag a line"
        ))
    })?;
    parse(&text).map_err(|error| Error {
        message: format!("the vocabulary {name} {}", error.message),
        ..error
    })
}

fn parse(text: &str) -> Result<Vec<String>> {
    let (mut tags, mut seen) = (Vec::new(), HashSet::new());
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.len() > LONGEST_TAG {
            return Err(Error::invalid(format!(
                "has a tag of {} bytes in line {}, but a tag has at most {LONGEST_TAG}: \"{}\"",
                line.len(),
                number + 1,
                shorten(line, 40)
            )));
        }
        // Tags are written with underscores.
        let tag = line.split_whitespace().collect::<Vec<_>>().join("_");
        if seen.insert(tag.to_lowercase()) {
            tags.push(tag);
        }
        if tags.len() > MOST_TAGS {
            return Err(Error::invalid(format!(
                "has more than {MOST_TAGS} tags: split it"
            )));
        }
    }
    if tags.is_empty() {
        return Err(Error::invalid("has no tags: give one a line"));
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_repetitions_are_left_out_and_gaps_are_underscores() {
        let tags = parse("\u{feff}# animals\r\n\r\n red  fox \r\ncat\nCat\n#x\n").expect("tags");
        assert_eq!(tags, ["red_fox", "cat"]);
    }

    #[test]
    fn fifty_thousand_tags_are_read_and_one_more_is_too_many() {
        let lines = |count: usize| -> String { (0..count).map(|n| format!("tag{n}\n")).collect() };
        assert_eq!(parse(&lines(MOST_TAGS)).expect("tags").len(), MOST_TAGS);
        let error = parse(&lines(MOST_TAGS + 1)).expect_err("too many");
        assert!(error.message.contains("50000"), "{}", error.message);
        assert!(parse("# nothing\n").is_err());
    }

    #[tokio::test]
    async fn what_is_no_vocabulary_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("words.txt");
        for (bytes, reason) in [
            (b"\x89PNG\r\n\x1a\n\0\0\0".to_vec(), "no text"),
            (b"cat\0dog".to_vec(), "no text"),
            (
                format!("cat\n{}\n", "x".repeat(10_000)).into_bytes(),
                "line 2",
            ),
        ] {
            std::fs::write(&file, bytes).expect("written");
            let error = read(&file).await.expect_err("refused");
            assert_eq!(error.code, ErrorCode::InvalidInput);
            assert!(error.message.contains(reason), "{}", error.message);
        }
        assert!(read(&folder.path().join("missing")).await.is_err());
    }
}
