//! Converts core's filter to the server's.

use clippy_core::gallery::{
    Filter, GENERATED, HybridQuery, ORIGIN_FIELD, Origin, PROPOSED_BY_FIELD, PROPOSED_WORDS_FIELD,
    Proposed, RATING_FIELD, STYLE_GROUP_FIELD, Space, TAGS_FIELD, TagMode,
};
use clippy_core::ids::PointId;
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::condition::ConditionOneOf;

use super::convert::id_in;
use super::shape::Shape;
use crate::spellings::{Spellings, common};

/// Converts a filter for the server; `None` when it selects every point. In a space that the
/// collection lacks, every vector is missing; a collection without an index of the origin has no
/// generated pictures. A tag matches in every spelling of its letters.
pub(super) fn filter_in(
    filter: &Filter,
    shape: &Shape,
    spellings: &Spellings,
) -> Option<wire::Filter> {
    let mut must = Vec::new();
    let mut must_not = Vec::new();
    match filter.tag_mode {
        _ if filter.tags.is_empty() => {}
        TagMode::Any => must.push(has_any_tag(&filter.tags, spellings)),
        TagMode::All => {
            must.extend(
                filter
                    .tags
                    .iter()
                    .map(|tag| has_any_tag(std::slice::from_ref(tag), spellings)),
            );
        }
    }
    if !filter.any_tags.is_empty() {
        must.push(has_any_tag(&filter.any_tags, spellings));
    }
    if !filter.exclude_tags.is_empty() {
        must_not.push(has_any_tag(&filter.exclude_tags, spellings));
    }
    if !filter.ratings.is_empty() {
        must.push(exactly_any_of(
            RATING_FIELD,
            filter
                .ratings
                .iter()
                .flat_map(|rating| common(rating))
                .collect(),
        ));
    }
    match filter.origin {
        Origin::Gallery if shape.indexes.contains(ORIGIN_FIELD) => {
            must_not.push(exactly_any_of(ORIGIN_FIELD, vec![GENERATED.to_owned()]));
        }
        Origin::Any | Origin::Gallery => {}
        Origin::Generated => must.push(exactly_any_of(ORIGIN_FIELD, vec![GENERATED.to_owned()])),
    }
    if let Some(proposed) = &filter.proposed {
        must.push(is_proposed(proposed));
    }
    must.extend(filter.having.iter().map(|space| has_vector(*space)));
    if let Some(ids) = &filter.only_ids {
        must.push(has_id(ids.iter().copied()));
    }
    if !filter.exclude_ids.is_empty() {
        must_not.push(has_id(filter.exclude_ids.iter().copied()));
    }
    if !filter.missing_any.is_empty() && filter.missing_any.iter().all(|space| shape.has(*space)) {
        let should = filter
            .missing_any
            .iter()
            .map(|space| lacks_vector(*space))
            .collect();
        must.push(condition(ConditionOneOf::Filter(wire::Filter {
            should,
            ..wire::Filter::default()
        })));
    }
    if !filter.style_groups.is_empty() {
        must.push(exactly_any_of(
            STYLE_GROUP_FIELD,
            filter.style_groups.clone(),
        ));
    }
    if !filter.outside_style_groups.is_empty() {
        must.push(has_vector(Space::Style));
        must_not.push(exactly_any_of(
            STYLE_GROUP_FIELD,
            filter.outside_style_groups.clone(),
        ));
    }
    if !must_not.is_empty() {
        // In a filter of its own: when the same condition is also under `must`, the engine assumes
        // that its index has checked the one under `must_not`, and lets excluded points through.
        must.push(none_of(must_not));
    }
    (!must.is_empty()).then(|| wire::Filter {
        must,
        ..wire::Filter::default()
    })
}

/// Narrows a filter by one more condition.
pub(super) fn narrowed(filter: Option<wire::Filter>, condition: wire::Condition) -> wire::Filter {
    let mut filter = filter.unwrap_or_default();
    filter.must.push(condition);
    filter
}

/// Returns the condition that the point has one of these tags, in any spelling.
pub(super) fn has_any_tag(tags: &[String], spellings: &Spellings) -> wire::Condition {
    exactly_any_of(
        TAGS_FIELD,
        tags.iter().flat_map(|tag| spellings.of(tag)).collect(),
    )
}

/// Returns the condition that the point has one of the lexical tags of a query, or that one was
/// proposed for it. A collection without indexes of proposed tags has none.
pub(super) fn has_lexical_tag(
    query: &HybridQuery,
    shape: &Shape,
    spellings: &Spellings,
) -> wire::Condition {
    let tagged = has_any_tag(&query.lexical_tags, spellings);
    let Some(by) = query
        .lexical_proposed_by
        .as_ref()
        .filter(|_| shape.indexes.contains(PROPOSED_BY_FIELD))
    else {
        return tagged;
    };
    let words = query.lexical_tags.iter();
    let proposed = is_proposed(&Proposed {
        by: by.clone(),
        words: words.flat_map(|tag| spellings.of(tag)).collect(),
    });
    condition(ConditionOneOf::Filter(wire::Filter {
        should: vec![tagged, proposed],
        ..wire::Filter::default()
    }))
}

fn is_proposed(proposed: &Proposed) -> wire::Condition {
    let mut must = vec![exactly_any_of(PROPOSED_BY_FIELD, vec![proposed.by.clone()])];
    if !proposed.words.is_empty() {
        must.push(exactly_any_of(PROPOSED_WORDS_FIELD, proposed.words.clone()));
    }
    condition(ConditionOneOf::Filter(wire::Filter {
        must,
        ..wire::Filter::default()
    }))
}

/// Returns the condition that the field has one of these values.
pub(super) fn exactly_any_of(field: &str, strings: Vec<String>) -> wire::Condition {
    let matched = wire::r#match::MatchValue::Keywords(wire::RepeatedStrings { strings });
    condition(ConditionOneOf::Field(wire::FieldCondition {
        key: field.to_owned(),
        r#match: Some(wire::Match {
            match_value: Some(matched),
        }),
        ..wire::FieldCondition::default()
    }))
}

/// Returns the condition that the point is one of these.
pub(super) fn has_id(ids: impl IntoIterator<Item = PointId>) -> wire::Condition {
    let has_id = ids.into_iter().map(id_in).collect();
    condition(ConditionOneOf::HasId(wire::HasIdCondition { has_id }))
}

/// Returns the condition that the point has no vector in this space.
pub(super) fn lacks_vector(space: Space) -> wire::Condition {
    none_of(vec![has_vector(space)])
}

/// Returns the condition that the point has a vector in this space.
fn has_vector(space: Space) -> wire::Condition {
    let has_vector = space.name().to_owned();
    condition(ConditionOneOf::HasVector(wire::HasVectorCondition {
        has_vector,
    }))
}

fn none_of(must_not: Vec<wire::Condition>) -> wire::Condition {
    condition(ConditionOneOf::Filter(wire::Filter {
        must_not,
        ..wire::Filter::default()
    }))
}

fn condition(kind: ConditionOneOf) -> wire::Condition {
    wire::Condition {
        condition_one_of: Some(kind),
    }
}
