//! Lists all preferences, and imports those of another Clippy.

use std::collections::BTreeMap;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::tastes::{Taste, Tastes, TastesImported};
use sqlx::{Sqlite, Transaction};

use super::preferences::{STYLE, TAG};
use super::{EmbeddedState, failed, number_in, number_out};

#[async_trait]
impl Tastes for EmbeddedState {
    async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Taste>> {
        // One transaction, so that counts and weights of an artist fit together.
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let artists: Vec<(String, i64, i64)> = sqlx::query_as(
            "SELECT user_id, clicked, saved FROM artist WHERE ?1 IS NULL OR user_id > ?1 ORDER BY \
             user_id LIMIT ?2",
        )
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
        let mut listed = Vec::with_capacity(artists.len());
        for (user_id, clicked, saved) in artists {
            let weights: Vec<(String, String, f64)> =
                sqlx::query_as("SELECT kind, name, weight FROM preference WHERE user_id = ?")
                    .bind(&user_id)
                    .fetch_all(&mut *transaction)
                    .await
                    .map_err(failed)?;
            let mut taste = Taste {
                user_id,
                clicked: number_out(clicked)?,
                saved: number_out(saved)?,
                ..Taste::default()
            };
            for (kind, name, weight) in weights {
                let of_kind = if kind == STYLE {
                    &mut taste.styles
                } else {
                    &mut taste.tags
                };
                of_kind.insert(name, weight);
            }
            listed.push(taste);
        }
        Ok(listed)
    }

    async fn import(&self, tastes: Vec<Taste>) -> Result<TastesImported> {
        let mut imported = TastesImported::default();
        let mut transaction = self.write().await?;
        for taste in &tastes {
            let actions: i64 = sqlx::query_scalar(
                "INSERT INTO artist (user_id, clicked, saved) VALUES (?, ?, ?) ON CONFLICT \
                 (user_id) DO UPDATE SET clicked = max(clicked, excluded.clicked), saved = \
                 max(saved, excluded.saved) RETURNING clicked + saved",
            )
            .bind(&taste.user_id)
            .bind(number_in(taste.clicked)?)
            .bind(number_in(taste.saved)?)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
            imported.artists += 1;
            imported.tags +=
                raise(&mut transaction, &taste.user_id, TAG, &taste.tags, actions).await?;
            imported.styles += raise(
                &mut transaction,
                &taste.user_id,
                STYLE,
                &taste.styles,
                actions,
            )
            .await?;
            self.keep_strongest(&mut transaction, &taste.user_id, TAG)
                .await?;
            self.keep_strongest(&mut transaction, &taste.user_id, STYLE)
                .await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(imported)
    }
}

/// Sets the weights that are missing or lower; returns how many.
async fn raise(
    transaction: &mut Transaction<'static, Sqlite>,
    user_id: &str,
    kind: &'static str,
    weights: &BTreeMap<String, f64>,
    actions: i64,
) -> Result<u64> {
    let mut raised = 0;
    for (name, weight) in weights {
        raised += sqlx::query(
            "INSERT INTO preference (user_id, kind, name, weight, action) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (user_id, kind, name) DO UPDATE SET weight = excluded.weight, action = \
             excluded.action WHERE excluded.weight > weight",
        )
        .bind(user_id)
        .bind(kind)
        .bind(name)
        .bind(weight)
        .bind(actions)
        .execute(&mut **transaction)
        .await
        .map_err(failed)?
        .rows_affected();
    }
    Ok(raised)
}

#[cfg(test)]
mod tests {
    use clippy_core::preferences::{PreferenceRule, Preferences, ProfileEdit};

    use super::*;

    #[tokio::test]
    async fn imported_preferences_are_merged_and_a_second_import_changes_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let rule = PreferenceRule {
            keep: 2,
            ..PreferenceRule::default()
        };
        let state = EmbeddedState::open(&folder.path().join("clippy.db"), rule)
            .await
            .expect("made");
        let taste = |tags: &[(&str, f64)], clicked| Taste {
            user_id: "ann".to_owned(),
            tags: tags
                .iter()
                .map(|(tag, weight)| ((*tag).to_owned(), *weight))
                .collect(),
            clicked,
            ..Taste::default()
        };
        state
            .import(vec![taste(&[("hat", 0.5), ("sea", 0.4)], 3)])
            .await
            .expect("imported");
        let more = vec![taste(&[("hat", 0.2), ("sea", 0.6), ("fog", 0.1)], 2)];
        let first = state.import(more.clone()).await.expect("imported");
        assert_eq!(
            (first.artists, first.tags),
            (1, 2),
            "sea is higher, fog is new"
        );
        let known = state.profile("ann", 10).await.expect("known");
        assert_eq!(
            known.tags,
            [("sea".to_owned(), 0.6), ("hat".to_owned(), 0.5)],
            "no more than PREF_TOP_N"
        );
        assert_eq!(known.clicked, 3);
        state.import(more).await.expect("again");
        assert_eq!(state.profile("ann", 10).await.expect("known"), known);
    }

    #[tokio::test]
    async fn weights_are_corrected_and_an_artist_is_forgotten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state =
            EmbeddedState::open(&folder.path().join("clippy.db"), PreferenceRule::default())
                .await
                .expect("made");
        let taste = Taste {
            user_id: "ann".to_owned(),
            tags: [("hat".to_owned(), 0.5), ("sea".to_owned(), 0.4)].into(),
            ..Taste::default()
        };
        state.import(vec![taste]).await.expect("imported");
        let edit = ProfileEdit {
            tags: [
                ("Hat".to_owned(), Some(0.1)),
                ("sea".to_owned(), None),
                ("fog".to_owned(), Some(1.0)),
            ]
            .into(),
            styles: [("Ink".to_owned(), Some(0.25))].into(),
        };
        state.edit("ann", edit).await.expect("edited");
        let known = state.profile("ann", 10).await.expect("known");
        assert_eq!(
            known.tags,
            [("fog".to_owned(), 1.0), ("hat".to_owned(), 0.1)]
        );
        assert_eq!(known.styles, [("Ink".to_owned(), 0.25)]);
        state.reset("ann").await.expect("forgotten");
        let known = state.profile("ann", 10).await.expect("answered");
        assert_eq!(known, clippy_core::preferences::Profile::default());
        assert!(state.tag_weights("ann").await.expect("read").is_empty());
    }

    #[tokio::test]
    async fn all_artists_are_listed_in_pages_with_all_their_weights() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let state =
            EmbeddedState::open(&folder.path().join("clippy.db"), PreferenceRule::default())
                .await
                .expect("made");
        let taste = |user: &str| Taste {
            user_id: user.to_owned(),
            tags: BTreeMap::from([("hat".to_owned(), 0.25)]),
            styles: BTreeMap::from([("ink".to_owned(), 0.5)]),
            clicked: 3,
            saved: 1,
        };
        let all = ["ann", "bob", "cem"].map(taste).to_vec();
        state.import(all.clone()).await.expect("imported");
        let first = state.list(None, 2).await.expect("listed");
        assert_eq!(first, all[..2]);
        let last = state.list(Some("bob"), 2).await.expect("listed");
        assert_eq!(last, all[2..]);
        assert!(state.list(Some("cem"), 2).await.expect("listed").is_empty());
    }
}
