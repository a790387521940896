//! Preferences in memory.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::preferences::{
    Feedback, FeedbackOutcome, PreferenceRule, Preferences, Profile, ProfileEdit,
};
use clippy_core::tastes::{Taste, Tastes, TastesImported};
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

    async fn edit(&self, user_id: &str, edit: ProfileEdit) -> Result<()> {
        let mut users = self.users.lock();
        let profile = users.entry(user_id.to_owned()).or_default();
        let tags = edit.tags.into_iter();
        set_weights(
            &mut profile.tags,
            tags.map(|(tag, weight)| (tag.to_lowercase(), weight)),
        );
        set_weights(&mut profile.styles, edit.styles.into_iter());
        Ok(())
    }

    async fn reset(&self, user_id: &str) -> Result<()> {
        self.users.lock().remove(user_id);
        Ok(())
    }

    async fn tag_weights(&self, user_id: &str) -> Result<HashMap<String, f64>> {
        let users = self.users.lock();
        let tags = users.get(user_id).map(|profile| profile.tags.iter());
        Ok(tags.into_iter().flatten().cloned().collect())
    }
}

#[async_trait]
impl Tastes for MemoryPreferences {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Taste>> {
        let users: BTreeMap<String, Profile> = self.users.lock().clone().into_iter().collect();
        let later = users
            .into_iter()
            .filter(|(name, _)| after.is_none_or(|after| name.as_str() > after));
        let taste = |(user_id, profile): (String, Profile)| Taste {
            user_id,
            tags: profile.tags.into_iter().collect(),
            styles: profile.styles.into_iter().collect(),
            clicked: profile.clicked,
            saved: profile.saved,
        };
        Ok(later.take(limit).map(taste).collect())
    }

    async fn import(&self, tastes: Vec<Taste>) -> Result<TastesImported> {
        let mut imported = TastesImported::default();
        let mut users = self.users.lock();
        for taste in tastes {
            imported.artists += 1;
            let profile = users.entry(taste.user_id).or_default();
            profile.clicked = profile.clicked.max(taste.clicked);
            profile.saved = profile.saved.max(taste.saved);
            imported.tags += raise(&mut profile.tags, taste.tags);
            imported.styles += raise(&mut profile.styles, taste.styles);
        }
        Ok(imported)
    }
}

/// Sets weights, and removes those without a value. The strongest come first.
fn set_weights(known: &mut Vec<(String, f64)>, edit: impl Iterator<Item = (String, Option<f64>)>) {
    for (name, weight) in edit {
        known.retain(|(other, _)| *other != name);
        known.extend(weight.map(|weight| (name, weight)));
    }
    known.sort_by(|(_, one), (_, other)| other.total_cmp(one));
}

/// Sets the weights that are missing or lower; returns how many.
fn raise(known: &mut Vec<(String, f64)>, imported: BTreeMap<String, f64>) -> u64 {
    let mut raised = 0;
    for (name, weight) in imported {
        match known.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) if *known >= weight => continue,
            Some((_, known)) => *known = weight,
            None => known.push((name, weight)),
        }
        raised += 1;
    }
    raised
}
