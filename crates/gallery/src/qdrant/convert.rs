//! Converts core's types to those of the gRPC interface, and back.

use clippy_core::gallery::{Payload, Point, Space, Vectors};
use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;

/// Converts a point id for the server.
pub(super) fn id_in(id: PointId) -> wire::PointId {
    let options = match id {
        PointId::Number(number) => wire::point_id::PointIdOptions::Num(number),
        PointId::Uuid(uuid) => wire::point_id::PointIdOptions::Uuid(uuid.to_string()),
    };
    wire::PointId {
        point_id_options: Some(options),
    }
}

/// Converts a point id from the server.
///
/// # Errors
/// [`clippy_core::ErrorCode::Internal`] when there is none.
pub(super) fn id_out(id: Option<wire::PointId>) -> Result<PointId> {
    match id.and_then(|id| id.point_id_options) {
        Some(wire::point_id::PointIdOptions::Num(number)) => Ok(PointId::Number(number)),
        Some(wire::point_id::PointIdOptions::Uuid(text)) => {
            text.parse().map(PointId::Uuid).map_err(|error| {
                Error::internal(format!(
                    "Qdrant returned \"{text}\" as a point's id, which is invalid"
                ))
                .with_source(error)
            })
        }
        None => Err(Error::internal("Qdrant returned a point without an id")),
    }
}

/// Selects points by their ids.
pub(super) fn selector(ids: impl IntoIterator<Item = PointId>) -> wire::PointsSelector {
    let ids = ids.into_iter().map(id_in).collect();
    wire::PointsSelector {
        points_selector_one_of: Some(wire::points_selector::PointsSelectorOneOf::Points(
            wire::PointsIdsList { ids },
        )),
    }
}

/// Converts a payload for the server.
pub(super) fn payload_in(payload: Payload) -> std::collections::HashMap<String, wire::Value> {
    qdrant_client::Payload::from(payload).into()
}

/// Converts a payload from the server.
pub(super) fn payload_out(fields: std::collections::HashMap<String, wire::Value>) -> Payload {
    qdrant_client::Payload::from(fields).into()
}

/// Converts the existing vectors for the server.
pub(super) fn vectors_in(vectors: Vectors) -> wire::Vectors {
    let vectors = vectors
        .into_each()
        .into_iter()
        .filter_map(|(space, vector)| {
            let dense = wire::vector::Vector::Dense(wire::DenseVector { data: vector? });
            Some((
                space.name().to_owned(),
                wire::Vector {
                    vector: Some(dense),
                    ..wire::Vector::default()
                },
            ))
        })
        .collect();
    wire::Vectors {
        vectors_options: Some(wire::vectors::VectorsOptions::Vectors(wire::NamedVectors {
            vectors,
        })),
    }
}

/// Converts the named vectors from the server. An all-zero vector has no direction: Clippy 0.2
/// stored one when a picture could not be embedded, and it counts as missing.
pub(super) fn vectors_out(vectors: Option<wire::VectorsOutput>) -> Vectors {
    let mut found = Vectors::default();
    if let Some(wire::vectors_output::VectorsOptions::Vectors(mut named)) =
        vectors.and_then(|vectors| vectors.vectors_options)
    {
        for space in Space::ALL {
            *found.get_mut(space) = named
                .vectors
                .remove(space.name())
                .and_then(values)
                .filter(|vector| vector.iter().any(|value| *value != 0.0));
        }
    }
    found
}

fn values(vector: wire::VectorOutput) -> Option<Vec<f32>> {
    match vector.vector {
        Some(wire::vector_output::Vector::Dense(dense)) => Some(dense.data),
        Some(_) => None,
        // Servers before 1.16 send vectors like this.
        #[expect(deprecated, reason = "they still do")]
        None => (!vector.data.is_empty()).then_some(vector.data),
    }
}

/// Converts a point from the server.
///
/// # Errors
/// Like [`id_out`].
pub(super) fn point_out(point: wire::RetrievedPoint) -> Result<Point> {
    Ok(Point {
        id: id_out(point.id)?,
        vectors: vectors_out(point.vectors),
        payload: payload_out(point.payload),
    })
}

/// Selects whether an answer includes payloads.
pub(super) fn with_payload(on: bool) -> Option<wire::WithPayloadSelector> {
    Some(wire::WithPayloadSelector {
        selector_options: Some(wire::with_payload_selector::SelectorOptions::Enable(on)),
    })
}

/// Selects the vectors that an answer includes.
pub(super) fn with_vectors(spaces: &[Space]) -> Option<wire::WithVectorsSelector> {
    let options = if spaces.is_empty() {
        wire::with_vectors_selector::SelectorOptions::Enable(false)
    } else {
        let names = spaces.iter().map(|space| space.name().to_owned()).collect();
        wire::with_vectors_selector::SelectorOptions::Include(wire::VectorsSelector { names })
    };
    Some(wire::WithVectorsSelector {
        selector_options: Some(options),
    })
}
