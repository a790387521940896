//! One collection: the engine on a folder, and the server's settings.
#![expect(deprecated, reason = "servers before 1.20 know these fields only")]

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use qdrant_client::qdrant as wire;
use qdrant_edge as engine;
use tonic::Status;

use crate::convert::{path_in, status};
use crate::query::size;

/// The default size of vectors, in kilobytes, from which graphs are built.
const INDEXING_THRESHOLD_KB: u64 = 10_000;

/// A collection.
pub(crate) struct Collection {
    shard: engine::EdgeShard,
    /// Its settings.
    settings: RwLock<Settings>,
    indexes: RwLock<BTreeMap<String, wire::PayloadSchemaType>>,
    /// Points written since graphs were last built.
    changed: AtomicU64,
    optimizing: Mutex<()>,
    /// The folder of all files, which is removed with its last owner. It comes after the engine in
    /// this struct, since the engine writes when it is dropped.
    _home: Arc<tempfile::TempDir>,
}

/// The settings that `Get` reports.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) vectors: HashMap<String, wire::VectorParams>,
    pub(crate) hnsw: wire::HnswConfigDiff,
    pub(crate) optimizers: wire::OptimizersConfigDiff,
    pub(crate) quantization: Option<wire::QuantizationConfig>,
    pub(crate) metadata: HashMap<String, wire::Value>,
    pub(crate) shards: u32,
    pub(crate) replicas: u32,
    pub(crate) on_disk_payload: bool,
}

impl Collection {
    pub(crate) fn create(
        home: &Arc<tempfile::TempDir>,
        number: u64,
        request: wire::CreateCollection,
    ) -> Result<Self, Status> {
        let folder = home.path().join(number.to_string());
        let vectors = match request.vectors_config.and_then(|config| config.config) {
            Some(wire::vectors_config::Config::ParamsMap(map)) => map.map,
            Some(wire::vectors_config::Config::Params(params)) => {
                HashMap::from([(String::new(), params)])
            }
            None => HashMap::new(),
        };
        let settings = Settings {
            vectors,
            hnsw: request.hnsw_config.unwrap_or_default(),
            optimizers: request.optimizers_config.unwrap_or_default(),
            quantization: request.quantization_config,
            metadata: request.metadata,
            shards: request.shard_number.unwrap_or(1),
            replicas: request.replication_factor.unwrap_or(1),
            on_disk_payload: request.on_disk_payload.unwrap_or(true),
        };
        std::fs::create_dir_all(&folder).map_err(|error| Status::internal(error.to_string()))?;
        let shard = engine::EdgeShard::new(&folder, config(&settings)?).map_err(status)?;
        Ok(Self {
            shard,
            settings: RwLock::new(settings),
            indexes: RwLock::default(),
            changed: AtomicU64::new(0),
            optimizing: Mutex::new(()),
            _home: Arc::clone(home),
        })
    }

    pub(crate) fn shard(&self) -> &engine::EdgeShard {
        &self.shard
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings.read().clone()
    }

    pub(crate) fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.settings.write());
    }

    /// Executes a change of `points` points.
    pub(crate) fn update(
        &self,
        operation: engine::UpdateOperation,
        points: usize,
    ) -> Result<(), Status> {
        self.shard.update(operation).map_err(status)?;
        self.changed.fetch_add(points as u64, Ordering::SeqCst);
        Ok(())
    }

    /// Refuses unknown vectors before anything is written.
    pub(crate) fn check_vectors(&self, vectors: &HashMap<String, Vec<f32>>) -> Result<(), Status> {
        let settings = self.settings.read();
        for (name, vector) in vectors {
            let Some(params) = settings.vectors.get(name) else {
                return Err(Status::invalid_argument(format!(
                    "Wrong input: Not existing vector name error: {name}"
                )));
            };
            if vector.len() != size(params.size) {
                return Err(Status::invalid_argument(format!(
                    "Wrong input: Vector dimension error: expected dim: {}, got {}",
                    params.size,
                    vector.len()
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn create_index(
        &self,
        field: &str,
        kind: wire::PayloadSchemaType,
    ) -> Result<(), Status> {
        self.index(field, kind)?;
        self.indexes.write().insert(field.to_owned(), kind);
        Ok(())
    }

    fn index(&self, field: &str, kind: wire::PayloadSchemaType) -> Result<(), Status> {
        let kind = match kind {
            wire::PayloadSchemaType::Keyword => engine::PayloadSchemaType::Keyword,
            wire::PayloadSchemaType::Integer => engine::PayloadSchemaType::Integer,
            _ => return Err(Status::unimplemented("this kind of index")),
        };
        let create = engine::CreateIndex {
            field_name: path_in(field)?,
            field_schema: Some(engine::PayloadFieldSchema::FieldType(kind)),
        };
        self.update(
            engine::UpdateOperation::FieldIndexOperation(
                engine::FieldIndexOperations::CreateIndex(create),
            ),
            0,
        )
    }

    pub(crate) fn delete_index(&self, field: &str) -> Result<(), Status> {
        let operation = engine::FieldIndexOperations::DeleteIndex(path_in(field)?);
        self.update(engine::UpdateOperation::FieldIndexOperation(operation), 0)?;
        self.indexes.write().remove(field);
        Ok(())
    }

    /// Adds a named vector; the points get it later.
    pub(crate) fn create_vector_name(
        &self,
        name: &str,
        dense: &wire::DenseVectorCreationConfig,
    ) -> Result<(), Status> {
        if self.settings.read().vectors.contains_key(name) {
            return Err(Status::already_exists(format!(
                "Vector {name} exists already"
            )));
        }
        let config = engine::VectorNameConfig::dense(engine::DenseVectorConfig {
            size: size(dense.size),
            distance: distance(dense.distance)?,
            multivector_config: None,
            datatype: None,
        });
        let operation = engine::VectorNameOperations::CreateVectorName(engine::CreateVectorName {
            vector_name: name.into(),
            config,
        });
        self.update(engine::UpdateOperation::VectorNameOperation(operation), 0)?;
        let params = wire::VectorParams {
            size: dense.size,
            distance: dense.distance,
            ..wire::VectorParams::default()
        };
        self.settings
            .write()
            .vectors
            .insert(name.to_owned(), params);
        Ok(())
    }

    fn threshold_kb(&self) -> u64 {
        self.settings
            .read()
            .optimizers
            .indexing_threshold
            .unwrap_or(INDEXING_THRESHOLD_KB)
    }

    /// Returns whether so much was written since the last graphs that new ones are needed.
    fn wants_graphs(&self) -> bool {
        let values = self
            .settings
            .read()
            .vectors
            .values()
            .map(|params| params.size)
            .max()
            .unwrap_or(0);
        self.changed
            .load(Ordering::SeqCst)
            .saturating_mul(values * 4)
            / 1024
            >= self.threshold_kb()
    }

    /// Builds graphs. The server does so by itself, all the time.
    fn optimize(&self) -> Result<(), Status> {
        let _one_at_a_time = self.optimizing.lock();
        let before = self.changed.load(Ordering::SeqCst);
        self.shard.optimize().map_err(status)?;
        // The engine creates new segments without indexes.
        let indexes = self.indexes.read().clone();
        for (field, kind) in indexes {
            self.index(&field, kind)?;
        }
        self.changed.fetch_sub(before, Ordering::SeqCst);
        Ok(())
    }

    /// Answers `Get`. It also starts the optimiser when there is something to do.
    pub(crate) fn info(self: &Arc<Self>) -> wire::CollectionInfo {
        let busy = self.wants_graphs();
        if busy && self.optimizing.try_lock().is_some() {
            let collection = Arc::clone(self);
            tokio::task::spawn_blocking(move || {
                if let Err(status) = collection.optimize() {
                    eprintln!("the fake Qdrant could not build graphs: {status}");
                }
            });
        }
        let settings = self.settings();
        let shard = self.shard.info();
        let colour = if busy {
            wire::CollectionStatus::Yellow
        } else {
            wire::CollectionStatus::Green
        };
        let payload_schema = self
            .indexes
            .read()
            .iter()
            .map(|(field, kind)| {
                let info = wire::PayloadSchemaInfo {
                    data_type: *kind as i32,
                    ..wire::PayloadSchemaInfo::default()
                };
                (field.clone(), info)
            })
            .collect();
        let config = wire::vectors_config::Config::ParamsMap(wire::VectorParamsMap {
            map: settings.vectors,
        });
        let params = wire::CollectionParams {
            shard_number: settings.shards,
            on_disk_payload: settings.on_disk_payload,
            vectors_config: Some(wire::VectorsConfig {
                config: Some(config),
            }),
            replication_factor: Some(settings.replicas),
            ..wire::CollectionParams::default()
        };
        wire::CollectionInfo {
            status: colour as i32,
            optimizer_status: Some(wire::OptimizerStatus {
                ok: true,
                error: String::new(),
            }),
            segments_count: shard.segments_count as u64,
            points_count: Some(shard.points_count as u64),
            indexed_vectors_count: Some(shard.indexed_vectors_count as u64),
            payload_schema,
            config: Some(wire::CollectionConfig {
                params: Some(params),
                hnsw_config: Some(settings.hnsw),
                optimizer_config: Some(settings.optimizers),
                quantization_config: settings.quantization,
                metadata: settings.metadata,
                ..wire::CollectionConfig::default()
            }),
            ..wire::CollectionInfo::default()
        }
    }
}

fn distance(distance: i32) -> Result<engine::Distance, Status> {
    match wire::Distance::try_from(distance) {
        Ok(wire::Distance::Cosine) => Ok(engine::Distance::Cosine),
        Ok(wire::Distance::Dot) => Ok(engine::Distance::Dot),
        Ok(wire::Distance::Euclid) => Ok(engine::Distance::Euclid),
        Ok(wire::Distance::Manhattan) => Ok(engine::Distance::Manhattan),
        _ => Err(Status::invalid_argument("Malformed distance")),
    }
}

fn config(settings: &Settings) -> Result<engine::EdgeConfig, Status> {
    let threshold = size(
        settings
            .optimizers
            .indexing_threshold
            .unwrap_or(INDEXING_THRESHOLD_KB),
    );
    let hnsw = &settings.hnsw;
    let mut builder = engine::EdgeConfig::builder()
        .on_disk_payload(settings.on_disk_payload)
        .hnsw_config(engine::HnswIndexConfig {
            m: size(hnsw.m.unwrap_or(16)),
            ef_construct: size(hnsw.ef_construct.unwrap_or(100)),
            full_scan_threshold: size(hnsw.full_scan_threshold.unwrap_or(10_000)),
            max_indexing_threads: 0,
            on_disk: hnsw.on_disk,
            payload_m: hnsw.payload_m.map(size),
            inline_storage: None,
        })
        .optimizers(engine::EdgeOptimizersConfig {
            indexing_threshold: Some(threshold),
            ..engine::EdgeOptimizersConfig::default()
        });
    if let Some(quantization) = settings
        .quantization
        .as_ref()
        .and_then(|config| config.quantization)
    {
        builder = builder.quantization_config(match quantization {
            wire::quantization_config::Quantization::Scalar(scalar) => {
                engine::QuantizationConfig::from(engine::ScalarQuantizationConfig {
                    r#type: engine::ScalarType::Int8,
                    quantile: scalar.quantile,
                    always_ram: scalar.always_ram,
                })
            }
            wire::quantization_config::Quantization::Binary(binary) => {
                engine::QuantizationConfig::from(engine::BinaryQuantizationConfig {
                    always_ram: binary.always_ram,
                    encoding: None,
                    query_encoding: None,
                })
            }
            _ => return Err(Status::unimplemented("this kind of quantization")),
        });
    }
    for (name, params) in &settings.vectors {
        let mut vector =
            engine::EdgeVectorParams::builder(size(params.size), distance(params.distance)?);
        if let Some(on_disk) = params.on_disk {
            vector = vector.on_disk(on_disk);
        }
        builder = builder.vector(name.as_str(), vector.build());
    }
    Ok(builder.build())
}
