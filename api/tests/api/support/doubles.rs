//! The gallery of these tests, and pictures without files.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::embedding::{EmbedInput, Embedder};
use clippy_core::gallery::{Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::pictures::{PictureContent, Pictures, ServedPicture};
use clippy_core::{Error, ErrorCode, Result};
use clippy_testing::{FakeEmbedder, MemoryGallery};
use serde_json::{Value, json};

/// Forty pictures of four subjects, with numbers as ids, and one with a UUID.
pub async fn filled_gallery(dimension: usize) -> MemoryGallery {
    let embedder = FakeEmbedder::new(dimension);
    let mut points = BTreeMap::new();
    for number in 0..41_u64 {
        let id = if number == 40 {
            PointId::Uuid(uuid::Uuid::from_u128(7))
        } else {
            PointId::Number(number)
        };
        let subject = ["apple", "house", "cat", "moon"][(number % 4) as usize];
        let style = if number % 2 == 0 {
            "line_art"
        } else {
            "pixel_art"
        };
        let Value::Object(payload) = json!({
            "id": number, "path": format!("{number}.png"), "tags_all": [subject, style],
            "matched_tags": [style],
            "rating": if number % 5 == 0 { "questionable" } else { "safe" }, "style": style,
            "source_post_url": "https://example.org/1", "_clippy_hash": "secret",
        }) else {
            unreachable!("an object")
        };
        let words = |space: &str| vec![EmbedInput::Text(format!("{space} {number}"))];
        let mut vectors = Vectors::default();
        for space in Space::ALL {
            let embedded = embedder
                .embed(words(space.name()))
                .await
                .expect("a fake does not fail");
            *vectors.get_mut(space) = embedded.embeddings.into_iter().next();
        }
        points.insert(
            id,
            Point {
                id,
                vectors,
                payload,
            },
        );
    }
    let gallery = MemoryGallery::new(embedder.info());
    *gallery.points.lock() = points;
    gallery.roots.lock().push("pictures".to_owned());
    gallery
}

type MakeContent = dyn Fn(&str, &str) -> Result<PictureContent> + Send + Sync;

/// Pictures without folders: a function makes the content from the path, and from a name that
/// contains the path and the width.
pub struct FakePictures(Box<MakeContent>);

impl FakePictures {
    pub fn new(
        make: impl Fn(&str, &str) -> Result<PictureContent> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self(Box::new(make)))
    }

    /// Pictures whose content is their name: `13.png` is outside of the roots, `17.png` is missing.
    pub fn of_names() -> Arc<Self> {
        Self::new(|path, name| match path {
            "13.png" => Err(Error::new(
                ErrorCode::Forbidden,
                "the picture lies outside of the served folders",
            )),
            "17.png" => Err(Error::not_found("the picture's file is gone")),
            _ => Ok(PictureContent::Memory(Bytes::from(name.to_owned()))),
        })
    }
}

#[async_trait]
impl Pictures for FakePictures {
    async fn open(&self, path: &str, width: Option<u32>) -> Result<ServedPicture> {
        let width = width.map_or("whole".to_owned(), |width| width.to_string());
        let name = format!("{path} {width}");
        Ok(ServedPicture {
            content: (self.0)(path, &name)?,
            content_type: "image/png".to_owned(),
            etag: name.replace(['.', ' '], "-"),
        })
    }
}
