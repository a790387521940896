//! Looks up the files of lines that were not stored, so that a report can name them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use clippy_core::gallery::LOCAL_PATH_FIELD;
use clippy_core::ledger::Reasons;
use clippy_core::{Error, Result, blocking};
use serde_json::Value;

/// Adds the paths of the files to the listed lines. They are read from the manifest of the run. If
/// it cannot be read, the report has no names, which the log says.
pub(crate) async fn name_files(reasons: &mut Reasons, manifest: &Path) {
    let numbers: BTreeSet<u64> = reasons.listed().map(|listed| listed.line).collect();
    if numbers.is_empty() {
        return;
    }
    let path = manifest.to_owned();
    let named = blocking("reading a manifest", move || paths_of(&path, &numbers)).await;
    match named {
        Ok(paths) => reasons.name_files(&paths),
        Err(error) => tracing::warn!(
            %error,
            "the files that were left out or failed cannot be named: {} cannot be read",
            manifest.display()
        ),
    }
}

/// The paths of the lines with these numbers.
fn paths_of(manifest: &Path, numbers: &BTreeSet<u64>) -> Result<BTreeMap<u64, String>> {
    let unreadable = |error: std::io::Error| {
        Error::internal(format!("{} cannot be read", manifest.display())).with_source(error)
    };
    let mut lines = BufReader::new(File::open(manifest).map_err(unreadable)?);
    let (mut paths, mut line, mut next) = (BTreeMap::new(), Vec::new(), 0);
    for number in numbers {
        loop {
            line.clear();
            if lines.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
                return Ok(paths);
            }
            next += 1;
            if next > *number {
                break;
            }
        }
        let fields: Option<Value> = serde_json::from_slice(&line).ok();
        if let Some(path) = fields
            .as_ref()
            .and_then(|all| all[LOCAL_PATH_FIELD].as_str())
        {
            paths.insert(*number, path.to_owned());
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
        assert!(reasons.listed().all(|listed| listed.file.is_none()));
        name_files(&mut reasons, &manifest).await;
        let mut named: Vec<(u64, Option<String>)> = reasons
            .listed()
            .map(|listed| (listed.line, listed.file.clone()))
            .collect();
        named.sort();
        let path = |line: u64| (line, Some(format!("/a/{line}.png")));
        assert_eq!(named, [path(0), path(1), path(3), path(4), (9, None)]);
    }

    #[tokio::test]
    async fn the_names_of_all_listed_files_fit_into_the_result_of_a_job() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let manifest = folder.path().join("scan.jsonl");
        let below = format!("/a/{}", "deep/".repeat(600));
        let line = |line: u64| format!("{{\"local_path\": \"{below}{line}.png\"}}\n");
        let lines: String = (0..1_000).map(line).collect();
        std::fs::write(&manifest, lines).expect("written");
        let mut reasons = Reasons::default();
        for line in 0..1_000 {
            reasons.add(&LineRecord {
                line,
                id: None,
                outcome: LineOutcome::Skipped {
                    reason: format!("reason {}", line % 10),
                },
            });
        }
        name_files(&mut reasons, &manifest).await;
        let bytes = serde_json::to_string(&reasons).expect("JSON").len();
        assert!(bytes < 512 << 10, "{bytes}");
        assert!(reasons.listed().all(|listed| listed.file.is_some()));
        for (reason, listed) in &reasons.skipped_lines {
            assert!(!listed.lines.is_empty(), "{reason}");
            assert_eq!(listed.lines.len() as u64 + listed.more, 100, "{reason}");
        }
    }
}
