//! Names groups: by the tags that tell them from the others, or by the words that the model
//! compares with their pictures.

use std::collections::HashMap;

use clippy_core::Result;
use clippy_core::embedding::EmbedInput;
use clippy_core::gallery::{FacetCount, Filter, Gallery, STYLE_TAGS_FIELD, TAGS_FIELD};
use clippy_core::style_groups::StyleGroups;

use super::Finder;
use super::assign::{Gathered, Members};

/// How many values of a field are compared.
const VALUES: usize = 2_000;
/// The least share of a group's pictures that have a telling tag.
const LEAST_SHARE: f64 = 0.4;
/// How many times more frequent a telling tag is in its group than in the gallery, at least.
const LEAST_LIFT: f64 = 1.5;
/// How many telling tags a group keeps.
const TAGS_OF_A_GROUP: usize = 5;
/// The longest tag that names a group, in characters.
const LONGEST_TAG: usize = 60;
/// How many deviations the best word must lie above the mean of all words.
const CLEAR: f32 = 2.8;
/// How many deviations the best word must lie above the next one.
const APART: f32 = 0.5;

/// Words for styles. They are compared with pictures in a sentence.
const VOCABULARY: [&str; 36] = [
    "3d render",
    "anime",
    "art deco",
    "black and white",
    "charcoal drawing",
    "claymation",
    "collage",
    "comic book",
    "crayon drawing",
    "doodle",
    "embroidery",
    "flat vector icon",
    "glossy icon",
    "graffiti",
    "ink wash",
    "impressionist painting",
    "isometric",
    "line art",
    "line icon",
    "low poly",
    "manga",
    "mosaic",
    "neon lights",
    "oil painting",
    "paper cut",
    "pastel colors",
    "pencil sketch",
    "photograph",
    "pixel art",
    "pop art",
    "silhouette",
    "soft shading",
    "stained glass",
    "vaporwave",
    "watercolor painting",
    "woodcut",
];

/// Names the groups, and adds their telling tags.
pub(super) async fn name(
    finder: &Finder<'_>,
    mut found: StyleGroups,
    gathered: &Gathered,
) -> Result<StyleGroups> {
    let telling = TellingTags::read(finder.gallery).await?;
    let words = words_of(finder, gathered.groups()).await?;
    let mut taken: Vec<String> = Vec::new();
    for (index, word) in words.into_iter().enumerate() {
        let keys = found.keys_of_group(&found.groups[index]).collect();
        let tags = telling.of_group(finder.gallery, keys).await?;
        let group = &mut found.groups[index];
        let mut names = tags.iter().map(|tag| tag.replace('_', " "));
        let free = names.find(|name| !taken.contains(name));
        let word = word.filter(|word| !taken.contains(word));
        if let Some(name) = free.or(word) {
            taken.push(name.clone());
            group.name = name;
        }
        group.tags = tags;
    }
    Ok(found)
}

/// How frequent the tags of the whole gallery are.
struct TellingTags {
    all: u64,
    fields: [(&'static str, HashMap<String, u64>); 2],
}

impl TellingTags {
    async fn read(gallery: &dyn Gallery) -> Result<Self> {
        Ok(Self {
            all: gallery.count(&Filter::default()).await?,
            fields: [
                (
                    STYLE_TAGS_FIELD,
                    counts_of(gallery, STYLE_TAGS_FIELD).await?,
                ),
                (TAGS_FIELD, counts_of(gallery, TAGS_FIELD).await?),
            ],
        })
    }

    /// Returns the telling tags of a group: style tags, or else any tags.
    async fn of_group(&self, gallery: &dyn Gallery, keys: Vec<String>) -> Result<Vec<String>> {
        let filter = Filter {
            style_groups: keys,
            ..Filter::default()
        };
        let size = gallery.count(&filter).await?;
        for (field, counts) in &self.fields {
            let of_group = gallery.facet(field, &filter, VALUES).await?;
            let telling = self.most_telling(of_group, size, counts);
            if !telling.is_empty() {
                return Ok(telling);
            }
        }
        Ok(Vec::new())
    }

    fn most_telling(
        &self,
        of_group: Vec<FacetCount>,
        size: u64,
        counts: &HashMap<String, u64>,
    ) -> Vec<String> {
        let score = |FacetCount { value, count }: FacetCount| {
            let share = count as f64 / size.max(1) as f64;
            // Tags beyond the most frequent ones of the gallery are rare in it.
            let everywhere = counts.get(&value).copied().unwrap_or(count).max(count);
            let lift = share / (everywhere as f64 / self.all.max(1) as f64);
            let fits =
                share >= LEAST_SHARE && lift >= LEAST_LIFT && value.chars().count() <= LONGEST_TAG;
            fits.then(|| (share * lift.ln(), value))
        };
        let mut telling: Vec<(f64, String)> = of_group.into_iter().filter_map(score).collect();
        telling.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
        telling.truncate(TAGS_OF_A_GROUP);
        telling.into_iter().map(|(_, tag)| tag).collect()
    }
}

async fn counts_of(gallery: &dyn Gallery, field: &str) -> Result<HashMap<String, u64>> {
    let counts = gallery.facet(field, &Filter::default(), VALUES).await?;
    Ok(counts
        .into_iter()
        .map(|facet| (facet.value, facet.count))
        .collect())
}

/// Returns the word of the vocabulary for each group, where it is clear.
///
/// What is compared is how a group differs from the whole gallery, since the cosines of pictures
/// with words have a level of their own for each word.
async fn words_of(finder: &Finder<'_>, groups: &[Members]) -> Result<Vec<Option<String>>> {
    if groups.len() < 2 {
        return Ok(vec![None; groups.len()]);
    }
    let sentences = VOCABULARY
        .iter()
        .map(|word| format!("a {word} style picture"));
    let inputs = sentences.map(EmbedInput::Text).collect();
    let words = finder.embedder.embed(inputs).await?.embeddings;
    let total: u64 = groups.iter().map(|group| group.count).sum();
    let dimension = groups.iter().map(|group| group.images.len()).max();
    let mut overall = vec![0.0; dimension.unwrap_or_default()];
    for group in groups {
        for (sum, value) in overall.iter_mut().zip(&group.images) {
            *sum += value / total.max(1) as f64;
        }
    }
    Ok(groups
        .iter()
        .map(|group| clear_word(group, &overall, &words))
        .collect())
}

fn clear_word(group: &Members, overall: &[f64], words: &[Vec<f32>]) -> Option<String> {
    if group.images.is_empty() {
        return None;
    }
    let count = group.count.max(1) as f64;
    let difference = group.images.iter().zip(overall);
    #[expect(clippy::cast_possible_truncation, reason = "a part of a unit vector")]
    let difference: Vec<f32> = difference
        .map(|(sum, everywhere)| (sum / count - everywhere) as f32)
        .collect();
    let scores: Vec<f32> = words
        .iter()
        .map(|word| clippy_core::search::product(&difference, word))
        .collect();
    let mean = scores.iter().sum::<f32>() / scores.len().max(1) as f32;
    let squares: f32 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    let deviation = (squares / scores.len().max(1) as f32).sqrt().max(1e-6);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|left, right| scores[*right].total_cmp(&scores[*left]));
    let (best, next) = (*order.first()?, *order.get(1)?);
    let is_clear =
        scores[best] - mean > CLEAR * deviation && scores[best] - scores[next] > APART * deviation;
    is_clear.then(|| VOCABULARY[best].to_owned())
}
