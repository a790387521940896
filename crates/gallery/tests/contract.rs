//! The contract of a gallery, on the embedded engine.

use std::sync::Arc;

use clippy_core::gallery::Gallery;
use clippy_gallery::contract::model;
use clippy_gallery::{EdgeGallery, EdgeOptions, gallery_contract};

async fn empty_edge_gallery() -> (Arc<dyn Gallery>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = EdgeOptions {
        folder: folder.path().join("gallery"),
        name: "contract".to_owned(),
        model: model(),
        indexing_threshold_kb: Some(100),
    };
    (Arc::new(EdgeGallery::open(options).await.expect("opened")), folder)
}

gallery_contract!(empty_edge_gallery);
