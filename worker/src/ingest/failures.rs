//! The file with the ids of failed lines, as Clippy 0.2 wrote it.

use std::path::Path;

use clippy_core::ledger::Ledger;
use clippy_core::{Error, Result};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use uuid::Uuid;

const PAGE: usize = 1000;

/// Makes the file, empty, so that a run of hours does not find out at its end that it cannot be written.
pub(crate) async fn open(path: &Path) -> Result<File> {
    File::create(path).await.map_err(|error| unwritable(path, &error))
}

/// Writes the id of every failed line, one a line; `line N` (counted from 0) where the line has none.
pub(crate) async fn write(file: File, path: &Path, ledger: &dyn Ledger, run: Uuid) -> Result<()> {
    let mut writer = BufWriter::new(file);
    let mut after = None;
    loop {
        let page = ledger.failures(run, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.line);
        for record in &page {
            let text = record.id.map_or_else(|| format!("line {}\n", record.line), |id| format!("{id}\n"));
            writer.write_all(text.as_bytes()).await.map_err(|error| unwritable(path, &error))?;
        }
    }
    writer.flush().await.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(format!("the list of failed ids {} cannot be written: {error}", path.display()))
}
