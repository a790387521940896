//! The switch itself, and what is dropped.

use std::sync::Arc;
use std::time::Duration;

use clippy_core::collections::Role;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::alias_operations::Action;

use super::{Shared, Standing, unknown};
use crate::qdrant::metadata::{Place, now_us};
use crate::qdrant::opening::live_alias;

/// So much of a pause must be left for the switch to begin, and it may take half of that.
const LEFT: Duration = Duration::from_secs(10);

impl Shared {
    /// Makes a follower the live collection.
    pub(super) async fn switch(self: &Arc<Self>, name: &str, owner: Option<&str>) -> Result<()> {
        let standings = self.standings().await?;
        let live = standings[0].clone();
        let target = standings
            .iter()
            .find(|standing| standing.name() == name && standing.role != Role::Live)
            .cloned()
            .ok_or_else(|| unknown(name))?;
        let builder = &target.shape.place.owner;
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
        if live.shape.place.paused_until_us < enough {
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
        // An earlier one that was kept is of no use any more, unless this is the way back to it.
        let dropped: Vec<Standing> = standings
            .iter()
            .filter(|standing| standing.role == Role::Previous && standing.name() != name)
            .cloned()
            .collect();
        self.changes_of(live.name()).create().await?;
        let followers = live.shape.place.followers.iter().filter(|follower| {
            follower.as_str() != name
                && !dropped
                    .iter()
                    .any(|standing| standing.name() == follower.as_str())
        });
        let followers = followers.cloned().chain([live.name().to_owned()]).collect();
        let numbered = live.shape.place.numbered.max(target.shape.place.numbered);
        let risen = Place {
            followers,
            numbered,
            paused_until_us: 0,
            ..target.shape.place.clone()
        };
        self.set_place(name, &risen).await?;
        let kept = Place {
            building: false,
            owner: String::new(),
            followers: Vec::new(),
            kept_since_us: now_us(),
            ..live.shape.place.clone()
        };
        self.set_place(live.name(), &kept).await?;
        if let Err(error) = self.point_alias_to(name).await {
            // The old one is live still, unless the answer was lost: then the next look shows the
            // new one.
            if self.is_live(live.name()).await? {
                self.set_place(live.name(), &live.shape.place).await?;
            }
            return Err(error);
        }
        tracing::info!(live = %name, previous = %live.name(), "switched to another collection");
        let settled = Place {
            building: false,
            owner: String::new(),
            kept_since_us: 0,
            ..risen
        };
        self.set_place(name, &settled).await?;
        self.changes_of(name).drop().await?;
        for standing in dropped {
            self.remove(standing.name()).await?;
        }
        Ok(())
    }

    /// The one step that makes a collection the live one.
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
        let standings = self.standings().await?;
        let (live, others) = standings
            .split_first()
            .ok_or_else(|| unknown(&self.options.name))?;
        if others.is_empty() {
            return Ok(Vec::new());
        }
        // Writes are not recorded any more before the lists are removed.
        self.set_place(
            live.name(),
            &Place {
                followers: Vec::new(),
                ..live.shape.place.clone()
            },
        )
        .await?;
        let mut dropped = Vec::new();
        for standing in others {
            self.remove(standing.name()).await?;
            dropped.push(standing.name().to_owned());
        }
        let public = &self.options.name;
        if dropped.contains(public) {
            // The public name is free now: for the sake of programs that know no other.
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
