//! Tests of the routes of watched folders.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use clippy_core::Result;
use clippy_core::watching::{WatchSwitch, WatchedFolder, WatchedState, Watching};
use parking_lot::Mutex;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, json as read, problem};

/// Watches nothing, and remembers what was switched.
#[derive(Default)]
struct FakeWatching(Mutex<BTreeMap<String, WatchSwitch>>);

fn folder(path: &str, switch: WatchSwitch) -> WatchedFolder {
    WatchedFolder {
        path: path.to_owned(),
        state: if switch.on {
            WatchedState::Polling
        } else {
            WatchedState::Off
        },
        reason: switch.on.then(|| "its drive reports no changes".to_owned()),
        last_change: Some(1_764_374_400),
        last_error: None,
        job: None,
    }
}

#[async_trait]
impl Watching for FakeWatching {
    async fn list(&self) -> Result<Vec<WatchedFolder>> {
        let switched = self.0.lock();
        Ok(switched
            .iter()
            .map(|(path, on)| folder(path, *on))
            .collect())
    }

    async fn switch(&self, path: &Path, switch: WatchSwitch) -> Result<WatchedFolder> {
        let path = path.display().to_string();
        self.0.lock().insert(path.clone(), switch);
        Ok(folder(&path, switch))
    }
}

async fn switch(server: &TestServer, body: &Value) -> reqwest::Response {
    let request = server.post("/api/admin/watch").json(body);
    request.send().await.expect("an answer")
}

#[tokio::test]
async fn a_folder_is_switched_on_and_off_and_listed() {
    let watching = Arc::new(FakeWatching::default());
    let server = TestServer::with(Setup {
        watching: Arc::clone(&watching) as _,
        ..Setup::default()
    })
    .await;
    let pictures = server
        .data
        .path()
        .canonicalize()
        .expect("there")
        .join("comics");
    std::fs::create_dir(&pictures).expect("made");
    std::fs::write(pictures.join("one.png"), "1").expect("written");
    let path = pictures.display().to_string();

    let body = json!({"path": "comics", "on": true, "tags_from_folders": true});
    let on = read(switch(&server, &body).await).await;
    assert_eq!(
        (&on["path"], &on["state"]),
        (&json!(path), &json!("polling"))
    );
    let wanted = WatchSwitch {
        on: true,
        tags_from_folders: Some(true),
    };
    assert_eq!(watching.0.lock()[&path], wanted);
    let listed = read(
        server
            .get("/api/admin/watch")
            .send()
            .await
            .expect("an answer"),
    )
    .await;
    assert_eq!(listed["folders"], json!([on]));

    // It can be switched off although its drive is away.
    std::fs::remove_dir_all(&pictures).expect("removed");
    let off = read(switch(&server, &json!({"path": path, "on": false})).await).await;
    assert_eq!(off["state"], "off");
    assert_eq!(watching.0.lock()[&path].tags_from_folders, None);
}

#[tokio::test]
async fn other_paths_and_fields_are_refused() {
    let server = TestServer::with(Setup {
        watching: Arc::new(FakeWatching::default()),
        ..Setup::default()
    })
    .await;
    std::fs::create_dir(server.data.path().join("comics")).expect("made");
    std::fs::write(server.data.path().join("comics/one.png"), "1").expect("written");
    for (body, status, code) in [
        (json!({"path": "/etc", "on": true}), 403, "forbidden"),
        (json!({"path": "nowhere", "on": true}), 400, "invalid_input"),
        (
            json!({"path": "comics/one.png", "on": true}),
            400,
            "invalid_input",
        ),
        (
            json!({"path": "comics", "on": true, "fast": true}),
            422,
            "unsupported",
        ),
        (json!({"path": "comics"}), 422, "invalid_input"),
    ] {
        let refused = switch(&server, &body).await;
        let status = StatusCode::from_u16(status).expect("a status");
        problem(refused, status, code).await;
    }
}

#[tokio::test]
async fn a_process_that_watches_nothing_says_so() {
    let server = TestServer::start().await;
    std::fs::create_dir(server.data.path().join("comics")).expect("made");
    let refused = switch(&server, &json!({"path": "comics", "on": true})).await;
    let body = problem(refused, StatusCode::UNPROCESSABLE_ENTITY, "unsupported").await;
    assert!(
        body["detail"]
            .as_str()
            .expect("a reason")
            .contains("clippy serve")
    );
}
