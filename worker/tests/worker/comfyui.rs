//! A worker that was frozen until its lease had ended, and the prompt that its successor follows.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clippy_generate::comfyui::{ComfyUiSettings, Template};
use clippy_generate::{ComfyUiProvider, GenerateRequest};
use clippy_imaging::{Encoding, RgbImage, encode};
use clippy_jobs::{Envelope, JobId, JobKind, JobState, JobStore, Lane, NewJob};
use clippy_testing::wait_until;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::generate::{House, Worker};

/// A provider for a ComfyUI with a graph of two nodes.
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

/// What the server was told.
#[derive(Default)]
struct Seen {
    /// Prompts in the order in which they came.
    prompts: Vec<Value>,
    /// How many of them are done.
    done: usize,
    /// Removals and interruptions.
    stopped: Vec<String>,
    /// How often the state of each prompt was asked for.
    asked: Vec<String>,
}

/// A ComfyUI that works on its prompts until it is told that they are done.
struct Server {
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    async fn start(house: &House) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        house.write("comfyui", &format!("http://127.0.0.1:{port}"));
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
        look(&mut self.seen.lock().expect("no panic"))
    }
}

/// One call on a connection of its own.
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
        // Without WebSockets: it is polled.
        _ if path.starts_with("/ws") => ("404 Not Found", "text/plain", Vec::new()),
        _ => {
            let answer = answered(method, path, &body, &mut seen.lock().expect("no panic"));
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
    // A client that has gone wants no answer.
    let _ = client
        .write_all(&[head.into_bytes(), answer].concat())
        .await;
}

fn answered(method: &str, path: &str, body: &Value, seen: &mut Seen) -> Value {
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

async fn ask(house: &House, prompt: &str) -> JobId {
    let request = GenerateRequest {
        prompt: Some(prompt.to_owned()),
        provider: Some("comfyui".to_owned()),
        ..GenerateRequest::default()
    };
    let payload = Envelope::whole(&request).to_payload().expect("JSON");
    let new = NewJob::new(JobKind::Generate, Lane::Interactive, payload);
    house.store.create(&new).await.expect("made").job.id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_lost_its_lease_leaves_the_prompt_of_its_successor_alone() {
    let house = House::new().await;
    let server = Server::start(&house).await;
    let frozen = Worker::start(&house);
    let first = ask(&house, "a boat").await;
    wait_until("the prompt to be sent", || async {
        server.seen(|seen| seen.prompts.len() == 1)
    })
    .await;
    frozen.signal("STOP");
    let asked = server.seen(|seen| seen.asked.len());
    let successor = Worker::start(&house);
    wait_until("the successor to follow the prompt", || async {
        server.seen(|seen| seen.asked.len()) > asked + 3
    })
    .await;
    let job = house.store.get(first).await.expect("there");
    assert_eq!((job.state, job.losses), (JobState::Running, 1));

    // A worker runs one job at a time here. So when it takes another, its lost run is over; the
    // successor is held, so that it does not take it.
    successor.signal("STOP");
    frozen.signal("CONT");
    let second = ask(&house, "a tree").await;
    wait_until("the lost run to be over", || async {
        server.seen(|seen| seen.prompts.len() == 2)
    })
    .await;
    server.seen(|seen| assert!(seen.stopped.is_empty(), "{:?}", seen.stopped));
    successor.signal("CONT");
    server.seen(|seen| seen.done = 2);
    for id in [first, second] {
        let job = house.ended(id).await;
        assert_eq!(job.state, JobState::Succeeded, "{job:?}");
    }
    server.seen(|seen| assert_eq!(seen.prompts.len(), 2, "each is sent once"));
}
