//! A fake ComfyUI server. Its frames have the order and the fields of a real server's, in
//! `data/comfyui-transcript.json`.
//!
//! It runs one prompt at a time, caches the outputs of each graph, checks files and lists before it
//! queues a prompt, and sends previews only if the prompt asks for them.

mod nodes;
mod routes;
mod running;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::Message;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use parking_lot::{Mutex, MutexGuard};
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
pub enum Behaviour {
    /// Steps, previews, a picture.
    Good,
    /// The same without a WebSocket.
    NoSocket,
    /// The WebSocket is closed after the first step.
    DropsSocket,
    /// The graph is refused.
    NodeErrors,
    /// A node fails.
    Fails,
    /// The prompt is interrupted at the server.
    Interrupted,
    /// The prompt runs until it is interrupted.
    Endless,
    /// The prompt stays in the queue behind another one.
    Queued,
    /// The prompt finishes without a picture.
    NoPicture,
    /// Every run makes three pictures.
    Batch,
    /// The server's JSON contains `NaN` and `Infinity`.
    NotANumber,
}

#[derive(Default)]
pub struct Seen {
    /// Uploaded files, by their name in a graph.
    pub uploads: BTreeMap<String, Vec<u8>>,
    /// Uploads that were later overwritten with a single pixel.
    pub overwritten: BTreeSet<String>,
    pub prompts: Vec<Value>,
    pub deleted: Vec<String>,
    pub interrupted: Vec<String>,
    pub sockets: usize,
    /// How often the queue was polled.
    pub queue_polls: usize,
    /// Everything that was sent over WebSockets; binary frames as their lengths.
    pub frames: Vec<Value>,
    /// `Authorization` of calls that had it.
    pub logins: BTreeSet<String>,
}

#[derive(Default)]
struct ServerState {
    seen: Seen,
    /// Files by type and path.
    files: BTreeMap<String, Vec<u8>>,
    queue: VecDeque<Value>,
    running: Option<Value>,
    history: BTreeMap<String, Value>,
    /// The outputs of earlier runs, by graph.
    cached: BTreeMap<String, Value>,
    clients: BTreeMap<String, Vec<mpsc::UnboundedSender<Message>>>,
    number: u64,
    made: usize,
    away: bool,
}

/// Returns the `/object_info` of a node.
type Nodes = Box<dyn Fn(&str) -> Option<Value> + Send + Sync>;

struct Server {
    behaviour: Behaviour,
    nodes: Nodes,
    state: Mutex<ServerState>,
    queued: Notify,
}

#[derive(Clone)]
pub struct FakeComfyUi {
    pub url: String,
    server: Arc<Server>,
}

impl FakeComfyUi {
    pub async fn start(behaviour: Behaviour) -> Self {
        Self::with_nodes(behaviour, node).await
    }

    pub async fn with_nodes(
        behaviour: Behaviour,
        nodes: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
    ) -> Self {
        let server = Arc::new(Server {
            behaviour,
            nodes: Box::new(nodes),
            state: Mutex::default(),
            queued: Notify::new(),
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
        look(&self.server.state().seen)
    }

    /// Clears the queue and ends the running prompt, without an entry in the history.
    pub fn clear_queue(&self) {
        let mut state = self.server.state();
        state.queue.clear();
        state.running = None;
    }

    /// Stops the server: its queue, history, temporary files and WebSockets are lost.
    pub fn stop(&self) {
        let mut state = self.server.state();
        let ServerState {
            seen, number, made, ..
        } = std::mem::take(&mut *state);
        *state = ServerState {
            seen,
            number,
            made,
            away: true,
            ..ServerState::default()
        };
    }

    pub fn start_again(&self) {
        self.server.state().away = false;
    }

    /// Deletes all pictures except uploads.
    pub fn remove_pictures(&self) {
        self.server
            .state()
            .files
            .retain(|path, _| path.contains("clippy/"));
    }

    /// Whether a prompt is running or queued.
    pub fn is_busy(&self) -> bool {
        let state = self.server.state();
        state.running.is_some() || !state.queue.is_empty()
    }
}

impl Server {
    fn state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock()
    }

    /// Sends a frame to the client of a prompt.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers make the frame in place"
    )]
    fn send(&self, client: &str, frame: Message) {
        let mut state = self.state();
        let shown = match &frame {
            Message::Text(text) => serde_json::from_str(text).unwrap_or(Value::Null),
            other => json!({"binary": other.clone().into_data().len()}),
        };
        state.seen.frames.push(shown);
        if let Some(sockets) = state.clients.get_mut(client) {
            sockets.retain(|socket| socket.send(frame.clone()).is_ok());
            if self.behaviour == Behaviour::DropsSocket {
                sockets.clear();
            }
        }
    }

    fn send_json(&self, client: &str, kind: &str, data: &Value) {
        self.send(
            client,
            Message::text(json!({"type": kind, "data": data}).to_string()),
        );
    }

    fn send_status(&self, client: &str) {
        let left = {
            let state = self.state();
            state.queue.len() + usize::from(state.running.is_some())
        };
        self.send_json(
            client,
            "status",
            &json!({"status": {"exec_info": {"queue_remaining": left}}}),
        );
    }
}
