//! Reports the outcome of a run over a manifest: totals on standard output, reasons on standard
//! error, and the exit code.

use clippy_core::ledger::{LedgerTotals, Reasons};

use crate::failure::Failure;
use crate::output::{note, write_note};

/// Returns the totals as one line. What a dry run would embed is not called skipped.
pub fn sums(totals: &LedgerTotals, reasons: &Reasons, seconds: Option<f64>) -> String {
    let LedgerTotals {
        lines,
        embedded,
        unchanged,
        duplicates,
        skipped,
        failed,
    } = totals;
    let wanted = reasons.would_embed().unwrap_or_default();
    let embedded = match wanted {
        0 => format!("{embedded} embedded"),
        _ => format!("{wanted} would be embedded"),
    };
    let skipped = skipped.saturating_sub(wanted);
    let time = seconds.map_or_else(String::new, |seconds| format!(" in {seconds:.1} s"));
    format!(
        "{lines} lines{time}: {embedded}, {unchanged} unchanged, {duplicates} \
         duplicates, {skipped} skipped, {failed} failed."
    )
}

/// Prints why lines failed or were skipped, and decides whether the run succeeded. It failed if no
/// line succeeded; with `fail_on_any`, if any line failed.
pub fn judge(totals: &LedgerTotals, reasons: &Reasons, fail_on_any: bool) -> Result<(), Failure> {
    write_note(&reasons.text());
    if totals.lines == 0 {
        note!("There was nothing to do: the manifest, or the requested part of it, has no lines.");
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

#[cfg(test)]
mod tests {
    use clippy_core::ledger::{DRY_RUN, LineOutcome, LineRecord};

    use super::*;

    #[test]
    fn a_dry_run_says_what_would_be_embedded() {
        let (mut totals, mut reasons) = (LedgerTotals::default(), Reasons::default());
        for reason in [DRY_RUN, DRY_RUN, "not in the list of ids"] {
            let outcome = LineOutcome::Skipped {
                reason: reason.to_owned(),
            };
            totals.add(&outcome);
            reasons.add(&LineRecord {
                line: 0,
                id: None,
                outcome,
            });
        }
        let line = sums(&totals, &reasons, None);
        assert!(
            line.contains("2 would be embedded") && line.contains("1 skipped"),
            "{line}"
        );
        let stored = sums(&LedgerTotals::default(), &Reasons::default(), None);
        assert!(stored.contains("0 embedded"), "{stored}");
    }
}
