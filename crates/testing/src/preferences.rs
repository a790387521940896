//! Preferences in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::preferences::{Feedback, FeedbackOutcome, PreferenceRule, Preferences, Profile};
use parking_lot::Mutex;

/// The weights of tags and styles for each user, updated by the default rule.
#[derive(Debug, Default)]
pub struct MemoryPreferences {
    users: Mutex<HashMap<String, Profile>>,
}

#[async_trait]
impl Preferences for MemoryPreferences {
    async fn record(&self, feedback: Feedback) -> Result<FeedbackOutcome> {
        let rule = PreferenceRule::default();
        let mut users = self.users.lock();
        let profile = users.entry(feedback.user_id).or_default();
        let raise = |weights: &mut Vec<(String, f64)>, name: String| match weights
            .iter_mut()
            .find(|(known, _)| *known == name)
        {
            Some((_, weight)) => *weight = rule.updated(*weight, feedback.action),
            None => weights.push((name, rule.updated(0.0, feedback.action))),
        };
        let outcome = FeedbackOutcome {
            updated_tags: feedback.tags.len(),
            updated_style: feedback.style.is_some(),
        };
        for tag in feedback.tags {
            raise(&mut profile.tags, tag.to_lowercase());
        }
        if let Some(style) = feedback.style {
            raise(&mut profile.styles, style);
        }
        profile.saved += 1;
        Ok(outcome)
    }

    async fn profile(&self, user_id: &str, _top: usize) -> Result<Profile> {
        Ok(self.users.lock().get(user_id).cloned().unwrap_or_default())
    }

    async fn tag_weights(&self, user_id: &str) -> Result<HashMap<String, f64>> {
        let users = self.users.lock();
        let tags = users.get(user_id).map(|profile| profile.tags.iter());
        Ok(tags.into_iter().flatten().cloned().collect())
    }
}
