//! Words find pictures without tags, by the vectors of the pictures.

use serde_json::{Value, json};

use crate::harness::{gallery, json as run_json, run};

/// Number of pictures: few enough to be embedded in seconds.
const PICTURES: usize = 150;
const QUERIES: usize = 40;

#[test]
fn names_find_untagged_pictures_among_tagged_ones() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let rows: Vec<Value> = std::fs::read_to_string(gallery().join("manifest.jsonl"))
        .expect("the gallery's manifest")
        .lines()
        .take(PICTURES)
        .map(|row| serde_json::from_str(row).expect("JSON"))
        .collect();
    let queries = folder.path().join("queries.jsonl");
    std::fs::write(
        &queries,
        lines(&rows[..QUERIES], |row| name_query(row, &rows)),
    )
    .expect("written");
    let queries = queries.display().to_string();
    let root = gallery().display().to_string();

    // The second run changes only tags: the pictures are embedded once.
    let half_tagged = |place: usize| place.is_multiple_of(2);
    let untagged = |_: usize| true;
    let copies: [(&str, &dyn Fn(usize) -> bool); 2] =
        [("half-tagged", &half_tagged), ("untagged", &untagged)];
    for (copy, loses_tags) in copies {
        let manifest = folder.path().join("manifest.jsonl");
        let stripped: Vec<Value> = rows
            .iter()
            .enumerate()
            .map(|(place, row)| {
                if loses_tags(place) {
                    without_tags(row)
                } else {
                    row.clone()
                }
            })
            .collect();
        std::fs::write(&manifest, lines(&stripped, Value::to_string)).expect("written");
        let manifest = manifest.display().to_string();
        run_json(
            folder.path(),
            &[
                "ingest",
                "--manifest",
                &manifest,
                "--images-root",
                &root,
                "--json",
            ],
        );
        let figures = run_json(folder.path(), &["eval", "--queries", &queries, "--json"]);
        let names = &figures["kinds"]["text"];
        assert_eq!(names["queries"], QUERIES);
        let found = names["recall@10"].as_f64().expect("a share");
        assert!(found >= 0.9, "{copy}: {figures}");
    }
    let searched = run(folder.path(), &["search", "--text", "apple", "--json"]);
    let found: Value = serde_json::from_slice(&searched.stdout).expect("JSON");
    let first = &found["results"][0];
    assert_eq!(first["words_part"], "picture", "{first}");
    assert!(first["scores"]["words_image"].is_number(), "{first}");
    assert_eq!(
        (&first["scores"]["text"], &first["lexical"]),
        (&Value::Null, &Value::Null)
    );
}

fn lines<'r>(rows: impl IntoIterator<Item = &'r Value>, line: impl Fn(&Value) -> String) -> String {
    rows.into_iter().map(|row| line(row) + "\n").collect()
}

fn without_tags(row: &Value) -> Value {
    let mut row = row.clone();
    row["tags_all"] = json!([]);
    row["matched_tags"] = json!([]);
    row
}

/// Returns a query for the name of a picture's subject; all pictures of the subject are relevant.
fn name_query(row: &Value, rows: &[Value]) -> String {
    let name = row["tags_all"][0].as_str().expect("a name");
    let answers: Vec<&Value> = rows
        .iter()
        .filter(|other| other["subject"] == row["subject"])
        .map(|other| &other["id"])
        .collect();
    json!({ "kind": "text", "text": name.replace('_', " "), "relevant": answers }).to_string()
}
