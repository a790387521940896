//! Converts the settings of a Qdrant server to the gallery's options.

use clippy_core::embedding::ModelInfo;
use clippy_core::settings::{OLDER_QDRANT_COLLECTION, QdrantQuantization, Settings};
use clippy_gallery::{
    QdrantCollections, QdrantOptions, QdrantServer, Quantization, StorageOptions,
};

use crate::failure::Failure;

/// Returns the server with the collection; `None` if the collection is embedded.
pub fn server(settings: &Settings) -> Option<QdrantServer> {
    let qdrant = &settings.collection.qdrant;
    Some(QdrantServer {
        url: settings.collection.qdrant_url.clone()?,
        api_key: qdrant.api_key.clone(),
        timeout: qdrant.timeout,
        write_timeout: qdrant.write_timeout,
    })
}

/// Returns the options of the collection on that server.
pub fn options(settings: &Settings, server: QdrantServer, model: &ModelInfo) -> QdrantOptions {
    let qdrant = &settings.collection.qdrant;
    let quantization = qdrant.quantization.map(|kind| match kind {
        QdrantQuantization::Off => Quantization::Off,
        QdrantQuantization::Scalar => Quantization::Scalar,
        QdrantQuantization::Binary => Quantization::Binary,
    });
    QdrantOptions {
        storage: StorageOptions {
            shards: qdrant.shards,
            replication_factor: qdrant.replication_factor,
            quantization,
            on_disk: qdrant.on_disk,
        },
        ..QdrantOptions::new(server, settings.collection.name.clone(), model.clone())
    }
}

/// Chooses the collection if `QDRANT_COLLECTION` is not set: the one with this version's default
/// name, or the one with Clippy 0.2's default name if only that exists.
pub async fn choose_collection(settings: &mut Settings) -> Result<(), Failure> {
    if settings.collection.named {
        return Ok(());
    }
    let Some(server) = server(settings) else {
        return Ok(());
    };
    if QdrantCollections::inspect(&server, &settings.collection.name)
        .await?
        .is_some()
    {
        return Ok(());
    }
    if let Some(found) = QdrantCollections::inspect(&server, OLDER_QDRANT_COLLECTION).await? {
        tracing::info!(
            "QDRANT_COLLECTION is not set, and {} has no {}: {OLDER_QDRANT_COLLECTION} is used, \
             which Clippy 0.2 filled ({} pictures)",
            server.url,
            settings.collection.name,
            found.points
        );
        OLDER_QDRANT_COLLECTION.clone_into(&mut settings.collection.name);
    }
    Ok(())
}
