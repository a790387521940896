//! Names some of the files that were not added, and says how many more there are.

use std::collections::HashMap;

use clippy_core::ledger::{FailureGroup, ListedLine, ListedLines};

/// The most files that are named for one reason.
const OF_A_REASON: usize = 3;
/// The most files that are named for one kind of failure.
const OF_A_KIND: usize = 20;

/// Returns one line for each failed file: its name and its reason. Files that fail for the same
/// reason are few among them.
pub fn failed_files(group: &FailureGroup) -> Vec<String> {
    let listed = &group.listed.lines;
    if listed.is_empty() {
        // A server of an earlier version sends only the first one.
        return vec![format!("  the first: {}", group.reason)];
    }
    let mut named: HashMap<String, usize> = HashMap::new();
    let chosen = listed.iter().filter(|line| {
        let so_far = named.entry(reason_alone(line)).or_default();
        *so_far += 1;
        *so_far <= OF_A_REASON
    });
    let lines = chosen.take(OF_A_KIND).map(|line| match &line.file {
        Some(file) if !names(&line.reason, file) => format!("  {file}: {}", line.reason),
        _ => format!("  {}", line.reason),
    });
    with_rest(lines.collect(), group.lines)
}

/// Returns one line for each file that was left out.
pub fn skipped_files(listed: &ListedLines, count: u64) -> Vec<String> {
    let files = listed.lines.iter().filter_map(|line| line.file.as_ref());
    let lines: Vec<String> = files
        .take(OF_A_REASON)
        .map(|file| format!("  {file}"))
        .collect();
    if lines.is_empty() {
        return lines;
    }
    with_rest(lines, count)
}

fn with_rest(mut lines: Vec<String>, count: u64) -> Vec<String> {
    let more = count.saturating_sub(lines.len() as u64);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines
}

/// The reason without the name of the file.
fn reason_alone(line: &ListedLine) -> String {
    match &line.file {
        Some(file) => line.reason.replace(file, "").replace(name_of(file), ""),
        None => line.reason.clone(),
    }
}

fn names(reason: &str, file: &str) -> bool {
    reason.contains(name_of(file))
}

fn name_of(file: &str) -> &str {
    file.rsplit('/').next().unwrap_or(file)
}

#[cfg(test)]
mod tests {
    use clippy_core::ledger::FailureKind;

    use super::*;

    fn group(reasons: &[String]) -> FailureGroup {
        let lines = reasons.iter().enumerate().map(|(line, reason)| ListedLine {
            line: line as u64,
            file: Some(format!("/hx/{line}.gif")),
            reason: reason.clone(),
        });
        FailureGroup {
            kind: FailureKind::NotAPicture,
            lines: reasons.len() as u64,
            line: 0,
            id: None,
            reason: reasons[0].clone(),
            listed: ListedLines {
                lines: lines.collect(),
                more: 0,
            },
        }
    }

    #[test]
    fn files_with_different_reasons_are_all_named() {
        let reasons: Vec<String> = (0..13)
            .map(|one| format!("/hx/{one}.gif: reason {}", "x".repeat(one)))
            .collect();
        let said = failed_files(&group(&reasons));
        let expected: Vec<String> = reasons.iter().map(|one| format!("  {one}")).collect();
        assert_eq!(said, expected);
    }

    #[test]
    fn of_files_with_one_reason_some_are_named_and_the_others_counted() {
        let mut reasons = vec!["cut off".to_owned(); 40];
        reasons.push("too large".to_owned());
        let said = failed_files(&group(&reasons));
        assert_eq!(
            said,
            [
                "  /hx/0.gif: cut off",
                "  /hx/1.gif: cut off",
                "  /hx/2.gif: cut off",
                "  /hx/40.gif: too large",
                "  and 37 more"
            ]
        );
    }

    #[test]
    fn an_earlier_server_names_only_the_first() {
        let mut old = group(&["cut off: a.gif".to_owned()]);
        old.listed = ListedLines::default();
        assert_eq!(failed_files(&old), ["  the first: cut off: a.gif"]);
        assert!(skipped_files(&ListedLines::default(), 4).is_empty());
    }
}
