//! Queries.

use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::expression::Variant as Term;
use qdrant_client::qdrant::query::Variant;
use qdrant_edge as engine;
use tonic::Status;

use crate::convert::{with_payload_in, with_vectors_in};
use crate::filter::maybe_filter_in;

/// The default number of results.
const DEFAULT_LIMIT: u64 = 10;

/// Converts a query for the engine.
pub(crate) fn query_in(request: wire::QueryPoints) -> Result<engine::QueryRequest, Status> {
    let using = request.using.unwrap_or_default();
    Ok(engine::QueryRequest {
        prefetches: request
            .prefetch
            .into_iter()
            .map(prefetch_in)
            .collect::<Result<_, _>>()?,
        query: request
            .query
            .map(|query| scoring_in(query, &using))
            .transpose()?
            .flatten(),
        filter: maybe_filter_in(request.filter)?,
        score_threshold: request.score_threshold.map(Into::into),
        limit: size(request.limit.unwrap_or(DEFAULT_LIMIT)),
        offset: size(request.offset.unwrap_or(0)),
        params: request.params.map(params_in),
        with_vector: with_vectors_in(request.with_vectors),
        with_payload: with_payload_in(request.with_payload, false)?,
    })
}

fn prefetch_in(prefetch: wire::PrefetchQuery) -> Result<engine::Prefetch, Status> {
    let using = prefetch.using.unwrap_or_default();
    Ok(engine::Prefetch {
        prefetches: prefetch
            .prefetch
            .into_iter()
            .map(prefetch_in)
            .collect::<Result<_, _>>()?,
        query: prefetch
            .query
            .map(|query| scoring_in(query, &using))
            .transpose()?
            .flatten(),
        limit: size(prefetch.limit.unwrap_or(DEFAULT_LIMIT)),
        params: prefetch.params.map(params_in),
        filter: maybe_filter_in(prefetch.filter)?,
        score_threshold: prefetch.score_threshold.map(Into::into),
    })
}

fn scoring_in(query: wire::Query, using: &str) -> Result<Option<engine::ScoringQuery>, Status> {
    match query.variant {
        None => Ok(None),
        Some(Variant::Nearest(wire::VectorInput {
            variant: Some(wire::vector_input::Variant::Dense(dense)),
        })) => Ok(Some(engine::ScoringQuery::Vector(
            engine::QueryEnum::Nearest(engine::NamedQuery {
                query: engine::VectorInternal::Dense(dense.data),
                using: Some(using.into()),
            }),
        ))),
        Some(Variant::Fusion(kind)) if kind == wire::Fusion::Rrf as i32 => {
            Ok(Some(engine::ScoringQuery::Fusion(engine::Fusion::Rrf {
                k: 2,
                weights: None,
            })))
        }
        Some(Variant::Formula(formula)) => {
            let expression = formula
                .expression
                .ok_or_else(|| Status::invalid_argument("Malformed formula"))?;
            let defaults = formula
                .defaults
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            let formula = engine::Formula {
                formula: expression_in(expression)?,
                defaults,
            };
            Ok(Some(engine::ScoringQuery::Formula(
                formula.try_into().map_err(crate::convert::status)?,
            )))
        }
        Some(_) => Err(Status::unimplemented("this kind of query")),
    }
}

fn expression_in(expression: wire::Expression) -> Result<engine::Expression, Status> {
    let all = |terms: Vec<wire::Expression>| {
        terms
            .into_iter()
            .map(expression_in)
            .collect::<Result<Vec<_>, _>>()
    };
    match expression.variant {
        Some(Term::Constant(value)) => Ok(engine::Expression::Constant(value)),
        Some(Term::Variable(name)) => Ok(engine::Expression::Variable(name)),
        Some(Term::Sum(sum)) => Ok(engine::Expression::Sum(all(sum.sum)?)),
        Some(Term::Mult(product)) => Ok(engine::Expression::Mult(all(product.mult)?)),
        _ => Err(Status::unimplemented("this kind of formula")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what `map` calls")]
fn params_in(params: wire::SearchParams) -> engine::SearchParams {
    engine::SearchParams {
        hnsw_ef: params.hnsw_ef.map(size),
        exact: params.exact.unwrap_or(false),
        quantization: params
            .quantization
            .map(|some| engine::QuantizationSearchParams {
                ignore: some.ignore.unwrap_or(false),
                rescore: some.rescore,
                oversampling: some.oversampling,
            }),
        indexed_only: params.indexed_only.unwrap_or(false),
        ..engine::SearchParams::default()
    }
}

pub(crate) fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
