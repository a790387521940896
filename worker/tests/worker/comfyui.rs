//! Tests a worker that is frozen until its lease has ended, while another one follows its prompt.

use std::sync::Arc;
use std::time::Duration;

use clippy_generate::comfyui::{ComfyUiSettings, Template};
use clippy_generate::{ComfyUiProvider, GenerateRequest};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{Envelope, JobId, JobKind, JobState, JobStore, Lane, NewJob};
use clippy_testing::wait_until;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::generate::{Fixture, WorkerProcess};

/// Makes a provider for a ComfyUI, with a graph of two nodes.
pub fn provider(url: &str) -> ComfyUiProvider {
    let graph = json!({
        "1": {"class_type": "Painter", "inputs": {"text": "{{prompt}}", "seed": "{{seed}}"}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    });
    let settings = ComfyUiSettings {
        template: Template::parse(&graph.to_string()).expect("a template"),
        poll: Duration::from_millis(40),
        ..ComfyUiSettings::at(url).expect("settings")
    };
    ComfyUiProvider::new(settings).expect("a provider")
}

/// The calls that the server received.
#[derive(Default)]
struct Seen {
    /// Prompts in the order of their arrival.
    prompts: Vec<Value>,
    /// How many of them are done.
    done: usize,
    /// Removals and interruptions.
    stopped: Vec<String>,
    /// The prompts whose state was requested, once for each request.
    asked: Vec<String>,
}

/// A ComfyUI whose prompts run until `done` says that they are done.
struct Server {
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    async fn start(fixture: &Fixture) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        fixture.write("comfyui", &format!("http://127.0.0.1:{port}"));
        let seen = Arc::<Mutex<Seen>>::default();
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let seen = Arc::clone(&shared);
                tokio::spawn(async move { serve(client, &seen).await });
            }
        });
        Self { seen }
    }

    fn seen<T>(&self, look: impl FnOnce(&mut Seen) -> T) -> T {
        look(&mut self.seen.lock())
    }
}

/// Answers one call, which has its own connection.
async fn serve(mut client: TcpStream, seen: &Mutex<Seen>) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if client.read(&mut byte).await.unwrap_or_default() == 0 {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    if client.read_exact(&mut body).await.is_err() {
        return;
    }
    let mut words = head.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let (status, kind, answer) = match path {
        _ if path.starts_with("/view") => {
            let picture = RgbImage::from_pixel(16, 12, [9, 99, 199].into());
            let file = encode(&picture, Encoding::Png).expect("a picture");
            ("200 OK", "image/png", file)
        }
        // Without WebSockets, so that the worker polls.
        _ if path.starts_with("/ws") => ("404 Not Found", "text/plain", Vec::new()),
        _ => {
            let answer = answer_json(method, path, &body, &mut seen.lock());
            (
                "200 OK",
                "application/json",
                answer.to_string().into_bytes(),
            )
        }
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: \
         close\r\n\r\n",
        answer.len()
    );
    // The client may be gone.
    let _ = client
        .write_all(&[head.into_bytes(), answer].concat())
        .await;
}

fn answer_json(method: &str, path: &str, body: &Value, seen: &mut Seen) -> Value {
    if let Some(id) = path.strip_prefix("/history/") {
        seen.asked.push(id.to_owned());
        let done = &seen.prompts[..seen.done];
        if done.iter().any(|prompt| prompt["prompt_id"] == id) {
            let image = json!({"filename": "one.png", "subfolder": "", "type": "temp"});
            return json!({id: {
                "outputs": {"2": {"images": [image]}},
                "status": {"status_str": "success", "completed": true, "messages": []},
            }});
        }
        return json!({});
    }
    if let Some(class) = path.strip_prefix("/object_info/") {
        let class = if class == "painter" {
            "Painter"
        } else {
            "PreviewImage"
        };
        return json!({class: {"input": {"required": {}}, "output": ["IMAGE"], "name": class}});
    }
    match (method, path) {
        ("post", "/prompt") => {
            seen.prompts.push(body.clone());
            json!({"prompt_id": body["prompt_id"], "number": 1, "node_errors": {}})
        }
        ("get", "/queue") => {
            let running = seen.prompts[seen.done..]
                .iter()
                .map(|prompt| json!([0, prompt["prompt_id"], prompt["prompt"], {}, ["2"]]));
            json!({"queue_running": running.collect::<Vec<_>>(), "queue_pending": []})
        }
        ("post", "/queue" | "/interrupt") => {
            seen.stopped.push(format!("{path} {body}"));
            json!({})
        }
        _ => panic!("{method} {path}"),
    }
}

async fn submit(fixture: &Fixture, prompt: &str) -> JobId {
    let request = GenerateRequest {
        prompt: Some(prompt.to_owned()),
        provider: Some("comfyui".to_owned()),
        ..GenerateRequest::default()
    };
    let payload = Envelope::whole(&request).to_payload().expect("JSON");
    let new = NewJob::new(JobKind::Generate, Lane::Interactive, payload);
    fixture.store.create(&new).await.expect("made").job.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_lease_does_not_cancel_the_prompt_of_its_successor() {
    let fixture = Fixture::new().await;
    let server = Server::start(&fixture).await;
    let frozen = WorkerProcess::start(&fixture);
    let first = submit(&fixture, "a boat").await;
    wait_until("the prompt to be sent", || async {
        server.seen(|seen| seen.prompts.len() == 1)
    })
    .await;
    frozen.signal("STOP");
    let asked = server.seen(|seen| seen.asked.len());
    let successor = WorkerProcess::start(&fixture);
    wait_until("the successor to follow the prompt", || async {
        server.seen(|seen| seen.asked.len()) > asked + 3
    })
    .await;
    let job = fixture.store.get(first).await.expect("there");
    assert_eq!((job.state, job.losses), (JobState::Running, 1));

    // Each worker runs one job at a time here. So when the frozen worker takes another job, its
    // lost run has ended. The successor is frozen, so that it does not take that job.
    successor.signal("STOP");
    frozen.signal("CONT");
    let second = submit(&fixture, "a tree").await;
    wait_until("the lost run to end", || async {
        server.seen(|seen| seen.prompts.len() == 2)
    })
    .await;
    server.seen(|seen| assert!(seen.stopped.is_empty(), "{:?}", seen.stopped));
    successor.signal("CONT");
    server.seen(|seen| seen.done = 2);
    for id in [first, second] {
        let job = fixture.wait_until_finished(id).await;
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    }
    server.seen(|seen| assert_eq!(seen.prompts.len(), 2, "each is sent once"));
}
