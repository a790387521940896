//! What the settings say about a Qdrant server, as the gallery takes it.

use clippy_core::embedding::ModelInfo;
use clippy_core::settings::{QdrantQuantization, Settings};
use clippy_gallery::{QdrantOptions, QdrantServer, Quantization, StorageOptions};

/// The server that the collection is on; `None` when it is kept in this process.
pub fn server(settings: &Settings) -> Option<QdrantServer> {
    let qdrant = &settings.collection.qdrant;
    Some(QdrantServer {
        url: settings.collection.qdrant_url.clone()?,
        api_key: qdrant.api_key.clone(),
        timeout: qdrant.timeout,
        write_timeout: qdrant.write_timeout,
    })
}

/// The collection on that server.
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
