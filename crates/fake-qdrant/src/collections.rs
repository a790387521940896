//! The service for collections and aliases.

use std::sync::Arc;
use std::time::Instant;

use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::collections_server::Collections;
use tonic::{Request, Response, Status};

use crate::blocking::blocking;
use crate::state::State;

/// The service for collections and aliases.
pub(crate) struct CollectionsService(pub(crate) Arc<State>);

type Answer<T> = Result<Response<T>, Status>;

fn respond(begun: Instant, result: bool) -> Answer<wire::CollectionOperationResponse> {
    Ok(Response::new(wire::CollectionOperationResponse {
        result,
        time: begun.elapsed().as_secs_f64(),
    }))
}

#[tonic::async_trait]
impl Collections for CollectionsService {
    async fn get(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Answer<wire::GetCollectionInfoResponse> {
        self.0.faults.before_info().await;
        let begun = Instant::now();
        let collection = self.0.find(&request.into_inner().collection_name)?;
        let result = Some(collection.info());
        Ok(Response::new(wire::GetCollectionInfoResponse {
            result,
            time: begun.elapsed().as_secs_f64(),
        }))
    }

    async fn list(
        &self,
        _request: Request<wire::ListCollectionsRequest>,
    ) -> Answer<wire::ListCollectionsResponse> {
        let collections = self
            .0
            .collection_names()
            .into_iter()
            .map(|name| wire::CollectionDescription { name })
            .collect();
        Ok(Response::new(wire::ListCollectionsResponse {
            collections,
            time: 0.0,
        }))
    }

    async fn create(
        &self,
        request: Request<wire::CreateCollection>,
    ) -> Answer<wire::CollectionOperationResponse> {
        self.0.before_write(request.metadata()).await?;
        let (begun, state) = (Instant::now(), Arc::clone(&self.0));
        blocking(move || state.create(request.into_inner())).await?;
        respond(begun, true)
    }

    async fn update(
        &self,
        request: Request<wire::UpdateCollection>,
    ) -> Answer<wire::CollectionOperationResponse> {
        self.0.before_write(request.metadata()).await?;
        let (begun, request) = (Instant::now(), request.into_inner());
        let knows_metadata = self.0.is_at_least(16);
        self.0
            .find(&request.collection_name)?
            .change_settings(|settings| {
                if let Some(hnsw) = request.hnsw_config {
                    settings.hnsw.m = hnsw.m.or(settings.hnsw.m);
                    settings.hnsw.ef_construct = hnsw.ef_construct.or(settings.hnsw.ef_construct);
                    settings.hnsw.full_scan_threshold = hnsw
                        .full_scan_threshold
                        .or(settings.hnsw.full_scan_threshold);
                }
                if let Some(optimizers) = request.optimizers_config {
                    let known = settings.optimizers.indexing_threshold;
                    settings.optimizers.indexing_threshold =
                        optimizers.indexing_threshold.or(known);
                }
                if let Some(replicas) = request.params.and_then(|params| params.replication_factor)
                {
                    settings.replicas = replicas;
                }
                if let Some(quantization) = request
                    .quantization_config
                    .and_then(|config| config.quantization)
                {
                    use wire::quantization_config::Quantization as Now;
                    use wire::quantization_config_diff::Quantization as Diff;
                    let now = match quantization {
                        Diff::Scalar(scalar) => Some(Now::Scalar(scalar)),
                        Diff::Product(product) => Some(Now::Product(product)),
                        Diff::Binary(binary) => Some(Now::Binary(binary)),
                        _ => None,
                    };
                    settings.quantization = now.map(|now| wire::QuantizationConfig {
                        quantization: Some(now),
                    });
                }
                if knows_metadata {
                    for (key, value) in request.metadata {
                        if matches!(value.kind, None | Some(wire::value::Kind::NullValue(_))) {
                            settings.metadata.remove(&key);
                        } else {
                            settings.metadata.insert(key, value);
                        }
                    }
                }
            });
        respond(begun, true)
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteCollection>,
    ) -> Answer<wire::CollectionOperationResponse> {
        self.0.before_write(request.metadata()).await?;
        let begun = Instant::now();
        let result = self.0.delete(&request.into_inner().collection_name)?;
        respond(begun, result)
    }

    async fn update_aliases(
        &self,
        request: Request<wire::ChangeAliases>,
    ) -> Answer<wire::CollectionOperationResponse> {
        self.0.before_write(request.metadata()).await?;
        let begun = Instant::now();
        self.0.change_aliases(request.into_inner().actions)?;
        respond(begun, true)
    }

    async fn list_collection_aliases(
        &self,
        request: Request<wire::ListCollectionAliasesRequest>,
    ) -> Answer<wire::ListAliasesResponse> {
        let aliases = self.0.aliases(Some(&request.into_inner().collection_name));
        Ok(Response::new(wire::ListAliasesResponse {
            aliases,
            time: 0.0,
        }))
    }

    async fn list_aliases(
        &self,
        _request: Request<wire::ListAliasesRequest>,
    ) -> Answer<wire::ListAliasesResponse> {
        self.0.faults.before_info().await;
        Ok(Response::new(wire::ListAliasesResponse {
            aliases: self.0.aliases(None),
            time: 0.0,
        }))
    }

    async fn collection_cluster_info(
        &self,
        request: Request<wire::CollectionClusterInfoRequest>,
    ) -> Answer<wire::CollectionClusterInfoResponse> {
        self.0.find(&request.into_inner().collection_name)?;
        let dead = self.0.faults.is_shard_dead();
        let state = if dead {
            wire::ReplicaState::Dead
        } else {
            wire::ReplicaState::Active
        } as i32;
        let shard = wire::LocalShardInfo {
            state,
            ..wire::LocalShardInfo::default()
        };
        Ok(Response::new(wire::CollectionClusterInfoResponse {
            peer_id: 1,
            shard_count: 1,
            local_shards: vec![shard],
            ..wire::CollectionClusterInfoResponse::default()
        }))
    }

    async fn collection_exists(
        &self,
        request: Request<wire::CollectionExistsRequest>,
    ) -> Answer<wire::CollectionExistsResponse> {
        let exists = self.0.find(&request.into_inner().collection_name).is_ok();
        Ok(Response::new(wire::CollectionExistsResponse {
            result: Some(wire::CollectionExists { exists }),
            time: 0.0,
        }))
    }

    async fn update_collection_cluster_setup(
        &self,
        _request: Request<wire::UpdateCollectionClusterSetupRequest>,
    ) -> Answer<wire::UpdateCollectionClusterSetupResponse> {
        Err(Status::unimplemented("one node"))
    }

    async fn create_shard_key(
        &self,
        _request: Request<wire::CreateShardKeyRequest>,
    ) -> Answer<wire::CreateShardKeyResponse> {
        Err(Status::unimplemented("one shard"))
    }

    async fn delete_shard_key(
        &self,
        _request: Request<wire::DeleteShardKeyRequest>,
    ) -> Answer<wire::DeleteShardKeyResponse> {
        Err(Status::unimplemented("one shard"))
    }

    async fn list_shard_keys(
        &self,
        _request: Request<wire::ListShardKeysRequest>,
    ) -> Answer<wire::ListShardKeysResponse> {
        Err(Status::unimplemented("one shard"))
    }
}
