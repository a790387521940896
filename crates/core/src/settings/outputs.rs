//! `OUTPUTS_KEEP_DAYS`.

use std::time::Duration;

use super::reader::{Reader, wrong};
use crate::Result;

/// The longest retention, a hundred years, so that times before it can be computed.
const MOST_DAYS: u64 = 36_500;

/// How long generated pictures are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutputSettings {
    /// `OUTPUTS_KEEP_DAYS`: generated pictures are deleted after this, except for favourites. Unset
    /// means never.
    pub keep_days: Option<u64>,
}

impl OutputSettings {
    /// How long they are kept; `None` for ever.
    #[must_use]
    pub fn keep(self) -> Option<Duration> {
        self.keep_days
            .map(|days| Duration::from_secs(days * 24 * 3_600))
    }
}

pub(super) fn read(reader: &Reader) -> Result<OutputSettings> {
    let Some(given) = reader.text(&["OUTPUTS_KEEP_DAYS"]) else {
        return Ok(OutputSettings::default());
    };
    let days = given
        .parse()
        .ok()
        .filter(|days| (1..=MOST_DAYS).contains(days));
    let days = days.ok_or_else(|| {
        wrong(
            "OUTPUTS_KEEP_DAYS",
            &given,
            "a whole number of days from 1 to 36500, or nothing, to keep pictures for ever",
        )
    })?;
    Ok(OutputSettings {
        keep_days: Some(days),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_kept_for_ever_unless_days_are_set() {
        let read = |pairs: &[(&str, &str)]| {
            super::read(&Reader::from_pairs(pairs.iter().copied())).expect("good")
        };
        assert_eq!(read(&[]).keep(), None);
        let week = read(&[("OUTPUTS_KEEP_DAYS", "7")]);
        assert_eq!(week.keep(), Some(Duration::from_secs(7 * 86_400)));
    }
}
