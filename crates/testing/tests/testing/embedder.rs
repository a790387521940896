//! The fake embedder passes the contract of embedders.

use std::sync::atomic::Ordering;

use clippy_testing::{FakeEmbedder, check_embedder, check_overload};

#[tokio::test]
async fn the_fake_keeps_the_contract() {
    let embedder = FakeEmbedder::new(16);
    check_embedder(&embedder).await;
    embedder.busy.store(3, Ordering::SeqCst);
    check_overload(&embedder).await;
}
