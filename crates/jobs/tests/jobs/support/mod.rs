//! Real servers and real processes for the tests.

pub mod clock;
pub mod handlers;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clippy_jobs::{LaneLimits, RedisJobs, RedisSettings};
use clippy_testing::{RedisServer, wait_for, wait_for_within, wait_until_within};

/// A Redis server for one test, with the operations that these tests need.
pub struct Redis(RedisServer);

impl std::ops::Deref for Redis {
    type Target = RedisServer;

    fn deref(&self) -> &RedisServer {
        &self.0
    }
}

impl std::ops::DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut RedisServer {
        &mut self.0
    }
}

impl Redis {
    pub fn start() -> Self {
        Self(RedisServer::start())
    }

    pub fn start_with_tls(authority: &Path, certificate: &Path, key: &Path) -> Self {
        Self(RedisServer::start_with_tls(authority, certificate, key))
    }

    /// Stops the server until clients have tried to connect this often, in an outage that is longer
    /// than `interval`.
    pub async fn away(&mut self, interval: Duration, asked: usize) {
        self.stop();
        let stopped = Instant::now();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.port()))
            .await
            .expect("the server is stopped");
        let count = AtomicUsize::new(0);
        let refuse = async {
            loop {
                let _ = listener.accept().await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        };
        let limit = interval + Duration::from_secs(60);
        tokio::select! {
            () = refuse => {}
            () = wait_until_within("clients to notice the outage", limit, || async {
                count.load(Ordering::Relaxed) >= asked && stopped.elapsed() > interval
            }) => {}
        }
    }

    pub async fn jobs(&self, prefix: &str, limits: LaneLimits) -> RedisJobs {
        connect(&self.url(), prefix, limits).await
    }

    /// How many commands the server has refused so far.
    pub async fn refused(&self) -> u64 {
        let info: String = redis::cmd("INFO")
            .arg("stats")
            .query_async(&mut self.connection().await)
            .await
            .expect("it answers");
        info.lines()
            .find_map(|line| {
                line.strip_prefix("total_error_replies:")?
                    .trim()
                    .parse()
                    .ok()
            })
            .expect("Redis 6.2 counts them")
    }

    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("an address");
        client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection")
    }
}

pub async fn connect(url: &str, prefix: &str, limits: LaneLimits) -> RedisJobs {
    let max_finished = clippy_jobs_contract::KEPT;
    connect_with(
        url,
        RedisSettings {
            prefix: prefix.to_owned(),
            limits,
            max_finished,
            ..RedisSettings::default()
        },
    )
    .await
}

pub async fn connect_with(url: &str, settings: RedisSettings) -> RedisJobs {
    // A server that is still loading its file answers with an error.
    wait_for("Redis to answer", || {
        RedisJobs::connect(url, settings.clone())
    })
    .await
}

pub fn signal(process: u32, name: &str) {
    let done = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status()
        .expect("kill runs");
    assert!(done.success(), "kill -{name} {process}");
}

/// A worker process: this test program again, running only the test named `worker_process`.
pub struct Worker {
    child: Option<Child>,
}

impl Worker {
    pub fn start(settings: &[(&str, String)], log: &Path) -> Self {
        let program: PathBuf = std::env::current_exe().expect("this program");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .expect("a log");
        let mut command = Command::new(program);
        command
            .args(["--exact", "faults::worker_process", "--nocapture"])
            .env("CLIPPY_TEST_WORKER", "1");
        for (name, value) in settings {
            command.env(name, value);
        }
        let child = command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a worker process");
        Self { child: Some(child) }
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Waits until the process has ended by itself, and returns its exit status.
    pub async fn wait_until_ended(&mut self, within: Duration) -> std::process::ExitStatus {
        let child = self.child.as_mut().expect("it runs");
        let status = wait_for_within("the worker to end", within, || {
            std::future::ready(child.try_wait().expect("a child").ok_or("it runs"))
        })
        .await;
        self.child = None;
        status
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("it ends");
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
