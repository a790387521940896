//! Provides pictures of the gallery as references.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::gallery::{GalleryReader, LICENCE_FIELD, PATH_FIELD, POST_URL_FIELD, With};
use clippy_core::ids::PointId;
use clippy_core::pictures::Pictures;
use clippy_core::{Error, Result, blocking};
use clippy_generate::{ReferencePicture, ReferencePictures};
use serde_json::Value;

/// Looks up an id in the collection, and reads the picture's file if it may be served.
pub struct GalleryReferences {
    gallery: Arc<dyn GalleryReader>,
    pictures: Arc<dyn Pictures>,
}

impl GalleryReferences {
    /// Uses this collection and its files.
    #[must_use]
    pub fn new(gallery: Arc<dyn GalleryReader>, pictures: Arc<dyn Pictures>) -> Self {
        Self { gallery, pictures }
    }
}

#[async_trait]
impl ReferencePictures for GalleryReferences {
    async fn reference_picture(&self, id: PointId) -> Result<ReferencePicture> {
        let missing = || Error::not_found(format!("picture {id} is not in the gallery"));
        let point = self
            .gallery
            .retrieve(&[id], With::PAYLOAD)
            .await?
            .into_iter()
            .next()
            .ok_or_else(missing)?;
        let text = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| match point.payload.get(*name) {
                    Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
                    _ => None,
                })
        };
        let path = text(&[PATH_FIELD])
            .ok_or_else(|| Error::not_found(format!("picture {id} has no file")))?;
        let served = self.pictures.open(&path, None).await?;
        let bytes = blocking("reading a picture", move || served.content.whole()).await?;
        Ok(ReferencePicture {
            bytes,
            source_url: text(&[POST_URL_FIELD, "source_url", "source"]),
            licence: text(&["licence", LICENCE_FIELD]),
        })
    }
}
