//! Preferences of artists, learned from clicks and saves, and their effect on a ranking.
//!
//! The rule is Clippy 0.2's: an exponential moving average a tag, `weight = clamp(EMA_BETA * weight
//! + delta, 0, 1)`, and a score of `score * (1 + ALPHA * mean weight of the picture's tags)`.

use std::collections::HashMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ids::PointId;
use crate::{Error, Result};

/// What the artist did with a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Looked at it.
    Click,
    /// Kept it.
    Save,
}

/// The constants of the rule, from the settings of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PreferenceRule {
    /// `ALPHA`: how much a liked tag raises a score.
    pub alpha: f64,
    /// `EMA_BETA`: how much of the old weight stays.
    pub beta: f64,
    /// `DELTA_CLICK`: what a click adds.
    pub delta_click: f64,
    /// `DELTA_SAVE`: what a save adds.
    pub delta_save: f64,
    /// `PREF_TOP_N`: how many tags, and how many styles, are kept of one artist.
    pub keep: usize,
}

impl Default for PreferenceRule {
    fn default() -> Self {
        Self {
            alpha: 0.2,
            beta: 0.9,
            delta_click: 0.05,
            delta_save: 0.10,
            keep: 100,
        }
    }
}

impl PreferenceRule {
    /// Returns the new weight of a tag after an action on a picture that has it.
    #[must_use]
    pub fn updated(&self, weight: f64, action: Action) -> f64 {
        let delta = match action {
            Action::Click => self.delta_click,
            Action::Save => self.delta_save,
        };
        (self.beta * weight + delta).clamp(0.0, 1.0)
    }

    /// Returns the factor that a picture's score is multiplied by: `1 + alpha * mean weight of its
    /// tags`.
    #[must_use]
    pub fn factor<'a>(
        &self,
        weights: &HashMap<String, f64>,
        tags: impl Iterator<Item = &'a str>,
    ) -> f64 {
        if weights.is_empty() {
            return 1.0;
        }
        let (mut sum, mut count) = (0.0, 0_u32);
        for tag in tags {
            sum += weights.get(&tag.to_lowercase()).copied().unwrap_or(0.0);
            count += 1;
        }
        if count == 0 {
            1.0
        } else {
            1.0 + self.alpha * sum / f64::from(count)
        }
    }
}

/// One click or save, with the picture's tags and style.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// The artist.
    pub user_id: String,
    /// The picture.
    pub image_id: PointId,
    /// The action.
    pub action: Action,
    /// The tags that the caller named, else the picture's own.
    pub tags: Vec<String>,
    /// The picture's style, when its payload names one.
    pub style: Option<String>,
}

/// What a click or save changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedbackOutcome {
    /// How many tags got a new weight.
    pub updated_tags: usize,
    /// Whether a style got a new weight.
    pub updated_style: bool,
}

/// The preferences of an artist, strongest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// Tags and their weights.
    pub tags: Vec<(String, f64)>,
    /// Styles and their weights.
    pub styles: Vec<(String, f64)>,
    /// How many clicks were counted.
    pub clicked: u64,
    /// How many saves were counted.
    pub saved: u64,
}

/// New weights of an artist's tags and styles; `None` forgets one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ProfileEdit {
    /// Weights by tag.
    pub tags: HashMap<String, Option<f64>>,
    /// Weights by style.
    pub styles: HashMap<String, Option<f64>>,
}

impl ProfileEdit {
    /// Checks the names and weights.
    ///
    /// # Errors
    /// [`crate::ErrorCode::InvalidInput`] that names the tag or style.
    pub fn check(&self) -> Result<()> {
        for (name, weight) in self.tags.iter().chain(&self.styles) {
            let shown = clippy_common::shorten(name, 60);
            if name.trim().is_empty() || name.len() > LONGEST_TASTE {
                return Err(Error::invalid(format!(
                    "\"{shown}\" is no tag or style of 1 to {LONGEST_TASTE} bytes"
                )));
            }
            if let Some(weight) = weight.filter(|weight| !(0.0..=1.0).contains(weight)) {
                return Err(Error::invalid(format!(
                    "the weight of \"{shown}\" is {weight}, but must be 0..1"
                )));
            }
        }
        Ok(())
    }
}

/// The longest tag or style that an artist may set, in bytes.
const LONGEST_TASTE: usize = 200;

/// Stores preferences. Concurrent writers lose no update.
#[async_trait]
pub trait Preferences: Send + Sync + 'static {
    /// Counts one action and updates the weights by the rule.
    async fn record(&self, feedback: Feedback) -> Result<FeedbackOutcome>;
    /// Returns the strongest `top` tags and styles of an artist; an unknown artist has an empty
    /// profile.
    async fn profile(&self, user_id: &str, top: usize) -> Result<Profile>;
    /// Sets and forgets weights of an artist. Tags are kept in lower case, and a weight of 0 is
    /// kept like any other.
    async fn edit(&self, user_id: &str, edit: ProfileEdit) -> Result<()>;
    /// Forgets everything about an artist.
    async fn reset(&self, user_id: &str) -> Result<()>;
    /// Returns every kept tag weight of an artist, by lower-case tag.
    async fn tag_weights(&self, user_id: &str) -> Result<HashMap<String, f64>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_move_by_the_rule_and_stay_within_one() {
        let rule = PreferenceRule::default();
        let once = rule.updated(0.0, Action::Save);
        assert!((once - 0.10).abs() < 1e-12);
        assert!((rule.updated(once, Action::Click) - (0.9 * 0.10 + 0.05)).abs() < 1e-12);
        let eager = PreferenceRule {
            delta_save: 5.0,
            ..rule
        };
        assert!((eager.updated(0.9, Action::Save) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn the_factor_is_the_mean_over_all_tags_of_the_picture() {
        let rule = PreferenceRule::default();
        let weights = HashMap::from([("apple".to_owned(), 0.5)]);
        let factor = rule.factor(&weights, ["Apple", "fruit"].into_iter());
        assert!((factor - (1.0 + 0.2 * 0.25)).abs() < 1e-12, "{factor}");
        assert!((rule.factor(&weights, std::iter::empty()) - 1.0).abs() < f64::EPSILON);
    }
}
