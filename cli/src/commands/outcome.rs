//! Reports the outcome of a run over a manifest: totals on standard output, reasons on standard
//! error, and the exit code.

use clippy_core::ledger::{LedgerTotals, Reasons};

use crate::failure::Failure;

/// Returns the totals as one line.
pub fn sums(totals: &LedgerTotals, seconds: Option<f64>) -> String {
    let LedgerTotals {
        lines,
        embedded,
        unchanged,
        duplicates,
        skipped,
        failed,
    } = totals;
    let time = seconds.map_or_else(String::new, |seconds| format!(" in {seconds:.1} s"));
    format!(
        "{lines} lines{time}: {embedded} embedded, {unchanged} unchanged, {duplicates} \
         duplicates, {skipped} skipped, {failed} failed."
    )
}

/// Prints why lines failed or were skipped, and decides whether the run succeeded. It failed if no
/// line succeeded; with `fail_on_any`, if any line failed.
pub fn judge(totals: &LedgerTotals, reasons: &Reasons, fail_on_any: bool) -> Result<(), Failure> {
    eprint!("{}", reasons.text());
    if totals.lines == 0 {
        eprintln!(
            "There was nothing to do: the manifest, or the requested part of it, has no lines."
        );
    }
    if reasons.nothing_succeeded(totals) {
        return Err(Failure::run(format!(
            "nothing was done: none of the {} lines succeeded",
            totals.lines
        )));
    }
    if fail_on_any && totals.failed > 0 {
        return Err(Failure::run(format!(
            "{} of {} lines failed (--fail-on-any)",
            totals.failed, totals.lines
        )));
    }
    Ok(())
}
