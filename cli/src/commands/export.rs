//! `clippy export`: writes a collection into a folder.

use clippy_core::settings::Settings;
use clippy_transfer::Progress;

use super::progress_bar::BarProgress;
use crate::arguments::ExportArguments;
use crate::client::ServerCollection;
use crate::failure::Failure;
use crate::local_services::with_server;
use crate::output::say;

/// Exports from the server of this data folder, or in this process if there is none.
pub async fn run(
    settings: &Settings,
    server: Option<&str>,
    arguments: &ExportArguments,
) -> Result<(), Failure> {
    let bar = TransferBar::new(arguments.json);
    let exported = with_server(settings, server, async |client| {
        let source = ServerCollection(client);
        Ok(clippy_transfer::export(&source, &arguments.folder, &bar).await?)
    })
    .await;
    drop(bar);
    let exported = exported?;
    if arguments.json {
        return print_json(&exported);
    }
    say!(
        "{} pictures, {} deleted ones, {} boards and the preferences of {} artists are in {} ({} MB).",
        exported.points,
        exported.deleted,
        exported.boards,
        exported.artists,
        exported.folder.display(),
        exported.bytes / 1_000_000
    );
    say!("The files of the pictures are not in it: they stay where they are.");
    Ok(())
}

/// Prints a result for programs.
pub fn print_json(result: &impl serde::Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(result)
        .map_err(|error| Failure::run(format!("the result cannot be written as JSON: {error}")))?;
    say!("{line}");
    Ok(())
}

/// A progress bar for exports, imports and backups; removed when it is dropped.
pub struct TransferBar(BarProgress);

impl TransferBar {
    /// Makes a bar, hidden if the command's answer is for a program.
    pub fn new(hidden: bool) -> Self {
        Self(BarProgress::new(hidden))
    }
}

impl Drop for TransferBar {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl Progress for TransferBar {
    fn report(&self, what: &'static str, done: u64, total: u64) {
        self.0.report_step(what, done, total);
    }
}
