//! Preferences in the embedded database.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::preferences::{
    Action, Feedback, FeedbackOutcome, Preferences, Profile, ProfileEdit,
};
use sqlx::{Row, Sqlite, Transaction};

use super::{EmbeddedState, failed, number_out};

pub(super) const TAG: &str = "tag";
pub(super) const STYLE: &str = "style";

impl EmbeddedState {
    /// Updates the weights of these names by the rule, and keeps the strongest.
    async fn move_weights(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        feedback: &Feedback,
        kind: &'static str,
        names: &BTreeSet<String>,
        count: i64,
    ) -> Result<()> {
        for name in names {
            let weight: Option<f64> = sqlx::query_scalar(
                "SELECT weight FROM preference WHERE user_id = ? AND kind = ? AND name = ?",
            )
            .bind(&feedback.user_id)
            .bind(kind)
            .bind(name)
            .fetch_optional(&mut **transaction)
            .await
            .map_err(failed)?;
            sqlx::query(
                "INSERT INTO preference (user_id, kind, name, weight, action) VALUES (?, ?, ?, ?, \
                 ?) ON CONFLICT (user_id, kind, name) DO UPDATE SET weight = excluded.weight, \
                 action = excluded.action",
            )
            .bind(&feedback.user_id)
            .bind(kind)
            .bind(name)
            .bind(self.rule.updated(weight.unwrap_or(0.0), feedback.action))
            .bind(count)
            .execute(&mut **transaction)
            .await
            .map_err(failed)?;
        }
        self.keep_strongest(transaction, &feedback.user_id, kind)
            .await
    }

    /// Drops all but the strongest names of an artist.
    pub(super) async fn keep_strongest(
        &self,
        transaction: &mut Transaction<'static, Sqlite>,
        user_id: &str,
        kind: &'static str,
    ) -> Result<()> {
        sqlx::query(
            "DELETE FROM preference WHERE user_id = ?1 AND kind = ?2 AND name NOT IN (SELECT name \
             FROM preference WHERE user_id = ?1 AND kind = ?2 ORDER BY weight DESC, action DESC, \
             name LIMIT ?3)",
        )
        .bind(user_id)
        .bind(kind)
        .bind(limit(self.rule.keep))
        .execute(&mut **transaction)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn strongest(
        &self,
        user_id: &str,
        kind: &'static str,
        top: usize,
    ) -> Result<Vec<(String, f64)>> {
        sqlx::query_as(
            "SELECT name, weight FROM preference WHERE user_id = ? AND kind = ? ORDER BY weight \
             DESC, name LIMIT ?",
        )
        .bind(user_id)
        .bind(kind)
        .bind(limit(top))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }
}

fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Sets or removes the weight of a tag or style.
async fn set_weight(
    transaction: &mut Transaction<'static, Sqlite>,
    user_id: &str,
    (kind, name): (&'static str, &str),
    weight: Option<f64>,
    actions: i64,
) -> Result<()> {
    let query = match weight {
        None => sqlx::query("DELETE FROM preference WHERE user_id = ? AND kind = ? AND name = ?")
            .bind(user_id)
            .bind(kind)
            .bind(name),
        Some(weight) => sqlx::query(
            "INSERT INTO preference (user_id, kind, name, weight, action) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (user_id, kind, name) DO UPDATE SET weight = excluded.weight",
        )
        .bind(user_id)
        .bind(kind)
        .bind(name)
        .bind(weight)
        .bind(actions),
    };
    query.execute(&mut **transaction).await.map_err(failed)?;
    Ok(())
}

/// Returns the trimmed names, each once, without empty ones.
fn names<'a>(
    given: impl Iterator<Item = &'a str>,
    change: impl Fn(&str) -> String,
) -> BTreeSet<String> {
    given
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(change)
        .collect()
}

#[async_trait]
impl Preferences for EmbeddedState {
    async fn record(&self, feedback: Feedback) -> Result<FeedbackOutcome> {
        let tags = names(feedback.tags.iter().map(String::as_str), str::to_lowercase);
        let styles = names(feedback.style.iter().map(String::as_str), str::to_owned);
        let (clicked, saved) = match feedback.action {
            Action::Click => (1_i64, 0_i64),
            Action::Save => (0, 1),
        };
        let mut transaction = self.write().await?;
        let count: i64 = sqlx::query_scalar(
            "INSERT INTO artist (user_id, clicked, saved) VALUES (?, ?, ?) ON CONFLICT (user_id) \
             DO UPDATE SET clicked = clicked + excluded.clicked, saved = saved + excluded.saved \
             RETURNING clicked + saved",
        )
        .bind(&feedback.user_id)
        .bind(clicked)
        .bind(saved)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        self.move_weights(&mut transaction, &feedback, TAG, &tags, count)
            .await?;
        self.move_weights(&mut transaction, &feedback, STYLE, &styles, count)
            .await?;
        transaction.commit().await.map_err(failed)?;
        Ok(FeedbackOutcome {
            updated_tags: tags.len(),
            updated_style: !styles.is_empty(),
        })
    }

    async fn profile(&self, user_id: &str, top: usize) -> Result<Profile> {
        let counts = sqlx::query("SELECT clicked, saved FROM artist WHERE user_id = ?")
            .bind(user_id)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        let Some(counts) = counts else {
            return Ok(Profile::default());
        };
        Ok(Profile {
            tags: self.strongest(user_id, TAG, top).await?,
            styles: self.strongest(user_id, STYLE, top).await?,
            clicked: number_out(counts.try_get(0).map_err(failed)?)?,
            saved: number_out(counts.try_get(1).map_err(failed)?)?,
        })
    }

    async fn edit(&self, user_id: &str, edit: ProfileEdit) -> Result<()> {
        let mut transaction = self.write().await?;
        // Of equal weights, an edited one is as new as the last action.
        let actions: i64 = sqlx::query_scalar(
            "INSERT INTO artist (user_id) VALUES (?) ON CONFLICT (user_id) DO UPDATE SET user_id = \
             excluded.user_id RETURNING clicked + saved",
        )
        .bind(user_id)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        let tags = edit
            .tags
            .iter()
            .map(|(tag, weight)| (tag.trim().to_lowercase(), *weight));
        let styles = edit
            .styles
            .iter()
            .map(|(style, weight)| (style.trim().to_owned(), *weight));
        let given: [(&'static str, BTreeMap<String, Option<f64>>); 2] =
            [(TAG, tags.collect()), (STYLE, styles.collect())];
        for (kind, weights) in given {
            for (name, weight) in weights {
                set_weight(&mut transaction, user_id, (kind, &name), weight, actions).await?;
            }
            self.keep_strongest(&mut transaction, user_id, kind).await?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn reset(&self, user_id: &str) -> Result<()> {
        // Weights go with their artist.
        sqlx::query("DELETE FROM artist WHERE user_id = ?")
            .bind(user_id)
            .execute(&self.writer)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn tag_weights(&self, user_id: &str) -> Result<HashMap<String, f64>> {
        Ok(self
            .strongest(user_id, TAG, self.rule.keep)
            .await?
            .into_iter()
            .collect())
    }
}
