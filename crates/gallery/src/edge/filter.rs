//! Converts core's filter to the engine's.

use clippy_core::Result;
use clippy_core::gallery::{
    Filter, GENERATED, HybridQuery, ORIGIN_FIELD, Origin, PROPOSED_BY_FIELD, PROPOSED_WORDS_FIELD,
    Proposed, RATING_FIELD, STYLE_GROUP_FIELD, Space, TAGS_FIELD, TagMode,
};
use clippy_core::ids::PointId;
use qdrant_edge as engine;

use super::convert::{field_path, id_in};
use crate::spellings::{Spellings, common};

/// Converts a filter for the engine; `None` when it selects every point. A tag matches in every
/// spelling of its letters.
pub(super) fn filter_in(filter: &Filter, spellings: &Spellings) -> Result<Option<engine::Filter>> {
    let mut must = Vec::new();
    let mut must_not = Vec::new();
    match filter.tag_mode {
        _ if filter.tags.is_empty() => {}
        TagMode::Any => must.push(has_any_tag(&filter.tags, spellings)?),
        TagMode::All => {
            for tag in &filter.tags {
                must.push(has_any_tag(std::slice::from_ref(tag), spellings)?);
            }
        }
    }
    if !filter.any_tags.is_empty() {
        must.push(has_any_tag(&filter.any_tags, spellings)?);
    }
    if !filter.exclude_tags.is_empty() {
        must_not.push(has_any_tag(&filter.exclude_tags, spellings)?);
    }
    if !filter.ratings.is_empty() {
        must.push(any_of(
            RATING_FIELD,
            filter
                .ratings
                .iter()
                .flat_map(|rating| common(rating))
                .collect(),
        )?);
    }
    match filter.origin {
        Origin::Any => {}
        Origin::Gallery => must_not.push(any_of(ORIGIN_FIELD, vec![GENERATED.to_owned()])?),
        Origin::Generated => must.push(any_of(ORIGIN_FIELD, vec![GENERATED.to_owned()])?),
    }
    if let Some(proposed) = &filter.proposed {
        must.push(is_proposed(proposed)?);
    }
    must.extend(filter.having.iter().map(|space| has_vector(*space)));
    if let Some(ids) = &filter.only_ids {
        must.push(has_id(ids));
    }
    if !filter.exclude_ids.is_empty() {
        must_not.push(has_id(&filter.exclude_ids));
    }
    if !filter.missing_any.is_empty() {
        let missing = filter.missing_any.iter().map(|space| {
            engine::Condition::Filter(all_and_none(
                Vec::new(),
                vec![engine::Condition::HasVector(engine::HasVectorCondition {
                    has_vector: space.name().into(),
                })],
            ))
        });
        must.push(engine::Condition::Filter(engine::Filter {
            should: Some(missing.collect()),
            min_should: None,
            must: None,
            must_not: None,
        }));
    }
    if !filter.style_groups.is_empty() {
        must.push(any_of(STYLE_GROUP_FIELD, filter.style_groups.clone())?);
    }
    if !filter.outside_style_groups.is_empty() {
        must.push(has_vector(Space::Style));
        must_not.push(any_of(
            STYLE_GROUP_FIELD,
            filter.outside_style_groups.clone(),
        )?);
    }
    if !must_not.is_empty() {
        // In a filter of its own: when the same condition is also under `must`, the engine (0.7.2)
        // assumes that its index has checked the one under `must_not`, and lets excluded points
        // through.
        must.push(engine::Condition::Filter(all_and_none(
            Vec::new(),
            must_not,
        )));
    }
    Ok((!must.is_empty()).then(|| all_and_none(must, Vec::new())))
}

/// Narrows a filter by one more condition.
pub(super) fn narrowed(
    filter: Option<engine::Filter>,
    condition: engine::Condition,
) -> engine::Filter {
    let mut filter = filter.unwrap_or_else(everything);
    filter.must.get_or_insert_default().push(condition);
    filter
}

/// Returns the condition that the point has one of these tags, in any spelling.
pub(super) fn has_any_tag(tags: &[String], spellings: &Spellings) -> Result<engine::Condition> {
    any_of(
        TAGS_FIELD,
        tags.iter().flat_map(|tag| spellings.of(tag)).collect(),
    )
}

/// Returns the condition that the point has one of the lexical tags of a query, or that one was
/// proposed for it.
pub(super) fn has_lexical_tag(
    query: &HybridQuery,
    spellings: &Spellings,
) -> Result<engine::Condition> {
    let tagged = has_any_tag(&query.lexical_tags, spellings)?;
    let Some(by) = &query.lexical_proposed_by else {
        return Ok(tagged);
    };
    let words = query.lexical_tags.iter();
    let proposed = is_proposed(&Proposed {
        by: by.clone(),
        words: words.flat_map(|tag| spellings.of(tag)).collect(),
    })?;
    Ok(engine::Condition::Filter(engine::Filter {
        should: Some(vec![tagged, proposed]),
        min_should: None,
        must: None,
        must_not: None,
    }))
}

fn is_proposed(proposed: &Proposed) -> Result<engine::Condition> {
    let mut must = vec![any_of(PROPOSED_BY_FIELD, vec![proposed.by.clone()])?];
    if !proposed.words.is_empty() {
        must.push(any_of(PROPOSED_WORDS_FIELD, proposed.words.clone())?);
    }
    Ok(engine::Condition::Filter(all_and_none(must, Vec::new())))
}

/// Returns the condition that the field has one of these values.
fn any_of(field: &str, words: Vec<String>) -> Result<engine::Condition> {
    Ok(engine::Condition::Field(engine::FieldCondition::new_match(
        field_path(field)?,
        engine::Match::from(words),
    )))
}

/// Lets every point through.
pub(super) fn everything() -> engine::Filter {
    all_and_none(Vec::new(), Vec::new())
}

/// Returns the condition that the point is one of these.
pub(super) fn has_id(ids: &[PointId]) -> engine::Condition {
    engine::Condition::HasId(ids.iter().copied().map(id_in).collect())
}

/// Returns the condition that the point has a vector in this space.
pub(super) fn has_vector(space: clippy_core::gallery::Space) -> engine::Condition {
    engine::Condition::HasVector(engine::HasVectorCondition {
        has_vector: space.name().into(),
    })
}

/// Returns the condition that the point has no vector in this space.
pub(super) fn lacks_vector(space: clippy_core::gallery::Space) -> engine::Condition {
    engine::Condition::Filter(all_and_none(Vec::new(), vec![has_vector(space)]))
}

fn all_and_none(must: Vec<engine::Condition>, must_not: Vec<engine::Condition>) -> engine::Filter {
    engine::Filter {
        should: None,
        min_should: None,
        must: (!must.is_empty()).then_some(must),
        must_not: (!must_not.is_empty()).then_some(must_not),
    }
}
