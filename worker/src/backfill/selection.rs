//! The list of ids: which lines of a manifest a backfill works on.

use std::collections::HashSet;
use std::path::Path;

use clippy_core::ids::PointId;
use clippy_core::{Error, Result};

/// Selects lines by their id, or by their number where a list of failures has no id.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    ids: HashSet<PointId>,
    lines: HashSet<u64>,
}

impl Selection {
    pub(crate) async fn read(file: &Path) -> Result<Self> {
        let text = tokio::fs::read_to_string(file).await.map_err(|error| {
            Error::invalid(format!(
                "the list of ids {} cannot be read: {error}",
                file.display()
            ))
        })?;
        Self::parse(&text).map_err(|error| {
            Error::invalid(format!("{} is not a list of ids: {error}", file.display()))
        })
    }

    fn parse(text: &str) -> Result<Self> {
        let mut selection = Self::default();
        // Some editors write a byte order mark. A list of failures has its reasons in comments.
        let text = text.trim_start_matches('\u{feff}');
        for line in text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            match line
                .strip_prefix("line ")
                .and_then(|number| number.parse().ok())
            {
                Some(number) => {
                    selection.lines.insert(number);
                }
                None => {
                    selection.ids.insert(line.parse()?);
                }
            }
        }
        Ok(selection)
    }

    pub(crate) fn holds(&self, line: u64, id: PointId) -> bool {
        self.ids.contains(&id) || self.lines.contains(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_failures_is_parsed() {
        let selection = Selection::parse(
            "\u{feff}# why\n12\r\n\n line 7 \n00000000-0000-0000-0000-000000000001\n",
        )
        .expect("a list");
        assert!(selection.holds(0, PointId::Number(12)));
        assert!(selection.holds(7, PointId::Number(99)));
        assert!(!selection.holds(8, PointId::Number(99)));
        let error = Selection::parse("12\napple").expect_err("no id");
        assert!(error.message.contains("apple"), "{}", error.message);
    }
}
