//! The fail log: the ids of failed lines, as Clippy 0.2 wrote them, each below a comment with the
//! reason.

use std::path::Path;

use clippy_core::ledger::{Ledger, LineOutcome, LineRecord};
use clippy_core::{Error, Result};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

const PAGE: usize = 1000;

/// Creates the empty file before the run, so that a path that cannot be written fails at once and
/// not after hours.
pub(crate) async fn open(path: &Path) -> Result<File> {
    File::create(path)
        .await
        .map_err(|error| unwritable(path, &error))
}

/// Returns the id of a failed line, or `line N` (counted from 0) if it has none.
pub(crate) fn name(record: &LineRecord) -> String {
    record
        .id
        .map_or_else(|| format!("line {}", record.line), |id| id.to_string())
}

/// Returns the entry of a failed line in the file. Readers of the ids ignore lines that begin with
/// `#`.
pub(crate) fn format_entry(name: &str, reason: &str) -> String {
    let reason: String = reason
        .chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect();
    format!("# {reason}\n{name}\n")
}

/// Writes an entry for every failed line of the run.
pub(crate) async fn write(file: File, path: &Path, ledger: &dyn Ledger, run: Uuid) -> Result<()> {
    let mut writer = BufWriter::new(file);
    let mut after = None;
    loop {
        let page = ledger.failures(run, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.line);
        for record in &page {
            let reason = match &record.outcome {
                LineOutcome::Failed { reason, .. } => reason.as_str(),
                _ => "",
            };
            let text = format_entry(&name(record), reason);
            writer
                .write_all(text.as_bytes())
                .await
                .map_err(|error| unwritable(path, &error))?;
        }
    }
    writer
        .flush()
        .await
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(format!(
        "the list of failed ids {} cannot be written: {error}",
        path.display()
    ))
}
