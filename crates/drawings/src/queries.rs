//! Queries to the gallery with known answers, for `clippy eval`.

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Serialize;

use crate::error::Error;
use crate::files;
use crate::gallery::picture_id;
use crate::sketch::sketch;
use crate::style::Style;
use crate::subject::Subject;
use crate::subjects::subjects;

/// Sketches of each subject.
const SKETCHES: u64 = 2;

/// The result of [`write_queries`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueriesSummary {
    /// Number of queries with a sketch.
    pub sketches: usize,
    /// Number of queries with a name.
    pub texts: usize,
    /// The file of queries; its paths are relative to its folder.
    pub queries: PathBuf,
}

/// A line of the file.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Query {
    Sketch {
        image: String,
        relevant: Vec<u64>,
        exclude: Vec<u64>,
        subject: &'static str,
    },
    Text {
        text: String,
        relevant: Vec<u64>,
        subject: &'static str,
    },
}

/// Writes `queries.jsonl` and `sketches/<subject>-<n>.png` into the folder: two sketches of each
/// subject, and its name. The subject's pictures in all styles are relevant.
///
/// # Errors
/// [`Error::File`] when the folder cannot be written.
pub fn write_queries(folder: &Path) -> Result<QueriesSummary, Error> {
    files::folder(&folder.join("sketches"))?;
    let attempts: Vec<(&Subject, u64)> = subjects()
        .iter()
        .flat_map(|subject| (1..=SKETCHES).map(move |seed| (subject, seed)))
        .collect();
    let mut asked: Vec<Query> = attempts
        .par_iter()
        .map(|(subject, seed)| write_sketch(folder, subject, *seed))
        .collect::<Result<_, _>>()?;
    let sketches = asked.len();
    asked.extend(subjects().iter().map(|subject| Query::Text {
        text: subject.name.replace('_', " "),
        relevant: relevant(subject),
        subject: subject.name,
    }));

    let mut text = String::new();
    for query in &asked {
        text.push_str(
            &serde_json::to_string(query).map_err(|error| Error::Picture(error.to_string()))?,
        );
        text.push('\n');
    }
    let queries = folder.join("queries.jsonl");
    files::keep(&queries, text.as_bytes())?;
    Ok(QueriesSummary {
        sketches,
        texts: asked.len() - sketches,
        queries,
    })
}

fn write_sketch(folder: &Path, subject: &Subject, seed: u64) -> Result<Query, Error> {
    let image = format!("sketches/{}-{seed}.png", subject.name);
    files::keep(&folder.join(&image), &files::png(&sketch(subject, seed)?)?)?;
    // The sketch itself is not in the gallery, so nothing is excluded.
    Ok(Query::Sketch {
        image,
        relevant: relevant(subject),
        exclude: Vec::new(),
        subject: subject.name,
    })
}

fn relevant(subject: &Subject) -> Vec<u64> {
    Style::ALL.map(|style| picture_id(subject, style)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_subject_has_queries_by_sketch_and_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let summary = write_queries(folder.path()).unwrap();
        assert_eq!(
            (summary.sketches, summary.texts),
            (subjects().len() * 2, subjects().len())
        );
        let text = std::fs::read_to_string(&summary.queries).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), summary.sketches + summary.texts);
        for line in &lines {
            let subject = crate::subject(line["subject"].as_str().unwrap()).unwrap();
            let relevant: Vec<u64> = line["relevant"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_u64)
                .collect();
            assert_eq!(relevant, Style::ALL.map(|style| picture_id(subject, style)));
            match line["kind"].as_str().unwrap() {
                "sketch" => {
                    let pad =
                        image::open(folder.path().join(line["image"].as_str().unwrap())).unwrap();
                    assert_eq!(
                        (pad.width(), pad.height()),
                        (crate::PAD_WIDTH, crate::PAD_HEIGHT)
                    );
                    assert_eq!(line["exclude"], Value::Array(Vec::new()));
                }
                "text" => assert_eq!(line["text"], subject.name.replace('_', " ")),
                other => panic!("{other} is not a kind"),
            }
        }
    }
}
