//! The physical collections behind one public name on a Qdrant server, and the switch from one to
//! another.
//!
//! ```text
//! <public>@live          an alias: the live collection. Without it, the alias or the collection <public> is live
//! <public>@<model>-<n>   a collection of a re-index
//! <own name>@changes     ids that were written to the live collection, for the collection that follows it
//! ```
//!
//! A collection's own metadata ([`Lifecycle`]) says what it is used for. Only the alias says which
//! one is live, so that a switch is one call, which the server executes as a whole.
//!
//! **No write is lost**, although writers in other processes learn of followers and pauses a little
//! late. A writer records the ids, writes, and then reads the collection's metadata again, *before
//! it acknowledges* ([`handle`]). It records the ids before and after the write, since a follower
//! may read the point in between. If writing was paused meanwhile, or a follower was added, it
//! records the ids once more; if another collection became the live one, it reports that nothing
//! was written. So a switch does not need to wait for writers: what was recorded before the pause
//! is in the list that it empties, and a later write is not acknowledged on the old collection.

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
use super::metadata::{Lifecycle, now_us};
use super::opening::{ask_version, create, find_live, find_or_create, read_shape, resolve};
use super::shape::Shape;
use super::version::Version;
use super::{QdrantGallery, QdrantOptions, QdrantServer};
use crate::guarded::Guarded;

/// How long a pause lasts when the process that requested it is killed.
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
    /// The marks that each returned position stands for.
    positions: Mutex<Positions>,
}

#[derive(Debug, Default)]
struct Positions {
    last: ChangePosition,
    marks: HashMap<ChangePosition, Vec<changes::Mark>>,
}

/// A collection and its role.
#[derive(Debug, Clone)]
struct CollectionWithRole {
    shape: Shape,
    role: Role,
}

impl CollectionWithRole {
    fn name(&self) -> &str {
        &self.shape.physical
    }

    fn physical(&self) -> PhysicalCollection {
        let lifecycle = &self.shape.lifecycle;
        PhysicalCollection {
            name: self.shape.physical.clone(),
            role: self.role,
            source: lifecycle.source.clone(),
            fingerprint: self
                .shape
                .identity
                .as_ref()
                .map(|found| found.fingerprint.clone())
                .unwrap_or_default(),
            owner: if self.role == Role::Building {
                lifecycle.owner.clone()
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
    /// Reads the model that the live collection records, written when the collection was made or by
    /// a re-index; `None` when there is no collection, or it records none.
    ///
    /// # Errors
    /// Like [`QdrantGallery::open`].
    pub async fn recorded_model(server: &QdrantServer, name: &str) -> Result<Option<ModelSource>> {
        let connection = Connection::new(server, name)?;
        ask_version(&connection).await?;
        Ok(find_live(&connection, name)
            .await?
            .and_then(|shape| shape.lifecycle.source))
    }

    /// Describes the live collection, whatever model filled it; `None` when there is none. Changes
    /// nothing.
    ///
    /// # Errors
    /// Like [`QdrantGallery::open`].
    pub async fn inspect(server: &QdrantServer, name: &str) -> Result<Option<CollectionInfo>> {
        let connection = Arc::new(Connection::new(server, name)?);
        let version = ask_version(&connection).await?;
        let Some(shape) = find_live(&connection, name).await? else {
            return Ok(None);
        };
        QdrantGallery::of(connection, version, name, shape, None)
            .info()
            .await
            .map(Some)
    }

    /// Opens the live collection, or makes the first one. `source` is the model in the settings.
    ///
    /// # Errors
    /// Like [`QdrantGallery::open`].
    pub async fn open(
        options: QdrantOptions,
        source: ModelSource,
    ) -> Result<(Self, Arc<dyn Gallery>)> {
        let connection = Arc::new(Connection::new(&options.server, &options.name)?);
        let version = ask_version(&connection).await?;
        let lifecycle = Lifecycle {
            source: Some(source),
            ..Lifecycle::default()
        };
        let shape = find_or_create(&connection, &options, &lifecycle).await?;
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

    /// Returns whether a collection is the live one now.
    async fn is_live(&self, name: &str) -> Result<bool> {
        Ok(resolve(&self.connection, &self.options.name).await? == name)
    }

    /// Returns all collections: the live one, then the one that is being built, then earlier ones,
    /// the latest first.
    async fn collections(&self) -> Result<Vec<CollectionWithRole>> {
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
        let mut collections = Vec::new();
        for name in ours {
            let Some(shape) = read_shape(&self.connection, public, &name).await? else {
                continue;
            };
            let role = match () {
                () if name == live => Role::Live,
                () if shape.lifecycle.building => Role::Building,
                () => Role::Previous,
            };
            collections.push(CollectionWithRole { shape, role });
        }
        let order = |collection: &CollectionWithRole| match collection.role {
            Role::Live => (0, 0),
            Role::Building => (1, 0),
            Role::Previous => (2, u64::MAX - collection.shape.lifecycle.kept_since_us),
        };
        collections.sort_by_key(order);
        if collections
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
        Ok(collections)
    }

    async fn collection(&self, name: &str) -> Result<CollectionWithRole> {
        let Some(shape) = read_shape(&self.connection, &self.options.name, name).await? else {
            return Err(unknown(name));
        };
        let role = match () {
            () if self.is_live(name).await? => Role::Live,
            () if shape.lifecycle.building => Role::Building,
            () => Role::Previous,
        };
        Ok(CollectionWithRole { shape, role })
    }

    /// Writes a collection's lifecycle to its metadata.
    async fn set_lifecycle(&self, name: &str, lifecycle: &Lifecycle) -> Result<()> {
        let request = wire::UpdateCollection {
            collection_name: name.to_owned(),
            metadata: lifecycle.entry()?,
            ..wire::UpdateCollection::default()
        };
        let what = "write the collection's metadata";
        self.connection
            .write(what, async |client| client.update_collection(request).await)
            .await?;
        Ok(())
    }

    /// Removes a collection and its list of changes, if they exist.
    async fn remove(&self, name: &str) -> Result<()> {
        self.changes_of(name).drop().await?;
        drop_collection(&self.connection, name).await
    }
}

/// Removes a collection, if it exists.
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

/// Writes to the live collection wait while this exists.
struct QdrantPause {
    shared: Arc<Shared>,
    name: String,
}

impl WritePause for QdrantPause {}

impl Drop for QdrantPause {
    fn drop(&mut self) {
        let (shared, name) = (Arc::clone(&self.shared), std::mem::take(&mut self.name));
        // If this fails, the pause ends by itself.
        tokio::spawn(async move {
            let ended = async {
                let collection = shared.collection(&name).await?;
                let lifecycle = Lifecycle {
                    paused_until_us: 0,
                    ..collection.shape.lifecycle
                };
                shared.set_lifecycle(&name, &lifecycle).await
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
            .collections()
            .await?
            .iter()
            .map(CollectionWithRole::physical)
            .collect())
    }

    async fn live(&self) -> Result<PhysicalCollection> {
        let shared = &self.shared;
        let name = resolve(&shared.connection, &shared.options.name).await?;
        let shape = read_shape(&shared.connection, &shared.options.name, &name)
            .await?
            .ok_or_else(|| unknown(&name))?;
        Ok(CollectionWithRole {
            shape,
            role: Role::Live,
        }
        .physical())
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn Gallery>> {
        let CollectionWithRole { shape, role } = self.shared.collection(name).await?;
        Ok(self.shared.gallery(shape, role == Role::Live))
    }

    async fn begin_beside(
        &self,
        model: &ModelInfo,
        source: &ModelSource,
        owner: &str,
    ) -> Result<PhysicalCollection> {
        let shared = &self.shared;
        let collections = shared.collections().await?;
        let live = collections[0].clone();
        let mut followers = live.shape.lifecycle.followers.clone();
        for building in collections
            .iter()
            .filter(|collection| collection.role == Role::Building)
        {
            let name = building.name();
            let same = building
                .shape
                .identity
                .as_ref()
                .is_some_and(|found| found.fingerprint == model.fingerprint);
            // Without its list, or if it was not among the followers, it missed some writes.
            if same
                && followers.iter().any(|known| known == name)
                && shared.changes_of(name).exists().await?
            {
                let lifecycle = Lifecycle {
                    owner: owner.to_owned(),
                    source: Some(source.clone()),
                    ..building.shape.lifecycle.clone()
                };
                shared.set_lifecycle(name, &lifecycle).await?;
                return Ok(shared.collection(name).await?.physical());
            }
            followers.retain(|known| known != name);
            shared.remove(name).await?;
        }
        let number = collections
            .iter()
            .map(|collection| collection.shape.lifecycle.numbered)
            .max()
            .unwrap_or(0)
            + 1;
        let name = physical_name(&shared.options.name, &model.name, number);
        let options = QdrantOptions {
            model: model.clone(),
            ..shared.options.clone()
        };
        let lifecycle = Lifecycle {
            source: Some(source.clone()),
            building: true,
            owner: owner.to_owned(),
            numbered: number,
            ..Lifecycle::default()
        };
        create(&shared.connection, &options, &name, &lifecycle).await?;
        shared.changes_of(&name).create().await?;
        followers.push(name.clone());
        let with_follower = Lifecycle {
            followers,
            numbered: number,
            ..live.shape.lifecycle.clone()
        };
        shared.set_lifecycle(live.name(), &with_follower).await?;
        // Nodes of a cluster learn of it a moment later.
        tokio::time::sleep(NOTICE_WITHIN).await;
        tracing::info!(collection = %name, model = %model.name,
        "building a collection beside the live one");
        Ok(shared.collection(&name).await?.physical())
    }

    /// `after` makes no difference: changes that are not marked as caught up are returned again.
    async fn changes(
        &self,
        name: &str,
        _after: Option<ChangePosition>,
        limit: usize,
    ) -> Result<Changes> {
        let (marks, more) = self.shared.changes_of(name).read(limit).await?;
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
        self.shared.changes_of(name).remove(&marks).await
    }

    async fn pause_writes(&self) -> Result<Box<dyn WritePause>> {
        let shared = &self.shared;
        let live = shared.collections().await?.swap_remove(0);
        let until = now_us() + u64::try_from(PAUSE.as_micros()).unwrap_or(u64::MAX);
        let lifecycle = Lifecycle {
            paused_until_us: until,
            ..live.shape.lifecycle.clone()
        };
        shared.set_lifecycle(live.name(), &lifecycle).await?;
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
