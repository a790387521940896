//! Migrates a collection on a server to this version's schema: only on request, step by step, and
//! safe to repeat. A step is taken when the server's answer shows that it is needed, so an
//! interrupted migration continues where it stopped.

use std::collections::HashMap;

use clippy_core::gallery::Space;
use clippy_core::sentences::{self, Underscores};
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;

use super::connection::Connection;
use super::metadata::{Lifecycle, identity_entry, note, note_entry};
use super::opening::{
    add_vector, ask_version, create, create_index, find_live, graph, quantization, thresholds,
};
use super::shape::Shape;
use super::version::{Feature, Version};
use super::{QdrantOptions, Quantization};
use crate::identity::Identity;
use crate::schema::{FieldIndex, Schema};

/// The steps that a migration would take, or took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationPlan {
    /// Version of the collection's schema; `None` when there is no collection, 0 for one of Clippy
    /// 0.2.
    pub version: Option<u32>,
    /// How many points it has; 0 when there is none.
    pub points: u64,
    /// The steps, one line each.
    pub steps: Vec<String>,
    /// What this server cannot do in place, and what to do instead.
    pub hints: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Create,
    AddVector(Space),
    Index(FieldIndex),
    Graph,
    Quantization(Quantization),
    Replicas(u32),
    Identify,
}

impl Step {
    fn text(&self, options: &QdrantOptions) -> String {
        match self {
            Self::Create => {
                let mut text = format!("make the collection {}", options.name);
                if let Some(shards) = options.storage.shards {
                    text.push_str(&format!(", {shards} shards"));
                }
                if let Some(replicas) = options.storage.replication_factor {
                    text.push_str(&format!(", {replicas} replicas"));
                }
                text
            }
            Self::AddVector(space) => {
                format!("add the vector {}; no point is changed", space.name())
            }
            Self::Index(index) => format!("{} index of {}", index.kind.name(), index.field),
            Self::Graph => {
                let graph = Schema::current().graph;
                format!(
                    "search graph with m={}, ef_construct={}",
                    graph.m, graph.ef_construct
                )
            }
            Self::Quantization(Quantization::Off) => "keep vectors uncompressed".to_owned(),
            Self::Quantization(Quantization::Scalar) => {
                "compress vectors to a byte a value, rescored".to_owned()
            }
            Self::Quantization(Quantization::Binary) => {
                "compress vectors to a bit a value, rescored".to_owned()
            }
            Self::Replicas(factor) => format!("keep {factor} replicas of each shard"),
            Self::Identify => format!(
                "record that it was filled by {} {}, and version {} of the schema",
                options.model.name,
                options.model.pretrained,
                Schema::current().version
            ),
        }
    }
}

/// Returns the steps of a migration of this collection, and changes nothing.
///
/// # Errors
/// Like [`super::QdrantGallery::open`].
pub async fn plan(options: &QdrantOptions) -> Result<MigrationPlan> {
    let connection = Connection::new(&options.server, &options.name)?;
    let version = ask_version(&connection).await?;
    let shape = find_live(&connection, &options.name).await?;
    let (steps, hints) = steps(options, version, shape.as_ref())?;
    let points = match &shape {
        Some(shape) => count(&connection, shape).await?,
        None => 0,
    };
    let steps = steps.iter().map(|step| step.text(options)).collect();
    Ok(MigrationPlan {
        version: shape.map(|shape| shape.schema_version()),
        points,
        steps,
        hints,
    })
}

/// Runs the plan, and returns it.
///
/// # Errors
/// Like [`plan`]; completed steps stay, and the next migration continues from there.
pub async fn migrate(options: &QdrantOptions) -> Result<MigrationPlan> {
    let plan = plan(options).await?;
    let connection = Connection::new(&options.server, &options.name)?;
    let version = ask_version(&connection).await?;
    let shape = find_live(&connection, &options.name).await?;
    let physical = shape
        .as_ref()
        .map_or(&options.name, |shape| &shape.physical)
        .clone();
    let dimension = options.model.dimension;
    for step in steps(options, version, shape.as_ref())?.0 {
        let text = step.text(options);
        tracing::info!(collection = %options.name, step = %text, "migrating");
        match step {
            Step::Create => {
                create(&connection, options, &options.name, &Lifecycle::default()).await?
            }
            Step::AddVector(space) => add_vector(&connection, &physical, space, dimension).await?,
            Step::Index(index) => create_index(&connection, &physical, &index).await?,
            Step::Graph => {
                let request = wire::UpdateCollection {
                    hnsw_config: Some(graph(options)),
                    optimizers_config: Some(thresholds(options)),
                    ..wire::UpdateCollection::default()
                };
                update(&connection, &physical, &text, request).await?;
            }
            Step::Quantization(kind) => {
                let quantization_config = Some(quantization_change(kind));
                let request = wire::UpdateCollection {
                    quantization_config,
                    ..wire::UpdateCollection::default()
                };
                update(&connection, &physical, &text, request).await?;
            }
            Step::Replicas(factor) => {
                let params = wire::CollectionParamsDiff {
                    replication_factor: Some(factor),
                    ..wire::CollectionParamsDiff::default()
                };
                let request = wire::UpdateCollection {
                    params: Some(params),
                    ..wire::UpdateCollection::default()
                };
                update(&connection, &physical, &text, request).await?;
            }
            Step::Identify => {
                let mut metadata = identity_entry(&Identity::new(&options.model))?;
                metadata.extend(sentence_entry(shape.as_ref(), plan.points)?);
                let request = wire::UpdateCollection {
                    metadata,
                    ..wire::UpdateCollection::default()
                };
                update(&connection, &physical, &text, request).await?;
            }
        }
    }
    Ok(plan)
}

/// Returns the form of the sentences of a Clippy 0.2 collection. It must be recorded now: once the
/// version is recorded, nothing shows that the collection is from 0.2.
fn sentence_entry(shape: Option<&Shape>, points: u64) -> Result<HashMap<String, wire::Value>> {
    let is_older = points > 0 && shape.is_some_and(|shape| shape.schema_version() == 0);
    let noted = match shape {
        Some(shape) => note(&shape.config.metadata, sentences::NOTE)?.is_some(),
        None => false,
    };
    Ok(if is_older && !noted {
        note_entry(sentences::NOTE, Underscores::Kept.note())
    } else {
        HashMap::new()
    })
}

/// Returns the missing steps, in order. The version is recorded last, when everything is done.
fn steps(
    options: &QdrantOptions,
    version: Version,
    shape: Option<&Shape>,
) -> Result<(Vec<Step>, Vec<String>)> {
    let Some(shape) = shape else {
        return Ok((vec![Step::Create], Vec::new()));
    };
    shape.check(&options.name, &options.model)?;
    let schema = Schema::current();
    let (mut steps, mut hints) = (Vec::new(), Vec::new());
    for &space in schema
        .vectors
        .names
        .iter()
        .filter(|space| !shape.has(**space))
    {
        if version.has(Feature::NewVectorName) {
            steps.push(Step::AddVector(space));
        } else {
            hints.push(format!(
                "the vector {} cannot be added in place by Qdrant {version} ({} can): `clippy \
                 reindex` rebuilds the collection with it",
                space.name(),
                Feature::NewVectorName.since()
            ));
        }
    }
    let missing = schema
        .payload_indexes
        .iter()
        .filter(|index| !shape.indexes.contains(&index.field));
    steps.extend(missing.cloned().map(Step::Index));
    let (wanted, now) = (graph(options), shape.config.hnsw_config.unwrap_or_default());
    if (wanted.m, wanted.ef_construct) != (now.m, now.ef_construct) {
        steps.push(Step::Graph);
    }
    if let Some(kind) = options.storage.quantization
        && kind != quantization_now(&shape.config)
    {
        steps.push(Step::Quantization(kind));
    }
    let replicas = shape
        .config
        .params
        .as_ref()
        .and_then(|params| params.replication_factor)
        .unwrap_or(1);
    if let Some(factor) = options.storage.replication_factor
        && factor != replicas
    {
        steps.push(Step::Replicas(factor));
    }
    let shards = shape
        .config
        .params
        .as_ref()
        .map_or(1, |params| params.shard_number);
    if let Some(wanted) = options.storage.shards
        && wanted != shards
    {
        hints.push(format!(
            "the collection has {shards} shards, and {wanted} are asked for: `clippy reindex` \
             rebuilds it with them"
        ));
    }
    if shape.schema_version() < schema.version {
        steps.push(Step::Identify);
    }
    Ok((steps, hints))
}

fn quantization_now(config: &wire::CollectionConfig) -> Quantization {
    use wire::quantization_config::Quantization as Kind;
    match config
        .quantization_config
        .as_ref()
        .and_then(|config| config.quantization.as_ref())
    {
        Some(Kind::Binary(_)) => Quantization::Binary,
        Some(_) => Quantization::Scalar,
        None => Quantization::Off,
    }
}

fn quantization_change(kind: Quantization) -> wire::QuantizationConfigDiff {
    use wire::quantization_config::Quantization as Kind;
    use wire::quantization_config_diff::Quantization as Diff;
    let diff = match quantization(kind).and_then(|config| config.quantization) {
        Some(Kind::Scalar(scalar)) => Diff::Scalar(scalar),
        Some(Kind::Binary(binary)) => Diff::Binary(binary),
        _ => Diff::Disabled(wire::Disabled {}),
    };
    wire::QuantizationConfigDiff {
        quantization: Some(diff),
    }
}

async fn update(
    connection: &Connection,
    physical: &str,
    what: &str,
    request: wire::UpdateCollection,
) -> Result<()> {
    let request = wire::UpdateCollection {
        collection_name: physical.to_owned(),
        ..request
    };
    let answer = connection
        .write(what, async |client| client.update_collection(request).await)
        .await?;
    if answer.result {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::Unavailable,
        format!("could not {what}: Qdrant did not finish in time"),
    ))
}

async fn count(connection: &Connection, shape: &Shape) -> Result<u64> {
    let request = wire::CountPoints {
        collection_name: shape.physical.clone(),
        exact: Some(true),
        ..wire::CountPoints::default()
    };
    let answer = connection
        .read("count points", |client| {
            let request = request.clone();
            async move { client.count(request).await }
        })
        .await?;
    Ok(answer.result.unwrap_or_default().count)
}
