//! Checks that a model's tokenizer is the one that is built in.

use std::path::Path;

use serde_json::Value;

use super::{read_json, read_text};
use crate::error::{ClipError, Result};
use crate::tokenizer;

/// Compares the tokenizer's files that the folder holds. A folder without them has CLIP's.
///
/// # Errors
/// [`ClipError::UnsupportedConfig`], naming the file that differs.
pub fn check(folder: &Path) -> Result<()> {
    let path = folder.join("vocab.json");
    if path.is_file() && !is_ours(&read_json(&path)?) {
        return Err(differs(&path));
    }
    let path = folder.join("merges.txt");
    if path.is_file() {
        let text = read_text(&path)?;
        let lines = text.lines().enumerate();
        let merges = lines
            .filter(|(at, line)| !(line.is_empty() || *at == 0 && line.starts_with("#version")))
            .map(|(_, line)| line);
        if !tokenizer::are_our_merges(merges) {
            return Err(differs(&path));
        }
    }
    let path = folder.join("tokenizer.json");
    if path.is_file() {
        let json = read_json(&path)?;
        let vocabulary = json.pointer("/model/vocab");
        if !vocabulary.is_some_and(is_ours) {
            return Err(differs(&path));
        }
    }
    Ok(())
}

fn is_ours(found: &Value) -> bool {
    let ours = tokenizer::vocabulary();
    found.as_object().is_some_and(|found| {
        found.len() == ours.len()
            && found.iter().all(|(token, number)| {
                ours.get(token).map(|&ours| u64::from(ours)) == number.as_u64()
            })
    })
}

fn differs(path: &Path) -> ClipError {
    ClipError::UnsupportedConfig(format!(
        "{} differs from CLIP's vocabulary of 49408 tokens, the only one that is built in",
        path.display()
    ))
}
