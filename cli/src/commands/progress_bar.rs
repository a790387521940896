//! A progress bar with the rate and the time left.

use std::sync::Arc;

use clippy_core::ledger::LedgerTotals;
use clippy_library::scan::ScanProgress;
use clippy_worker::ingest::progress::{ProgressSink, Stage};
use clippy_worker::patience::Tell;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error. indicatif hides it when that is no terminal.
pub struct BarProgress(ProgressBar);

impl BarProgress {
    /// A bar, hidden when the command's answer is for a program.
    pub fn new(hidden: bool) -> Self {
        if hidden {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar} {human_pos}/{human_len}  {per_sec}  {eta} left",
        );
        // The template is a constant; if it were wrong, indicatif's default would do.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self(bar)
    }

    /// Shows the progress of something other than a run over a manifest.
    pub fn at(&self, what: &'static str, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
        self.0.set_message(what);
    }

    /// Prints above the bar what is being waited for.
    pub fn tell(&self) -> Tell {
        let bar = self.0.clone();
        Arc::new(move |message| {
            bar.suspend(|| eprintln!("{message}"));
            Box::pin(std::future::ready(()))
        })
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl ScanProgress for BarProgress {
    fn looked_at(&self, files: u64, folders: u64) {
        // How many there are in all is not known before the end.
        self.0.set_length(files);
        self.0.set_position(files);
        self.0
            .set_message(format!("looking at files, {folders} folders"));
    }
}

impl ProgressSink for BarProgress {
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
