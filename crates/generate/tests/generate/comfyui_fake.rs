//! A ComfyUI that runs one prompt at a time, as it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use image::RgbImage;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::support::{flat, png};

/// How the server behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Steps, previews, a picture.
    Good,
    /// The same without a WebSocket.
    NoSocket,
    /// The WebSocket breaks off after the first step.
    DropsSocket,
    /// Everything was cached: no step, finished at once.
    Cached,
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
}

#[derive(Default)]
pub struct Seen {
    pub uploads: BTreeMap<String, Vec<u8>>,
    pub prompts: Vec<Value>,
    pub deleted: Vec<String>,
    pub interrupted: Vec<String>,
    pub history: BTreeMap<String, Value>,
    pub running: Option<String>,
    pub sockets: usize,
}

/// What `/object_info` tells of a node.
type Nodes = Box<dyn Fn(&str) -> Option<Value> + Send + Sync>;

struct Server {
    manner: Manner,
    /// Changes what nodes say of themselves.
    nodes: Nodes,
    seen: Mutex<Seen>,
    frames: broadcast::Sender<Message>,
    answer: RgbImage,
}

#[derive(Clone)]
pub struct FakeComfyUi {
    pub url: String,
    server: Arc<Server>,
}

/// A node as `/object_info` tells of it, with every model there.
pub fn node(class: &str) -> Option<Value> {
    let inputs = match class {
        "CheckpointLoaderSimple" => json!({"ckpt_name": [["other.safetensors", "sd_xl_base_1.0.safetensors"]]}),
        // The newer form.
        "ControlNetLoader" => {
            json!({"control_net_name": ["COMBO", {"options": ["controlnet-scribble-sdxl-1.0.safetensors"]}]})
        }
        "CLIPVisionLoader" => json!({"clip_name": [["CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"]]}),
        "IPAdapterModelLoader" => json!({"ipadapter_file": [["sdxl/ip-adapter-plus_sdxl_vit-h.safetensors"]]}),
        "IPAdapterUnifiedLoader" => {
            json!({"preset": [["PLUS (high strength)", "STANDARD (medium strength)"]], "model": ["MODEL"]})
        }
        "KSampler" => {
            json!({"sampler_name": [["euler", "dpmpp_2m"]], "scheduler": [["normal", "karras"]], "seed": ["INT", {"default": 0}]})
        }
        "LoadImage" => json!({"image": [["old.png"], {"image_upload": true}]}),
        "" => return None,
        _ => json!({}),
    };
    Some(json!({"input": {"required": inputs}}))
}

impl FakeComfyUi {
    pub async fn start(manner: Manner) -> Self {
        Self::with_nodes(manner, node).await
    }

    pub async fn with_nodes(manner: Manner, nodes: impl Fn(&str) -> Option<Value> + Send + Sync + 'static) -> Self {
        let server = Arc::new(Server {
            manner,
            nodes: Box::new(nodes),
            seen: Mutex::default(),
            frames: broadcast::channel(64).0,
            answer: flat(64, 48, [0, 200, 0]),
        });
        let app = Router::new()
            .route("/ws", get(socket))
            .route("/upload/image", post(upload))
            .route("/prompt", post(prompt))
            .route("/history/{id}", get(history))
            .route("/view", get(view))
            .route("/queue", get(queue).post(delete))
            .route("/interrupt", post(interrupt))
            .route("/object_info/{class}", get(object_info))
            .with_state(server.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, server }
    }

    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.server.seen.lock().expect("no panic"))
    }
}

type Shared = State<Arc<Server>>;

async fn socket(
    State(server): Shared,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    assert!(query.contains_key("clientId"));
    if server.manner == Manner::NoSocket {
        return StatusCode::NOT_FOUND.into_response();
    }
    server.seen.lock().expect("no panic").sockets += 1;
    // Before the answer, so that no frame is lost.
    let frames = server.frames.subscribe();
    let manner = server.manner;
    upgrade.on_upgrade(move |socket| speak(socket, frames, manner))
}

async fn speak(mut socket: WebSocket, mut frames: broadcast::Receiver<Message>, manner: Manner) {
    let status = json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}}});
    let _ = socket.send(Message::text(status.to_string())).await;
    while let Ok(frame) = frames.recv().await {
        if socket.send(frame).await.is_err() || manner == Manner::DropsSocket {
            return;
        }
    }
}

async fn upload(State(server): Shared, mut form: Multipart) -> Response {
    let (mut name, mut bytes, mut fields) = (String::new(), Vec::new(), BTreeMap::new());
    while let Ok(Some(field)) = form.next_field().await {
        if field.name() == Some("image") {
            name = field.file_name().unwrap_or_default().to_owned();
            bytes = field.bytes().await.expect("a file").to_vec();
        } else {
            fields.insert(field.name().unwrap_or_default().to_owned(), field.text().await.expect("text"));
        }
    }
    assert_eq!((fields["type"].as_str(), fields["overwrite"].as_str()), ("input", "true"));
    // The server may choose another name.
    let stored = format!("renamed_{name}");
    server.seen.lock().expect("no panic").uploads.insert(format!("{}/{stored}", fields["subfolder"]), bytes);
    Json(json!({"name": stored, "subfolder": fields["subfolder"], "type": "input"})).into_response()
}

async fn prompt(State(server): Shared, Json(body): Json<Value>) -> Response {
    let id = body["prompt_id"].as_str().expect("an id of ours").to_owned();
    server.seen.lock().expect("no panic").prompts.push(body);
    if server.manner == Manner::NodeErrors {
        let refused = json!({
            "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": "", "extra_info": {}},
            "node_errors": {"3": {"errors": [{"type": "value_bigger_than_max", "message": "Value 400 bigger than max of 100", "details": "cfg"}], "class_type": "KSampler"}},
        });
        return (StatusCode::BAD_REQUEST, Json(refused)).into_response();
    }
    tokio::spawn(run(server, id.clone()));
    Json(json!({"prompt_id": id, "number": 1, "node_errors": {}})).into_response()
}

/// What the server does with a prompt.
async fn run(server: Arc<Server>, id: String) {
    let send = |kind: &str, mut data: Value| {
        data["prompt_id"] = json!(id);
        let _ = server.frames.send(Message::text(json!({"type": kind, "data": data}).to_string()));
    };
    let done = |status: &str, messages: Value, outputs: Value| {
        let entry = json!({"prompt": [], "outputs": outputs, "status": {"status_str": status, "completed": status == "success", "messages": messages}});
        let mut seen = server.seen.lock().expect("no panic");
        seen.history.insert(id.clone(), entry);
        seen.running = None;
    };
    if server.manner == Manner::Queued {
        return;
    }
    server.seen.lock().expect("no panic").running = Some(id.clone());
    // Frames of somebody else's prompt are on the same wire.
    let other = json!({"type": "execution_error", "data": {"prompt_id": "somebody-else", "node_type": "X", "exception_message": "not ours"}});
    let _ = server.frames.send(Message::text(other.to_string()));
    send("execution_start", json!({}));
    if server.manner == Manner::Endless {
        send("progress", json!({"value": 1, "max": 28, "node": "3"}));
        return;
    }
    if server.manner == Manner::Cached {
        send("execution_cached", json!({"nodes": ["3", "4", "8", "9"]}));
    } else {
        for step in 1..=4 {
            send("progress", json!({"value": step, "max": 4, "node": "3"}));
            let preview =
                [&1u32.to_be_bytes()[..], &2u32.to_be_bytes(), &png(&flat(8, 8, [step as u8, 0, 0]))].concat();
            let _ = server.frames.send(Message::binary(preview));
        }
    }
    match server.manner {
        Manner::Fails => {
            let failure = json!({"prompt_id": id, "node_id": "3", "node_type": "KSampler", "exception_type": "OutOfMemoryError", "exception_message": "CUDA out of memory"});
            done("error", json!([["execution_start", {}], ["execution_error", failure]]), json!({}));
            send("execution_error", failure);
        }
        Manner::Interrupted => {
            done("error", json!([["execution_interrupted", {"prompt_id": id}]]), json!({}));
            send("execution_interrupted", json!({"node_id": "3"}));
        }
        manner => {
            let temporary = json!({"filename": "preview.png", "subfolder": "", "type": "temp"});
            let made = json!({"filename": format!("clippy_{}.png", &id[..8]), "subfolder": "", "type": "output"});
            let images = if manner == Manner::NoPicture { json!([temporary]) } else { json!([temporary, made]) };
            done("success", json!([["execution_success", {}]]), json!({"9": {"images": images}}));
            send("executing", json!({"node": null}));
            send("execution_success", json!({}));
        }
    }
}

async fn history(State(server): Shared, Path(id): Path<String>) -> Json<Value> {
    let seen = server.seen.lock().expect("no panic");
    Json(seen.history.get(&id).map_or(json!({}), |entry| json!({id: entry})))
}

async fn view(State(server): Shared, Query(query): Query<BTreeMap<String, String>>) -> Response {
    assert_eq!(query["type"], "output", "temporary pictures are not the result");
    png(&server.answer).into_response()
}

async fn queue(State(server): Shared) -> Json<Value> {
    let seen = server.seen.lock().expect("no panic");
    let running: Vec<Value> = seen.running.iter().map(|id| json!([1, id, {}, {}, []])).collect();
    if server.manner == Manner::Queued {
        let pending: Vec<Value> = seen.prompts.iter().map(|body| json!([7, body["prompt_id"], {}, {}, []])).collect();
        return Json(json!({"queue_running": [[1, "somebody-else", {}, {}, []]], "queue_pending": pending}));
    }
    Json(json!({"queue_running": running, "queue_pending": []}))
}

async fn delete(State(server): Shared, Json(body): Json<Value>) -> StatusCode {
    let ids = body["delete"].as_array().expect("ids").iter().filter_map(Value::as_str).map(str::to_owned);
    server.seen.lock().expect("no panic").deleted.extend(ids);
    StatusCode::OK
}

async fn interrupt(State(server): Shared, Json(body): Json<Value>) -> StatusCode {
    let mut seen = server.seen.lock().expect("no panic");
    seen.interrupted.push(body["prompt_id"].as_str().unwrap_or("whatever runs").to_owned());
    seen.running = None;
    StatusCode::OK
}

async fn object_info(State(server): Shared, Path(class): Path<String>) -> Json<Value> {
    Json((server.nodes)(&class).map_or(json!({}), |info| json!({class: info})))
}
