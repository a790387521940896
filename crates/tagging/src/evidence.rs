//! What speaks for a tag on a picture: the tags of the nearest pictures, and the tag's own words.

use std::collections::{BTreeMap, HashSet};

use clippy_core::Result;
use clippy_core::gallery::{
    Candidate, Filter, GalleryReader, HybridQuery, Point, Probe, ProbeKind, tags_of,
};

use crate::lexicon::{Lexicon, tagged};

/// The nearest tagged pictures that are asked.
pub(crate) const NEIGHBOURS: usize = 32;
/// The size of the search beam in the graph.
const BEAM: usize = 128;
/// How fast a neighbour's weight falls with its cosine.
const SHARPNESS: f32 = 10.0;
/// Tags with less than this share of the neighbours are not considered.
const LEAST_SHARE: f64 = 0.02;
/// The same for neighbours in style, which all have tags of what they show.
const LEAST_STYLE_SHARE: f64 = 0.1;
/// Tags that are considered for their words alone.
const NEAREST_WORDS: usize = 16;
/// Keeps logarithms finite.
const SMALL: f64 = 0.02;

/// The evidence for a tag that pictures have: log odds of the share of neighbours, how much more
/// frequent the tag is among neighbours in style, the nearness of its words, and how frequent it is.
pub(crate) type SeenFeatures = [f64; 4];
/// The evidence for words that no picture has as a tag: their nearness, and how far behind the
/// nearest words they are.
pub(crate) type UnseenFeatures = [f64; 2];

/// The evidence about one picture. Tags are indexes of the lexicon.
pub(crate) struct Evidence {
    /// Tags that other pictures have.
    pub(crate) seen: Vec<(usize, SeenFeatures)>,
    /// The tags with the nearest words among those that `unseen` selected.
    pub(crate) unseen: Vec<(usize, UnseenFeatures)>,
}

/// The tags of the nearest pictures, each with the weight of the pictures that have it.
pub(crate) type Shares = BTreeMap<usize, f64>;

/// The neighbours of a picture, by what they show and by how they look.
pub(crate) struct Neighbours {
    image: Shares,
    style: Shares,
}

impl Neighbours {
    /// Finds the tagged pictures that are nearest to this one, itself left out.
    pub(crate) async fn find(
        gallery: &dyn GalleryReader,
        lexicon: &Lexicon,
        point: &Point,
        by_style: bool,
    ) -> Result<Option<Self>> {
        let Some(image) = point.vectors.image.clone() else {
            return Ok(None);
        };
        let probe = |kind, vector| Probe {
            kind,
            vector,
            weight: 1.0,
        };
        let mut probes = vec![probe(ProbeKind::Image, image)];
        if let Some(style) = point.vectors.style.clone().filter(|_| by_style) {
            probes.push(probe(ProbeKind::Style, style));
        }
        let query = HybridQuery {
            filter: Filter {
                exclude_ids: vec![point.id],
                ..tagged()
            },
            candidates: NEIGHBOURS,
            lexical_tags: Vec::new(),
            lexical_proposed_by: None,
            lacking: None,
            with_payload: true,
            exact: false,
            hnsw_ef: BEAM,
            probes,
        };
        let has_style = query.probes.len() > 1;
        let found = gallery.hybrid(query).await?.hits;
        Ok(Some(Self {
            image: shares(&found, 0, lexicon),
            style: if has_style {
                shares(&found, 1, lexicon)
            } else {
                Shares::new()
            },
        }))
    }
}

/// The weight of each tag among the pictures nearest by a probe. All weights sum to 1.
fn shares(found: &[Candidate], probe: usize, lexicon: &Lexicon) -> Shares {
    let mut nearest: Vec<(f32, &Candidate)> = found
        .iter()
        .filter_map(|candidate| Some((candidate.scores[probe]?, candidate)))
        .collect();
    nearest.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.id.cmp(&right.1.id)));
    nearest.truncate(NEIGHBOURS);
    let Some((best, _)) = nearest.first() else {
        return Shares::new();
    };
    let weight = |score: f32| f64::from((SHARPNESS * (score - best)).exp());
    let total: f64 = nearest.iter().map(|(score, _)| weight(*score)).sum();
    let mut shares = Shares::new();
    for (score, candidate) in &nearest {
        let tags: HashSet<usize> = tags_of(&candidate.payload)
            .filter_map(|tag| lexicon.index(tag))
            .collect();
        for tag in tags {
            *shares.entry(tag).or_default() += weight(*score) / total;
        }
    }
    shares
}

impl Evidence {
    /// Weighs what is known about a picture. Its own tags, `own`, do not count: as if they were not
    /// known. `unseen` selects the tags that are treated as words that no picture has.
    pub(crate) fn weigh(
        lexicon: &Lexicon,
        neighbours: &Neighbours,
        picture: &[f32],
        own: &HashSet<usize>,
        unseen: impl Fn(usize) -> bool,
    ) -> Self {
        let nearness = lexicon.nearness(picture);
        let count = |tag: usize| {
            let own = u64::from(own.contains(&tag));
            lexicon.entries[tag].count.saturating_sub(own)
        };
        let others = lexicon.tagged as f64 - f64::from(u8::from(!own.is_empty()));
        let mut considered: Vec<usize> = nearest(&nearness, |tag| count(tag) > 0);
        let frequent = |shares: &Shares, least| -> Vec<usize> {
            let frequent = shares.iter().filter(|(_, share)| **share > least);
            frequent.map(|(tag, _)| *tag).collect()
        };
        considered.extend(frequent(&neighbours.image, LEAST_SHARE));
        considered.extend(frequent(&neighbours.style, LEAST_STYLE_SHARE));
        considered.sort_unstable();
        considered.dedup();
        let features = |tag: usize| {
            let share = |shares: &Shares| shares.get(&tag).copied().unwrap_or_default();
            let (image, style) = (share(&neighbours.image), share(&neighbours.style));
            let usual = (count(tag) as f64 + 0.5) / (others + 1.0);
            [
                ((image + SMALL) / (1.0 - image + SMALL)).ln(),
                if neighbours.style.is_empty() {
                    0.0
                } else {
                    ((style + SMALL) / (usual + SMALL)).ln()
                },
                f64::from(nearness[tag]),
                usual.ln(),
            ]
        };
        let seen = considered.into_iter().filter(|tag| count(*tag) > 0);
        let nearest = nearest(&nearness, unseen);
        let best = nearest.first().map_or(0.0, |tag| nearness[*tag]);
        let words = |tag: usize| [f64::from(nearness[tag]), f64::from(nearness[tag] - best)];
        Self {
            seen: seen.map(|tag| (tag, features(tag))).collect(),
            unseen: nearest.into_iter().map(|tag| (tag, words(tag))).collect(),
        }
    }
}

/// The tags with the nearest words, the nearest first.
fn nearest(nearness: &[f32], selects: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut tags: Vec<usize> = (0..nearness.len()).filter(|tag| selects(*tag)).collect();
    let order = |left: &usize, right: &usize| {
        let by_nearness = nearness[*right].total_cmp(&nearness[*left]);
        by_nearness.then(left.cmp(right))
    };
    if tags.len() > NEAREST_WORDS {
        tags.select_nth_unstable_by(NEAREST_WORDS, order);
        tags.truncate(NEAREST_WORDS);
    }
    tags.sort_unstable_by(order);
    tags
}
