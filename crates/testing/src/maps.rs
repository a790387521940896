//! Maps in memory.

use std::collections::HashMap;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::maps::{MapSpace, Maps, PictureMap};
use parking_lot::Mutex;

/// Maps in memory.
#[derive(Debug, Default)]
pub struct MemoryMaps {
    maps: Mutex<HashMap<MapSpace, PictureMap>>,
}

#[async_trait]
impl Maps for MemoryMaps {
    async fn made(&self, space: MapSpace) -> Result<Option<u64>> {
        Ok(self.maps.lock().get(&space).map(|map| map.made))
    }

    async fn map(&self, space: MapSpace) -> Result<Option<PictureMap>> {
        Ok(self.maps.lock().get(&space).cloned())
    }

    async fn replace(&self, map: &PictureMap) -> Result<()> {
        self.maps.lock().insert(map.space, map.clone());
        Ok(())
    }
}
