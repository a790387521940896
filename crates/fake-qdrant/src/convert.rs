//! Converts the gRPC interface's types to the engine's, and back.

use std::collections::HashMap;

use qdrant_client::qdrant as wire;
use qdrant_edge as engine;
use tonic::Status;

/// Converts an id from the wire.
pub(crate) fn id_in(id: Option<wire::PointId>) -> Result<engine::PointId, Status> {
    match id.and_then(|id| id.point_id_options) {
        Some(wire::point_id::PointIdOptions::Num(number)) => Ok(engine::PointId::NumId(number)),
        Some(wire::point_id::PointIdOptions::Uuid(text)) => text
            .parse()
            .map(engine::PointId::Uuid)
            .map_err(|_| Status::invalid_argument(format!("Unable to parse UUID: {text}"))),
        None => Err(Status::invalid_argument("Empty point id is not allowed")),
    }
}

pub(crate) fn id_out(id: engine::PointId) -> wire::PointId {
    let options = match id {
        engine::PointId::NumId(number) => wire::point_id::PointIdOptions::Num(number),
        engine::PointId::Uuid(uuid) => wire::point_id::PointIdOptions::Uuid(uuid.to_string()),
    };
    wire::PointId {
        point_id_options: Some(options),
    }
}

pub(crate) fn ids_in(ids: Vec<wire::PointId>) -> Result<Vec<engine::PointId>, Status> {
    ids.into_iter().map(|id| id_in(Some(id))).collect()
}

/// Converts a payload from the wire.
pub(crate) fn payload_in(fields: HashMap<String, wire::Value>) -> engine::Payload {
    let map: serde_json::Map<String, serde_json::Value> =
        qdrant_client::Payload::from(fields).into();
    engine::Payload(map.into_iter().collect())
}

pub(crate) fn payload_out(payload: Option<engine::Payload>) -> HashMap<String, wire::Value> {
    payload
        .map(|payload| {
            payload
                .0
                .into_iter()
                .map(|(key, value)| (key, value.into()))
                .collect()
        })
        .unwrap_or_default()
}

/// Converts a vector from the wire.
fn vector_in(vector: wire::Vector) -> Result<Vec<f32>, Status> {
    match vector.vector {
        Some(wire::vector::Vector::Dense(dense)) => Ok(dense.data),
        // Clients before 1.16 send vectors like this.
        #[expect(deprecated, reason = "they still do")]
        None if vector.indices.is_none() => Ok(vector.data),
        _ => Err(Status::unimplemented("only dense vectors are kept here")),
    }
}

pub(crate) fn vectors_in(
    vectors: Option<wire::Vectors>,
) -> Result<HashMap<String, Vec<f32>>, Status> {
    match vectors.and_then(|vectors| vectors.vectors_options) {
        Some(wire::vectors::VectorsOptions::Vectors(named)) => named
            .vectors
            .into_iter()
            .map(|(name, vector)| Ok((name, vector_in(vector)?)))
            .collect(),
        Some(wire::vectors::VectorsOptions::Vector(vector)) => {
            Ok(HashMap::from([(String::new(), vector_in(vector)?)]))
        }
        None => Ok(HashMap::new()),
    }
}

pub(crate) fn stored(vectors: HashMap<String, Vec<f32>>) -> engine::VectorStructPersisted {
    let named = vectors
        .into_iter()
        .map(|(name, vector)| (name.as_str().into(), engine::VectorPersisted::Dense(vector)));
    engine::VectorStructPersisted::Named(named.collect())
}

pub(crate) fn vectors_out(
    vectors: Option<engine::VectorStructInternal>,
) -> Option<wire::VectorsOutput> {
    let Some(engine::VectorStructInternal::Named(named)) = vectors else {
        return None;
    };
    let vectors = named
        .into_iter()
        .filter_map(|(name, vector)| {
            let engine::VectorInternal::Dense(data) = vector else {
                return None;
            };
            let dense = wire::vector_output::Vector::Dense(wire::DenseVector { data });
            Some((
                name,
                wire::VectorOutput {
                    vector: Some(dense),
                    ..wire::VectorOutput::default()
                },
            ))
        })
        .collect();
    let named = wire::NamedVectorsOutput { vectors };
    Some(wire::VectorsOutput {
        vectors_options: Some(wire::vectors_output::VectorsOptions::Vectors(named)),
    })
}

/// Converts the selector of the vectors that an answer includes.
pub(crate) fn with_vectors_in(selector: Option<wire::WithVectorsSelector>) -> engine::WithVector {
    match selector.and_then(|selector| selector.selector_options) {
        None => engine::WithVector::Bool(false),
        Some(wire::with_vectors_selector::SelectorOptions::Enable(on)) => {
            engine::WithVector::Bool(on)
        }
        Some(wire::with_vectors_selector::SelectorOptions::Include(names)) => {
            engine::WithVector::Selector(
                names
                    .names
                    .iter()
                    .map(|name| name.as_str().into())
                    .collect(),
            )
        }
    }
}

pub(crate) fn with_payload_in(
    selector: Option<wire::WithPayloadSelector>,
    default: bool,
) -> Result<engine::WithPayloadInterface, Status> {
    match selector.and_then(|selector| selector.selector_options) {
        None => Ok(engine::WithPayloadInterface::Bool(default)),
        Some(wire::with_payload_selector::SelectorOptions::Enable(on)) => {
            Ok(engine::WithPayloadInterface::Bool(on))
        }
        Some(wire::with_payload_selector::SelectorOptions::Include(include)) => {
            let fields = include
                .fields
                .iter()
                .map(|field| path_in(field))
                .collect::<Result<_, _>>()?;
            Ok(engine::WithPayloadInterface::Fields(fields))
        }
        Some(wire::with_payload_selector::SelectorOptions::Exclude(_)) => {
            Err(Status::unimplemented("leaving payload fields out"))
        }
    }
}

pub(crate) fn path_in(field: &str) -> Result<engine::JsonPath, Status> {
    field
        .parse()
        .map_err(|()| Status::invalid_argument(format!("Invalid json path: '{field}'")))
}

/// Converts a point for the wire.
pub(crate) fn retrieved_out(record: engine::Record) -> wire::RetrievedPoint {
    wire::RetrievedPoint {
        id: Some(id_out(record.id)),
        payload: payload_out(record.payload),
        vectors: vectors_out(record.vector),
        order_value: record.order_value.map(order_value_out),
        ..wire::RetrievedPoint::default()
    }
}

/// Converts the order of a page from the wire.
pub(crate) fn order_in(order: wire::OrderBy) -> Result<engine::OrderByInterface, Status> {
    let start_from = match order.start_from.and_then(|from| from.value) {
        None => None,
        Some(wire::start_from::Value::Integer(value)) => Some(engine::StartFrom::Integer(value)),
        Some(_) => return Err(Status::unimplemented("this kind of start_from")),
    };
    let is_descending = order.direction == Some(wire::Direction::Desc.into());
    Ok(engine::OrderByInterface::Struct(engine::OrderBy {
        key: path_in(&order.key)?,
        direction: Some(if is_descending {
            engine::Direction::Desc
        } else {
            engine::Direction::Asc
        }),
        start_from,
    }))
}

fn order_value_out(value: engine::OrderValue) -> wire::OrderValue {
    let variant = match value {
        engine::OrderValue::Int(value) => wire::order_value::Variant::Int(value),
        engine::OrderValue::Float(value) => wire::order_value::Variant::Float(value),
    };
    wire::OrderValue {
        variant: Some(variant),
    }
}

pub(crate) fn scored_out(point: engine::ScoredPoint) -> wire::ScoredPoint {
    wire::ScoredPoint {
        id: Some(id_out(point.id)),
        payload: payload_out(point.payload),
        score: point.score,
        version: point.version,
        vectors: vectors_out(point.vector),
        ..wire::ScoredPoint::default()
    }
}

/// Converts the engine's errors to the server's.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` calls")]
pub(crate) fn status(error: engine::OperationError) -> Status {
    let text = error.to_string();
    match error {
        engine::OperationError::WrongVectorDimension { .. }
        | engine::OperationError::VectorNameNotExists { .. }
        | engine::OperationError::TypeError { .. }
        | engine::OperationError::TypeInferenceError { .. }
        | engine::OperationError::ValidationError { .. }
        | engine::OperationError::WrongSparse
        | engine::OperationError::WrongMulti
        | engine::OperationError::MissingRangeIndexForOrderBy { .. }
        | engine::OperationError::MissingMapIndexForFacet { .. }
        | engine::OperationError::VariableTypeError { .. } => {
            Status::invalid_argument(format!("Wrong input: {text}"))
        }
        engine::OperationError::PointIdError { .. } => {
            Status::not_found(format!("Not found: {text}"))
        }
        engine::OperationError::Timeout { .. } => Status::deadline_exceeded(text),
        _ => Status::internal(format!("Service internal error: {text}")),
    }
}
