//! Collections as Clippy 0.2 made them: two or three named vectors, no index, no metadata.

use std::collections::HashMap;

use qdrant_client::qdrant as wire;
use qdrant_client::{Payload, Qdrant, QdrantError};

/// A point of such a collection.
#[derive(Debug, Clone)]
pub struct OlderPoint {
    /// The id, which is always a number in Clippy 0.2.
    pub id: u64,
    /// The point's vectors, by name.
    pub vectors: HashMap<String, Vec<f32>>,
    /// The payload, with `null` for unknown values.
    pub payload: serde_json::Map<String, serde_json::Value>,
}

/// Makes a collection with these named vectors.
///
/// # Errors
/// The server's error.
pub async fn make_older_collection(
    client: &Qdrant,
    name: &str,
    vectors: &[&str],
    dimension: u64,
) -> Result<(), QdrantError> {
    let params = wire::VectorParams {
        size: dimension,
        distance: wire::Distance::Cosine as i32,
        ..wire::VectorParams::default()
    };
    let map = vectors
        .iter()
        .map(|vector| ((*vector).to_owned(), params))
        .collect();
    let config = wire::vectors_config::Config::ParamsMap(wire::VectorParamsMap { map });
    let request = wire::CreateCollection {
        collection_name: name.to_owned(),
        vectors_config: Some(wire::VectorsConfig {
            config: Some(config),
        }),
        ..wire::CreateCollection::default()
    };
    client.create_collection(request).await.map(|_| ())
}

/// Stores whole points and waits for the result, as Clippy 0.2 did.
///
/// # Errors
/// The server's error.
pub async fn fill_older_collection(
    client: &Qdrant,
    name: &str,
    points: Vec<OlderPoint>,
) -> Result<(), QdrantError> {
    let points: Vec<_> = points
        .into_iter()
        .map(|point| wire::PointStruct::new(point.id, point.vectors, Payload::from(point.payload)))
        .collect();
    client
        .upsert_points(wire::UpsertPointsBuilder::new(name, points).wait(true))
        .await
        .map(|_| ())
}
