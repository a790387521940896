//! Real servers and real processes for the tests.
#![allow(dead_code, reason = "each test program uses its own part")]

pub mod clock;
pub mod handlers;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clippy_jobs::{LaneLimits, RedisJobs, RedisSettings};

/// A `redis-server` of the test's own, on a free port, with its append-only file on; ended with the
/// test.
pub struct Redis {
    pub port: u16,
    /// The port that speaks TLS, if it has one.
    pub tls_port: Option<u16>,
    /// Further arguments.
    arguments: Vec<String>,
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Redis {
    pub fn start() -> Self {
        Self::start_as(None, Vec::new())
    }

    /// One that speaks TLS on a port of its own.
    pub fn start_with_tls(authority: &Path, certificate: &Path, key: &Path) -> Self {
        let port = free_port();
        let text = |path: &Path| path.display().to_string();
        let mut arguments = vec!["--tls-port".to_owned(), port.to_string()];
        for (name, file) in [("ca-cert", authority), ("cert", certificate), ("key", key)] {
            arguments.extend([format!("--tls-{name}-file"), text(file)]);
        }
        arguments.extend(["--tls-auth-clients".to_owned(), "no".to_owned()]);
        Self::start_as(Some(port), arguments)
    }

    fn start_as(tls_port: Option<u16>, arguments: Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut redis = Self {
            port: free_port(),
            tls_port,
            arguments,
            folder,
            child: None,
        };
        redis.start_again();
        redis
    }

    pub fn start_again(&mut self) {
        let child = Command::new("redis-server")
            .args([
                "--port",
                &self.port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "yes",
            ])
            .args([
                "--appendfsync",
                "everysec",
                "--maxmemory-policy",
                "noeviction",
                "--daemonize",
                "no",
            ])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("no redis-server here ({error}): install it (apt-get install redis-server)")
            });
        self.child = Some(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(
                begun.elapsed() < Duration::from_secs(15),
                "redis-server did not start"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends the server as a restart of its machine would: politely, with its file written.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "TERM");
            child.wait().expect("it ends");
        }
    }

    /// Ends the server for at least so long, and until it was asked for so often, in vain, by those
    /// who use it.
    pub async fn away(&mut self, at_least: Duration, asked: usize) {
        self.stop();
        let begun = Instant::now();
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", self.port))
            .await
            .expect("nobody is there");
        let mut count = 0;
        while count < asked || begun.elapsed() < at_least {
            if let Ok(Ok(_)) =
                tokio::time::timeout(Duration::from_millis(100), listener.accept()).await
            {
                count += 1;
            }
            assert!(
                begun.elapsed() < at_least + Duration::from_secs(60),
                "asked {count} times, not {asked}"
            );
        }
    }

    /// A restart that loses everything: a disk that was not kept.
    pub fn restart_empty(&mut self) {
        self.stop();
        self.folder = tempfile::tempdir().expect("a folder");
        self.start_again();
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    pub async fn jobs(&self, prefix: &str, limits: LaneLimits) -> RedisJobs {
        connect(&self.url(), prefix, limits).await
    }

    pub async fn connection(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.url()).expect("an address");
        client
            .get_multiplexed_async_connection()
            .await
            .expect("a connection")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("bound")
        .port()
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
    let begun = Instant::now();
    loop {
        match RedisJobs::connect(url, settings.clone()).await {
            Ok(jobs) => return jobs,
            // A server that is reading its file says so.
            Err(error) if begun.elapsed() < Duration::from_secs(10) => {
                eprintln!("{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(error) => panic!("{error}"),
        }
    }
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

    /// Waits for the process to end by itself; gives its exit status.
    pub async fn ended(&mut self, within: Duration) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self
                .child
                .as_mut()
                .expect("it runs")
                .try_wait()
                .expect("it can be asked")
            {
                self.child = None;
                return status;
            }
            assert!(
                begun.elapsed() < within,
                "the worker did not end within {within:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
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
