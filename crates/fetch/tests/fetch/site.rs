//! A site with Gelbooru's interface, on plain sockets: only so can it cut its answers anywhere.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clippy_fetch::{FetchOptions, Pauses};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Answers a path and query by its raw response. `None` cuts the connection.
pub type Answer = dyn Fn(u64, &str) -> Option<Vec<u8>> + Send + Sync;

pub struct Site {
    pub url: String,
    pub requests: Arc<AtomicU64>,
}

impl Site {
    /// Starts a site. `answer` gets the number of the request, from 0.
    pub async fn start(
        answer: impl Fn(u64, &str) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU64::new(0));
        let (counted, answer): (_, Arc<Answer>) = (requests.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, counted.clone(), answer.clone()));
            }
        });
        Self { url, requests }
    }

    pub fn count(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(socket: TcpStream, counted: Arc<AtomicU64>, answer: Arc<Answer>) {
    let mut socket = BufReader::new(socket);
    let mut first = String::new();
    let mut line = String::new();
    while socket.read_line(&mut line).await.is_ok_and(|read| read > 0) && line != "\r\n" {
        if first.is_empty() {
            first.clone_from(&line);
        }
        line.clear();
    }
    let path = first.split(' ').nth(1).unwrap_or_default();
    let number = counted.fetch_add(1, Ordering::SeqCst);
    if let Some(response) = answer(number, path) {
        drop(socket.write_all(&response).await);
        drop(socket.shutdown().await);
    }
}

pub fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// JSON as real sites send it.
pub fn page(json: &str) -> Vec<u8> {
    response("200 OK", "content-type: text/html\r\n", json.as_bytes())
}

pub fn options(site: &str, out: &Path, tags: &[&str]) -> FetchOptions {
    FetchOptions {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        out: out.to_owned(),
        union: true,
        workers: 2,
        max_pages: None,
        resume: false,
        older_than_id: None,
        max_id: None,
        rate: 1e6,
        base_url: site.to_owned(),
        public_only: false,
        user_agent: "clippy/test".to_owned(),
        pauses: Pauses {
            shortest: Duration::from_micros(1),
            longest: Duration::from_micros(10),
            attempts: 4,
            timeout: Duration::from_secs(60),
        },
    }
}
