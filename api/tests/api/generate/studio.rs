//! A server with its own workers, and helpers for the tests of generation.

use std::sync::Arc;
use std::time::Duration;

use clippy_api::ApiOptions;
use clippy_core::live::{Live, LivePair};
use clippy_core::pictures::PictureContent;
use clippy_generate::{Fetcher, FileSpending, MemoryJournal, Resolver, data_url};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{Handlers, Lane, Runner, RunnerSettings, SqliteJobs, SqliteSettings};
use clippy_testing::{FakeEmbedder, wait_for};
use clippy_worker::jobs::{GalleryReferences, GenerateJob, GenerateTools, ProviderPatience};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::{DIMENSION, FakePictures, Setup, TestServer, json as body};

/// Draws a different picture for each path.
fn drawn_pictures() -> Arc<FakePictures> {
    FakePictures::new(|path, _| {
        let number: u8 = path.trim_end_matches(".png").parse().unwrap_or(99);
        let bytes = painting(number.wrapping_mul(37)).into();
        Ok(PictureContent::Memory(bytes))
    })
}

/// A disc of one colour on a ground of another.
pub fn painting(hue: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(96, 96, |x, y| {
        let (dx, dy) = (x as f32 - 48.0, y as f32 - 48.0);
        if dx.hypot(dy) < 30.0 {
            [hue, 255 - hue, 60].into()
        } else {
            [240, hue / 2 + 90, 255 - hue / 3].into()
        }
    });
    encode(&picture, Encoding::Png).expect("a small picture")
}

/// A sketch: an apple, more or less, as a data URL.
pub fn sketch() -> String {
    let picture = RgbImage::from_fn(120, 120, |x, y| {
        let distance = (x as f32 - 60.0).hypot(y as f32 - 66.0);
        let stem = (58..62).contains(&x) && (12..30).contains(&y);
        if (distance - 38.0).abs() < 2.0 || stem {
            [0; 3].into()
        } else {
            [255; 3].into()
        }
    });
    data_url(
        "image/png",
        &encode(&picture, Encoding::Png).expect("a small picture"),
    )
}

pub fn plain(width: u32, height: u32, shade: u8) -> String {
    let picture = RgbImage::from_pixel(width, height, [shade; 3].into());
    data_url(
        "image/png",
        &encode(&picture, Encoding::Png).expect("a small picture"),
    )
}

/// A server with workers that generate pictures, until it is dropped.
pub struct Studio {
    pub server: TestServer,
    _folder: tempfile::TempDir,
    _stop: DropGuard,
}

impl std::ops::Deref for Studio {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

pub async fn studio(options: ApiOptions) -> Studio {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteJobs::open(&folder.path().join("jobs.db"), SqliteSettings::default())
        .await
        .expect("opened");
    let (store, pictures) = (Arc::new(store), drawn_pictures());
    let server = TestServer::with(Setup {
        options,
        jobs: Some(Arc::clone(&store) as _),
        pictures: Arc::clone(&pictures) as _,
        ..Setup::default()
    })
    .await;
    let parts = &server.generation;
    let references = GalleryReferences::new(Arc::clone(&server.gallery) as _, pictures);
    let tools = GenerateTools {
        providers: Arc::clone(&parts.providers),
        resolver: Arc::new(Resolver::new(
            Arc::new(references),
            Arc::new(Fetcher::default()),
        )),
        intake: parts.intake.clone(),
        outputs: parts.outputs.clone(),
        history: Arc::clone(&server.history) as _,
        journal: Arc::new(MemoryJournal::default()),
        data_folder: "a folder".to_owned(),
        budget: parts.budget,
        spending: FileSpending::new(server.data.path().join("spending")),
        longest_call: Duration::from_secs(60),
        patience: ProviderPatience::of(Duration::ZERO),
        live: LivePair::new(Live {
            name: "test".to_owned(),
            embedder: Arc::new(FakeEmbedder::new(DIMENSION)),
            gallery: Arc::clone(&server.gallery) as _,
        }),
    };
    let settings = RunnerSettings {
        lanes: vec![(Lane::Interactive, 2)],
        ..RunnerSettings::default()
    };
    let runner = Runner::new(
        store,
        Handlers::new().with(GenerateJob::new(tools)),
        settings,
    )
    .expect("good settings");
    let stop = CancellationToken::new();
    tokio::spawn(runner.run(stop.clone()));
    Studio {
        server,
        _folder: folder,
        _stop: stop.drop_guard(),
    }
}

/// Returns the request for small pictures, which are painted fast.
pub fn small(request: &Value) -> Value {
    let mut request = request.clone();
    request["aspect_ratio"] = json!("128:128");
    request
}

pub async fn post(server: &TestServer, path: &str, body: &Value) -> Response {
    server
        .post(path)
        .json(body)
        .send()
        .await
        .expect("an answer")
}

pub async fn get(server: &TestServer, path: &str) -> Response {
    server.get(path).send().await.expect("an answer")
}

pub async fn expect_accepted(response: Response) -> Value {
    let (status, location) = (
        response.status(),
        response.headers().get("location").cloned(),
    );
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let job: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        location.expect("a place"),
        format!("/api/jobs/{}", job["id"].as_str().expect("an id")).as_str()
    );
    assert_eq!(
        (&job["kind"], &job["lane"]),
        (&json!("generate"), &json!("interactive"))
    );
    job
}

pub async fn wait_for_job(server: &TestServer, id: &str) -> Value {
    wait_for("the job to end", || async {
        let job = body(get(server, &format!("/api/jobs/{id}")).await).await;
        let ends = ["succeeded", "failed", "cancelled"];
        if ends.contains(&job["state"].as_str().expect("a state")) {
            Ok(job)
        } else {
            Err(job)
        }
    })
    .await
}

pub async fn jobs(server: &TestServer) -> usize {
    body(get(server, "/api/jobs").await).await["jobs"]
        .as_array()
        .expect("jobs")
        .len()
}

/// Returns the names of an object's fields, since their order does not matter.
pub fn sorted_keys(object: &Value) -> Vec<&String> {
    let mut keys: Vec<&String> = object.as_object().expect("an object").keys().collect();
    keys.sort();
    keys
}
