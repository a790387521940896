//! Servers to test against: always the fake one, and a real one if there is one.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clippy_core::embedding::ModelInfo;
use clippy_core::gallery::Gallery;
use clippy_core::settings::Secret;
use clippy_fake_qdrant::{FakeOptions, FakeQdrant};
use clippy_gallery::{EdgeGallery, EdgeOptions, QdrantGallery, QdrantOptions, QdrantServer};
use clippy_gallery_contract::model;
use clippy_testing::{free_port, wait_for};

/// Graphs are built early, so that the tests use them.
const GRAPHS_FROM_KB: usize = 100;

/// Returns the settings of a server with short time limits. The write limit is long enough for a
/// machine that is busy with other tests.
pub fn server(url: &str) -> QdrantServer {
    QdrantServer {
        timeout: Duration::from_secs(30),
        write_timeout: Duration::from_secs(120),
        ..QdrantServer::new(url)
    }
}

pub fn options(url: &str, name: &str) -> QdrantOptions {
    options_for(url, name, model())
}

pub fn options_for(url: &str, name: &str, model: ModelInfo) -> QdrantOptions {
    QdrantOptions {
        indexing_threshold_kb: Some(GRAPHS_FROM_KB),
        ..QdrantOptions::new(server(url), name, model)
    }
}

/// Makes an empty collection in a folder.
pub async fn empty_edge_gallery() -> (Arc<dyn Gallery>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = EdgeOptions {
        folder: folder.path().join("gallery"),
        name: "contract".to_owned(),
        model: model(),
        indexing_threshold_kb: Some(GRAPHS_FROM_KB),
    };
    (
        Arc::new(EdgeGallery::open(options).await.expect("opened")),
        folder,
    )
}

/// Makes an empty collection on a fake server.
pub async fn empty_fake_gallery() -> (Arc<dyn Gallery>, FakeQdrant) {
    let fake = FakeQdrant::start(FakeOptions::default()).expect("started");
    let gallery = QdrantGallery::open(options(&fake.url(), "contract"))
        .await
        .expect("opened");
    (Arc::new(gallery), fake)
}

/// Makes an empty collection on a real server: the one at `QDRANT_TEST_URL`, or one of this test's
/// own when there is a `qdrant` to start.
pub async fn empty_real_gallery() -> Option<(Arc<dyn Gallery>, RealQdrant)> {
    let real = RealQdrant::find().await?;
    let gallery = QdrantGallery::open(real.options()).await.expect("opened");
    Some((Arc::new(gallery), real))
}

/// A real server: an existing one, or a process that this test started.
pub struct RealQdrant {
    url: String,
    key: Option<Secret>,
    name: String,
    process: Option<(Child, tempfile::TempDir)>,
}

impl RealQdrant {
    pub async fn find() -> Option<Self> {
        let name = format!("clippy_test_{}", uuid::Uuid::new_v4().simple());
        if let Ok(url) = std::env::var("QDRANT_TEST_URL") {
            let key = std::env::var("QDRANT_TEST_API_KEY").ok().map(Secret::new);
            return Some(Self {
                url,
                key,
                name,
                process: None,
            });
        }
        let Some(program) = on_path("qdrant") else {
            eprintln!(
                "\n*** LEFT OUT: no real Qdrant. Set QDRANT_TEST_URL, or put a `qdrant` on PATH, \
                 to run this check on one. ***\n"
            );
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (http, grpc) = (free_port(), free_port());
        let process = Command::new(program)
            .current_dir(folder.path())
            .env("QDRANT__SERVICE__HOST", "127.0.0.1")
            .env("QDRANT__SERVICE__HTTP_PORT", http.to_string())
            .env("QDRANT__SERVICE__GRPC_PORT", grpc.to_string())
            .env(
                "QDRANT__STORAGE__STORAGE_PATH",
                folder.path().join("storage"),
            )
            .env(
                "QDRANT__STORAGE__SNAPSHOTS_PATH",
                folder.path().join("snapshots"),
            )
            .env("QDRANT__TELEMETRY_DISABLED", "true")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("qdrant starts");
        let url = format!("http://127.0.0.1:{grpc}");
        wait_for("qdrant to listen", || {
            tokio::net::TcpStream::connect(("127.0.0.1", grpc))
        })
        .await;
        Some(Self {
            url,
            key: None,
            name,
            process: Some((process, folder)),
        })
    }

    pub fn options(&self) -> QdrantOptions {
        let mut options = options(&self.url, &self.name);
        options.server.api_key.clone_from(&self.key);
        options
    }
}

impl Drop for RealQdrant {
    fn drop(&mut self) {
        if let Some((process, _)) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
            return;
        }
        // Leave nothing behind on a server that others use.
        let (url, key, name) = (self.url.clone(), self.key.clone(), self.name.clone());
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let client = qdrant_client::Qdrant::from_url(&url)
                    .api_key(key.map(|key| key.expose().to_owned()))
                    .skip_compatibility_check()
                    .build()
                    .expect("an address");
                let _ = client.delete_collection(name).await;
            });
        })
        .join();
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}
