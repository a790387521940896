//! A progress bar with the rate and the remaining time.

use std::sync::Arc;

use clippy_core::ledger::LedgerTotals;
use clippy_library::scan::ScanProgress;
use clippy_worker::ingest::progress::{IngestProgress, Stage};
use clippy_worker::patience::ReportWait;
use indicatif::{ProgressBar, ProgressStyle};

use crate::output::note;

/// A progress bar on standard error. indicatif hides it if that is not a terminal.
pub struct BarProgress(ProgressBar);

impl BarProgress {
    /// Makes a bar, hidden if the command's answer is for a program.
    pub fn new(hidden: bool) -> Self {
        if hidden {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left",
        );
        // The template is a constant. If it were wrong, indicatif's default would be used.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    /// Shows the progress of a step that is not a run over a manifest.
    pub fn report_step(&self, what: &'static str, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
        self.0.set_message(what);
    }

    /// Returns a function that prints messages about waiting above the bar.
    pub fn wait_reporter(&self) -> ReportWait {
        let bar = self.0.clone();
        Arc::new(move |message| {
            bar.suspend(|| note!("{message}"));
            Box::pin(std::future::ready(()))
        })
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl ScanProgress for BarProgress {
    fn report_scan(&self, files: u64, folders: u64) {
        // The total is not known before the end.
        self.0.set_length(files);
        self.0.set_position(files);
        self.0.set_message(format!("scanning, {folders} folders"));
    }
}

impl IngestProgress for BarProgress {
    fn report(&self, done: u64, total: u64, totals: &LedgerTotals, stage: Stage) {
        self.0.set_length(total);
        self.0.set_position(done);
        let what = match stage {
            Stage::Embedding => "embedding",
            Stage::Indexing => "indexing",
        };
        let failed = if totals.failed > 0 {
            format!(", {} failed", totals.failed)
        } else {
            String::new()
        };
        self.0.set_message(format!("{what}{failed}"));
    }
}
