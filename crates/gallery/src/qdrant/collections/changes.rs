//! A follower's list of changed points, in a collection of its own whose points have no vectors.
//! Each changed id has one point there, with a mark that is new at every write. A changed id is
//! removed by its mark, so that one that was written again meanwhile stays.

use clippy_core::ids::PointId;
use clippy_core::{Error, Result};
use qdrant_client::qdrant as wire;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::qdrant::connection::Connection;
use crate::qdrant::convert::{id_in, payload_in, payload_out, with_payload, with_vectors};
use crate::qdrant::errors::{Trouble, explain, trouble};
use crate::qdrant::filter::{exactly_any_of, has_id};

/// The end of these collections' names.
pub(super) const CHANGES: &str = "@changes";

/// A changed id and its mark, as they were read.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// The point that was changed.
    pub(super) id: PointId,
    mark: String,
}

/// The list of one follower.
pub(super) struct ChangeList<'a> {
    connection: &'a Connection,
    follower: &'a str,
    collection: String,
}

/// Returns the id of the point that represents a changed id: always the same one.
fn standing_for(id: PointId) -> PointId {
    let digest = Sha256::digest(id.to_string().as_bytes());
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    PointId::Uuid(Uuid::from_bytes(bytes))
}

impl<'a> ChangeList<'a> {
    pub(super) fn new(connection: &'a Connection, follower: &'a str) -> Self {
        Self {
            connection,
            follower,
            collection: format!("{follower}{CHANGES}"),
        }
    }

    /// Makes the list, empty.
    pub(super) async fn create(&self) -> Result<()> {
        self.drop().await?;
        let what = "make a list of changes";
        let request = wire::CreateCollection {
            collection_name: self.collection.clone(),
            vectors_config: Some(wire::VectorsConfig {
                config: Some(wire::vectors_config::Config::ParamsMap(
                    wire::VectorParamsMap::default(),
                )),
            }),
            ..wire::CreateCollection::default()
        };
        self.connection
            .write(what, async |client| client.create_collection(request).await)
            .await?;
        Ok(())
    }

    pub(super) async fn drop(&self) -> Result<()> {
        super::drop_collection(self.connection, &self.collection).await
    }

    pub(super) async fn exists(&self) -> Result<bool> {
        let name = &self.collection;
        let what = "look for a list of changes";
        self.connection
            .read(what, |client| async move {
                client.collection_exists(name).await
            })
            .await
    }

    /// Records ids. If the list does not exist, its follower was dropped.
    pub(super) async fn record(&self, ids: &[PointId]) -> Result<()> {
        let points = ids
            .iter()
            .map(|id| {
                let fields =
                    serde_json::json!({ "id": id.to_string(), "mark": Uuid::new_v4().to_string() });
                wire::PointStruct {
                    id: Some(id_in(standing_for(*id))),
                    payload: payload_in(fields.as_object().cloned().unwrap_or_default()),
                    vectors: Some(wire::Vectors {
                        vectors_options: Some(wire::vectors::VectorsOptions::Vectors(
                            wire::NamedVectors::default(),
                        )),
                    }),
                }
            })
            .collect();
        let request = wire::UpsertPoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points,
            ..wire::UpsertPoints::default()
        };
        let what = "record what is written";
        match self
            .connection
            .try_write(what, async |client| client.upsert_points(request).await)
            .await?
        {
            Ok(_) => Ok(()),
            Err(error) if trouble(&error) == Trouble::NoCollection => Ok(()),
            Err(error) => Err(explain(self.connection.about(), what, error)),
        }
    }

    /// Reads some of the ids, and whether there are more.
    pub(super) async fn read(&self, limit: usize) -> Result<(Vec<Mark>, bool)> {
        let request = wire::ScrollPoints {
            collection_name: self.collection.clone(),
            limit: Some(u32::try_from(limit.max(1)).unwrap_or(u32::MAX)),
            with_payload: with_payload(true),
            with_vectors: with_vectors(&[]),
            ..wire::ScrollPoints::default()
        };
        let what = "read a list of changes";
        let asked = self
            .connection
            .try_read(what, |client| {
                let request = request.clone();
                async move { client.scroll(request).await }
            })
            .await?;
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) if trouble(&error) == Trouble::NoCollection => {
                return Err(super::unknown(self.follower));
            }
            Err(error) => return Err(explain(self.connection.about(), what, error)),
        };
        let marks = answer
            .result
            .into_iter()
            .map(|point| mark_of(point.payload))
            .collect::<Result<_>>()?;
        Ok((marks, answer.next_page_offset.is_some()))
    }

    /// Returns whether the list is empty.
    pub(super) async fn is_done(&self) -> Result<bool> {
        Ok(self.read(1).await?.0.is_empty())
    }

    /// Removes ids, except those that were written again since they were read.
    pub(super) async fn remove(&self, marks: &[Mark]) -> Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        let known: Vec<String> = marks.iter().map(|mark| mark.mark.clone()).collect();
        let points = has_id(marks.iter().map(|mark| standing_for(mark.id)));
        let filter = wire::Filter {
            must: vec![points, exactly_any_of("mark", known)],
            ..wire::Filter::default()
        };
        let request = wire::DeletePoints {
            collection_name: self.collection.clone(),
            wait: Some(true),
            points: Some(wire::PointsSelector {
                points_selector_one_of: Some(wire::points_selector::PointsSelectorOneOf::Filter(
                    filter,
                )),
            }),
            ..wire::DeletePoints::default()
        };
        let what = "shorten a list of changes";
        self.connection
            .write(what, async |client| client.delete_points(request).await)
            .await?;
        Ok(())
    }
}

fn mark_of(fields: std::collections::HashMap<String, wire::Value>) -> Result<Mark> {
    let fields = payload_out(fields);
    let text = |field: &str| {
        fields
            .get(field)
            .and_then(|value| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    let id = text("id").parse().map_err(|error| {
        Error::internal("a list of changes contains an invalid point id").with_source(error)
    })?;
    Ok(Mark {
        id,
        mark: text("mark"),
    })
}
