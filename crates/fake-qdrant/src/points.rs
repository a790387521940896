//! The service for points.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::points_update_operation::Operation;
use qdrant_edge as engine;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use crate::blocking::blocking;
use crate::collection::Collection;
use crate::convert::{
    id_in, id_out, ids_in, order_in, path_in, payload_in, retrieved_out, scored_out, status,
    stored, vectors_in, with_payload_in, with_vectors_in,
};
use crate::filter::{filter_in, maybe_filter_in};
use crate::query::{query_in, size};
use crate::state::State;

/// The service for points.
pub(crate) struct PointsService(pub(crate) Arc<State>);

type Answer<T> = Result<Response<T>, Status>;

/// The default size of a page.
const DEFAULT_SCROLL: u32 = 10;

impl PointsService {
    /// Reads from a collection on a blocking thread.
    async fn read<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Collection) -> Result<T, Status> + Send + 'static,
    ) -> Result<(T, f64), Status> {
        self.0.faults.before_read().await?;
        let (begun, collection) = (Instant::now(), self.0.find(name)?);
        let answer = blocking(move || work(&collection)).await?;
        Ok((answer, begun.elapsed().as_secs_f64()))
    }

    /// Changes points, and answers when the change is visible.
    async fn write(
        &self,
        metadata: &MetadataMap,
        name: &str,
        work: impl FnOnce(&Collection) -> Result<(), Status> + Send + 'static,
    ) -> Answer<wire::PointsOperationResponse> {
        self.0.before_write(metadata).await?;
        let (begun, collection) = (Instant::now(), self.0.find(name)?);
        blocking(move || work(&collection)).await?;
        let result = Some(completed());
        Ok(Response::new(wire::PointsOperationResponse {
            result,
            time: begun.elapsed().as_secs_f64(),
            usage: None,
        }))
    }
}

fn completed() -> wire::UpdateResult {
    wire::UpdateResult {
        operation_id: Some(0),
        status: wire::UpdateStatus::Completed as i32,
    }
}

fn upsert(collection: &Collection, points: Vec<wire::PointStruct>) -> Result<(), Status> {
    let count = points.len();
    let mut checked = Vec::with_capacity(count);
    for point in points {
        let vectors = vectors_in(point.vectors)?;
        collection.check_vectors(&vectors)?;
        checked.push(engine::PointStructPersisted {
            id: id_in(point.id)?,
            vector: stored(vectors),
            payload: Some(payload_in(point.payload)),
        });
    }
    let operation =
        engine::PointOperations::UpsertPoints(engine::PointInsertOperations::PointsList(checked));
    collection.update(engine::UpdateOperation::PointOperation(operation), count)
}

fn update_vectors(collection: &Collection, points: Vec<wire::PointVectors>) -> Result<(), Status> {
    let count = points.len();
    let mut checked = Vec::with_capacity(count);
    for point in points {
        let vectors = vectors_in(point.vectors)?;
        collection.check_vectors(&vectors)?;
        checked.push(engine::PointVectorsPersisted {
            id: id_in(point.id)?,
            vector: stored(vectors),
        });
    }
    let operation = engine::VectorOperations::UpdateVectors(engine::UpdateVectorsOp {
        points: checked,
        update_filter: None,
    });
    collection.update(engine::UpdateOperation::VectorOperation(operation), count)
}

/// Returns the ids of a selector. Selecting by a filter is not supported.
fn selected(selector: Option<wire::PointsSelector>) -> Result<Vec<engine::PointId>, Status> {
    match selector.and_then(|selector| selector.points_selector_one_of) {
        Some(PointsSelectorOneOf::Points(list)) => ids_in(list.ids),
        Some(PointsSelectorOneOf::Filter(_)) => Err(Status::unimplemented("points by a filter")),
        None => Err(Status::invalid_argument("PointSelector is missing")),
    }
}

fn delete(collection: &Collection, ids: Vec<engine::PointId>) -> Result<(), Status> {
    let operation = engine::PointOperations::DeletePoints { ids };
    collection.update(engine::UpdateOperation::PointOperation(operation), 0)
}

fn delete_vectors(
    collection: &Collection,
    ids: Vec<engine::PointId>,
    names: Option<wire::VectorsSelector>,
) -> Result<(), Status> {
    let names = names.unwrap_or_default().names;
    let blank = names
        .iter()
        .find(|name| !collection.settings().vectors.contains_key(*name));
    if let Some(name) = blank {
        return Err(Status::invalid_argument(format!(
            "Wrong input: Not existing vector name error: {name}"
        )));
    }
    let names = names.iter().map(|name| name.as_str().into()).collect();
    let operation = engine::VectorOperations::DeleteVectors(ids.into(), names);
    collection.update(engine::UpdateOperation::VectorOperation(operation), 0)
}

fn set_payload(
    collection: &Collection,
    ids: Vec<engine::PointId>,
    fields: HashMap<String, wire::Value>,
) -> Result<(), Status> {
    let set = engine::SetPayloadOp {
        payload: payload_in(fields),
        points: Some(ids),
        filter: None,
        key: None,
    };
    collection.update(
        engine::UpdateOperation::PayloadOperation(engine::PayloadOps::SetPayload(set)),
        0,
    )
}

fn apply(collection: &Collection, operation: Option<Operation>) -> Result<(), Status> {
    match operation {
        Some(Operation::Upsert(upserted)) => upsert(collection, upserted.points),
        Some(Operation::UpdateVectors(updated)) => update_vectors(collection, updated.points),
        Some(Operation::DeleteVectors(deleted)) => delete_vectors(
            collection,
            selected(deleted.points_selector)?,
            deleted.vectors,
        ),
        Some(Operation::DeletePoints(deleted)) => delete(collection, selected(deleted.points)?),
        Some(Operation::SetPayload(set)) => {
            set_payload(collection, selected(set.points_selector)?, set.payload)
        }
        _ => Err(Status::unimplemented("this operation of a batch")),
    }
}

fn query(
    collection: &Collection,
    request: wire::QueryPoints,
) -> Result<Vec<wire::ScoredPoint>, Status> {
    let using = request.using.clone().unwrap_or_default();
    if request.query.is_some()
        && !using.is_empty()
        && !collection.settings().vectors.contains_key(&using)
    {
        return Err(Status::invalid_argument(format!(
            "Wrong input: Not existing vector name error: {using}"
        )));
    }
    let found = collection
        .shard()
        .query(query_in(request)?)
        .map_err(status)?;
    Ok(found.into_iter().map(scored_out).collect())
}

#[tonic::async_trait]
impl Points for PointsService {
    async fn upsert(
        &self,
        request: Request<wire::UpsertPoints>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::UpsertPoints {
            collection_name,
            points,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            upsert(collection, points)
        })
        .await
    }

    async fn delete(
        &self,
        request: Request<wire::DeletePoints>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::DeletePoints {
            collection_name,
            points,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            if let Some(PointsSelectorOneOf::Filter(filter)) = points
                .as_ref()
                .and_then(|points| points.points_selector_one_of.clone())
            {
                let operation = engine::PointOperations::DeletePointsByFilter(filter_in(filter)?);
                return collection.update(engine::UpdateOperation::PointOperation(operation), 0);
            }
            delete(collection, selected(points)?)
        })
        .await
    }

    async fn get(&self, request: Request<wire::GetPoints>) -> Answer<wire::GetResponse> {
        let wire::GetPoints {
            collection_name,
            ids,
            with_payload,
            with_vectors,
            ..
        } = request.into_inner();
        let (result, time) = self
            .read(&collection_name, move |collection| {
                let (payload, vectors) = (
                    with_payload_in(with_payload, true)?,
                    with_vectors_in(with_vectors),
                );
                let found = collection
                    .shard()
                    .retrieve(&ids_in(ids)?, Some(payload), Some(vectors))
                    .map_err(status)?;
                Ok(found.into_iter().map(retrieved_out).collect())
            })
            .await?;
        Ok(Response::new(wire::GetResponse {
            result,
            time,
            usage: None,
        }))
    }

    async fn update_vectors(
        &self,
        request: Request<wire::UpdatePointVectors>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::UpdatePointVectors {
            collection_name,
            points,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            update_vectors(collection, points)
        })
        .await
    }

    async fn delete_vectors(
        &self,
        request: Request<wire::DeletePointVectors>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::DeletePointVectors {
            collection_name,
            points_selector,
            vectors,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            delete_vectors(collection, selected(points_selector)?, vectors)
        })
        .await
    }

    async fn set_payload(
        &self,
        request: Request<wire::SetPayloadPoints>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::SetPayloadPoints {
            collection_name,
            payload,
            points_selector,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            set_payload(collection, selected(points_selector)?, payload)
        })
        .await
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::CreateFieldIndexCollection {
            collection_name,
            field_name,
            field_type,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            let kind = match field_type.map(wire::FieldType::try_from) {
                Some(Ok(wire::FieldType::Keyword)) => wire::PayloadSchemaType::Keyword,
                Some(Ok(wire::FieldType::Integer)) => wire::PayloadSchemaType::Integer,
                _ => return Err(Status::unimplemented("this kind of index")),
            };
            collection.create_index(&field_name, kind)
        })
        .await
    }

    async fn delete_field_index(
        &self,
        request: Request<wire::DeleteFieldIndexCollection>,
    ) -> Answer<wire::PointsOperationResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::DeleteFieldIndexCollection {
            collection_name,
            field_name,
            ..
        } = request;
        self.write(&metadata, &collection_name, move |collection| {
            collection.delete_index(&field_name)
        })
        .await
    }

    async fn create_vector_name(
        &self,
        request: Request<wire::CreateVectorNameRequest>,
    ) -> Answer<wire::PointsOperationResponse> {
        if !self.0.is_at_least(18) {
            return Err(Status::unimplemented(""));
        }
        let (metadata, _, request) = request.into_parts();
        let wire::CreateVectorNameRequest {
            collection_name,
            vector_name,
            vector_config,
            ..
        } = request;
        self.write(
            &metadata,
            &collection_name,
            move |collection| match vector_config {
                Some(wire::create_vector_name_request::VectorConfig::DenseConfig(dense)) => {
                    collection.create_vector_name(&vector_name, &dense)
                }
                _ => Err(Status::unimplemented("sparse vectors")),
            },
        )
        .await
    }

    async fn scroll(&self, request: Request<wire::ScrollPoints>) -> Answer<wire::ScrollResponse> {
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let ((result, next_page_offset), time) = self
            .read(&name, move |collection| {
                let scroll = engine::ScrollRequest {
                    offset: request.offset.map(|id| id_in(Some(id))).transpose()?,
                    limit: Some(size(u64::from(request.limit.unwrap_or(DEFAULT_SCROLL)))),
                    filter: maybe_filter_in(request.filter)?,
                    with_payload: Some(with_payload_in(request.with_payload, true)?),
                    with_vector: with_vectors_in(request.with_vectors),
                    order_by: request.order_by.map(order_in).transpose()?,
                };
                let (records, next) = collection.shard().scroll(scroll).map_err(status)?;
                Ok((
                    records.into_iter().map(retrieved_out).collect(),
                    next.map(id_out),
                ))
            })
            .await?;
        Ok(Response::new(wire::ScrollResponse {
            next_page_offset,
            result,
            time,
            usage: None,
        }))
    }

    async fn count(&self, request: Request<wire::CountPoints>) -> Answer<wire::CountResponse> {
        let wire::CountPoints {
            collection_name,
            filter,
            exact,
            ..
        } = request.into_inner();
        let (count, time) = self
            .read(&collection_name, move |collection| {
                let request = engine::CountRequest {
                    filter: maybe_filter_in(filter)?,
                    exact: exact.unwrap_or(true),
                };
                collection.shard().count(request).map_err(status)
            })
            .await?;
        let result = Some(wire::CountResult {
            count: count as u64,
        });
        Ok(Response::new(wire::CountResponse {
            result,
            time,
            usage: None,
        }))
    }

    async fn update_batch(
        &self,
        request: Request<wire::UpdateBatchPoints>,
    ) -> Answer<wire::UpdateBatchResponse> {
        let (metadata, _, request) = request.into_parts();
        let wire::UpdateBatchPoints {
            collection_name,
            operations,
            ..
        } = request;
        let count = operations.len();
        let answer = self
            .write(&metadata, &collection_name, move |collection| {
                operations
                    .into_iter()
                    .try_for_each(|operation| apply(collection, operation.operation))
            })
            .await?;
        let result = vec![completed(); count];
        Ok(Response::new(wire::UpdateBatchResponse {
            result,
            time: answer.into_inner().time,
            usage: None,
        }))
    }

    async fn query(&self, request: Request<wire::QueryPoints>) -> Answer<wire::QueryResponse> {
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let (result, time) = self
            .read(&name, move |collection| query(collection, request))
            .await?;
        Ok(Response::new(wire::QueryResponse {
            result,
            time,
            usage: None,
        }))
    }

    async fn query_batch(
        &self,
        request: Request<wire::QueryBatchPoints>,
    ) -> Answer<wire::QueryBatchResponse> {
        let wire::QueryBatchPoints {
            collection_name,
            query_points,
            ..
        } = request.into_inner();
        let (result, time) = self
            .read(&collection_name, move |collection| {
                query_points
                    .into_iter()
                    .map(|request| {
                        Ok(wire::BatchResult {
                            result: query(collection, request)?,
                        })
                    })
                    .collect::<Result<Vec<_>, Status>>()
            })
            .await?;
        Ok(Response::new(wire::QueryBatchResponse {
            result,
            time,
            usage: None,
        }))
    }

    async fn facet(&self, request: Request<wire::FacetCounts>) -> Answer<wire::FacetResponse> {
        let request = request.into_inner();
        self.0.faults.before_facet();
        let name = request.collection_name.clone();
        let (hits, time) = self
            .read(&name, move |collection| {
                let facet = engine::FacetRequest {
                    key: path_in(&request.key)?,
                    limit: size(request.limit.unwrap_or(10)),
                    filter: maybe_filter_in(request.filter)?,
                    exact: request.exact.unwrap_or(false),
                };
                let answer = collection.shard().facet(facet).map_err(status)?;
                Ok(answer.hits.into_iter().map(facet_hit).collect())
            })
            .await?;
        Ok(Response::new(wire::FacetResponse {
            hits,
            time,
            usage: None,
        }))
    }

    async fn overwrite_payload(
        &self,
        _: Request<wire::SetPayloadPoints>,
    ) -> Answer<wire::PointsOperationResponse> {
        unused()
    }

    async fn delete_payload(
        &self,
        _: Request<wire::DeletePayloadPoints>,
    ) -> Answer<wire::PointsOperationResponse> {
        unused()
    }

    async fn clear_payload(
        &self,
        _: Request<wire::ClearPayloadPoints>,
    ) -> Answer<wire::PointsOperationResponse> {
        unused()
    }

    async fn delete_vector_name(
        &self,
        _: Request<wire::DeleteVectorNameRequest>,
    ) -> Answer<wire::PointsOperationResponse> {
        unused()
    }

    async fn search(&self, _: Request<wire::SearchPoints>) -> Answer<wire::SearchResponse> {
        unused()
    }

    async fn search_batch(
        &self,
        _: Request<wire::SearchBatchPoints>,
    ) -> Answer<wire::SearchBatchResponse> {
        unused()
    }

    async fn search_groups(
        &self,
        _: Request<wire::SearchPointGroups>,
    ) -> Answer<wire::SearchGroupsResponse> {
        unused()
    }

    async fn recommend(
        &self,
        _: Request<wire::RecommendPoints>,
    ) -> Answer<wire::RecommendResponse> {
        unused()
    }

    async fn recommend_batch(
        &self,
        _: Request<wire::RecommendBatchPoints>,
    ) -> Answer<wire::RecommendBatchResponse> {
        unused()
    }

    async fn recommend_groups(
        &self,
        _: Request<wire::RecommendPointGroups>,
    ) -> Answer<wire::RecommendGroupsResponse> {
        unused()
    }

    async fn discover(&self, _: Request<wire::DiscoverPoints>) -> Answer<wire::DiscoverResponse> {
        unused()
    }

    async fn discover_batch(
        &self,
        _: Request<wire::DiscoverBatchPoints>,
    ) -> Answer<wire::DiscoverBatchResponse> {
        unused()
    }

    async fn query_groups(
        &self,
        _: Request<wire::QueryPointGroups>,
    ) -> Answer<wire::QueryGroupsResponse> {
        unused()
    }

    async fn search_matrix_pairs(
        &self,
        _: Request<wire::SearchMatrixPoints>,
    ) -> Answer<wire::SearchMatrixPairsResponse> {
        unused()
    }

    async fn search_matrix_offsets(
        &self,
        _: Request<wire::SearchMatrixPoints>,
    ) -> Answer<wire::SearchMatrixOffsetsResponse> {
        unused()
    }
}

fn unused<T>() -> Answer<T> {
    Err(Status::unimplemented("this project never calls it"))
}

fn facet_hit(hit: engine::FacetValueHit) -> wire::FacetHit {
    use wire::facet_value::Variant;
    let variant = match hit.value {
        engine::FacetValue::Keyword(word) => Variant::StringValue(word),
        engine::FacetValue::Int(number) => Variant::IntegerValue(number),
        engine::FacetValue::Bool(value) => Variant::BoolValue(value),
        other => Variant::StringValue(format!("{other:?}")),
    };
    wire::FacetHit {
        value: Some(wire::FacetValue {
            variant: Some(variant),
        }),
        count: hit.count as u64,
    }
}
