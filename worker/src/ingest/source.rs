//! Reads a manifest in chunks of parsed lines, in order.

use std::sync::Arc;

use clippy_core::ids::PointId;
use clippy_core::ledger::{FailureKind, Ledger, LineFailure, LineOutcome, LineRecord};
use clippy_core::{Result, blocking};
use clippy_library::entry::OUTCOME_FIELD;
use serde::Deserialize as _;
use uuid::Uuid;

use crate::ingest::manifest::{Entry, Lines, Place, RawLine};

/// A line of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// A valid line, with an id that no earlier line has.
    Entry {
        /// Counted from 0.
        number: u64,
        /// The parsed line.
        entry: Box<Entry>,
    },
    /// A line whose outcome is known already: it is invalid, empty or a duplicate.
    Settled(LineRecord),
}

/// Reads one chunk after the other. Only the current chunk is in memory. The ledger stores the ids
/// that have been seen.
pub(crate) struct Source {
    lines: Option<Lines>,
    ledger: Arc<dyn Ledger>,
    run: Uuid,
    size: usize,
}

impl Source {
    pub(crate) fn new(lines: Lines, ledger: Arc<dyn Ledger>, run: Uuid, size: usize) -> Self {
        Self {
            lines: Some(lines),
            ledger,
            run,
            size,
        }
    }

    /// Returns where the next chunk begins; `None` at the end.
    pub(crate) fn place(&self) -> Option<Place> {
        self.lines.as_ref().map(Lines::place)
    }

    /// Reads the next chunk; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Line>>> {
        let Some(mut reader) = self.lines.take() else {
            return Ok(None);
        };
        let size = self.size;
        let (reader, lines) = blocking("reading the manifest", move || {
            let lines = reader
                .by_ref()
                .take(size)
                .map(|line| line.map(parse_line))
                .collect::<Result<Vec<_>>>();
            Ok((reader, lines))
        })
        .await?;
        let mut lines = lines?;
        if lines.is_empty() {
            return Ok(None);
        }
        self.lines = Some(reader);
        self.settle_duplicates(&mut lines).await?;
        Ok(Some(lines))
    }

    async fn settle_duplicates(&self, lines: &mut [Line]) -> Result<()> {
        let named: Vec<(u64, PointId)> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Entry { number, entry } => Some((*number, entry.id)),
                Line::Settled(_) => None,
            })
            .collect();
        if named.is_empty() {
            return Ok(());
        }
        let taken = self.ledger.claim(self.run, &named).await?;
        for line in lines {
            if let Line::Entry { number, entry } = line
                && let Some((_, earlier)) = taken.iter().find(|(later, _)| later == number)
            {
                let outcome = LineOutcome::DuplicateOf { line: *earlier };
                *line = Line::Settled(LineRecord {
                    line: *number,
                    id: Some(entry.id),
                    outcome,
                });
            }
        }
        Ok(())
    }
}

/// Returns the outcome that a scan of folders wrote for a file that is not a picture.
fn parse_outcome(text: &str) -> Option<LineOutcome> {
    // Few lines have the field, so the others are not parsed for it.
    if !text.contains(OUTCOME_FIELD) {
        return None;
    }
    let line: serde_json::Value = serde_json::from_str(text).ok()?;
    LineOutcome::deserialize(line.get(OUTCOME_FIELD)?).ok()
}

fn parse_line(raw: RawLine) -> Line {
    let number = raw.number;
    let settled = |id, outcome| {
        Line::Settled(LineRecord {
            line: number,
            id,
            outcome,
        })
    };
    match raw.text {
        Err(reason) => settled(None, LineFailure::new(FailureKind::NotText, reason).into()),
        Ok(text) if text.trim().is_empty() => settled(
            None,
            LineOutcome::Skipped {
                reason: "the line is empty".to_owned(),
            },
        ),
        Ok(text) if let Some(outcome) = parse_outcome(&text) => settled(None, outcome),
        Ok(text) => match Entry::parse(&text) {
            Ok(entry) => Line::Entry {
                number,
                entry: Box::new(entry),
            },
            Err((id, failure)) => settled(id, failure.into()),
        },
    }
}
