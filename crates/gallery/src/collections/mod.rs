//! The physical collections of one data folder, on the engine in this process, and the switch from
//! one to another.
//!
//! Each collection has a folder of its own; one small file names the live one ([`state`]), and is
//! replaced as a whole. A switch is one such replacement: a kill before it leaves the old one live,
//! and a kill after it the new one.

mod changes;
mod copy;
mod handle;
mod state;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::collections::{
    ChangePosition, Changes, Collections, ModelSource, PhysicalCollection, Role, WritePause,
    physical_name,
};
use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::{CollectionInfo, Gallery};
use clippy_core::ids::PointId;
use clippy_core::{Error, ErrorCode, Result, blocking};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::changes::{CHANGES_FILE, ChangeList};
use self::handle::Handle;
use self::state::{Entry, State, remove_leftovers};
use crate::edge::{EdgeGallery, EdgeOptions};
use crate::guarded::Guarded;
use clippy_common::files::remove_folder;

/// Most writes that may run at once; a pause takes all their permits.
const WRITERS: u32 = 1 << 16;
/// How long to wait for a collection's last reader before its folder is opened again, or removed.
const CLOSING: Duration = Duration::from_secs(20);

/// Where the collections are.
#[derive(Debug, Clone)]
pub struct EdgeCollectionsOptions {
    /// `DATA_DIR`.
    pub data: PathBuf,
    /// `QDRANT_COLLECTION`: the public name, and the name of the first collection.
    pub name: String,
    /// The model in the settings. It is recorded with the first collection when there is a second
    /// one.
    pub source: ModelSource,
    /// Like [`EdgeOptions::indexing_threshold_kb`].
    pub indexing_threshold_kb: Option<usize>,
}

/// The collections of one data folder, which belongs to this process.
#[derive(Clone)]
pub struct EdgeCollections {
    shared: Arc<Shared>,
}

/// What all handles share.
struct Shared {
    options: EdgeCollectionsOptions,
    state: Mutex<State>,
    /// The lists of changes of the collections that follow the live one, by name.
    lists: Mutex<HashMap<String, ChangeList>>,
    /// Collections that are open, by their names. A folder is opened once.
    open: tokio::sync::Mutex<HashMap<String, Weak<EdgeGallery>>>,
    /// The collection that is being built stays open between the parts of its job, because closing
    /// it writes all its files.
    built: Mutex<Option<Arc<EdgeGallery>>>,
    writers: Arc<Semaphore>,
}

impl Shared {
    fn role_of(&self, name: &str) -> Option<Role> {
        self.state.lock().role_of(name).map(|(role, _)| role)
    }

    async fn write_permit(&self) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.writers)
            .acquire_owned()
            .await
            .map_err(closed)
    }

    /// Records ids for every follower of the live collection; when this returns they are on
    /// the disk.
    async fn record(self: &Arc<Self>, ids: Vec<PointId>) -> Result<()> {
        if self.lists.lock().is_empty() {
            return Ok(());
        }
        let shared = Arc::clone(self);
        blocking("recording changes", move || {
            shared
                .lists
                .lock()
                .values_mut()
                .try_for_each(|list| list.record(&ids))
        })
        .await
    }

    async fn pause(&self) -> Result<EdgePause> {
        let permits = Arc::clone(&self.writers)
            .acquire_many_owned(WRITERS)
            .await
            .map_err(closed)?;
        Ok(EdgePause { _permits: permits })
    }

    /// Changes the state on the disk, and then in memory.
    fn change(&self, change: impl FnOnce(&mut State) -> Result<()>) -> Result<()> {
        let mut state = self.state.lock();
        let mut changed = state.clone();
        change(&mut changed)?;
        changed.write(&self.options.data)?;
        *state = changed;
        Ok(())
    }

    /// Opens the collection in this folder once. `model` is the model that fills it, needed when it
    /// may have to be made.
    async fn gallery(&self, entry: &Entry, model: Option<&ModelInfo>) -> Result<Arc<EdgeGallery>> {
        let mut open = self.open.lock().await;
        if let Some(gallery) = open.get(&entry.name).and_then(Weak::upgrade) {
            return Ok(gallery);
        }
        let folder = self.options.data.join(&entry.folder);
        let begun = std::time::Instant::now();
        let was_open = open.contains_key(&entry.name);
        let gallery = loop {
            let (name, threshold) = (entry.name.clone(), self.options.indexing_threshold_kb);
            let opened = match model {
                Some(model) => {
                    let options = EdgeOptions {
                        folder: folder.clone(),
                        name,
                        model: model.clone(),
                        indexing_threshold_kb: threshold,
                    };
                    EdgeGallery::open(options).await
                }
                None => EdgeGallery::open_existing(folder.clone(), name, threshold).await,
            };
            match opened {
                // Its last reader, in this process, is closing it.
                Err(error)
                    if error.code == ErrorCode::Conflict
                        && was_open
                        && begun.elapsed() < CLOSING =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                other => break Arc::new(other?),
            }
        };
        open.insert(entry.name.clone(), Arc::downgrade(&gallery));
        Ok(gallery)
    }

    /// Waits until a collection has no readers, and removes its folder. A reader that takes longer
    /// loses it.
    async fn remove(&self, entry: &Entry) -> Result<()> {
        let mut open = self.open.lock().await;
        let begun = std::time::Instant::now();
        let is_read = |gallery: &Weak<EdgeGallery>| gallery.strong_count() > 0;
        while open.get(&entry.name).is_some_and(is_read) && begun.elapsed() < CLOSING {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        open.remove(&entry.name);
        let folder = self.options.data.join(&entry.folder);
        while crate::lock::holder(&folder).is_some() && begun.elapsed() < CLOSING {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        blocking("removing a collection", move || {
            remove_folder(&folder).map_err(|error| {
                Error::internal(format!("{} could not be removed", folder.display()))
                    .with_source(error)
            })
        })
        .await
    }
}

fn closed(error: tokio::sync::AcquireError) -> Error {
    Error::internal("the collections are closed").with_source(error)
}

fn unknown(name: &str) -> Error {
    Error::not_found(format!(
        "there is no collection {name} beside the live one: it was dropped, or never made"
    ))
}

/// All permits to write.
struct EdgePause {
    _permits: OwnedSemaphorePermit,
}

impl WritePause for EdgePause {}

impl EdgeCollections {
    /// Returns the model that the data folder records, because a re-index switched to it; `None`
    /// when it records none.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] when the folder cannot be read.
    pub fn recorded_model(data: &Path) -> Result<Option<ModelSource>> {
        Ok(State::read(data)?.and_then(|state| state.live.source))
    }

    /// Describes the live collection of a data folder without opening it; `None` when there is
    /// none.
    ///
    /// # Errors
    /// [`ErrorCode::Internal`] when the folder cannot be read.
    pub fn inspect(data: &Path, name: &str) -> Result<Option<CollectionInfo>> {
        let live = match State::read(data)? {
            Some(state) => state.live,
            None => State::first(name, "", None).live,
        };
        EdgeGallery::inspect(&data.join(&live.folder), &live.name)
    }

    /// Opens the live collection of a data folder, or makes the first one, and removes what a kill
    /// left behind. Call it with the data folder's own lock held.
    ///
    /// # Errors
    /// Like [`EdgeGallery::open`]: above all, another model than the one that filled it is refused,
    /// and the error names both.
    pub async fn open(
        options: EdgeCollectionsOptions,
        model: &ModelInfo,
    ) -> Result<(Self, Arc<dyn Gallery>)> {
        let first = State::first(
            &options.name,
            &model.fingerprint,
            Some(options.source.clone()),
        );
        let data = options.data.clone();
        let (state, lists) = blocking("reading the list of collections", move || {
            let found = State::read(&data)?;
            if let Some(state) = &found {
                remove_leftovers(&data, state)?;
            }
            let state = found.unwrap_or(first);
            let mut lists = HashMap::new();
            for (role, entry) in state.entries() {
                if role != Role::Live {
                    lists.insert(
                        entry.name.clone(),
                        ChangeList::open(&data.join(&entry.folder))?,
                    );
                }
            }
            Ok((state, lists))
        })
        .await?;
        let live = state.live.clone();
        let shared = Arc::new(Shared {
            options,
            state: Mutex::new(state),
            lists: Mutex::new(lists),
            open: tokio::sync::Mutex::default(),
            built: Mutex::default(),
            writers: Arc::new(Semaphore::new(WRITERS as usize)),
        });
        let inner = shared.gallery(&live, Some(model)).await?;
        let gallery = Arc::new(Guarded(Handle {
            name: live.name,
            as_live: true,
            inner,
            shared: Arc::clone(&shared),
        }));
        Ok((Self { shared }, gallery))
    }

    fn entry(&self, name: &str) -> Result<(Role, Entry)> {
        let state = self.shared.state.lock();
        state
            .role_of(name)
            .map(|(role, entry)| (role, entry.clone()))
            .ok_or_else(|| unknown(name))
    }

    /// Runs work on a follower's list of changes.
    async fn with_list<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&mut ChangeList) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (shared, name) = (Arc::clone(&self.shared), name.to_owned());
        blocking("work on a list of changes", move || {
            work(
                shared
                    .lists
                    .lock()
                    .get_mut(&name)
                    .ok_or_else(|| unknown(&name))?,
            )
        })
        .await
    }
}

#[async_trait]
impl Collections for EdgeCollections {
    async fn list(&self) -> Result<Vec<PhysicalCollection>> {
        Ok(self
            .shared
            .state
            .lock()
            .entries()
            .map(|(role, entry)| entry.physical(role))
            .collect())
    }

    async fn live(&self) -> Result<PhysicalCollection> {
        Ok(self.shared.state.lock().live.physical(Role::Live))
    }

    async fn open(&self, name: &str) -> Result<Arc<dyn Gallery>> {
        let (role, entry) = self.entry(name)?;
        let inner = self.shared.gallery(&entry, None).await?;
        if role == Role::Building {
            *self.shared.built.lock() = Some(Arc::clone(&inner));
        }
        let as_live = role == Role::Live;
        Ok(Arc::new(Guarded(Handle {
            name: entry.name,
            as_live,
            inner,
            shared: Arc::clone(&self.shared),
        })))
    }

    async fn begin_beside(
        &self,
        model: &ModelInfo,
        source: &ModelSource,
        owner: &str,
    ) -> Result<PhysicalCollection> {
        let (building, number) = {
            let state = self.shared.state.lock();
            (state.building.clone(), state.numbered + 1)
        };
        if let Some(building) = building {
            if building.fingerprint == model.fingerprint {
                self.shared.change(|state| {
                    let found = state
                        .building
                        .as_mut()
                        .ok_or_else(|| unknown(&building.name))?;
                    owner.clone_into(&mut found.owner);
                    found.source = Some(source.clone());
                    Ok(())
                })?;
                return Ok(self.entry(&building.name)?.1.physical(Role::Building));
            }
            self.shared.lists.lock().remove(&building.name);
            self.shared.built.lock().take();
            self.shared.change(|state| {
                state.building = None;
                Ok(())
            })?;
            self.shared.remove(&building).await?;
        }
        let name = physical_name(&self.shared.options.name, &model.name, number);
        let entry = Entry {
            folder: State::folder_of(&name),
            name,
            source: Some(source.clone()),
            fingerprint: model.fingerprint.clone(),
            owner: owner.to_owned(),
        };
        // Make the folder first: when a kill comes before the state names it, the next start
        // removes it.
        drop(self.shared.gallery(&entry, Some(model)).await?);
        // Wait for writes that began before there was a follower: the copy would miss them.
        let _pause = self.shared.pause().await?;
        let (shared, added) = (Arc::clone(&self.shared), entry.clone());
        blocking("making a collection", move || {
            let list = ChangeList::create(&shared.options.data.join(&added.folder))?;
            shared.change(|state| {
                state.numbered = number;
                state.building = Some(added.clone());
                Ok(())
            })?;
            shared.lists.lock().insert(added.name, list);
            Ok(())
        })
        .await?;
        tracing::info!(collection = %entry.name, model = %model.name,
        "building a collection beside the live one");
        Ok(entry.physical(Role::Building))
    }

    async fn changes(
        &self,
        name: &str,
        after: Option<ChangePosition>,
        limit: usize,
    ) -> Result<Changes> {
        self.with_list(name, move |list| list.after(after, limit))
            .await
    }

    async fn mark_caught_up(&self, name: &str, position: ChangePosition) -> Result<()> {
        self.with_list(name, move |list| list.mark_caught_up(position))
            .await
    }

    async fn pause_writes(&self) -> Result<Box<dyn WritePause>> {
        Ok(Box::new(self.shared.pause().await?))
    }

    async fn switch(&self, name: &str, owner: Option<&str>, _pause: &dyn WritePause) -> Result<()> {
        let (role, entry) = self.entry(name)?;
        if role == Role::Live {
            return Err(unknown(name));
        }
        if let Some(owner) = owner
            && entry.owner != owner
        {
            let by = &entry.owner;
            return Err(Error::new(
                ErrorCode::Conflict,
                format!("the collection {name} is built by job {by} now, which will switch to it"),
            ));
        }
        if !self.with_list(name, |list| Ok(list.is_done())).await? {
            return Err(Error::new(
                ErrorCode::Conflict,
                format!(
                    "the collection {name} has not caught up with everything that was written to \
                     the live one"
                ),
            ));
        }
        let shared = Arc::clone(&self.shared);
        let dropped = blocking("switching collections", move || {
            shared.switch_to(&entry, role)
        })
        .await?;
        if let Some(dropped) = dropped {
            // In the background: searches may still read it.
            let shared = Arc::clone(&self.shared);
            tokio::spawn(async move {
                if let Err(error) = shared.remove(&dropped).await {
                    tracing::warn!(collection = %dropped.name, %error,
                    "an old collection stays until the next start");
                }
            });
        }
        Ok(())
    }

    async fn drop_old(&self) -> Result<Vec<String>> {
        let old: Vec<Entry> = {
            let state = self.shared.state.lock();
            state
                .previous
                .iter()
                .chain(&state.building)
                .cloned()
                .collect()
        };
        if old.is_empty() {
            return Ok(Vec::new());
        }
        self.shared.change(|state| {
            state.previous = None;
            state.building = None;
            Ok(())
        })?;
        self.shared.lists.lock().clear();
        self.shared.built.lock().take();
        for entry in &old {
            self.shared.remove(entry).await?;
        }
        Ok(old.into_iter().map(|entry| entry.name).collect())
    }
}

impl Shared {
    /// Switches; returns the collection that is not needed any more.
    fn switch_to(&self, entry: &Entry, role: Role) -> Result<Option<Entry>> {
        let data = &self.options.data;
        let old = self.state.lock().live.clone();
        // The old collection has the same content now, and becomes a follower.
        let list = ChangeList::create(&data.join(&old.folder))?;
        let mut dropped = None;
        self.change(|state| {
            let mut live = entry.clone();
            live.owner = String::new();
            state.live = live;
            let replaced = state.previous.replace(old.clone());
            if role == Role::Building {
                state.building = None;
                dropped = replaced;
            }
            Ok(())
        })?;
        if role == Role::Building {
            self.built.lock().take();
        }
        let mut lists = self.lists.lock();
        lists.remove(&entry.name);
        if let Some(dropped) = &dropped {
            lists.remove(&dropped.name);
        }
        lists.insert(old.name.clone(), list);
        drop(lists);
        if let Err(error) = std::fs::remove_file(data.join(&entry.folder).join(CHANGES_FILE)) {
            tracing::debug!(%error, "an empty list of changes stays");
        }
        tracing::info!(live = %entry.name, previous = %old.name, "switched to another collection");
        Ok(dropped)
    }
}
