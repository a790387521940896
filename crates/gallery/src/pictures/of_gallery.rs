//! The files of one collection's pictures, found under the roots that the collection has recorded.

use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::gallery::GalleryReader;
use clippy_core::pictures::{Pictures, ServedPicture};

use super::PictureFiles;

/// Serves the files that a collection's payloads name.
pub struct GalleryPictures {
    gallery: Arc<dyn GalleryReader>,
    files: PictureFiles,
}

impl GalleryPictures {
    /// Searches the roots that this collection has at each request.
    #[must_use]
    pub fn new(gallery: Arc<dyn GalleryReader>, files: PictureFiles) -> Self {
        Self { gallery, files }
    }
}

#[async_trait]
impl Pictures for GalleryPictures {
    async fn open(&self, path: &str, width: Option<u32>) -> Result<ServedPicture> {
        let roots = self.gallery.info().await?.roots;
        let file = self.files.find(path, &roots).await?;
        match width {
            Some(width) => self.files.thumbnail(&file, width).await,
            None => self.files.read(&file).await,
        }
    }
}
