//! Opens an existing collection as it is, or creates a new one.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::Space;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::RwLock;
use qdrant_client::qdrant as wire;

use super::connection::Connection;
use super::errors::{Trouble, explain, trouble};
use super::known_spellings::KnownSpellings;
use super::metadata::{Lifecycle, identity_entry};
use super::shape::Shape;
use super::version::{Feature, Version};
use super::{Inner, QdrantGallery, QdrantOptions, Quantization, Refusal};
use crate::identity::Identity;
use crate::schema::{FieldIndex, FieldKind, Schema};

/// How often a process reads the collection's shape: another process may have added a vector, or
/// switched the alias.
const REFRESH: Duration = Duration::from_secs(2);

impl QdrantGallery {
    /// Opens a collection as it is, or makes it when it does not exist.
    ///
    /// # Errors
    /// [`ErrorCode::Conflict`] when another model (or another dimension) filled it, or when a newer
    /// schema made it; [`ErrorCode::Unsupported`] when the server is too old;
    /// [`ErrorCode::Unavailable`] when it does not answer.
    pub async fn open(options: QdrantOptions) -> Result<Self> {
        let connection = Arc::new(Connection::new(&options.server, &options.name)?);
        let version = ask_version(&connection).await?;
        let shape = find_or_create(&connection, &options, &Lifecycle::default()).await?;
        shape.check(&options.name, &options.model)?;
        Ok(Self::of(
            connection,
            version,
            &options.name,
            shape,
            Some(options.model),
        ))
    }

    /// Makes a gallery of a collection whose shape is known.
    pub(super) fn of(
        connection: Arc<Connection>,
        version: Version,
        name: &str,
        shape: Shape,
        model: Option<ModelInfo>,
    ) -> Self {
        let newest = Schema::current().version;
        if shape.schema_version() < newest {
            tracing::warn!(
                collection = name,
                version = shape.schema_version(),
                newest,
                "the collection is used as it is; `clippy migrate` brings it to this version"
            );
        }
        let (name, physical) = (name.to_owned(), shape.physical.clone());
        let shape = RwLock::new(Ok(Arc::new(shape)));
        let inner = Arc::new(Inner {
            connection,
            version,
            physical,
            name,
            model,
            shape,
            known_spellings: KnownSpellings::default(),
        });
        tokio::spawn(keep_fresh(Arc::downgrade(&inner)));
        Self { inner }
    }
}

/// Finds the live collection of a public name, or makes it when it does not exist.
pub(super) async fn find_or_create(
    connection: &Connection,
    options: &QdrantOptions,
    lifecycle: &Lifecycle,
) -> Result<Shape> {
    if let Some(shape) = find_live(connection, &options.name).await? {
        return Ok(shape);
    }
    create(connection, options, &options.name, lifecycle).await?;
    find_live(connection, &options.name).await?.ok_or_else(|| {
        Error::new(
            ErrorCode::Unavailable,
            format!(
                "the collection {} was made, but does not exist any more",
                options.name
            ),
        )
    })
}

impl Inner {
    /// Reads the collection's shape again.
    pub(super) async fn refresh(&self) -> Result<Arc<Shape>> {
        let name = &self.name;
        let Some(shape) = read_shape(&self.connection, name, &self.physical).await? else {
            return Err(Error::new(
                ErrorCode::Unavailable,
                format!(
                    "the collection {} is not on {} any more. Restore it from a snapshot, or \
                     make it again with `clippy migrate` and ingest again",
                    self.physical,
                    self.connection.about().url
                ),
            ));
        };
        if let Some(model) = &self.model
            && let Err(error) = shape.check(name, model)
        {
            // Further searches would compare vectors of different models.
            *self.shape.write() = Err(Refusal {
                code: error.code,
                message: error.message.clone(),
            });
            return Err(error);
        }
        let shape = Arc::new(shape);
        *self.shape.write() = Ok(Arc::clone(&shape));
        Ok(shape)
    }

    /// Makes sure that the collection has vectors for these spaces. They are added where the server
    /// can, without touching any other.
    pub(super) async fn ensure_spaces(
        &self,
        wanted: impl Iterator<Item = Space>,
    ) -> Result<Arc<Shape>> {
        let mut shape = self.shape()?;
        for space in wanted {
            if shape.has(space) {
                continue;
            }
            if !self.version.has(Feature::NewVectorName) {
                return Err(Error::new(
                    ErrorCode::Conflict,
                    format!(
                        "the collection {} has no vector {}, and Qdrant {} at {} cannot add one \
                         to an existing collection (1.18 can). `clippy reindex` rebuilds the \
                         collection with it",
                        self.name,
                        space.name(),
                        self.version,
                        self.connection.about().url
                    ),
                ));
            }
            add_vector(&self.connection, &shape.physical, space, shape.dimension).await?;
            shape = self.refresh().await?;
        }
        Ok(shape)
    }
}

/// Reads the shape at intervals, as long as the gallery exists.
async fn keep_fresh(gallery: Weak<Inner>) {
    loop {
        tokio::time::sleep(REFRESH).await;
        let Some(gallery) = gallery.upgrade() else {
            return;
        };
        if let Err(error) = gallery.refresh().await {
            tracing::debug!(%error, "the collection's shape could not be read");
        }
    }
}

/// Asks for the server's version, and checks that it is new enough.
pub(super) async fn ask_version(connection: &Connection) -> Result<Version> {
    let answer = connection
        .read("ask for its version", |client| async move {
            client.health_check().await
        })
        .await?;
    let version = Version::parse(&answer.version).ok_or_else(|| {
        let url = &connection.about().url;
        Error::new(
            ErrorCode::Unsupported,
            format!(
                "{url} says that its version is \"{}\": is it Qdrant?",
                answer.version
            ),
        )
    })?;
    version.needs(Feature::CollectionMetadata, connection.about())?;
    Ok(version)
}

/// Returns the alias of the live collection of a public name.
pub(super) fn live_alias(name: &str) -> String {
    format!("{name}@live")
}

/// Looks up the physical name of the live collection of a public name, whether it exists or not.
pub(super) async fn resolve(connection: &Connection, name: &str) -> Result<String> {
    let what = "look up the collection's name";
    let answer = connection
        .try_read(what, |client| async move { client.list_aliases().await })
        .await?;
    let aliases = answer
        .map_err(|error| explain(connection.about(), what, error))?
        .aliases;
    let target = |wanted: &str| aliases.iter().find(|alias| alias.alias_name == wanted);
    // The alias `<name>@live` is looked up first: a collection may have the public name itself, and
    // then no alias can have it.
    let found = target(&live_alias(name)).or_else(|| target(name));
    Ok(found
        .map_or(name, |alias| &alias.collection_name)
        .to_owned())
}

/// Finds the live collection of a public name, if it exists.
pub(super) async fn find_live(connection: &Connection, name: &str) -> Result<Option<Shape>> {
    let physical = resolve(connection, name).await?;
    read_shape(connection, name, &physical).await
}

/// Reads a collection's shape by its physical name, if it exists.
pub(super) async fn read_shape(
    connection: &Connection,
    name: &str,
    physical: &str,
) -> Result<Option<Shape>> {
    let what = "read the collection's shape";
    let asked = connection
        .try_read(what, |client| async move {
            client.collection_info(physical).await
        })
        .await?;
    match asked {
        Ok(answer) => match answer.result {
            Some(info) => Shape::of(name, physical.to_owned(), info).map(Some),
            None => Err(Error::internal(format!(
                "Qdrant returned nothing about the collection {physical}"
            ))),
        },
        Err(error) if trouble(&error) == Trouble::NoCollection => Ok(None),
        Err(error) => Err(explain(connection.about(), what, error)),
    }
}

/// Makes the collection with everything in the schema. Another process may make it meanwhile.
pub(super) async fn create(
    connection: &Connection,
    options: &QdrantOptions,
    physical: &str,
    lifecycle: &Lifecycle,
) -> Result<()> {
    let request = creation(options, physical, lifecycle)?;
    let what = "make the collection";
    match connection
        .try_write(what, async |client| client.create_collection(request).await)
        .await?
    {
        Ok(_) => tracing::info!(collection = physical, "made the collection"),
        Err(error) if trouble(&error) == Trouble::Exists => {}
        Err(error) => return Err(explain(connection.about(), what, error)),
    }
    for index in &Schema::current().payload_indexes {
        create_index(connection, physical, index).await?;
    }
    Ok(())
}

/// Returns the request that makes a new collection.
#[expect(deprecated, reason = "servers before 1.20 know these fields only")]
fn creation(
    options: &QdrantOptions,
    physical: &str,
    lifecycle: &Lifecycle,
) -> Result<wire::CreateCollection> {
    let mut metadata = identity_entry(&Identity::new(&options.model))?;
    metadata.extend(lifecycle.entry()?);
    let schema = Schema::current();
    let on_disk = options.storage.on_disk;
    let params = wire::VectorParams {
        size: options.model.dimension as u64,
        distance: wire::Distance::Cosine as i32,
        on_disk,
        ..wire::VectorParams::default()
    };
    let map: HashMap<String, wire::VectorParams> = schema
        .vectors
        .names
        .iter()
        .map(|space| (space.name().to_owned(), params))
        .collect();
    let config = wire::vectors_config::Config::ParamsMap(wire::VectorParamsMap { map });
    Ok(wire::CreateCollection {
        collection_name: physical.to_owned(),
        vectors_config: Some(wire::VectorsConfig {
            config: Some(config),
        }),
        hnsw_config: Some(wire::HnswConfigDiff {
            on_disk,
            ..graph(options)
        }),
        optimizers_config: Some(thresholds(options)),
        shard_number: options.storage.shards,
        replication_factor: options.storage.replication_factor,
        quantization_config: options.storage.quantization.and_then(quantization),
        on_disk_payload: Some(true),
        metadata,
        ..wire::CreateCollection::default()
    })
}

/// Returns the graph's parameters.
pub(super) fn graph(options: &QdrantOptions) -> wire::HnswConfigDiff {
    let schema = Schema::current();
    let threshold = options
        .indexing_threshold_kb
        .unwrap_or(schema.indexing_threshold_kb);
    wire::HnswConfigDiff {
        m: Some(schema.graph.m as u64),
        ef_construct: Some(schema.graph.ef_construct as u64),
        full_scan_threshold: Some(schema.graph.full_scan_threshold_kb.min(threshold) as u64),
        ..wire::HnswConfigDiff::default()
    }
}

/// Returns the settings for the segment sizes from which graphs are built.
pub(super) fn thresholds(options: &QdrantOptions) -> wire::OptimizersConfigDiff {
    let threshold = options
        .indexing_threshold_kb
        .unwrap_or(Schema::current().indexing_threshold_kb);
    wire::OptimizersConfigDiff {
        indexing_threshold: Some(threshold as u64),
        ..wire::OptimizersConfigDiff::default()
    }
}

/// Returns how vectors are compressed; `None` when they are not.
#[expect(deprecated, reason = "servers before 1.20 know these fields only")]
pub(super) fn quantization(kind: Quantization) -> Option<wire::QuantizationConfig> {
    use wire::quantization_config::Quantization as Kind;
    let kind = match kind {
        Quantization::Off => return None,
        Quantization::Scalar => Kind::Scalar(wire::ScalarQuantization {
            r#type: wire::QuantizationType::Int8 as i32,
            quantile: Some(0.99),
            always_ram: Some(true),
            ..wire::ScalarQuantization::default()
        }),
        Quantization::Binary => Kind::Binary(wire::BinaryQuantization {
            always_ram: Some(true),
            ..wire::BinaryQuantization::default()
        }),
    };
    Some(wire::QuantizationConfig {
        quantization: Some(kind),
    })
}

/// Adds a named vector; no point has it yet.
pub(super) async fn add_vector(
    connection: &Connection,
    physical: &str,
    space: Space,
    dimension: usize,
) -> Result<()> {
    let what = format!("add the vector {}", space.name());
    let dense = wire::DenseVectorCreationConfig {
        size: dimension as u64,
        distance: wire::Distance::Cosine as i32,
        ..wire::DenseVectorCreationConfig::default()
    };
    let request = wire::CreateVectorNameRequest {
        collection_name: physical.to_owned(),
        wait: Some(true),
        vector_name: space.name().to_owned(),
        vector_config: Some(wire::create_vector_name_request::VectorConfig::DenseConfig(
            dense,
        )),
        ..wire::CreateVectorNameRequest::default()
    };
    match connection
        .try_write(&what, async |client| {
            client.create_vector_name(request).await
        })
        .await?
    {
        Ok(_) => {
            tracing::info!(
                collection = physical,
                vector = space.name(),
                "added a vector"
            );
            Ok(())
        }
        // Another process was faster.
        Err(error) if trouble(&error) == Trouble::Exists => Ok(()),
        Err(error) => Err(explain(connection.about(), &what, error)),
    }
}

/// Makes an index, unless it exists.
pub(super) async fn create_index(
    connection: &Connection,
    physical: &str,
    index: &FieldIndex,
) -> Result<()> {
    let kind = match index.kind {
        FieldKind::Keyword => wire::FieldType::Keyword,
        FieldKind::Integer => wire::FieldType::Integer,
    };
    let request = wire::CreateFieldIndexCollection {
        collection_name: physical.to_owned(),
        wait: Some(true),
        field_name: index.field.clone(),
        field_type: Some(kind as i32),
        ..wire::CreateFieldIndexCollection::default()
    };
    let what = format!("index the field {}", index.field);
    connection
        .write(&what, async |client| {
            client.create_field_index(request).await
        })
        .await?;
    Ok(())
}
