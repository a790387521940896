//! The searches of [`crate::MemoryGallery`]: plain loops over all points.

use std::collections::{BTreeMap, BTreeSet};

use clippy_core::gallery::{
    Candidate, Candidates, Crowding, Filter, GENERATED, HybridQuery, ORIGIN_FIELD, Origin,
    PROPOSED_BY_FIELD, PROPOSED_WORDS_FIELD, Payload, PerSpace, Point, Probe, RATING_FIELD,
    STYLE_GROUP_FIELD, Space, TAGS_FIELD, TagMode, Vectors, With,
};
use clippy_core::ids::PointId;
use clippy_core::search::product;
use serde_json::Value;

/// How far the squared length of a vector may be from 1. Scaling a vector that is closer would only
/// change its last bits.
const UNIT_TOLERANCE: f64 = 1e-6;

/// Scales a vector to unit length, unless it has unit length already.
pub(crate) fn normalise(vector: &mut [f32]) {
    let squared: f64 = vector.iter().map(|value| f64::from(*value).powi(2)).sum();
    if (squared - 1.0).abs() > UNIT_TOLERANCE {
        let length = squared.sqrt();
        for value in vector {
            *value = (f64::from(*value) / length) as f32;
        }
    }
}

/// The strings in a payload field, which is one string or a list.
pub(crate) fn values<'a>(point: &'a Point, field: &str) -> Vec<&'a str> {
    match point.payload.get(field) {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(value)) => vec![value],
        _ => Vec::new(),
    }
}

/// Returns the parts of a point that `with` selects.
pub(crate) fn part_of(point: &Point, with: With) -> Point {
    Point {
        id: point.id,
        vectors: match with.vectors {
            true => point.vectors.clone(),
            false => Vectors::default(),
        },
        payload: match with.payload {
            true => point.payload.clone(),
            false => Payload::new(),
        },
    }
}

/// Whether a point passes a filter.
pub(crate) fn matches(point: &Point, filter: &Filter) -> bool {
    let tags: BTreeSet<String> = values(point, TAGS_FIELD)
        .iter()
        .map(|tag| tag.to_lowercase())
        .collect();
    let has = |tag: &String| tags.contains(&tag.to_lowercase());
    let has_tags = match filter.tag_mode {
        TagMode::Any => filter.tags.is_empty() || filter.tags.iter().any(has),
        TagMode::All => filter.tags.iter().all(has),
    };
    let ratings = values(point, RATING_FIELD);
    let generated = values(point, ORIGIN_FIELD).contains(&GENERATED);
    let lacks = |space: &Space| point.vectors.get(*space).is_none();
    let groups = values(point, STYLE_GROUP_FIELD);
    let has_group = |wanted: &[String]| wanted.iter().any(|key| groups.contains(&key.as_str()));
    has_tags
        && (filter.any_tags.is_empty() || filter.any_tags.iter().any(has))
        && !filter.exclude_tags.iter().any(has)
        && (filter.ratings.is_empty()
            || filter
                .ratings
                .iter()
                .any(|rating| ratings.contains(&rating.as_str())))
        && !filter.exclude_ids.contains(&point.id)
        && filter
            .only_ids
            .as_ref()
            .is_none_or(|ids| ids.contains(&point.id))
        && (filter.missing_any.is_empty() || filter.missing_any.iter().any(lacks))
        && filter
            .having
            .iter()
            .all(|space| point.vectors.get(*space).is_some())
        && filter
            .proposed
            .as_ref()
            .is_none_or(|proposed| is_proposed(point, &proposed.by, &proposed.words))
        && (filter.style_groups.is_empty() || has_group(&filter.style_groups))
        && (filter.outside_style_groups.is_empty()
            || !lacks(&Space::Style) && !has_group(&filter.outside_style_groups))
        && match filter.origin {
            Origin::Any => true,
            Origin::Gallery => !generated,
            Origin::Generated => generated,
        }
}

/// Whether a model proposed one of these words for a point; without words, whether it looked.
fn is_proposed(point: &Point, by: &str, words: &[String]) -> bool {
    let found = values(point, PROPOSED_WORDS_FIELD);
    values(point, PROPOSED_BY_FIELD).contains(&by)
        && (words.is_empty() || words.iter().any(|word| found.contains(&word.as_str())))
}

/// Finds a query's candidates among the points that pass its filter. The query's vectors must have
/// unit length.
pub(crate) fn hybrid(points: &[Point], query: &HybridQuery) -> Candidates {
    let mut found = BTreeSet::new();
    let mut floors = vec![None; query.probes.len()];
    let (mut lexical_floor, mut lacking_floor) = (None, None);
    if query.candidates > 0 {
        for (floor, probe) in floors.iter_mut().zip(&query.probes) {
            let best = best(points, probe, query.candidates);
            *floor = best.floor;
            found.extend(best.ids);
        }
        if !query.lexical_tags.is_empty() {
            lexical_floor = add_tagged(points, query, &mut found);
        }
        if let Some(lacking) = query.lacking {
            let lacks = |point: &&Point| point.vectors.get(lacking.space).is_none();
            let probe = &query.probes[lacking.probe];
            let best = best(points.iter().filter(lacks), probe, query.candidates);
            lacking_floor = best.floor;
            found.extend(best.ids);
        }
    }
    let hits = points
        .iter()
        .filter(|point| found.contains(&point.id))
        .map(|point| Candidate {
            id: point.id,
            scores: query
                .probes
                .iter()
                .map(|probe| score(point, probe))
                .collect(),
            payload: match query.with_payload {
                true => point.payload.clone(),
                false => Payload::new(),
            },
        });
    Candidates {
        hits: hits.collect(),
        floors,
        lexical_floor,
        lacking_floor,
    }
}

/// The cosine of a point and a probe; `None` if the point has no vector in the probe's space.
fn score(point: &Point, probe: &Probe) -> Option<f32> {
    let stored = point.vectors.get(probe.space()).as_ref()?;
    Some(product(&probe.vector, stored))
}

/// The points with the highest scores.
struct Best {
    ids: Vec<PointId>,
    /// The score of the last one; `None` if no points were left out.
    floor: Option<f32>,
}

fn best<'a>(points: impl IntoIterator<Item = &'a Point>, probe: &Probe, most: usize) -> Best {
    let with_id = |point: &Point| Some((score(point, probe)?, point.id));
    let mut scored: Vec<(f32, PointId)> = points.into_iter().filter_map(with_id).collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    let floor = (scored.len() > most).then(|| scored[most - 1].0);
    scored.truncate(most);
    Best {
        ids: scored.into_iter().map(|(_, id)| id).collect(),
        floor,
    }
}

/// Adds points that have one of the lexical tags: those with a text score first, best score first,
/// then the others by id. Returns the lowest text score among them, or `None` if no points were
/// left out.
fn add_tagged(points: &[Point], query: &HybridQuery, found: &mut BTreeSet<PointId>) -> Option<f32> {
    let filter = Filter {
        tags: query.lexical_tags.clone(),
        ..Filter::default()
    };
    let is_proposed = |point: &Point| {
        let by = query.lexical_proposed_by.as_deref();
        by.is_some_and(|by| is_proposed(point, by, &query.lexical_tags))
    };
    let tagged: Vec<&Point> = points
        .iter()
        .filter(|point| matches(point, &filter) || is_proposed(point))
        .collect();
    let by_text = query.lexical_probe().map(|probe| {
        let tagged = tagged.iter().copied();
        best(tagged, &query.probes[probe], query.candidates)
    });
    let has_score = |point: &Point| by_text.is_some() && point.vectors.text.is_some();
    let others: Vec<PointId> = tagged
        .iter()
        .filter(|point| !has_score(point))
        .map(|point| point.id)
        .collect();
    let (ids, floor) = by_text.map_or((Vec::new(), None), |best| (best.ids, best.floor));
    let room = query.candidates - ids.len();
    found.extend(ids);
    found.extend(others.iter().take(room));
    if others.len() > room {
        // The points that are left out have no text vector, so their text score is 0.
        Some(floor.unwrap_or(0.0).max(0.0))
    } else {
        floor
    }
}

/// The mean cosine of a point to its nearest other points, in each of these spaces.
pub(crate) fn crowding(
    points: &BTreeMap<PointId, Point>,
    id: &PointId,
    spaces: &[Space],
    neighbours: usize,
) -> Crowding {
    PerSpace::from_fn(|space| {
        let vector = points.get(id)?.vectors.get(space).as_ref()?;
        if !spaces.contains(&space) {
            return None;
        }
        let others = points.values().filter(|other| other.id != *id);
        let mut cosines: Vec<f32> = others
            .filter_map(|other| Some(product(vector, other.vectors.get(space).as_ref()?)))
            .collect();
        cosines.sort_unstable_by(|left, right| right.total_cmp(left));
        let nearest = cosines.get(..neighbours)?;
        Some(nearest.iter().sum::<f32>() / neighbours as f32)
    })
}
