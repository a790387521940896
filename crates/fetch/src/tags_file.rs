//! The tags file: one tag expression a line.

use std::collections::HashSet;

/// Reads the lines of a tags file. Spaces in a line become underscores; comments, blank lines and
/// repetitions are left out.
#[must_use]
pub fn parse(text: &str) -> Vec<String> {
    let mut seen = HashSet::new();
    text.trim_start_matches('\u{feff}')
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join("_"))
        .filter(|tag| !tag.is_empty() && seen.insert(tag.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_become_tags_once() {
        let text = "\u{feff}red hair\r\n# a comment\r\n\r\n  cat  \nred_hair\nre:zero\n";
        assert_eq!(parse(text), ["red_hair", "cat", "re:zero"]);
    }
}
