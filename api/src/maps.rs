//! Maps that were read lately, so that each search within an area does not read its map again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clippy_core::ids::PointId;
use clippy_core::maps::{MapArea, MapSpace, Maps, PictureMap};
use clippy_core::{Error, Result, blocking};
use parking_lot::Mutex;

/// How long a map is used before it is read again.
const KEPT: Duration = Duration::from_secs(60);

/// Keeps the maps that were read last.
#[derive(Default)]
pub(crate) struct KnownMaps {
    kept: Mutex<HashMap<MapSpace, (Instant, Arc<PictureMap>)>>,
}

impl KnownMaps {
    /// Reads a map from the database. `None` if none was made.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn read(
        &self,
        maps: &dyn Maps,
        space: MapSpace,
    ) -> Result<Option<Arc<PictureMap>>> {
        let read = maps.map(space).await?.map(Arc::new);
        let mut kept = self.kept.lock();
        match &read {
            // A slow reading must not replace a map that was made meanwhile.
            Some(map)
                if kept
                    .get(&space)
                    .is_some_and(|(_, known)| known.made > map.made) =>
            {
                None
            }
            Some(map) => kept.insert(space, (Instant::now(), Arc::clone(map))),
            None => kept.remove(&space),
        };
        Ok(read)
    }

    /// Returns the map that was read last, as long as that is not long ago, else like
    /// [`KnownMaps::read`].
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn recent(
        &self,
        maps: &dyn Maps,
        space: MapSpace,
    ) -> Result<Option<Arc<PictureMap>>> {
        let kept = self.kept.lock().get(&space).cloned();
        match kept {
            Some((read, map)) if read.elapsed() < KEPT => Ok(Some(map)),
            _ => self.read(maps, space).await,
        }
    }

    /// Returns the pictures in an area of a map.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::NotFound`] if no map was made, and
    /// [`clippy_core::ErrorCode::InvalidInput`] if the area has too many pictures.
    pub(crate) async fn pictures_in(
        &self,
        maps: &dyn Maps,
        space: MapSpace,
        area: MapArea,
    ) -> Result<Vec<PointId>> {
        let map = self.recent(maps, space).await?.ok_or_else(none_yet)?;
        blocking("finding the pictures in an area", move || {
            area.pictures(&map)
        })
        .await
    }
}

pub(crate) fn none_yet() -> Error {
    Error::not_found("no map of the gallery was made yet: POST /api/admin/map makes one")
}
