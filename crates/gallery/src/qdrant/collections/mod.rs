//! The physical collections behind one public name on a Qdrant server, and the switch from one to
//! another.
//!
//! ```text
//! <public>@live          an alias: the live collection. Without it, the alias or the collection <public> is live
//! <public>@<model>-<n>   a collection of a re-index
//! <own name>@changes     ids that were written to the live collection, for the collection that follows it
//! ```
//!
//! What each is there for stands in its own metadata ([`Place`]); which one is live, the alias
//! alone says, so that a switch is one call, which the server carries out as a whole.
//!
//! **No write is lost**, though writers in other processes know of followers and pauses a little
//! late only. A writer records the ids, writes, and then looks at the collection's metadata anew,
//! *before it acknowledges* ([`handle`]). It records the ids before and after the write, since a
//! follower may read the point in between. When writing was paused meanwhile, or a follower came, it
//! records the ids once more; when another collection has become the live one, it says that nothing
//! was written. So whoever switches needs to wait for nobody: what was recorded before the pause is
//! in the list that it empties, and what comes after is not acknowledged on the old collection.

mod changes;
mod handle;
mod switching;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::collections::{
    ChangePosition, Changes, Collections, ModelSource, NOTICE_WITHIN, PhysicalCollection, Role,
    WritePause, physical_name,
};
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{CollectionInfo, Gallery, GalleryReader};
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use qdrant_client::qdrant as wire;

use self::changes::{CHANGES, ChangeList};
use self::handle::Handle;
use super::connection::Connection;
use super::errors::{Trouble, explain, trouble};
use super::metadata::{Place, now_us};
use super::opening::{ask_version, create, find_or_create, look, look_at, resolve};
use super::shape::Shape;
use super::version::Version;
use super::{QdrantGallery, QdrantOptions, QdrantServer};
use crate::guarded::Guarded;

/// How long a pause lasts when the process that asked for it was killed.
const PAUSE: Duration = Duration::from_secs(45);

/// The collections of one public name.
#[derive(Debug, Clone)]
pub struct QdrantCollections {
    shared: Arc<Shared>,
}

/// What all handles share.
#[derive(Debug)]
struct Shared {
    connection: Arc<Connection>,
    options: QdrantOptions,
    version: Version,
    /// What the positions stand for that were given out.
    positions: Mutex<Positions>,
}

#[derive(Debug, Default)]
struct Positions {
    last: ChangePosition,
    marks: HashMap<ChangePosition, Vec<changes::Mark>>,
}

/// A collection and what it is there for.
#[derive(Debug, Clone)]
struct Standing {
    shape: Shape,
    role: Role,
}

impl Standing {
    fn name(&self) -> &str {
        &self.shape.physical
    }

    fn physical(&self) -> PhysicalCollection {
        let place = &self.shape.place;
        PhysicalCollection {
            name: self.shape.physical.clone(),
            role: self.role,
            source: place.source.clone(),
            fingerprint: self
                .shape
                .identity
                .as_ref()
                .map(|found| found.fingerprint.clone())
                .unwrap_or_default(),
            owner: if self.role == Role::Building {
                place.owner.clone()
            } else {
                String::new()
            },
        }
    }
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!(
        "there is no collection {name} beside the live one: it was dropped, or never made"
    ))
}

impl QdrantCollections {
    /// The model that the live collection remembers, because a re-index or its making wrote it
    /// down; `None` when there is no collection, or it says nothing.
    ///
    /// # Errors
    /// As [`QdrantGallery::open`].
    pub async fn remembered(server: &QdrantServer, name: &str) -> Result<Option<ModelSource>> {
        let connection = Connection::new(server, name)?;
        ask_version(&connection).await?;
        Ok(look(&connection, name)
            .await?
            .and_then(|shape| shape.place.source))
    }

    /// What the live collection is, whatever model filled it; `None` when there is none. Nothing is
    /// changed.
    ///
    /// # Errors
    /// As [`QdrantGallery::open`].
    pub async fn inspect(server: &QdrantServer, name: &str) -> Result<Option<CollectionInfo>> {
        let connection = Arc::new(Connection::new(server, name)?);
        let version = ask_version(&connection).await?;
        let Some(shape) = look(&connection, name).await? else {
            return Ok(None);
        };
        QdrantGallery::of(connection, version, name, shape, None)
            .info()
            .await
            .map(Some)
    }

    /// Opens the live collection, or makes the first one. `source` is how settings name the model.
    ///
    /// # Errors
    /// As [`QdrantGallery::open`].
    pub async fn open(
        options: QdrantOptions,
        source: ModelSource,
    ) -> Result<(Self, Arc<dyn Gallery>)> {
        let connection = Arc::new(Connection::new(&options.server, &options.name)?);
        let version = ask_version(&connection).await?;
        let place = Place {
            source: Some(source),
            ..Place::default()
        };
        let shape = find_or_create(&connection, &options, &place).await?;
        shape.check(&options.name, &options.model)?;
        let shared = Arc::new(Shared {
            connection,
            options,
            version,
            positions: Mutex::default(),
        });
        let gallery = shared.gallery(shape, true);
        Ok((Self { shared }, gallery))
    }
}

impl Shared {
    fn gallery(self: &Arc<Self>, shape: Shape, as_live: bool) -> Arc<dyn Gallery> {
        let (name, connection) = (shape.physical.clone(), Arc::clone(&self.connection));
        let inner = Arc::new(QdrantGallery::of(
            connection,
            self.version,
            &self.options.name,
            shape,
            None,
        ));
        Arc::new(Guarded(Handle {
            name,
            as_live,
            inner,
            shared: Arc::clone(self),
        }))
    }

    fn changes_of<'a>(&'a self, name: &'a str) -> ChangeList<'a> {
        ChangeList::new(&self.connection, name)
    }

    /// Whether a collection is the live one, now.
    async fn is_live(&self, name: &str) -> Result<bool> {
        Ok(resolve(&self.connection, &self.options.name).await? == name)
    }

    /// All collections: the live one first, then the one that is built, then those that were live,
    /// the latest first.
    async fn standings(&self) -> Result<Vec<Standing>> {
        let public = &self.options.name;
        let live = resolve(&self.connection, public).await?;
        let what = "list the collections";
        let listed = self
            .connection
            .read(
                what,
                |client| async move { client.list_collections().await },
            )
            .await?;
        let ours = listed
            .collections
            .into_iter()
            .map(|found| found.name)
            .filter(|name| {
                name == public
                    || *name == live
                    || name
                        .strip_prefix(public.as_str())
                        .is_some_and(|rest| rest.starts_with('@'))
                        && !name.ends_with(CHANGES)
            });
        let mut standings = Vec::new();
        for name in ours {
            let Some(shape) = look_at(&self.connection, public, &name).await? else {
                continue;
            };
            let role = match () {
                () if name == live => Role::Live,
                () if shape.place.building => Role::Building,
                () => Role::Previous,
            };
            standings.push(Standing { shape, role });
        }
        let order = |standing: &Standing| match standing.role {
            Role::Live => (0, 0),
            Role::Building => (1, 0),
            Role::Previous => (2, u64::MAX - standing.shape.place.kept_since_us),
        };
        standings.sort_by_key(order);
        if standings
            .first()
            .is_none_or(|first| first.role != Role::Live)
        {
            return Err(Error::new(
                ErrorCode::Unavailable,
                format!(
                    "the collection {public} is not on {} any more",
                    self.connection.about().url
                ),
            ));
        }
        Ok(standings)
    }

    async fn standing(&self, name: &str) -> Result<Standing> {
        let Some(shape) = look_at(&self.connection, &self.options.name, name).await? else {
            return Err(unknown(name));
        };
        let role = match () {
            () if self.is_live(name).await? => Role::Live,
            () if shape.place.building => Role::Building,
            () => Role::Previous,
        };
        Ok(Standing { shape, role })
    }

    /// Writes down what a collection is there for.
    async fn set_place(&self, name: &str, place: &Place) -> Result<()> {
        let request = wire::UpdateCollection {
            collection_name: name.to_owned(),
            metadata: place.entry()?,
            ..wire::UpdateCollection::default()
        };
        let what = "write the collection's metadata";
        self.connection
            .write(what, async |client| client.update_collection(request).await)
            .await?;
        Ok(())
    }

    /// Removes a collection and its list; one that is gone already is fine.
    async fn remove(&self, name: &str) -> Result<()> {
        self.changes_of(name).drop().await?;
        drop_collection(&self.connection, name).await
    }
}

/// Removes a collection; one that is gone already is fine.
async fn drop_collection(connection: &Connection, name: &str) -> Result<()> {
    let what = "drop a collection";
    match connection
        .try_write(what, async |client| client.delete_collection(name).await)
        .await?
    {
        Ok(_) => Ok(()),
        Err(error) if trouble(&error) == Trouble::NoCollection => Ok(()),
        Err(error) => Err(explain(connection.about(), what, error)),
    }
}

/// Writes to the live collection wait while this lives.
struct QdrantPause {
    shared: Arc<Shared>,
    name: String,
}

impl WritePause for QdrantPause {}

impl Drop for QdrantPause {
    fn drop(&mut self) {
        let (shared, name) = (Arc::clone(&self.shared), std::mem::take(&mut self.name));
        // Should this fail, the pause ends by itself.
        tokio::spawn(async move {
            let ended = async {
                let standing = shared.standing(&name).await?;
                let place = Place {
                    paused_until_us: 0,
                    ..standing.shape.place
                };
                shared.set_place(&name, &place).await
            };
            if let Err(error) = ended.await {
                tracing::debug!(%error, "writes wait until the pause ends by itself");
            }
        });
    }
}

#[async_trait]
impl Collections for QdrantCollections {
    async fn list(&self) -> Result<Vec<PhysicalCollection>> {
        Ok(self
            .shared
            .standings()
            .await?
            .iter()
            .map(Standing::physical)
            .collect())
    }

    async fn live(&self) -> Result<PhysicalCollection> {
        let shared = &self.shared;
        let name = resolve(&shared.connection, &shared.options.name).await?;
        let shape = look_at(&shared.connection, &shared.options.name, &name)
            .await?
            .ok_or_else(|| unknown(&name))?;
        Ok(Standing {
            shape,
            role: Role::Live,
        }
        .physical())
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn Gallery>> {
        let Standing { shape, role } = self.shared.standing(name).await?;
        Ok(self.shared.gallery(shape, role == Role::Live))
    }

    async fn begin_beside(
        &self,
        model: &ModelInfo,
        source: &ModelSource,
        owner: &str,
    ) -> Result<PhysicalCollection> {
        let shared = &self.shared;
        let standings = shared.standings().await?;
        let live = standings[0].clone();
        let mut followers = live.shape.place.followers.clone();
        for building in standings
            .iter()
            .filter(|standing| standing.role == Role::Building)
        {
            let name = building.name();
            let same = building
                .shape
                .identity
                .as_ref()
                .is_some_and(|found| found.fingerprint == model.fingerprint);
            // Without its list, or not told of writes, it has missed some.
            if same
                && followers.iter().any(|known| known == name)
                && shared.changes_of(name).is_there().await?
            {
                let place = Place {
                    owner: owner.to_owned(),
                    source: Some(source.clone()),
                    ..building.shape.place.clone()
                };
                shared.set_place(name, &place).await?;
                return Ok(shared.standing(name).await?.physical());
            }
            followers.retain(|known| known != name);
            shared.remove(name).await?;
        }
        let number = standings
            .iter()
            .map(|standing| standing.shape.place.numbered)
            .max()
            .unwrap_or(0)
            + 1;
        let name = physical_name(&shared.options.name, &model.name, number);
        let options = QdrantOptions {
            model: model.clone(),
            ..shared.options.clone()
        };
        let place = Place {
            source: Some(source.clone()),
            building: true,
            owner: owner.to_owned(),
            numbered: number,
            ..Place::default()
        };
        create(&shared.connection, &options, &name, &place).await?;
        shared.changes_of(&name).create().await?;
        followers.push(name.clone());
        let told = Place {
            followers,
            numbered: number,
            ..live.shape.place.clone()
        };
        shared.set_place(live.name(), &told).await?;
        // Nodes of a cluster learn of it a moment later.
        tokio::time::sleep(NOTICE_WITHIN).await;
        tracing::info!(collection = %name, model = %model.name, "building a collection beside the live one");
        Ok(shared.standing(&name).await?.physical())
    }

    /// `after` makes no difference: what was not said to be caught up with comes again.
    async fn changes(
        &self,
        name: &str,
        _after: Option<ChangePosition>,
        limit: usize,
    ) -> Result<Changes> {
        let (marks, more) = self.shared.changes_of(name).some(limit).await?;
        let ids = marks.iter().map(|mark| mark.id).collect();
        let mut positions = self.shared.positions.lock();
        positions.last += 1;
        let next = positions.last;
        positions.marks.insert(next, marks);
        Ok(Changes { ids, next, more })
    }

    async fn mark_caught_up(&self, name: &str, position: ChangePosition) -> Result<()> {
        let marks = self
            .shared
            .positions
            .lock()
            .marks
            .remove(&position)
            .unwrap_or_default();
        self.shared.changes_of(name).forget(&marks).await
    }

    async fn pause_writes(&self) -> Result<Box<dyn WritePause>> {
        let shared = &self.shared;
        let live = shared.standings().await?.swap_remove(0);
        let until = now_us() + u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX);
        let place = Place {
            paused_until_us: until,
            ..live.shape.place.clone()
        };
        shared.set_place(live.name(), &place).await?;
        let pause = QdrantPause {
            shared: Arc::clone(shared),
            name: live.name().to_owned(),
        };
        // Nodes of a cluster learn of it a moment later.
        tokio::time::sleep(NOTICE_WITHIN).await;
        Ok(Box::new(pause))
    }

    async fn switch(&self, name: &str, owner: Option<&str>, _pause: &dyn WritePause) -> Result<()> {
        self.shared.switch(name, owner).await
    }

    async fn drop_old(&self) -> Result<Vec<String>> {
        self.shared.drop_old().await
    }
}
