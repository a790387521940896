//! Core's types to the engine's, and back.

use std::collections::HashMap;

use clippy_core::gallery::{Payload, PerSpace, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_edge as engine;

use super::operation::Operation;

/// Converts a point id for the engine.
pub(super) fn id_in(id: PointId) -> engine::PointId {
    match id {
        PointId::Number(number) => engine::PointId::NumId(number),
        PointId::Uuid(uuid) => engine::PointId::Uuid(uuid),
    }
}

/// Converts a point id from the engine.
pub(super) fn id_out(id: engine::PointId) -> PointId {
    match id {
        engine::PointId::NumId(number) => PointId::Number(number),
        engine::PointId::Uuid(uuid) => PointId::Uuid(uuid),
    }
}

/// Converts a payload from the engine.
pub(super) fn payload_out(payload: Option<engine::Payload>) -> Payload {
    payload
        .map(|payload| payload.0.into_iter().collect())
        .unwrap_or_default()
}

fn payload_in(payload: Payload) -> engine::Payload {
    engine::Payload(payload.into_iter().collect())
}

/// Converts the named dense vectors of a record; those the record does not have are missing.
pub(super) fn vectors_out(vectors: Option<engine::VectorStructInternal>) -> Vectors {
    let mut found = Vectors::default();
    if let Some(engine::VectorStructInternal::Named(mut named)) = vectors {
        for space in Space::ALL {
            if let Some(engine::VectorInternal::Dense(vector)) = named.remove(space.name()) {
                *found.get_mut(space) = Some(vector);
            }
        }
    }
    found
}

/// Converts a record of the engine to a point.
pub(super) fn point_out(record: engine::Record) -> Point {
    Point {
        id: id_out(record.id),
        vectors: vectors_out(record.vector),
        payload: payload_out(record.payload),
    }
}

/// Converts an operation to the engine's updates, in order, for a shard with these named vectors.
pub(super) fn operation_in(operation: Operation, spaces: &[Space]) -> Vec<engine::UpdateOperation> {
    match operation {
        Operation::Put(points) => put(points, spaces),
        Operation::Vectors(updates) => {
            let points = updates
                .into_iter()
                .map(|(id, vectors)| engine::PointVectorsPersisted {
                    id: id_in(id),
                    vector: vectors_in(vectors),
                })
                .collect();
            vec![engine::UpdateOperation::VectorOperation(
                engine::VectorOperations::UpdateVectors(engine::UpdateVectorsOp {
                    points,
                    update_filter: None,
                }),
            )]
        }
        Operation::Fields(ids, fields) => {
            vec![engine::UpdateOperation::PayloadOperation(
                engine::PayloadOps::SetPayload(engine::SetPayloadOp {
                    payload: payload_in(fields),
                    points: Some(ids.into_iter().map(id_in).collect()),
                    filter: None,
                    key: None,
                }),
            )]
        }
        Operation::Delete(ids) => {
            vec![engine::UpdateOperation::PointOperation(
                engine::PointOperations::DeletePoints {
                    ids: ids.into_iter().map(id_in).collect(),
                },
            )]
        }
    }
}

/// Replaces whole points. When the engine moves the old point out of a segment with graphs, it
/// keeps the vectors that the new point lacks, so those are deleted explicitly.
fn put(points: Vec<Point>, spaces: &[Space]) -> Vec<engine::UpdateOperation> {
    let mut missing: PerSpace<Vec<engine::PointId>> = PerSpace::default();
    for point in &points {
        for (space, vector) in point.vectors.iter() {
            if vector.is_none() && spaces.contains(&space) {
                missing.get_mut(space).push(id_in(point.id));
            }
        }
    }
    let points = points
        .into_iter()
        .map(|point| engine::PointStructPersisted {
            id: id_in(point.id),
            vector: vectors_in(point.vectors),
            payload: Some(payload_in(point.payload)),
        })
        .collect();
    let mut operations = vec![engine::UpdateOperation::PointOperation(
        engine::PointOperations::UpsertPoints(engine::PointInsertOperations::PointsList(points)),
    )];
    for (space, ids) in missing.into_each() {
        if !ids.is_empty() {
            operations.push(engine::UpdateOperation::VectorOperation(
                engine::VectorOperations::DeleteVectors(ids.into(), vec![space.name().into()]),
            ));
        }
    }
    operations
}

fn vectors_in(vectors: Vectors) -> engine::VectorStructPersisted {
    let mut named = HashMap::new();
    for (space, vector) in vectors.into_each() {
        if let Some(vector) = vector {
            named.insert(space.name().into(), engine::VectorPersisted::Dense(vector));
        }
    }
    engine::VectorStructPersisted::Named(named)
}

/// Converts an error of the engine. Inputs are checked before, so it is an internal error and not
/// the caller's.
pub(super) fn failed(what: &str, error: engine::OperationError) -> Error {
    Error::internal(format!("the vector engine could not {what}: {error}")).with_source(error)
}

/// Returns the path of a payload field.
pub(super) fn field_path(field: &str) -> Result<engine::JsonPath> {
    field
        .parse()
        .map_err(|()| Error::invalid(format!("{field:?} is not the name of a payload field")))
}
