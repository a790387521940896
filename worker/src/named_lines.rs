//! Looks up the files of lines that were not stored, so that a report can name them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use clippy_core::gallery::LOCAL_PATH_FIELD;
use clippy_core::ledger::{ListedLine, Reasons};
use clippy_core::{Error, Result, blocking};
use serde_json::Value;

/// Adds the paths of the files to the listed lines. They are read from the manifest of the run. If
/// it cannot be read, the report has no names, which the log says.
pub(crate) async fn name_files(reasons: &mut Reasons, manifest: &Path) {
    let mut wanted: BTreeMap<u64, Vec<&mut ListedLine>> = BTreeMap::new();
    for listed in reasons.listed_mut() {
        wanted.entry(listed.line).or_default().push(listed);
    }
    if wanted.is_empty() {
        return;
    }
    let numbers: Vec<u64> = wanted.keys().copied().collect();
    let path = manifest.to_owned();
    let named = blocking("reading a manifest", move || paths_of(&path, numbers)).await;
    match named {
        Ok(paths) => {
            for (number, path) in paths {
                for listed in wanted.remove(&number).unwrap_or_default() {
                    listed.file = Some(path.clone());
                }
            }
        }
        Err(error) => tracing::warn!(
            %error,
            "the files that were left out or failed cannot be named: {} cannot be read",
            manifest.display()
        ),
    }
}

/// The paths of the lines with these numbers, which ascend.
fn paths_of(manifest: &Path, numbers: Vec<u64>) -> Result<Vec<(u64, String)>> {
    let unreadable = |error: std::io::Error| {
        Error::internal(format!("{} cannot be read", manifest.display())).with_source(error)
    };
    let mut lines = BufReader::new(File::open(manifest).map_err(unreadable)?);
    let (mut paths, mut line, mut next) = (Vec::new(), Vec::new(), 0);
    for number in numbers {
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                return Ok(paths);
            }
            next += 1;
            if next > number {
                break;
            }
        }
        let fields: Option<Value> = serde_json::from_slice(&line).ok();
        if let Some(path) = fields
            .as_ref()
            .and_then(|all| all[LOCAL_PATH_FIELD].as_str())
        {
            paths.push((number, path.to_owned()));
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use clippy_core::ledger::{FailureKind, LineOutcome, LineRecord};

    use super::*;

    #[tokio::test]
    async fn listed_lines_get_the_paths_of_the_manifest() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let manifest = folder.path().join("scan.jsonl");
        let lines = (0..5).map(|line| format!("{{\"local_path\": \"/a/{line}.png\"}}\n"));
        std::fs::write(&manifest, lines.collect::<String>()).expect("written");
        let mut reasons = Reasons::default();
        for (line, kind) in [(4, FailureKind::NoFile), (1, FailureKind::NotAPicture)] {
            let reason = "broken".to_owned();
            reasons.add(&LineRecord {
                line,
                id: None,
                outcome: LineOutcome::Failed { reason, kind },
            });
        }
        for line in [0, 3, 9] {
            let reason = "deleted".to_owned();
            reasons.add(&LineRecord {
                line,
                id: None,
                outcome: LineOutcome::Skipped { reason },
            });
        }
        name_files(&mut reasons, &folder.path().join("gone.jsonl")).await;
        assert!(reasons.listed_mut().all(|listed| listed.file.is_none()));
        name_files(&mut reasons, &manifest).await;
        let mut named: Vec<(u64, Option<String>)> = reasons
            .listed_mut()
            .map(|listed| (listed.line, listed.file.clone()))
            .collect();
        named.sort();
        let path = |line: u64| (line, Some(format!("/a/{line}.png")));
        assert_eq!(named, [path(0), path(1), path(3), path(4), (9, None)]);
    }
}
