//! Detects the form of a manifest's file from its first bytes.

use super::table::separator_of;

/// How many of the first bytes are inspected.
pub(super) const INSPECTED_BYTES: usize = 4096;

/// The form of a file: how it is converted before its lines can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object a line; needs no conversion.
    Lines,
    /// JSON values that are not one a line: a list, or objects over several lines.
    Values,
    /// UTF-16 text.
    Utf16 {
        /// Whether the low byte comes first.
        little: bool,
    },
    /// Compressed by gzip.
    Gzip,
    /// A table, whose columns are separated by this byte.
    Table(u8),
}

/// Formats that are not manifests, by their first bytes.
const FOREIGN: [(&[u8], &str); 8] = [
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed by zstd: unpack it first (zstd -d)",
    ),
    (b"BZh", "compressed by bzip2: unpack it first (bunzip2)"),
    (b"\xfd7zXZ\x00", "compressed by xz: unpack it first (unxz)"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (
        b"PAR1",
        "a Parquet table: write it as JSON, one object a line",
    ),
    (
        b"SQLite format 3",
        "a database: write its rows as JSON, one object a line",
    ),
    (b"\xff\xfe\x00\x00", "UTF-32 text: save it as UTF-8"),
];

impl Form {
    /// Detects the form of a file that begins with these bytes.
    ///
    /// # Errors
    /// What the file is if it is no manifest, and what to do, to complete the sentence "it is …".
    pub(super) fn of(beginning: &[u8]) -> Result<Self, &'static str> {
        if let Some((_, what)) = FOREIGN.iter().find(|(mark, _)| beginning.starts_with(mark)) {
            return Err(what);
        }
        match beginning {
            [0x1f, 0x8b, ..] => return Ok(Self::Gzip),
            [0xff, 0xfe, ..] | [b'{' | b'[' | b' ', 0, ..] => {
                return Ok(Self::Utf16 { little: true });
            }
            [0xfe, 0xff, ..] | [0, b'{' | b'[' | b' ', ..] => {
                return Ok(Self::Utf16 { little: false });
            }
            _ => {}
        }
        if beginning.contains(&0) {
            return Err("not text: a manifest has one JSON object a line");
        }
        let text = beginning
            .strip_prefix(super::BYTE_ORDER_MARK)
            .unwrap_or(beginning)
            .trim_ascii_start();
        let first_line = text
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default()
            .trim_ascii_end();
        Ok(if text.starts_with(b"[") || first_line == b"{" {
            Self::Values
        } else if let Some(separator) = separator_of(first_line) {
            Self::Table(separator)
        } else {
            Self::Lines
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_detected_from_the_first_bytes() {
        for (beginning, form) in [
            (&b""[..], Form::Lines),
            (b"{\"id\":1}\n", Form::Lines),
            (b"\xef\xbb\xbf{\"id\":1}\n", Form::Lines),
            (b"\n\n{broken", Form::Lines),
            (b"[{\"id\":1}]", Form::Values),
            (b"\xef\xbb\xbf \n [", Form::Values),
            (b"{\r\n  \"id\": 1\r\n}", Form::Values),
            (b"\xef\xbb\xbffile_name;text\n", Form::Table(b';')),
            (b"\x1f\x8b\x08", Form::Gzip),
            (b"\xff\xfe{\0", Form::Utf16 { little: true }),
            (b"\xfe\xff\0{", Form::Utf16 { little: false }),
            (b"{\0\"\0", Form::Utf16 { little: true }),
        ] {
            assert_eq!(Form::of(beginning), Ok(form), "{beginning:?}");
        }
        for (beginning, word) in [
            (&b"PK\x03\x04abc"[..], "zip"),
            (b"PAR1\0", "Parquet"),
            (b"abc\0def", "not text"),
            (b"\xff\xfe\0\0{", "UTF-32"),
        ] {
            assert!(
                Form::of(beginning).expect_err("foreign").contains(word),
                "{beginning:?}"
            );
        }
    }
}
