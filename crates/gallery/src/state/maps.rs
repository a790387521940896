//! Stores maps of pictures in the embedded database.

use async_trait::async_trait;
use clippy_core::ids::PointId;
use clippy_core::maps::{MapPlace, MapSpace, Maps, PictureMap};
use clippy_core::{Error, Result, blocking};

use super::{EmbeddedState, failed, number_in, number_out};

/// The maps of one collection in the embedded database.
#[derive(Debug, Clone)]
pub struct EmbeddedMaps {
    state: EmbeddedState,
    collection: String,
}

impl EmbeddedState {
    /// The maps of a collection, by its public name.
    #[must_use]
    pub fn maps(&self, collection: &str) -> EmbeddedMaps {
        EmbeddedMaps {
            state: self.clone(),
            collection: collection.to_owned(),
        }
    }
}

/// A place as it is stored: id, x, y, style.
type Stored = (PointId, f32, f32, Option<u64>);

#[async_trait]
impl Maps for EmbeddedMaps {
    async fn made(&self, space: MapSpace) -> Result<Option<u64>> {
        let made: Option<i64> = sqlx::query_scalar(
            "SELECT made_at FROM picture_map WHERE collection = ? AND space = ?",
        )
        .bind(&self.collection)
        .bind(<&str>::from(space))
        .fetch_optional(&self.state.pool)
        .await
        .map_err(failed)?;
        made.map(number_out).transpose()
    }

    async fn map(&self, space: MapSpace) -> Result<Option<PictureMap>> {
        let row: Option<(i64, String)> = sqlx::query_as(
            "SELECT made_at, places FROM picture_map WHERE collection = ? AND space = ?",
        )
        .bind(&self.collection)
        .bind(<&str>::from(space))
        .fetch_optional(&self.state.pool)
        .await
        .map_err(failed)?;
        let Some((made, places)) = row else {
            return Ok(None);
        };
        let places = blocking("reading a map", move || {
            serde_json::from_str::<Vec<Stored>>(&places)
                .map_err(|error| Error::internal("a stored map is damaged").with_source(error))
        })
        .await?;
        Ok(Some(PictureMap {
            space,
            made: number_out(made)?,
            places: places
                .into_iter()
                .map(|(id, x, y, style)| MapPlace { id, x, y, style })
                .collect(),
        }))
    }

    async fn replace(&self, map: &PictureMap) -> Result<()> {
        let stored: Vec<Stored> = map
            .places
            .iter()
            .map(|place| (place.id, place.x, place.y, place.style))
            .collect();
        let places = blocking("writing a map", move || {
            serde_json::to_string(&stored)
                .map_err(|error| Error::internal("a map is not JSON").with_source(error))
        })
        .await?;
        let mut transaction = self.state.write().await?;
        sqlx::query(
            "INSERT OR REPLACE INTO picture_map (collection, space, made_at, places) VALUES (?, \
             ?, ?, ?)",
        )
        .bind(&self.collection)
        .bind(<&str>::from(map.space))
        .bind(number_in(map.made)?)
        .bind(places)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::preferences::PreferenceRule;
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn the_last_map_of_each_space_is_kept_for_each_collection() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("clippy.db");
        let state = EmbeddedState::open(&file, PreferenceRule::default())
            .await
            .expect("opened");
        let maps = state.maps("pictures");
        assert_eq!(maps.map(MapSpace::Image).await.expect("read"), None);
        let place = |id: PointId, x: f32, style| MapPlace {
            id,
            x,
            y: 0.25,
            style,
        };
        let first = PictureMap {
            space: MapSpace::Image,
            made: 1_790_000_000,
            places: vec![place(7.into(), 0.5, None)],
        };
        let ids = [9.into(), PointId::Uuid(Uuid::now_v7())];
        let second = PictureMap {
            made: 1_790_000_001,
            places: vec![place(ids[0], 0.125, Some(3)), place(ids[1], 1.0, None)],
            ..first.clone()
        };
        maps.replace(&first).await.expect("written");
        maps.replace(&second).await.expect("written");
        let made = maps.made(MapSpace::Image).await.expect("read");
        assert_eq!(made, Some(second.made));
        assert_eq!(maps.made(MapSpace::Style).await.expect("read"), None);
        let read = maps.map(MapSpace::Image).await.expect("read");
        assert_eq!(read, Some(second));
        assert_eq!(maps.map(MapSpace::Style).await.expect("read"), None);
        let other = state.maps("others").map(MapSpace::Image).await;
        assert_eq!(other.expect("read"), None);
    }
}
