//! The tags that a run knows: how many pictures have each, and how near its words are to pictures.

use std::collections::HashMap;
use std::time::Duration;

use clippy_core::bulk::Vocabulary;
use clippy_core::embedding::{EmbedInput, Embedder, Embedding};
use clippy_core::gallery::{
    Filter, GalleryReader, Origin, STYLE_TAGS_FIELD, Space, TAGS_FIELD, With, check_vector,
};
use clippy_core::search::product;
use clippy_core::sentences::{Underscores, sentence};
use clippy_core::{Error, ErrorCode, Result};

use crate::sample::choose;
use crate::vocabulary::{self, LONGEST_TAG, MOST_TAGS};

/// Words that are embedded in one call.
const BATCH: usize = 256;
/// Pictures that the words are compared with, to learn which cosines are usual for each.
const BACKGROUND: usize = 512;
/// How often an overloaded embedder is called again, and the pause before it.
const ATTEMPTS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(200);

/// A tag of the lexicon.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The tag.
    pub(crate) tag: String,
    /// How many pictures have it.
    pub(crate) count: u64,
    /// Whether it may be proposed: it is in the vocabulary.
    pub(crate) wanted: bool,
    /// The mean cosine of its words with pictures.
    mean: f32,
    /// One divided by the standard deviation of these cosines.
    scale: f32,
}

/// All tags of a run.
pub(crate) struct Lexicon {
    pub(crate) entries: Vec<Entry>,
    indexes: HashMap<String, usize>,
    /// The vectors of the tags' words, one after the other.
    vectors: Vec<f32>,
    dimension: usize,
    /// How many pictures have tags.
    pub(crate) tagged: u64,
}

/// The gallery's pictures that have tags.
pub(crate) fn tagged() -> Filter {
    Filter {
        origin: Origin::Gallery,
        having: vec![Space::Text],
        ..Filter::default()
    }
}

impl Lexicon {
    /// Reads the gallery's tags and the vocabulary, without their vectors.
    pub(crate) async fn read(gallery: &dyn GalleryReader, vocabulary: &Vocabulary) -> Result<Self> {
        let filter = tagged();
        let counted = gallery.facet(TAGS_FIELD, &filter, MOST_TAGS).await?;
        let mut lexicon = Self {
            entries: Vec::new(),
            indexes: HashMap::new(),
            vectors: Vec::new(),
            dimension: 0,
            tagged: gallery.count(&filter).await?,
        };
        let of_gallery = *vocabulary == Vocabulary::Gallery;
        for found in counted {
            if found.value.len() <= LONGEST_TAG {
                lexicon.add(found.value, found.count, of_gallery);
            }
        }
        let further = match vocabulary {
            Vocabulary::Gallery => Vec::new(),
            Vocabulary::Styles => {
                let styles = gallery.facet(STYLE_TAGS_FIELD, &filter, MOST_TAGS).await?;
                styles.into_iter().map(|found| found.value).collect()
            }
            Vocabulary::File(file) => vocabulary::read(file).await?,
        };
        for tag in further {
            lexicon.add(tag, 0, true);
        }
        Ok(lexicon)
    }

    /// Adds a tag. One that differs only in capitals from a known one is the known one.
    fn add(&mut self, tag: String, count: u64, wanted: bool) {
        let next = self.entries.len();
        let index = *self.indexes.entry(tag.to_lowercase()).or_insert(next);
        if let Some(known) = self.entries.get_mut(index) {
            known.count += count;
            known.wanted |= wanted;
            return;
        }
        self.entries.push(Entry {
            tag,
            count,
            wanted,
            mean: 0.0,
            scale: 1.0,
        });
    }

    pub(crate) fn index(&self, tag: &str) -> Option<usize> {
        self.indexes.get(&tag.to_lowercase()).copied()
    }

    /// Embeds the words of all tags, and compares them with a sample of the pictures.
    pub(crate) async fn embed(
        mut self,
        gallery: &dyn GalleryReader,
        embedder: &dyn Embedder,
        (template, underscores): (&str, Underscores),
        report: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Self> {
        self.dimension = embedder.info().dimension;
        self.vectors
            .reserve_exact(self.dimension * self.entries.len());
        let total = self.entries.len() as u64;
        for batch in self.entries.chunks(BATCH) {
            let inputs = batch.iter().map(|entry| {
                let words = sentence(&[&entry.tag], template, underscores);
                EmbedInput::Text(words.unwrap_or_default())
            });
            for vector in embed(embedder, inputs.collect()).await? {
                check_vector(Space::Text, &vector, self.dimension)?;
                self.vectors.extend_from_slice(&vector);
            }
            report((self.vectors.len() / self.dimension.max(1)) as u64, total);
        }
        let of_gallery = Filter {
            origin: Origin::Gallery,
            ..Filter::default()
        };
        let sample = choose(gallery, &of_gallery, BACKGROUND).await?;
        let sample = gallery.retrieve(&sample, With::VECTORS).await?;
        let pictures: Vec<Embedding> = sample
            .into_iter()
            .filter_map(|point| point.vectors.image)
            .collect();
        clippy_core::blocking("comparing words with pictures", move || {
            self.measure(&pictures);
            Ok(self)
        })
        .await
    }

    fn measure(&mut self, pictures: &[Embedding]) {
        let count = pictures.len().max(1) as f32;
        let Self {
            entries,
            vectors,
            dimension,
            ..
        } = self;
        for (entry, words) in entries.iter_mut().zip(vectors.chunks(*dimension)) {
            let cosines: Vec<f32> = pictures
                .iter()
                .map(|picture| product(words, picture))
                .collect();
            let mean = cosines.iter().sum::<f32>() / count;
            let variance = cosines
                .iter()
                .map(|cosine| (cosine - mean).powi(2))
                .sum::<f32>();
            entry.mean = mean;
            entry.scale = 1.0 / (variance / count).sqrt().max(1e-4);
        }
    }

    /// How near the words of each tag are to a picture, in deviations above what is usual.
    pub(crate) fn nearness(&self, picture: &[f32]) -> Vec<f32> {
        let words = self.vectors.chunks(self.dimension.max(1));
        self.entries
            .iter()
            .zip(words)
            .map(|(entry, words)| (product(words, picture) - entry.mean) * entry.scale)
            .collect()
    }
}

/// Embeds words, and waits while the embedder is overloaded.
///
/// # Errors
/// Those of the model.
pub async fn embed(embedder: &dyn Embedder, inputs: Vec<EmbedInput>) -> Result<Vec<Embedding>> {
    let expected = inputs.len();
    for attempt in 1.. {
        match embedder.embed(inputs.clone()).await {
            Ok(made) if made.embeddings.len() == expected => return Ok(made.embeddings),
            Ok(made) => {
                return Err(Error::internal(format!(
                    "the embedder returned {} vectors for {expected} words",
                    made.embeddings.len()
                )));
            }
            Err(error) if error.code == ErrorCode::Overloaded && attempt < ATTEMPTS => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Vec::new())
}
