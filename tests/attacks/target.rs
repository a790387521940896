//! The server that is attacked, and how attackers talk to it.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Server, wait_until};

/// Answers that are none: the server failed, or did not answer at all.
const LONGEST_ANSWER: Duration = Duration::from_secs(90);

pub struct Target {
    pub process: u32,
    pub url: String,
    /// Host and port.
    pub authority: String,
    pub client: Client,
}

impl Target {
    pub fn new(server: &Server) -> Self {
        let authority = server.url.trim_start_matches("http://").to_owned();
        Self {
            process: server.process(),
            url: server.url.clone(),
            authority,
            client: client(Ipv4Addr::LOCALHOST),
        }
    }

    /// The demo serves while its gallery is still being made.
    pub fn wait_for_the_gallery(&self) {
        wait_until("the gallery", Duration::from_secs(300), || {
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
        self.sent(
            self.post(path)
                .header("content-type", "application/json")
                .body(body),
        )
    }

    /// Sends it, and gives the status. Whatever was sent, the server answers, and not with a fault
    /// of its own; 503 says that there is too much.
    pub fn sent(&self, request: RequestBuilder) -> u16 {
        match request.send() {
            Ok(response) => {
                let status = response.status().as_u16();
                let said = response.text().unwrap_or_default();
                assert!(
                    status < 500 || status == 503 || status == 504,
                    "{status}: {said}"
                );
                status
            }
            Err(error) => {
                // A refused body may end its connection while it is still being sent.
                assert!(!error.is_timeout(), "no answer: {error}");
                0
            }
        }
    }

    /// A connection on which this was sent.
    pub fn socket(&self, sent: &[u8]) -> TcpStream {
        let mut socket = TcpStream::connect(&self.authority).expect("it takes connections");
        socket
            .set_read_timeout(Some(LONGEST_ANSWER))
            .expect("a socket");
        let _ = socket.write_all(sent);
        socket
    }

    /// All that is answered to this until the connection ends.
    pub fn said(&self, sent: &[u8]) -> String {
        let mut said = Vec::new();
        let _ = self.socket(sent).read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
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

    /// Whether no job is queued or runs.
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

/// A client at this address of loopback: others than the attacker come from elsewhere.
pub fn client(from: Ipv4Addr) -> Client {
    let builder = clippy_http::blocking_client()
        .local_address(IpAddr::V4(from))
        .timeout(LONGEST_ANSWER);
    builder.no_proxy().build().expect("a client")
}

/// Does this at once on so many threads.
pub fn at_once(count: usize, work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for number in 0..count {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
}
