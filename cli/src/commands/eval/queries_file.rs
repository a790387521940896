//! Reads the queries of a file.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::query::{Drawing, Query, StyleExample};
use crate::failure::Failure;

/// One line of a queries file.
#[derive(Debug, Deserialize)]
struct Line {
    /// The group of its figures; `sketch` or `text` by default.
    kind: Option<String>,
    /// A drawing, relative to the file. It makes the line a sketch query.
    image: Option<PathBuf>,
    /// A picture whose style is asked for, relative to the file; beside an image or words, or
    /// alone.
    style_image: Option<PathBuf>,
    /// Words. With an image they are only the drawing's name, and not searched for, unless the kind
    /// begins with `mixed`.
    text: Option<String>,
    /// The pictures that answer the query.
    relevant: Vec<Value>,
    /// Pictures that are not counted, such as the query itself. In a query with a style they are
    /// excluded from the search.
    #[serde(default)]
    exclude: Vec<Value>,
}

/// Reads the queries of a file, one a line.
pub(super) fn read(path: &Path) -> Result<Vec<Query>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::run(format!("{} cannot be read: {error}", path.display())))?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let queries: Vec<Query> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let line: Result<Line, _> = serde_json::from_str(line);
            line.map_err(|error| error.to_string())
                .and_then(|line| query(line, folder))
                .map_err(|error| {
                    Failure::run(format!("{} line {}: {error}", path.display(), number + 1))
                })
        })
        .collect::<Result<_, _>>()?;
    if queries.is_empty() {
        return Err(Failure::run(format!(
            "{} contains no queries",
            path.display()
        )));
    }
    Ok(queries)
}

fn query(line: Line, folder: &Path) -> Result<Query, String> {
    let kind = kind(&line);
    // Whether the query uses both its drawing and its words.
    let is_mixed = kind.starts_with("mixed");
    match (&line.image, &line.text) {
        (Some(_), None) if is_mixed => return Err("a mixed query has an image but no text".into()),
        (None, Some(_)) if is_mixed => return Err("a mixed query has text but no image".into()),
        (None, None) if line.style_image.is_none() => {
            return Err("a query has neither image nor text nor style_image".into());
        }
        _ => {}
    }
    let is_searched = is_mixed || line.image.is_none();
    Ok(Query {
        kind,
        words: line.text.filter(|_| is_searched),
        drawing: line.image.map(|name| Drawing::File(folder.join(name))),
        style: line
            .style_image
            .map(|name| StyleExample::File(folder.join(name))),
        relevant: line.relevant,
        exclude: line.exclude,
        half: None,
    })
}

fn kind(line: &Line) -> String {
    line.kind.clone().unwrap_or_else(|| {
        match (line.image.is_some(), line.style_image.is_some()) {
            (true, true) => "sketch+style",
            (true, false) => "sketch",
            (false, true) if line.text.is_none() => "style",
            (false, true) => "text+style",
            (false, false) => "text",
        }
        .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<Query, String> {
        query(serde_json::from_str(text).expect("JSON"), Path::new("f"))
    }

    #[test]
    fn words_beside_a_drawing_are_searched_for_only_in_mixed_queries() {
        let sketch = read_one(r#"{"image": "a.png", "text": "apple", "relevant": [1]}"#);
        let sketch = sketch.expect("a query");
        assert_eq!((&*sketch.kind, sketch.words), ("sketch", None));
        assert!(
            matches!(sketch.drawing, Some(Drawing::File(path)) if path == Path::new("f/a.png"))
        );
        let mixed =
            read_one(r#"{"kind": "mixed", "image": "a.png", "text": "apple", "relevant": [1]}"#);
        assert_eq!(mixed.expect("a query").words.as_deref(), Some("apple"));
        for bad in [
            r#"{"relevant": [1]}"#,
            r#"{"kind": "mixed", "text": "apple", "relevant": [1]}"#,
            r#"{"kind": "mixed", "image": "a.png", "relevant": [1]}"#,
        ] {
            assert!(read_one(bad).is_err(), "{bad}");
        }
    }
}
