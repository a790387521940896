//! Converts tables (CSV with commas, semicolons or tabs) into lines of a manifest.
//!
//! The first row names the columns. One of them names the picture. Columns with tags hold several,
//! separated by `,`, `;` or `|`. Empty cells are left out.

use std::io::{BufRead, Write};

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::BYTE_ORDER_MARK;
use super::image_folder::{FILE_NAME, parted};

/// Columns that name the picture. The names after the first two are those of ImageFolder and of
/// common tables; their rows need no id.
const PATHS: [&str; 8] = [
    "local_path",
    "path",
    FILE_NAME,
    "filename",
    "file",
    "image",
    "image_path",
    "filepath",
];
/// How many of [`PATHS`] are kept as they are.
const OWN_PATHS: usize = 2;
/// Columns with several tags.
const TAGS: [&str; 4] = ["tags_all", "tags", "matched_tags", "words"];
/// Columns with numbers.
const NUMBERS: [&str; 3] = ["score", "width", "height"];
/// What may separate columns.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Returns what separates the columns, if this first line is the head of a table.
pub(super) fn separator_of(first_line: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(first_line).ok()?;
    SEPARATORS.into_iter().find(|separator| {
        let mut names = text.split(char::from(*separator)).map(plain);
        text.contains(char::from(*separator)) && names.any(|name| PATHS.contains(&name.as_str()))
    })
}

/// Writes each row as one line of JSON.
///
/// # Errors
/// The errors of the reader and the writer, and of a table that ends within quotes.
pub(super) fn write_rows(
    mut reader: impl BufRead,
    separator: u8,
    writer: &mut dyn Write,
) -> std::io::Result<()> {
    if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
        reader.consume(BYTE_ORDER_MARK.len());
    }
    let mut table = ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .from_reader(reader);
    let columns: Vec<String> = table
        .byte_headers()
        .map_err(std::io::Error::other)?
        .iter()
        .map(|name| plain(&text_of(name)))
        .collect();
    let mut row = ByteRecord::new();
    while table
        .read_byte_record(&mut row)
        .map_err(std::io::Error::other)?
    {
        let fields = fields_of(&columns, &row);
        writeln!(writer, "{}", Value::Object(fields))?;
    }
    writer.flush()
}

fn fields_of(columns: &[String], row: &ByteRecord) -> Map<String, Value> {
    let mut fields = Map::new();
    for (column, cell) in columns.iter().zip(row) {
        let cell = text_of(cell);
        let cell = cell.trim();
        if cell.is_empty() || column.is_empty() {
            continue;
        }
        let name = match PATHS.iter().position(|path| path == column) {
            Some(place) if place >= OWN_PATHS => FILE_NAME,
            _ => column,
        };
        let value = if TAGS.contains(&name) {
            parted(cell).into()
        } else if NUMBERS.contains(&name)
            && let Ok(number) = cell.parse::<f64>()
        {
            number.into()
        } else {
            cell.into()
        };
        fields.entry(name).or_insert(value);
    }
    fields
}

/// Returns a column's name in the form that is compared.
fn plain(name: &str) -> String {
    name.trim()
        .trim_matches('"')
        .trim_start_matches('\u{feff}')
        .to_lowercase()
}

/// Reads a cell as UTF-8, or else as Latin-1, which spreadsheets still write.
fn text_of(cell: &[u8]) -> String {
    match std::str::from_utf8(cell) {
        Ok(text) => text.to_owned(),
        Err(_) => cell.iter().copied().map(char::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(table: &[u8]) -> Vec<Value> {
        let head = table.split(|byte| *byte == b'\n').next().expect("a line");
        let separator = separator_of(head).expect("a table");
        let mut written = Vec::new();
        write_rows(table, separator, &mut written).expect("written");
        String::from_utf8(written)
            .expect("UTF-8")
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    #[test]
    fn tables_as_programs_write_them_become_lines() {
        let rows = lines(
            b"\xef\xbb\xbffile_name,text,score\r\n\"a, b.png\",\"A \"\"red\"\" fox\",3\r\nc.png,,\r\n",
        );
        assert_eq!(rows[0]["file_name"], "a, b.png");
        assert_eq!(rows[0]["text"], "A \"red\" fox");
        assert_eq!(rows[0]["score"], 3.0);
        assert_eq!(rows[1], serde_json::json!({"file_name": "c.png"}));
        let rows = lines(b"id;Local_Path;tags_all\n7;x/1.png;fox, snow\n8;x/2.png;K\xf6ln|ink\n");
        assert_eq!(rows[0]["id"], "7");
        assert_eq!(rows[0]["local_path"], "x/1.png");
        assert_eq!(rows[0]["tags_all"], serde_json::json!(["fox", "snow"]));
        assert_eq!(rows[1]["tags_all"], serde_json::json!(["K\u{f6}ln", "ink"]));
        let rows = lines(b"image\tlabel\n1.png\tcat\textra\n2.png\n");
        assert_eq!(
            rows[0],
            serde_json::json!({"file_name": "1.png", "label": "cat"})
        );
        assert_eq!(rows[1], serde_json::json!({"file_name": "2.png"}));
    }

    #[test]
    fn other_texts_are_no_tables() {
        for line in [
            &b"{\"file_name\": \"a\", \"id\": 1}"[..],
            b"hello, world",
            b"file_name",
            b"",
        ] {
            assert_eq!(separator_of(line), None, "{line:?}");
        }
    }
}
