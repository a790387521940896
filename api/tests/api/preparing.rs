//! A server that serves while its gallery is still being filled.

use clippy_api::ApiOptions;
use clippy_core::preparing::{Preparing, PreparingStage};
use serde_json::json;

use crate::support::{Setup, TestServer, json as body};

#[tokio::test]
async fn the_server_reports_the_progress_of_its_gallery() {
    let preparing = Preparing::default();
    let options = ApiOptions {
        preparing: preparing.clone(),
        ..ApiOptions::default()
    };
    let server = TestServer::with(Setup {
        options,
        ..Setup::default()
    })
    .await;
    let said = async || {
        body(
            server
                .get("/api/preparing")
                .send()
                .await
                .expect("an answer"),
        )
        .await
    };
    assert_eq!(said().await, json!({ "preparing": null }));
    preparing.report(PreparingStage::Drawing, 3, 10);
    assert_eq!(
        said().await,
        json!({ "preparing": { "stage": "drawing", "done": 3, "total": 10 } })
    );
    preparing.report(PreparingStage::Embedding, 0, 10);
    assert_eq!(said().await["preparing"]["stage"], "embedding");
    preparing.finish();
    assert_eq!(said().await, json!({ "preparing": null }));
}
