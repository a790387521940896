//! Filters.

use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_edge as engine;
use tonic::Status;

use crate::convert::{ids_in, path_in};

/// Converts a filter, if there is one.
pub(crate) fn maybe_filter_in(
    filter: Option<wire::Filter>,
) -> Result<Option<engine::Filter>, Status> {
    filter.map(filter_in).transpose()
}

pub(crate) fn filter_in(filter: wire::Filter) -> Result<engine::Filter, Status> {
    Ok(engine::Filter {
        should: conditions_in(filter.should)?,
        must: conditions_in(filter.must)?,
        must_not: conditions_in(filter.must_not)?,
        min_should: filter
            .min_should
            .map(|some| {
                Ok::<_, Status>(engine::MinShould {
                    conditions: conditions_in(some.conditions)?.unwrap_or_default(),
                    min_count: usize::try_from(some.min_count).unwrap_or(usize::MAX),
                })
            })
            .transpose()?,
    })
}

fn conditions_in(
    conditions: Vec<wire::Condition>,
) -> Result<Option<Vec<engine::Condition>>, Status> {
    if conditions.is_empty() {
        return Ok(None);
    }
    conditions
        .into_iter()
        .map(condition_in)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn condition_in(condition: wire::Condition) -> Result<engine::Condition, Status> {
    match condition.condition_one_of {
        Some(ConditionOneOf::Field(field)) => Ok(engine::Condition::Field(field_in(field)?)),
        Some(ConditionOneOf::HasId(ids)) => Ok(engine::Condition::HasId(
            ids_in(ids.has_id)?.into_iter().collect(),
        )),
        Some(ConditionOneOf::HasVector(has)) => {
            Ok(engine::Condition::HasVector(engine::HasVectorCondition {
                has_vector: has.has_vector.as_str().into(),
            }))
        }
        Some(ConditionOneOf::Filter(filter)) => Ok(engine::Condition::Filter(filter_in(filter)?)),
        Some(ConditionOneOf::IsEmpty(_) | ConditionOneOf::IsNull(_)) => {
            Err(Status::unimplemented("is_empty, is_null"))
        }
        Some(ConditionOneOf::Nested(_) | ConditionOneOf::Slice(_)) => {
            Err(Status::unimplemented("nested, slice"))
        }
        None => Err(Status::invalid_argument("Malformed Condition type")),
    }
}

fn field_in(field: wire::FieldCondition) -> Result<engine::FieldCondition, Status> {
    let key = path_in(&field.key)?;
    if let Some(range) = field.range {
        let number = |value: Option<f64>| value.map(engine::external::ordered_float::OrderedFloat);
        let range = engine::Range {
            lt: number(range.lt),
            gt: number(range.gt),
            gte: number(range.gte),
            lte: number(range.lte),
        };
        return Ok(engine::FieldCondition::new_range(key, range));
    }
    let matched = match field.r#match.and_then(|wanted| wanted.match_value) {
        Some(MatchValue::Keyword(word)) => {
            engine::Match::new_value(engine::ValueVariants::String(word))
        }
        Some(MatchValue::Integer(number)) => {
            engine::Match::new_value(engine::ValueVariants::Integer(number))
        }
        Some(MatchValue::Boolean(value)) => {
            engine::Match::new_value(engine::ValueVariants::Bool(value))
        }
        Some(MatchValue::Keywords(words)) => engine::Match::from(words.strings),
        Some(_) => return Err(Status::unimplemented("this kind of match")),
        None => return Err(Status::unimplemented("this kind of field condition")),
    };
    Ok(engine::FieldCondition::new_match(key, matched))
}
