//! Summarises why lines failed or were skipped, for the end of a run. Its size does not depend on
//! the number of lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clippy_common::shorten;
use serde::{Deserialize, Serialize};

use super::{DRY_RUN, FailureKind, LedgerTotals, LineOutcome, LineRecord, NOT_STORED};
use crate::ids::PointId;

/// The longest reason that is kept as an example, in characters.
const LONGEST_REASON: usize = 300;
/// The most lines that are listed for each kind of failure, and for each reason to skip a line.
pub const MOST_LISTED: usize = 100;

/// A line that was not stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedLine {
    /// The line, counted from 0.
    pub line: u64,
    /// The path of its file. Only runs that add folders look it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why it failed; empty for a line that was skipped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// The first lines of a group, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedLines {
    /// At most [`MOST_LISTED`], in the order of the manifest.
    pub lines: Vec<ListedLine>,
    /// How many more there are.
    pub more: u64,
}

impl ListedLines {
    fn of(line: ListedLine) -> Self {
        Self {
            lines: vec![line],
            more: 0,
        }
    }

    fn merge(&mut self, other: Self) {
        self.lines.extend(other.lines);
        self.lines.sort_by_key(|listed| listed.line);
        let excess = self.lines.len().saturating_sub(MOST_LISTED);
        self.lines.truncate(MOST_LISTED);
        self.more += other.more + excess as u64;
    }
}

/// Lines that failed for the same kind of reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// The kind.
    pub kind: FailureKind,
    /// How many lines.
    pub lines: u64,
    /// The first of them, counted from 0.
    pub line: u64,
    /// The first one's id, where it has one.
    pub id: Option<PointId>,
    /// The first one's reason.
    pub reason: String,
    /// The first of them, each with its reason. Accounts of earlier versions have none.
    #[serde(default)]
    pub listed: ListedLines,
}

/// Why lines were not stored, and remarks on lines that were. Its size does not grow with the
/// number of lines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasons {
    /// Failures by kind.
    pub failed: Vec<FailureGroup>,
    /// Lines that were skipped, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// The first of the skipped lines, by reason. What a dry run would embed is not listed.
    pub skipped_lines: BTreeMap<String, ListedLines>,
    /// Remarks on lines that were stored, with how many each is about.
    pub remarks: BTreeMap<String, u64>,
}

impl Reasons {
    /// Counts one more line.
    pub fn add(&mut self, record: &LineRecord) {
        match &record.outcome {
            LineOutcome::Failed { reason, kind } => {
                let reason = shorten(reason, LONGEST_REASON).into_owned();
                self.add_failed(FailureGroup {
                    kind: *kind,
                    lines: 1,
                    line: record.line,
                    id: record.id,
                    listed: ListedLines::of(ListedLine {
                        line: record.line,
                        file: None,
                        reason: reason.clone(),
                    }),
                    reason,
                });
            }
            LineOutcome::Skipped { reason } => {
                *self.skipped.entry(reason.clone()).or_default() += 1;
                if reason != DRY_RUN {
                    let listed = ListedLines::of(ListedLine {
                        line: record.line,
                        ..ListedLine::default()
                    });
                    self.list_skipped(reason.clone(), listed);
                }
            }
            LineOutcome::Embedded | LineOutcome::Unchanged | LineOutcome::DuplicateOf { .. } => {}
        }
    }

    /// Keeps a remark on one line.
    pub fn remark(&mut self, text: &str) {
        *self.remarks.entry(text.to_owned()).or_default() += 1;
    }

    /// Adds the reasons of another part of the same manifest.
    pub fn merge(&mut self, other: Self) {
        for group in other.failed {
            self.add_failed(group);
        }
        for (reason, lines) in other.skipped {
            *self.skipped.entry(reason).or_default() += lines;
        }
        for (reason, listed) in other.skipped_lines {
            self.list_skipped(reason, listed);
        }
        for (text, lines) in other.remarks {
            *self.remarks.entry(text).or_default() += lines;
        }
    }

    /// The lines that are listed, failed and skipped ones.
    pub fn listed_mut(&mut self) -> impl Iterator<Item = &mut ListedLine> {
        let failed = self.failed.iter_mut().map(|group| &mut group.listed);
        failed
            .chain(self.skipped_lines.values_mut())
            .flat_map(|listed| &mut listed.lines)
    }

    fn list_skipped(&mut self, reason: String, listed: ListedLines) {
        self.skipped_lines.entry(reason).or_default().merge(listed);
    }

    fn add_failed(&mut self, mut one: FailureGroup) {
        match self.failed.iter_mut().find(|known| known.kind == one.kind) {
            Some(known) => {
                let lines = known.lines + one.lines;
                let mut listed = std::mem::take(&mut known.listed);
                listed.merge(std::mem::take(&mut one.listed));
                if one.line < known.line {
                    *known = one;
                }
                known.lines = lines;
                known.listed = listed;
            }
            None => self.failed.push(one),
        }
        self.failed.sort_by(|left, right| {
            right
                .lines
                .cmp(&left.lines)
                .then(left.kind.cmp(&right.kind))
        });
    }

    /// Returns whether a run with these sums failed: there was something to do, and nothing
    /// succeeded.
    #[must_use]
    pub fn nothing_succeeded(&self, totals: &LedgerTotals) -> bool {
        let skipped = |reason: &str| self.skipped.get(reason).copied().unwrap_or_default();
        let done = totals.embedded + totals.unchanged + self.would_embed().unwrap_or_default();
        done == 0 && totals.failed + skipped(NOT_STORED) > 0
    }

    /// Returns the number of lines that a dry run would embed; `None` if there are none. They are
    /// counted as skipped.
    #[must_use]
    pub fn would_embed(&self) -> Option<u64> {
        self.skipped.get(DRY_RUN).copied()
    }

    /// Returns whether there is nothing to report.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.failed.is_empty() && self.reported_skips().next().is_none() && self.remarks.is_empty()
    }

    /// Returns the skipped lines to report. Those that a dry run would embed are in its totals
    /// already.
    pub fn reported_skips(&self) -> impl Iterator<Item = (&String, &u64)> {
        self.skipped.iter().filter(|(reason, _)| *reason != DRY_RUN)
    }

    /// Writes the reasons for a person: one paragraph per kind, the most frequent first. Lines are
    /// counted from 1, as in editors.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let lines = |count: u64| {
            if count == 1 {
                "1 line".to_owned()
            } else {
                format!("{count} lines")
            }
        };
        for group in &self.failed {
            let FailureGroup {
                kind,
                line,
                id,
                reason,
                ..
            } = group;
            let id = id.map_or_else(String::new, |id| format!(", id {id}"));
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{} failed: {}",
                lines(group.lines),
                kind.description()
            );
            let _ = writeln!(text, "  the first is line {}{id}: {reason}", line + 1);
            if let Some(remedy) = kind.remedy() {
                let _ = writeln!(text, "  to fix it: {remedy}");
            }
        }
        for (reason, count) in self.reported_skips() {
            let _ = writeln!(text, "{} skipped: {reason}", lines(*count));
        }
        for (remark, count) in &self.remarks {
            let _ = writeln!(text, "{}: {remark}", lines(*count));
        }
        text
    }

    /// Returns the failures in one sentence, for a job's error.
    #[must_use]
    pub fn sentence(&self) -> String {
        let failed = self.failed.iter().map(|group| {
            let remedy = group
                .kind
                .remedy()
                .map_or_else(String::new, |remedy| format!("; to fix it: {remedy}"));
            format!(
                "{} × {} (the first is line {}: {}{remedy})",
                group.lines,
                group.kind.description(),
                group.line + 1,
                group.reason
            )
        });
        let skipped = self
            .reported_skips()
            .map(|(reason, count)| format!("{count} × {reason}"));
        failed.chain(skipped).collect::<Vec<_>>().join(". ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(line: u64, kind: FailureKind, reason: &str) -> LineRecord {
        LineRecord {
            line,
            id: Some(line.into()),
            outcome: LineOutcome::Failed {
                reason: reason.to_owned(),
                kind,
            },
        }
    }

    #[test]
    fn failures_are_reported_by_kind_most_frequent_first_with_an_example_and_a_remedy() {
        let (mut one, mut other) = (Reasons::default(), Reasons::default());
        one.add(&failed(7, FailureKind::NoFile, "there is no file g.png"));
        one.add(&failed(2, FailureKind::NotAPicture, "words"));
        other.add(&failed(3, FailureKind::NoFile, "there is no file c.png"));
        one.merge(other);
        let [first, second] = &one.failed[..] else {
            panic!("{one:?}")
        };
        assert_eq!(
            (first.kind, first.lines, first.line),
            (FailureKind::NoFile, 2, 3)
        );
        assert_eq!(second.kind, FailureKind::NotAPicture);
        let text = one.text();
        assert!(
            text.starts_with("2 lines failed: there is no file at the path"),
            "{text}"
        );
        assert!(
            text.contains("line 4, id 3: there is no file c.png") && text.contains("--images-root"),
            "{text}"
        );
        assert!(
            one.sentence().contains("2 ×") && one.sentence().contains("--images-root"),
            "{}",
            one.sentence()
        );
    }

    #[test]
    fn the_first_lines_of_each_reason_are_listed_and_the_others_are_counted() {
        let (mut one, mut other) = (Reasons::default(), Reasons::default());
        let skipped = |line: u64, reason: &str| LineRecord {
            line,
            id: None,
            outcome: LineOutcome::Skipped {
                reason: reason.to_owned(),
            },
        };
        for line in (0..150).rev() {
            let part = if line % 2 == 0 { &mut one } else { &mut other };
            let reason = format!("picture {line}");
            part.add(&failed(line, FailureKind::NotAPicture, &reason));
            part.add(&skipped(200 + line, "deleted"));
            part.add(&skipped(400 + line, DRY_RUN));
        }
        one.add(&failed(500, FailureKind::NoFile, "gone"));
        one.merge(other);
        let group = &one.failed[0];
        assert_eq!((group.lines, group.listed.more), (150, 50));
        let reasons = group.listed.lines.iter().map(|listed| &*listed.reason);
        let first: Vec<String> = (0..100).map(|line| format!("picture {line}")).collect();
        assert!(reasons.eq(first.iter().map(String::as_str)), "{group:?}");
        assert_eq!(one.failed[1].listed.lines.len(), 1);
        let deleted = &one.skipped_lines["deleted"];
        assert_eq!((deleted.lines[99].line, deleted.more), (299, 50));
        assert!(!one.skipped_lines.contains_key(DRY_RUN));
        assert_eq!(one.listed_mut().count(), 201);

        let old = serde_json::json!({"failed": [{"kind": "no_file", "lines": 2, "line": 3,
            "id": null, "reason": "gone"}], "skipped": {"deleted": 1}});
        let old: Reasons = serde_json::from_value(old).expect("that of an earlier version");
        assert_eq!(old.failed[0].listed, ListedLines::default());
    }

    #[test]
    fn a_run_fails_when_there_was_work_and_nothing_succeeded() {
        let mut reasons = Reasons::default();
        let mut totals = LedgerTotals::default();
        assert!(
            !reasons.nothing_succeeded(&totals),
            "an empty manifest asks for nothing"
        );
        let mut add = |outcome: LineOutcome| {
            totals.add(&outcome);
            reasons.add(&LineRecord {
                line: 0,
                id: None,
                outcome,
            });
            reasons.nothing_succeeded(&totals)
        };
        assert!(!add(LineOutcome::Skipped {
            reason: "the line is empty".to_owned()
        }));
        assert!(add(LineOutcome::Skipped {
            reason: NOT_STORED.to_owned()
        }));
        assert!(add(LineOutcome::Failed {
            reason: String::new(),
            kind: FailureKind::Other
        }));
        assert!(
            !add(LineOutcome::Skipped {
                reason: DRY_RUN.to_owned()
            }),
            "that would be embedded"
        );
    }
}
