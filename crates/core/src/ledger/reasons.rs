//! Summarises why lines failed or were skipped, for the end of a run. Its size is bounded: it
//! depends neither on the number of lines nor on the number of different reasons.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clippy_common::shorten;
use serde::{Deserialize, Serialize};

use super::{DRY_RUN, FailureKind, LedgerTotals, LineOutcome, LineRecord, NOT_STORED};
use crate::ids::PointId;

/// The longest reason or remark that is kept, in characters.
const LONGEST_REASON: usize = 300;
/// The longest reason or remark that is kept, in bytes of JSON.
const MOST_BYTES_OF_REASON: usize = 600;
/// The most different reasons to skip a line, and the most different remarks.
const MOST_REASONS: usize = 50;
/// Stands for the reasons to skip a line that are not kept.
const OTHER_REASONS: &str = "other reasons";
/// Stands for the remarks that are not kept.
const OTHER_REMARKS: &str = "other remarks";
/// The most lines that are listed for each kind of failure, and for each reason to skip a line.
pub const MOST_LISTED: usize = 100;
/// The most lines that are listed in all. If there are many kinds and reasons, each has fewer.
const MOST_LISTED_IN_ALL: usize = 500;
/// The most bytes of JSON of all listed lines together, once they have the paths of their files. A
/// job's result may have 1 MiB.
const MOST_BYTES_LISTED: usize = 384 << 10;
/// The bytes of JSON of a listed line without its texts.
const BYTES_OF_LINE: usize = 64;

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

impl ListedLine {
    fn bytes_in_json(&self) -> usize {
        let file = self.file.as_deref().map_or(0, bytes_in_json);
        BYTES_OF_LINE + bytes_in_json(&self.reason) + file
    }
}

/// The first lines of a group, and how many more there are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListedLines {
    /// At most [`MOST_LISTED`], in the order of the manifest. Fewer if there are many groups, or if
    /// the paths are long.
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
        self.more += other.more;
        self.cut(MOST_LISTED);
    }

    /// Lists at most so many lines, and counts the others.
    fn cut(&mut self, most: usize) {
        let excess = self.lines.len().saturating_sub(most);
        self.lines.truncate(most);
        self.more += excess as u64;
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

/// Why lines were not stored, and remarks on lines that were. It is small enough for the result of
/// a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reasons {
    /// Failures by kind.
    pub failed: Vec<FailureGroup>,
    /// Lines that were skipped, by reason. If there are too many reasons, the last ones in their
    /// order are added up as "other reasons".
    pub skipped: BTreeMap<String, u64>,
    /// The first of the skipped lines, by reason. What a dry run would embed is not listed.
    pub skipped_lines: BTreeMap<String, ListedLines>,
    /// Remarks on lines that were stored, with how many each is about. If there are too many, the
    /// last ones in their order are added up as "other remarks".
    pub remarks: BTreeMap<String, u64>,
}

impl Reasons {
    /// Counts one more line.
    pub fn add(&mut self, record: &LineRecord) {
        match &record.outcome {
            LineOutcome::Failed { reason, kind } => {
                let reason = short(reason);
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
                let reason = short(reason);
                if reason != DRY_RUN {
                    let listed = ListedLines::of(ListedLine {
                        line: record.line,
                        ..ListedLine::default()
                    });
                    self.list_skipped(reason.clone(), listed);
                }
                *self.skipped.entry(reason).or_default() += 1;
            }
            LineOutcome::Embedded | LineOutcome::Unchanged | LineOutcome::DuplicateOf { .. } => {}
        }
        self.bound();
    }

    /// Keeps a remark on one line.
    pub fn remark(&mut self, text: &str) {
        *self.remarks.entry(short(text)).or_default() += 1;
        self.bound();
    }

    /// Adds the reasons of another part of the same manifest. The order of the parts makes no
    /// difference.
    pub fn merge(&mut self, other: Self) {
        for group in other.failed {
            self.add_failed(group);
        }
        for (reason, lines) in other.skipped {
            *self.skipped.entry(short(&reason)).or_default() += lines;
        }
        for (reason, listed) in other.skipped_lines {
            self.list_skipped(short(&reason), listed);
        }
        for (text, lines) in other.remarks {
            *self.remarks.entry(short(&text)).or_default() += lines;
        }
        self.bound();
    }

    /// The lines that are listed, failed and skipped ones.
    pub fn listed(&self) -> impl Iterator<Item = &ListedLine> {
        self.groups().flat_map(|listed| &listed.lines)
    }

    /// Adds the paths of their files to the listed lines, by the numbers of the lines. If all
    /// together are too long, fewer lines of each kind and reason are listed, and the others are
    /// counted.
    pub fn name_files(&mut self, paths: &BTreeMap<u64, String>) {
        for listed in self.groups_mut().flat_map(|listed| &mut listed.lines) {
            if let Some(path) = paths.get(&listed.line) {
                listed.file = Some(path.clone());
            }
        }
        let mut bytes = 0;
        let most = (0..MOST_LISTED).find(|place| {
            let lines = self.groups().filter_map(|group| group.lines.get(*place));
            bytes += lines.map(ListedLine::bytes_in_json).sum::<usize>();
            bytes > MOST_BYTES_LISTED
        });
        if let Some(most) = most {
            self.groups_mut().for_each(|listed| listed.cut(most));
        }
    }

    fn groups(&self) -> impl Iterator<Item = &ListedLines> {
        let failed = self.failed.iter().map(|group| &group.listed);
        failed.chain(self.skipped_lines.values())
    }

    fn groups_mut(&mut self) -> impl Iterator<Item = &mut ListedLines> {
        let failed = self.failed.iter_mut().map(|group| &mut group.listed);
        failed.chain(self.skipped_lines.values_mut())
    }

    fn list_skipped(&mut self, reason: String, listed: ListedLines) {
        self.skipped_lines.entry(reason).or_default().merge(listed);
    }

    /// Keeps the first reasons and remarks in their order, and the first lines of each group. More
    /// parts only leave fewer of them, so the order in which parts are merged makes no difference.
    fn bound(&mut self) {
        let always = [DRY_RUN, NOT_STORED, OTHER_REASONS];
        while let Some(reason) = one_too_many(&self.skipped, &always) {
            let lines = self.skipped.remove(&reason).unwrap_or_default();
            *self.skipped.entry(OTHER_REASONS.to_owned()).or_default() += lines;
            if let Some(listed) = self.skipped_lines.remove(&reason) {
                self.list_skipped(OTHER_REASONS.to_owned(), listed);
            }
        }
        while let Some(text) = one_too_many(&self.remarks, &[OTHER_REMARKS]) {
            let lines = self.remarks.remove(&text).unwrap_or_default();
            *self.remarks.entry(OTHER_REMARKS.to_owned()).or_default() += lines;
        }
        let groups = self.failed.len() + self.skipped_lines.len();
        let most = MOST_LISTED_IN_ALL / groups.max(1);
        if most < MOST_LISTED {
            self.groups_mut().for_each(|listed| listed.cut(most));
        }
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

/// Returns the last of these texts if there are too many. Those of `always` do not count, and stay.
fn one_too_many(texts: &BTreeMap<String, u64>, always: &[&str]) -> Option<String> {
    if texts.len() <= MOST_REASONS {
        return None;
    }
    let mut counted = texts
        .keys()
        .rev()
        .filter(|text| !always.contains(&text.as_str()));
    let last = counted.next()?;
    (counted.count() >= MOST_REASONS).then(|| last.clone())
}

/// Shortens a reason or a remark. A short text stays as it is.
fn short(text: &str) -> String {
    let text = shorten(text, LONGEST_REASON);
    let mut bytes = 0;
    let end = text.char_indices().find(|(_, letter)| {
        bytes += letter_in_json(*letter);
        bytes > MOST_BYTES_OF_REASON
    });
    match end {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// How many bytes a text has in JSON, at most.
fn bytes_in_json(text: &str) -> usize {
    text.chars().map(letter_in_json).sum()
}

fn letter_in_json(letter: char) -> usize {
    match letter {
        '"' | '\\' => 2,
        _ if letter.is_control() => 6,
        _ => letter.len_utf8(),
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

    fn skipped(line: u64, reason: &str) -> LineRecord {
        LineRecord {
            line,
            id: None,
            outcome: LineOutcome::Skipped {
                reason: reason.to_owned(),
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
        assert_eq!(one.listed().count(), 201);

        let old = serde_json::json!({"failed": [{"kind": "no_file", "lines": 2, "line": 3,
            "id": null, "reason": "gone"}], "skipped": {"deleted": 1}});
        let old: Reasons = serde_json::from_value(old).expect("that of an earlier version");
        assert_eq!(old.failed[0].listed, ListedLines::default());
    }

    /// Parts of a manifest in which every line has a reason of its own that is long in JSON.
    fn hostile_parts() -> Vec<Reasons> {
        let kinds = [
            FailureKind::NotText,
            FailureKind::NotJson,
            FailureKind::BadId,
            FailureKind::NoPath,
            FailureKind::BadField,
            FailureKind::NoFile,
            FailureKind::Outside,
            FailureKind::Unreadable,
            FailureKind::NotAPicture,
            FailureKind::NotEmbedded,
            FailureKind::Deleted,
            FailureKind::Overwritten,
            FailureKind::Other,
        ];
        let long = "\u{1}\"狐".repeat(500);
        let parts = (0..40_u64).map(|part| {
            let mut reasons = Reasons::default();
            for line in 0..128 {
                let number = (part * 128 + line) * 3;
                let own = format!("{:04} {long}", (number * 7_919) % 10_007);
                let kind = kinds[usize::try_from(number).expect("small") % kinds.len()];
                reasons.add(&failed(number, kind, &own));
                reasons.add(&skipped(number + 1, &own));
                reasons.add(&skipped(number + 2, NOT_STORED));
                reasons.remark(&own);
            }
            reasons
        });
        parts.collect()
    }

    fn merged<'r>(parts: impl Iterator<Item = &'r Reasons>) -> Reasons {
        let mut all = Reasons::default();
        parts.for_each(|part| all.merge(part.clone()));
        all
    }

    #[test]
    fn a_summary_is_small_however_many_reasons_there_are_and_counts_every_line() {
        let parts = hostile_parts();
        let mut all = merged(parts.iter());
        let lines = 40 * 128;
        assert_eq!(all.skipped.values().sum::<u64>(), 2 * lines);
        assert_eq!(all.skipped[NOT_STORED], lines);
        assert_eq!(all.skipped[OTHER_REASONS], lines - MOST_REASONS as u64);
        assert_eq!(all.remarks.values().sum::<u64>(), lines);
        assert_eq!(all.remarks[OTHER_REMARKS], lines - MOST_REASONS as u64);
        assert_eq!(
            all.failed.iter().map(|group| group.lines).sum::<u64>(),
            lines
        );
        for group in &all.failed {
            let listed = &group.listed;
            assert_eq!(listed.lines.len() as u64 + listed.more, group.lines);
        }
        for (reason, listed) in &all.skipped_lines {
            assert_eq!(listed.lines.len() as u64 + listed.more, all.skipped[reason]);
        }
        assert!(all.listed().count() <= MOST_LISTED_IN_ALL);

        let path = format!("/{}/x.png", "狐\n".repeat(500));
        let paths = (0..3 * lines).map(|line| (line, path.clone())).collect();
        all.name_files(&paths);
        let listed = all.skipped_lines.values().map(|listed| listed.lines.len());
        let counted = all.skipped_lines.values().map(|listed| listed.more);
        assert_eq!(
            listed.sum::<usize>() as u64 + counted.sum::<u64>(),
            2 * lines
        );
        let bytes = serde_json::to_string(&all).expect("JSON").len();
        assert!(bytes < 700 << 10, "{bytes}");
    }

    #[test]
    fn the_order_of_the_parts_makes_no_difference() {
        let parts = hostile_parts();
        let forwards = merged(parts.iter());
        assert_eq!(merged(parts.iter().rev()), forwards);
        let (first, second) = parts.split_at(17);
        let mut joined = merged(second.iter());
        joined.merge(merged(first.iter()));
        assert_eq!(joined, forwards);
    }

    #[test]
    fn names_that_fit_are_all_listed_and_others_are_counted() {
        let mut reasons = Reasons::default();
        for line in 0..300 {
            let record = if line % 2 == 0 {
                skipped(line, "deleted")
            } else {
                failed(line, FailureKind::NoFile, "gone")
            };
            reasons.add(&record);
        }
        let named = |length: usize| {
            let path = |line| (line, format!("/{}{line}", "a".repeat(length)));
            let paths: BTreeMap<u64, String> = (0..300).map(path).collect();
            let mut named = reasons.clone();
            named.name_files(&paths);
            assert!(named.listed().all(|listed| listed.file.is_some()));
            (
                named.failed[0].listed.clone(),
                named.skipped_lines["deleted"].clone(),
            )
        };
        let (failed, skipped) = named(100);
        assert_eq!((failed.lines.len(), failed.more), (100, 50));
        assert_eq!((skipped.lines.len(), skipped.more), (100, 50));
        let (failed, skipped) = named(4_000);
        assert!((20..100).contains(&failed.lines.len()), "{failed:?}");
        assert_eq!(failed.lines.len(), skipped.lines.len());
        assert_eq!(failed.lines.len() as u64 + failed.more, 150);
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
