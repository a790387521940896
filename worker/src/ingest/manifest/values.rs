//! Writes JSON values one a line: the members of a list, or objects that span several lines. Values
//! are not parsed; only their ends are found, so that an invalid one fails as a line of its own,
//! and memory use does not grow.

use std::io::{BufRead, Write};

use super::BYTE_ORDER_MARK;

/// Finds the ends of values.
#[derive(Default)]
struct Scanner {
    /// Open brackets, without that of the outer list.
    depth: u64,
    in_text: bool,
    escaped: bool,
    /// Whether a part of a value has been written, but not its end.
    in_value: bool,
    /// Whether the outer list is open.
    in_list: bool,
    begun: bool,
}

/// Writes each value of `reader` as one line.
///
/// # Errors
/// The errors of the reader and the writer.
pub(super) fn write_one_per_line(
    mut reader: impl BufRead,
    mut writer: impl Write,
) -> std::io::Result<()> {
    let mut scanner = Scanner::default();
    let mut lines = Vec::new();
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            break;
        }
        for byte in buffer {
            scanner.take(*byte, &mut lines);
        }
        let length = buffer.len();
        reader.consume(length);
        writer.write_all(&lines)?;
        lines.clear();
    }
    if scanner.in_value {
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

impl Scanner {
    fn take(&mut self, byte: u8, lines: &mut Vec<u8>) {
        if self.in_text {
            // A line break inside a text is not JSON. As a space it stays in its line, which then
            // fails alone.
            lines.push(if byte == b'\n' || byte == b'\r' {
                b' '
            } else {
                byte
            });
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'[' if !self.begun => {
                self.begun = true;
                self.in_list = true;
            }
            b',' if self.depth == 0 => self.end(lines),
            b']' if self.depth == 0 && self.in_list => {
                self.end(lines);
                self.in_list = false;
            }
            b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 && !self.in_value => {}
            _ => {
                self.begun = true;
                self.in_value = true;
                match byte {
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    b'"' => self.in_text = true,
                    _ => {}
                }
                lines.push(if byte == b'\n' || byte == b'\r' {
                    b' '
                } else {
                    byte
                });
                if self.depth == 0 && matches!(byte, b'}' | b']') {
                    self.end(lines);
                }
            }
        }
    }

    fn end(&mut self, lines: &mut Vec<u8>) {
        if std::mem::take(&mut self.in_value) {
            lines.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut lines = Vec::new();
        // A small buffer, so that values span several reads.
        let reader = std::io::BufReader::with_capacity(3, text.as_bytes());
        write_one_per_line(reader, &mut lines).expect("in memory");
        String::from_utf8(lines).expect("UTF-8")
    }

    #[test]
    fn members_of_a_list_and_objects_over_several_lines_become_lines() {
        let two = "{\"a\":[1,{\"b\":2}]}\n{\"c\":\"}],\\\"\"}\n";
        assert_eq!(written("[{\"a\":[1,{\"b\":2}]},{\"c\":\"}],\\\"\"}]"), two);
        assert_eq!(written("{\"a\":[1,{\"b\":2}]}\r\n{\"c\":\"}],\\\"\"}"), two);
        let pretty = written("{\n  \"a\": 1\n}\n{\n  \"b\": [\n 2 ]\n}\n");
        let lines: Vec<serde_json::Value> = pretty
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(
            lines,
            [serde_json::json!({"a": 1}), serde_json::json!({"b": [2]})]
        );
    }

    #[test]
    fn an_invalid_value_stays_in_a_line_of_its_own() {
        assert_eq!(
            written("[{\"a\":1},,{\"b\":]}, 7, {\"c\":3},]"),
            "{\"a\":1}\n{\"b\":]\n}\n7\n{\"c\":3}\n"
        );
        assert_eq!(written("[{\"a\":1},{\"b\":"), "{\"a\":1}\n{\"b\":\n");
        assert_eq!(written("[]"), "");
        assert_eq!(written("\u{feff}[{\"a\":1}]"), "{\"a\":1}\n");
    }
}
