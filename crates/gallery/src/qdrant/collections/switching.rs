//! Switches collections, and drops old ones.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::collections::Role;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::alias_operations::Action;

use super::{CollectionWithRole, Shared, unknown};
use crate::qdrant::metadata::{Lifecycle, now_us};
use crate::qdrant::opening::live_alias;

/// The part of a pause that must be left when a switch begins. The switch may take half of it.
const LEFT: Duration = Duration::from_secs(10);

impl Shared {
    /// Makes a follower the live collection.
    pub(super) async fn switch(self: &Arc<Self>, name: &str, owner: Option<&str>) -> Result<()> {
        let collections = self.collections().await?;
        let live = collections[0].clone();
        let target = collections
            .iter()
            .find(|collection| collection.name() == name && collection.role != Role::Live)
            .cloned()
            .ok_or_else(|| unknown(name))?;
        let builder = &target.shape.lifecycle.owner;
        if let Some(owner) = owner
            && owner != builder
        {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "the collection {name} is built by job {builder} now, which will switch to it"
                ),
            ));
        }
        let enough = now_us() + u64::try_from(LEFT.as_micros()).unwrap_or(u64::MAX);
        if live.shape.lifecycle.paused_until_us < enough {
            return Err(Error::new(
                ErrorCode::Unavailable,
                "catching up took longer than writes may wait; nothing was switched. Try again",
            ));
        }
        if !self.changes_of(name).is_done().await? {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "the collection {name} has not caught up with everything that was written to \
                     the live one"
                ),
            ));
        }
        // Collections of earlier switches are not needed any more, except when this switch goes
        // back to one.
        let dropped: Vec<CollectionWithRole> = collections
            .iter()
            .filter(|collection| collection.role == Role::Previous && collection.name() != name)
            .cloned()
            .collect();
        self.changes_of(live.name()).create().await?;
        let followers = live.shape.lifecycle.followers.iter().filter(|follower| {
            follower.as_str() != name
                && !dropped
                    .iter()
                    .any(|collection| collection.name() == follower.as_str())
        });
        let followers = followers.cloned().chain([live.name().to_owned()]).collect();
        let numbered = live
            .shape
            .lifecycle
            .numbered
            .max(target.shape.lifecycle.numbered);
        let new_live = Lifecycle {
            followers,
            numbered,
            paused_until_us: 0,
            ..target.shape.lifecycle.clone()
        };
        self.set_lifecycle(name, &new_live).await?;
        let old_live = Lifecycle {
            building: false,
            owner: String::new(),
            followers: Vec::new(),
            kept_since_us: now_us(),
            ..live.shape.lifecycle.clone()
        };
        self.set_lifecycle(live.name(), &old_live).await?;
        if let Err(error) = self.point_alias_to(name).await {
            // The old one is still live, unless only the answer was lost: then the next read shows
            // the new one.
            if self.is_live(live.name()).await? {
                self.set_lifecycle(live.name(), &live.shape.lifecycle)
                    .await?;
            }
            return Err(error);
        }
        tracing::info!(live = %name, previous = %live.name(), "switched to another collection");
        let switched = Lifecycle {
            building: false,
            owner: String::new(),
            kept_since_us: 0,
            ..new_live
        };
        self.set_lifecycle(name, &switched).await?;
        self.changes_of(name).drop().await?;
        for collection in dropped {
            self.remove(collection.name()).await?;
        }
        Ok(())
    }

    /// Makes a collection the live one, in one call.
    async fn point_alias_to(&self, name: &str) -> Result<()> {
        let public = &self.options.name;
        let what = "switch the alias";
        let listed = self
            .connection
            .read(what, |client| async move { client.list_aliases().await })
            .await?;
        let mut actions = Vec::new();
        for alias in [live_alias(public), public.clone()] {
            let there = listed.aliases.iter().any(|known| known.alias_name == alias);
            if there {
                actions.push(Action::DeleteAlias(wire::DeleteAlias {
                    alias_name: alias.clone(),
                }));
            }
            if there || alias != *public {
                let collection_name = name.to_owned();
                actions.push(Action::CreateAlias(wire::CreateAlias {
                    collection_name,
                    alias_name: alias,
                }));
            }
        }
        self.change_aliases(what, actions).await
    }

    async fn change_aliases(&self, what: &str, actions: Vec<Action>) -> Result<()> {
        let request = wire::ChangeAliases {
            actions: actions
                .into_iter()
                .map(|action| wire::AliasOperations {
                    action: Some(action),
                })
                .collect(),
            timeout: Some(LEFT.as_secs() / 2),
        };
        self.connection.change_aliases(what, request).await
    }

    /// Drops everything but the live collection.
    pub(super) async fn drop_old(&self) -> Result<Vec<String>> {
        let collections = self.collections().await?;
        let (live, others) = collections
            .split_first()
            .ok_or_else(|| unknown(&self.options.name))?;
        if others.is_empty() {
            return Ok(Vec::new());
        }
        // Stop recording writes before the lists are removed.
        self.set_lifecycle(
            live.name(),
            &Lifecycle {
                followers: Vec::new(),
                ..live.shape.lifecycle.clone()
            },
        )
        .await?;
        let mut dropped = Vec::new();
        for collection in others {
            self.remove(collection.name()).await?;
            dropped.push(collection.name().to_owned());
        }
        let public = &self.options.name;
        if dropped.contains(public) {
            // The public name is free now. Programs that know only this name need it.
            let create = wire::CreateAlias {
                collection_name: live.name().to_owned(),
                alias_name: public.clone(),
            };
            self.change_aliases(
                "give the public name to the live collection",
                vec![Action::CreateAlias(create)],
            )
            .await?;
        }
        Ok(dropped)
    }
}
