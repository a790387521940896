//! The server under attack, and the ways to send it requests.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Server, wait_for_blocking};

/// After this time, the server counts as not answering.
const LONGEST_ANSWER: Duration = Duration::from_secs(90);

pub struct Target {
    pub process: u32,
    pub url: String,
    /// Host and port.
    pub authority: String,
    pub client: Client,
    /// The searches of the other client that were answered so far.
    pub others_answered: Arc<AtomicUsize>,
}

impl Target {
    pub fn new(server: &Server) -> Self {
        let authority = server.url.trim_start_matches("http://").to_owned();
        Self {
            process: server.process(),
            url: server.url.clone(),
            authority,
            client: client(Ipv4Addr::LOCALHOST),
            others_answered: Arc::default(),
        }
    }

    /// Waits until the demo's gallery is complete: the demo serves while it is still being made.
    pub fn wait_for_the_gallery(&self) {
        wait_for_blocking("the gallery", Duration::from_secs(300), || {
            let preparing: Value = self
                .client
                .get(format!("{}/api/preparing", self.url))
                .send()
                .ok()?
                .json()
                .ok()?;
            (preparing["preparing"].is_null() && self.searches()).then_some(())
        });
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    pub fn post_json(&self, path: &str, body: String) -> u16 {
        self.send(
            self.post(path)
                .header("content-type", "application/json")
                .body(body),
        )
    }

    /// Sends a request, and returns the status, or 0 if the connection broke. The server must
    /// answer anything without an internal error; 503 and 504 mean that it is overloaded.
    pub fn send(&self, request: RequestBuilder) -> u16 {
        match request.send() {
            Ok(response) => {
                let status = response.status().as_u16();
                let answer = response.text().unwrap_or_default();
                assert!(
                    status < 500 || status == 503 || status == 504,
                    "{status}: {answer}"
                );
                status
            }
            Err(error) => {
                // The server may close the connection of a refused body while it is still being
                // sent.
                assert!(!error.is_timeout(), "no answer: {error}");
                0
            }
        }
    }

    /// Opens a connection, and sends these bytes on it.
    pub fn socket(&self, bytes: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(&self.authority).expect("a connection");
        socket
            .set_read_timeout(Some(LONGEST_ANSWER))
            .expect("a socket");
        let _ = socket.write_all(bytes);
        socket
    }

    /// Waits until this many more searches of the other client are answered.
    pub fn wait_for_others(&self, count: usize) {
        let answered = || self.others_answered.load(Ordering::Relaxed);
        let enough = answered() + count;
        wait_for_blocking("the other client's searches", LONGEST_ANSWER, || {
            (answered() >= enough).then_some(())
        });
    }

    /// Sends these bytes, and returns everything that the server answers until it closes the
    /// connection.
    pub fn exchange(&self, bytes: &[u8]) -> String {
        let mut answer = Vec::new();
        let _ = self.socket(bytes).read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn searches(&self) -> bool {
        let answer = self
            .post("/api/search/hybrid")
            .json(&json!({ "query_text": "apple" }))
            .send();
        answer
            .and_then(reqwest::blocking::Response::json::<Value>)
            .is_ok_and(|answer| {
                answer["results"]
                    .as_array()
                    .is_some_and(|results| !results.is_empty())
            })
    }

    /// Returns whether no job is queued, running or waiting.
    pub fn is_idle(&self) -> bool {
        ["queued", "running", "waiting"].iter().all(|state| {
            let listed = self
                .client
                .get(format!("{}/api/jobs?state={state}", self.url))
                .send();
            listed
                .and_then(reqwest::blocking::Response::json::<Value>)
                .is_ok_and(|answer| answer["jobs"].as_array().is_some_and(Vec::is_empty))
        })
    }
}

/// Returns a client that connects from this loopback address: the attacker and the other clients
/// use different ones.
pub fn client(from: Ipv4Addr) -> Client {
    let builder = clippy_http::blocking_client()
        .local_address(IpAddr::V4(from))
        .timeout(LONGEST_ANSWER);
    builder.no_proxy().build().expect("a client")
}

/// Runs this on `count` threads at the same time.
pub fn at_once(count: usize, work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}
