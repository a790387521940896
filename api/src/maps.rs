//! The newest maps, so that each search within an area does not read its map again.

use std::collections::HashMap;
use std::sync::Arc;

use clippy_core::ids::PointId;
use clippy_core::maps::{MapArea, MapSpace, Maps, PictureMap};
use clippy_core::{Error, ErrorCode, Result, blocking};
use parking_lot::Mutex;

/// An area that was chosen on a map.
pub(crate) struct ChosenArea {
    pub(crate) space: MapSpace,
    /// When that map was made; `None` for the newest one, whichever it is.
    pub(crate) made: Option<u64>,
    pub(crate) area: MapArea,
}

/// Keeps the newest map of each space.
#[derive(Default)]
pub(crate) struct KnownMaps {
    kept: Mutex<HashMap<MapSpace, Arc<PictureMap>>>,
}

impl KnownMaps {
    /// Returns the newest map, which is only read if another one is kept. `None` if none was made.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn newest(
        &self,
        maps: &dyn Maps,
        space: MapSpace,
    ) -> Result<Option<Arc<PictureMap>>> {
        let made = maps.made(space).await?;
        let kept = self.kept.lock().get(&space).cloned();
        if let Some(map) = kept.filter(|map| made == Some(map.made)) {
            return Ok(Some(map));
        }
        let read = maps.map(space).await?.map(Arc::new);
        let mut kept = self.kept.lock();
        match &read {
            // A slow reading must not replace a map that was made meanwhile.
            Some(map) if kept.get(&space).is_some_and(|known| known.made > map.made) => None,
            Some(map) => kept.insert(space, Arc::clone(map)),
            None => kept.remove(&space),
        };
        Ok(read)
    }

    /// Returns the pictures in an area of a map.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] if no map was made, [`ErrorCode::Conflict`] if the area was chosen on
    /// another map, and [`ErrorCode::InvalidInput`] if it has too many pictures.
    pub(crate) async fn pictures_in(
        &self,
        maps: &dyn Maps,
        chosen: ChosenArea,
    ) -> Result<Vec<PointId>> {
        let map = self
            .newest(maps, chosen.space)
            .await?
            .ok_or_else(none_yet)?;
        if chosen.made.is_some_and(|made| made != map.made) {
            return Err(Error::new(
                ErrorCode::Conflict,
                "map_made is not the time of the newest map: it was made anew, and other pictures \
                 are in map_area now. Choose an area of the newest map, which GET /api/map returns",
            ));
        }
        let area = chosen.area;
        blocking("finding the pictures in an area", move || {
            area.pictures(&map)
        })
        .await
    }
}

pub(crate) fn none_yet() -> Error {
    Error::not_found("no map of the gallery was made yet: POST /api/admin/map makes one")
}
