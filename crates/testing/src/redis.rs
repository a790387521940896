//! A `redis-server` process for one test.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::waiting::wait_for_blocking;

/// A real server on a free port, with an append-only file and without eviction. Dropping the value
/// kills it.
pub struct RedisServer {
    port: u16,
    tls_port: Option<u16>,
    /// Additional arguments of this server.
    arguments: Vec<String>,
    folder: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    /// Starts a server.
    ///
    /// # Panics
    /// When there is no `redis-server`, or it does not start.
    #[must_use]
    pub fn start() -> Self {
        let mut server = Self::reserve();
        server.restart();
        server
    }

    /// Starts a server that also accepts TLS, on a second port.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    #[must_use]
    pub fn start_with_tls(authority: &Path, certificate: &Path, key: &Path) -> Self {
        let mut server = Self::reserve();
        let port = free_port();
        server.tls_port = Some(port);
        server.arguments = vec!["--tls-port".to_owned(), port.to_string()];
        for (name, file) in [("ca-cert", authority), ("cert", certificate), ("key", key)] {
            let file = file.display().to_string();
            server
                .arguments
                .extend([format!("--tls-{name}-file"), file]);
        }
        let clients = ["--tls-auth-clients", "no"].map(str::to_owned);
        server.arguments.extend(clients);
        server.restart();
        server
    }

    /// Chooses a port, without starting the server.
    ///
    /// # Panics
    /// When there is no free port or no temporary folder.
    #[must_use]
    pub fn reserve() -> Self {
        Self {
            port: free_port(),
            tls_port: None,
            arguments: Vec::new(),
            folder: tempfile::tempdir().expect("a temporary folder"),
            child: None,
        }
    }

    /// Restarts the server on the same port, with the data in its folder.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// Like [`RedisServer::restart`], with further arguments, which override the usual ones.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.stop();
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--daemonize", "no"])
            .args(["--save", "", "--maxmemory-policy", "noeviction"])
            .args(["--appendonly", "yes", "--appendfsync", "everysec"])
            .arg("--dir")
            .arg(self.folder.path())
            .args(&self.arguments)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "redis-server does not start ({error}): scripts/test-tools.sh redis installs it"
                )
            });
        self.child = Some(child);
        wait_for_blocking("redis-server to start", Duration::from_secs(15), || {
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// Restarts the server with an empty folder, as after the loss of its disk.
    ///
    /// # Panics
    /// As [`RedisServer::start`].
    pub fn restart_empty(&mut self) {
        self.stop();
        self.folder = tempfile::tempdir().expect("a temporary folder");
        self.restart();
    }

    /// Stops the server with SIGTERM, as a shutdown of its machine does: it writes its file first.
    ///
    /// # Panics
    /// When `kill` cannot be run.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let sent = Command::new("kill")
                .args(["-TERM", &child.id().to_string()])
                .status();
            assert!(sent.expect("kill runs").success(), "kill -TERM");
            child.wait().expect("a child");
        }
    }

    /// Waits until a client tries to connect to the stopped server.
    ///
    /// # Panics
    /// When the server runs.
    pub fn wait_for_a_caller(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).expect("the server is stopped");
        drop(listener.accept().expect("a caller"));
    }

    /// The port without TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port with TLS, if it has one.
    #[must_use]
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// The address of database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Errors do not matter: it may have exited already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that was free a moment ago.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}
