//! The built-in vocabulary passes the check of a tokenizer's files.

use serde_json::json;

use super::vocabulary;
use crate::tokenizer;

#[test]
fn hugging_face_files_of_the_built_in_vocabulary_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let vocabulary = tokenizer::vocabulary();
    assert_eq!(vocabulary.len(), 49_408);
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("vocab.json", json!(vocabulary).to_string());
    let tokenizer = json!({"model": {"vocab": vocabulary}});
    write("tokenizer.json", tokenizer.to_string());
    let merges = include_str!("../../data/bpe_merges.txt");
    write("merges.txt", format!("#version: 0.2\n{merges}"));
    vocabulary::check(folder.path()).unwrap();
}
