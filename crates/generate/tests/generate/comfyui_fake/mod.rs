//! A ComfyUI that sends what a real one sent: the sequences and shapes of
//! `data/comfyui-transcript.json`.
//!
//! It runs one prompt at a time, keeps what a graph gave the last time, checks files and lists
//! before it queues, and shows no previews unless a prompt asks for them.

mod nodes;
mod routes;
mod running;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::extract::ws::Message;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

pub use self::nodes::{node, transcript};
use self::routes::{
    delete, gate, history, interrupt, object_info, prompt, queue, socket, upload, view,
    whole_history,
};

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Steps, previews, a picture.
    Good,
    /// The same without a WebSocket.
    NoSocket,
    /// The WebSocket breaks off after the first step.
    DropsSocket,
    /// The graph is refused.
    NodeErrors,
    /// A node fails.
    Fails,
    /// Somebody at the server interrupts it.
    Interrupted,
    /// It works until it is interrupted.
    Endless,
    /// It stays in the queue behind another prompt.
    Queued,
    /// It finishes without a picture.
    NoPicture,
    /// Every run gives three pictures.
    Batch,
    /// Its JSON has numbers that are none.
    NotANumber,
}

#[derive(Default)]
pub struct Seen {
    /// By the name in a graph; as they were before they were written over.
    pub uploads: BTreeMap<String, Vec<u8>>,
    /// Uploads of which a single pixel is left.
    pub written_over: BTreeSet<String>,
    pub prompts: Vec<Value>,
    pub deleted: Vec<String>,
    pub interrupted: Vec<String>,
    pub sockets: usize,
    /// How often the queue was asked for.
    pub asked: usize,
    /// Everything that was sent over WebSockets; binary frames as their lengths.
    pub frames: Vec<Value>,
    /// `Authorization` of calls that had it.
    pub logins: BTreeSet<String>,
}

#[derive(Default)]
struct Desk {
    seen: Seen,
    /// Files by type and path.
    files: BTreeMap<String, Vec<u8>>,
    queue: VecDeque<Value>,
    running: Option<Value>,
    history: BTreeMap<String, Value>,
    /// What graphs gave.
    kept: BTreeMap<String, Value>,
    clients: BTreeMap<String, Vec<mpsc::UnboundedSender<Message>>>,
    number: u64,
    made: usize,
    away: bool,
}

/// What `/object_info` tells of a node.
type Nodes = Box<dyn Fn(&str) -> Option<Value> + Send + Sync>;

struct Server {
    manner: Manner,
    /// Changes what nodes say of themselves.
    nodes: Nodes,
    desk: Mutex<Desk>,
    news: Notify,
}

#[derive(Clone)]
pub struct FakeComfyUi {
    pub url: String,
    server: Arc<Server>,
}

impl FakeComfyUi {
    pub async fn start(manner: Manner) -> Self {
        Self::with_nodes(manner, node).await
    }

    pub async fn with_nodes(
        manner: Manner,
        nodes: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        let server = Arc::new(Server {
            manner,
            nodes: Box::new(nodes),
            desk: Mutex::default(),
            news: Notify::new(),
        });
        let app = Router::new()
            .route("/ws", get(socket))
            .route("/upload/image", post(upload))
            .route("/prompt", post(prompt))
            .route("/history", get(whole_history))
            .route("/history/{id}", get(history))
            .route("/view", get(view))
            .route("/queue", get(queue).post(delete))
            .route("/interrupt", post(interrupt))
            .route("/object_info/{class}", get(object_info))
            .layer(from_fn_with_state(server.clone(), gate))
            .with_state(server.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        tokio::spawn(running::work(server.clone()));
        Self { url, server }
    }

    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.server.desk().seen)
    }

    /// Somebody there clicks "clear queue", and ends what runs: neither leaves a trace.
    pub fn clear_queue(&self) {
        let mut desk = self.server.desk();
        desk.queue.clear();
        desk.running = None;
    }

    /// It is ended, with its queue, its history, its temporary files and its WebSockets, until it
    /// is started.
    pub fn stop(&self) {
        let mut desk = self.server.desk();
        let Desk {
            seen, number, made, ..
        } = std::mem::take(&mut *desk);
        *desk = Desk {
            seen,
            number,
            made,
            away: true,
            ..Desk::default()
        };
    }

    pub fn start_again(&self) {
        self.server.desk().away = false;
    }

    /// Somebody empties the folders of pictures.
    pub fn remove_pictures(&self) {
        self.server
            .desk()
            .files
            .retain(|path, _| path.contains("clippy/"));
    }

    /// Whether a prompt is running or waits.
    pub fn is_busy(&self) -> bool {
        let desk = self.server.desk();
        desk.running.is_some() || !desk.queue.is_empty()
    }
}

impl Server {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().expect("no panic")
    }

    /// Sends a frame to the client of a prompt.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers make the frame in place"
    )]
    fn send(&self, client: &str, frame: Message) {
        let mut desk = self.desk();
        let shown = match &frame {
            Message::Text(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            other => json!({"binary": other.clone().into_data().len()}),
        };
        desk.seen.frames.push(shown);
        if let Some(sockets) = desk.clients.get_mut(client) {
            sockets.retain(|socket| socket.send(frame.clone()).is_ok());
            if self.manner == Manner::DropsSocket {
                sockets.clear();
            }
        }
    }

    fn tell(&self, client: &str, kind: &str, data: &Value) {
        self.send(
            client,
            Message::text(json!({"type": kind, "data": data}).to_string()),
        );
    }

    fn status(&self, client: &str) {
        let left = {
            let desk = self.desk();
            desk.queue.len() + usize::from(desk.running.is_some())
        };
        self.tell(
            client,
            "status",
            &json!({"status": {"exec_info": {"queue_remaining": left}}}),
        );
    }
}
