//! The gallery in memory passes the contract suite of galleries.

use std::sync::Arc;

use clippy_core::gallery::Gallery;
use clippy_testing::MemoryGallery;

async fn empty_gallery() -> (Arc<dyn Gallery>, ()) {
    let gallery = MemoryGallery::new(&clippy_gallery_contract::model());
    (Arc::new(gallery), ())
}

clippy_gallery_contract::gallery_contract!(empty_gallery);
