//! `ALPHA`, `EMA_BETA`, `DELTA_CLICK`, `DELTA_SAVE`, `PREF_TOP_N`.

use super::reader::Reader;
use crate::Result;
use crate::preferences::PreferenceRule;

pub(super) fn read(reader: &Reader) -> Result<PreferenceRule> {
    let default = PreferenceRule::default();
    let share = |name, value| {
        reader.checked(name, value, "a number from 0 to 1", |share| {
            (0.0..=1.0).contains(share)
        })
    };
    Ok(PreferenceRule {
        alpha: reader.checked("ALPHA", default.alpha, "a number from 0 to 10", |alpha| {
            (0.0..=10.0).contains(alpha)
        })?,
        beta: share("EMA_BETA", default.beta)?,
        delta_click: share("DELTA_CLICK", default.delta_click)?,
        delta_save: share("DELTA_SAVE", default.delta_save)?,
        keep: reader.checked(
            "PREF_TOP_N",
            default.keep,
            "a whole number from 1 to 10000",
            |keep| (1..=10_000).contains(keep),
        )?,
    })
}
