//! Reports the outcome of adding folders: totals on standard output, reasons on standard error.

use clippy_core::ledger::{LedgerTotals, Reasons};
use clippy_library::summary::Summary;
use clippy_worker::add::AddReport;
use serde::Deserialize;
use serde_json::Value;

use super::listed_files::{failed_files, skipped_files};
use crate::failure::Failure;
use crate::output::{note, say, write_note};

/// The number of duplicates and missing files that are printed as examples.
const EXAMPLES: usize = 3;

/// The outcome of adding folders, in this process or on a server.
pub struct AddOutcome {
    scan: Summary,
    totals: LedgerTotals,
    reasons: Reasons,
    replaced: u64,
    pruned: u64,
    dry_run: bool,
    complete: bool,
    seconds: Option<f64>,
    /// The output for programs.
    json: String,
}

impl AddOutcome {
    /// Returns the outcome of a run in this process.
    pub fn of_run(report: AddReport, dry_run: bool) -> Result<Self, Failure> {
        let json = serde_json::to_string(&report).map_err(|error| {
            Failure::run(format!("the report cannot be written as JSON: {error}"))
        })?;
        Ok(Self {
            json,
            dry_run,
            scan: report.scan,
            totals: report.totals,
            reasons: report.reasons,
            replaced: report.replaced,
            pruned: report.pruned,
            complete: report.complete,
            seconds: Some(report.seconds),
        })
    }

    /// Returns the outcome of a job that succeeded.
    pub fn of_job(job: &Value) -> Result<Self, Failure> {
        let result = &job["result"];
        let unreadable = |error: serde_json::Error| {
            Failure::run(format!("the job's result cannot be parsed: {error}"))
        };
        Ok(Self {
            scan: Summary::deserialize(&result["scan"]).map_err(unreadable)?,
            totals: LedgerTotals::deserialize(&result["totals"]).map_err(unreadable)?,
            reasons: Reasons::deserialize(&result["reasons"]).unwrap_or_default(),
            replaced: result["replaced"].as_u64().unwrap_or_default(),
            pruned: result["pruned"].as_u64().unwrap_or_default(),
            dry_run: result["dry_run"].as_bool().unwrap_or_default(),
            complete: true,
            seconds: None,
            json: result.to_string(),
        })
    }

    /// Prints the outcome, and decides whether the run succeeded.
    pub fn report(&self, as_json: bool) -> Result<(), Failure> {
        if as_json {
            say!("{}", self.json);
        } else {
            say!("{}", self.sums());
        }
        write_note(&self.details());
        if !self.complete {
            return Err(Failure::run(
                "stopped before the end; what was done is stored, and the next run continues from \
                 there",
            ));
        }
        if self.scan.files == 0 && self.scan.failed == 0 {
            note!("There was nothing to do: no file was found.");
        }
        let stored_before = self.scan.unchanged + self.scan.duplicates;
        if stored_before == 0 && self.reasons.nothing_succeeded(&self.totals) {
            return Err(Failure::run(format!(
                "nothing was added: none of the {} files succeeded",
                self.totals.failed
            )));
        }
        Ok(())
    }

    /// Returns the totals as one line.
    fn sums(&self) -> String {
        let Self { scan, totals, .. } = self;
        let added = if self.dry_run {
            let wanted = self.reasons.would_embed().unwrap_or_default();
            format!("{wanted} would be added")
        } else {
            let described = scan.described_anew.min(totals.embedded);
            let added = format!("{} added", totals.embedded - described);
            match described {
                0 => added,
                _ => format!("{added}, {described} described anew"),
            }
        };
        let time = self
            .seconds
            .map_or_else(String::new, |seconds| format!(" in {seconds:.1} s"));
        format!(
            "{} in {}{time}: {added}, {} unchanged, {}, {} left out, {} failed.",
            plural(scan.files, "file"),
            plural(scan.folders, "folder"),
            scan.unchanged + totals.unchanged,
            plural(scan.duplicates + totals.duplicates, "duplicate"),
            self.left_out().map(|(_, count)| count).sum::<u64>(),
            totals.failed
        )
    }

    /// Returns why files were left out, with their numbers: they are no pictures, or somebody
    /// deleted them.
    fn left_out(&self) -> impl Iterator<Item = (&String, u64)> {
        // Files that are no pictures are skipped lines, too, unless an earlier run read them.
        let known = &self.scan.not_pictures;
        let skipped = self
            .reasons
            .reported_skips()
            .filter(|(reason, _)| !known.contains_key(reason.as_str()));
        known
            .iter()
            .chain(skipped)
            .map(|(reason, count)| (reason, *count))
    }

    /// Returns the reasons, the remarks and some examples.
    fn details(&self) -> String {
        let mut text = String::new();
        let mut add = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        let Self { scan, reasons, .. } = self;
        if self.dry_run {
            add(format!(
                "This was a dry run, and nothing was stored: {} new, {} overwritten with other \
                 pictures, {} with new descriptions.",
                scan.new, scan.changed, scan.described_anew
            ));
        }
        for group in &reasons.failed {
            add(format!(
                "{} failed: {}",
                plural(group.lines, "file"),
                group.kind.description()
            ));
            failed_files(group).into_iter().for_each(&mut add);
        }
        for (reason, count) in self.left_out() {
            add(format!("{} left out: {reason}", plural(count, "file")));
            if let Some(listed) = reasons.skipped_lines.get(reason) {
                skipped_files(listed, count).into_iter().for_each(&mut add);
            }
        }
        for (remark, count) in &scan.remarks {
            add(if *count == 1 {
                remark.clone()
            } else {
                format!("{remark} ({count} times)")
            });
        }
        for (remark, count) in &reasons.remarks {
            add(format!("{}: {remark}", plural(*count, "file")));
        }
        for duplicate in scan.duplicate_files.iter().take(EXAMPLES) {
            add(format!(
                "{} has the content of {}",
                duplicate.path, duplicate.duplicate_of
            ));
        }
        if scan.moved > 0 {
            add(format!(
                "{} moved since the last run; the collection has the new paths.",
                plural(scan.moved, "picture")
            ));
        }
        if self.replaced > 0 {
            add(format!(
                "{} removed from the collection, since the files were overwritten with others.",
                plural(self.replaced, "picture")
            ));
        }
        if self.pruned > 0 {
            add(format!(
                "{} moved to the trash, since the files are gone. They can be restored for 30 days.",
                plural(self.pruned, "picture")
            ));
        } else if scan.missing > 0 {
            let examples: Vec<&str> = scan
                .missing_files
                .iter()
                .take(EXAMPLES)
                .map(String::as_str)
                .collect();
            add(format!(
                "{} missing, but still in the collection: {}",
                plural(scan.missing, "picture"),
                examples.join(", ")
            ));
        }
        text
    }
}

fn plural(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(result: &Value) -> AddOutcome {
        AddOutcome::of_job(&json!({ "result": result })).expect("parsed")
    }

    #[test]
    fn the_totals_of_scan_and_ingest_are_one_line() {
        let outcome = outcome(&json!({
            "totals": {"lines": 9, "embedded": 5, "unchanged": 1, "duplicates": 1, "skipped": 1,
            "failed": 1},
            "scan": {"files": 20, "folders": 1, "unchanged": 8, "duplicates": 2,
            "not_pictures": {"empty": 1, "not a picture": 2}, "missing": 1,
            "missing_files": ["/a/b.png"]},
            "reasons": {"remarks": {},
            "failed": [{"kind": "not_a_picture", "lines": 1, "line": 0, "id": null,
                "reason": "/a/c.png: cut off",
                "listed": {"lines": [{"line": 0, "file": "/a/c.png", "reason":
                    "/a/c.png: cut off"}], "more": 0}}],
            "skipped": {"not a picture": 1, "it was deleted": 2},
            "skipped_lines": {"it was deleted": {"lines": [{"line": 3, "file": "/a/d.png"}],
                "more": 1}}},
            "replaced": 1
        }));
        assert_eq!(
            outcome.sums(),
            "20 files in 1 folder: 5 added, 9 unchanged, 3 duplicates, 5 left out, 1 failed."
        );
        let details = outcome.details();
        for words in [
            "2 files left out: not a picture",
            "1 file left out: empty\n",
            "2 files left out: it was deleted\n  /a/d.png\n  and 1 more\n",
            "1 file failed: the file is not a picture that can be read\n  /a/c.png: cut off\n",
            "/a/b.png",
            "1 picture removed",
        ] {
            assert!(details.contains(words), "{details}");
        }
        outcome.report(true).expect("something succeeded");
    }

    #[test]
    fn pictures_with_a_new_description_are_not_counted_as_added() {
        let outcome = outcome(&json!({
            "totals": {"lines": 5, "embedded": 5, "unchanged": 0, "duplicates": 0, "skipped": 0,
            "failed": 0},
            "scan": {"files": 5, "folders": 1, "new": 2, "described_anew": 3}
        }));
        let sums = outcome.sums();
        assert!(sums.contains(": 2 added, 3 described anew,"), "{sums}");
    }

    #[test]
    fn a_run_that_adds_nothing_fails_unless_pictures_were_stored_before() {
        let failed = json!({"lines": 1, "embedded": 0, "unchanged": 0, "duplicates": 0,
        "skipped": 0, "failed": 1});
        let nothing = outcome(&json!({"totals": failed, "scan": {"files": 1}}));
        assert!(nothing.report(false).is_err());
        let later = outcome(&json!({"totals": failed, "scan": {"files": 2, "unchanged": 1}}));
        later.report(false).expect("the other one is stored");
    }
}
