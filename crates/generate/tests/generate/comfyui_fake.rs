//! A ComfyUI that sends what a real one sent: the sequences and shapes of
//! `data/comfyui-transcript.json`.
//!
//! It runs one prompt at a time, keeps what a graph gave the last time, checks files and lists
//! before it queues, and shows no previews unless a prompt asks for them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Multipart, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use img_parts::png::{Png, PngChunk};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};

use crate::support::{flat, picture, png};

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

/// What the real one sent.
pub fn transcript() -> Value {
    serde_json::from_str(include_str!("data/comfyui-transcript.json")).expect("JSON")
}

/// A node as `/object_info` tells of it, with every model there.
pub fn node(class: &str) -> Option<Value> {
    let known = &transcript()["object_info of the built-in template's nodes"][class];
    let mut info = match class {
        "PreviewImage" => {
            json!({"input": {"required": {"images": ["IMAGE"]}}, "output": [], "name": class})
        }
        "ImageBatch" => {
            json!({"input": {"required": {"image1": ["IMAGE"], "image2": ["IMAGE"]}}, "output": ["IMAGE"], "name": class})
        }
        _ if known.is_object() => known.clone(),
        _ => return None,
    };
    let files = match class {
        "CheckpointLoaderSimple" => (
            "ckpt_name",
            json!([["other.safetensors", "sd_xl_base_1.0.safetensors"], {}]),
        ),
        // The newer form.
        "ControlNetLoader" => (
            "control_net_name",
            json!(["COMBO", {"options": ["controlnet-scribble-sdxl-1.0.safetensors"]}]),
        ),
        "CLIPVisionLoader" => (
            "clip_name",
            json!([["CLIP-ViT-H-14-laion2B-s32B-b79K.safetensors"]]),
        ),
        "IPAdapterModelLoader" => (
            "ipadapter_file",
            json!([["sdxl/ip-adapter-plus_sdxl_vit-h.bin"]]),
        ),
        _ => return Some(info),
    };
    info["input"]["required"][files.0] = files.1;
    Some(info)
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
        tokio::spawn(work(server.clone()));
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

type Shared = State<Arc<Server>>;

/// A server that is away answers nothing of use, and users and passwords are remembered.
async fn gate(State(server): Shared, headers: HeaderMap, request: Request, next: Next) -> Response {
    {
        let mut desk = server.desk();
        if desk.away {
            return (StatusCode::BAD_GATEWAY, "<h1>Bad gateway</h1>").into_response();
        }
        if let Some(login) = headers.get(header::AUTHORIZATION) {
            let login = format!("{} {}", request.uri().path(), login.to_str().expect("text"));
            desk.seen.logins.insert(login);
        }
    }
    next.run(request).await
}

async fn socket(
    State(server): Shared,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if server.manner == Manner::NoSocket {
        return StatusCode::NOT_FOUND.into_response();
    }
    let client = query["clientId"].clone();
    let (sender, frames) = mpsc::unbounded_channel();
    {
        let mut desk = server.desk();
        desk.seen.sockets += 1;
        desk.clients.entry(client.clone()).or_default().push(sender);
    }
    server.status(&client);
    upgrade.on_upgrade(move |socket| speak(socket, frames))
}

async fn speak(mut socket: WebSocket, mut frames: mpsc::UnboundedReceiver<Message>) {
    while let Some(frame) = frames.recv().await {
        if socket.send(frame).await.is_err() {
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
            fields.insert(
                field.name().unwrap_or_default().to_owned(),
                field.text().await.expect("text"),
            );
        }
    }
    assert_eq!(fields["overwrite"], "true");
    let (kind, folder) = (&fields["type"], &fields["subfolder"]);
    // The server may choose another name.
    let stored = format!("renamed_{name}");
    let named = format!("{folder}/{stored} [{kind}]");
    let mut desk = server.desk();
    desk.files
        .insert(format!("{kind}:{folder}/{stored}"), bytes.clone());
    if picture(&bytes).dimensions() == (1, 1) {
        desk.seen.written_over.insert(named);
    } else {
        desk.seen.uploads.insert(named, bytes);
    }
    Json(json!({"name": stored, "subfolder": folder, "type": kind})).into_response()
}

/// Where a name in a graph leads: `clippy/a.png [temp]` is a temporary file, a bare name an input.
fn file_of(name: &str) -> String {
    let annotated = name
        .strip_suffix(']')
        .and_then(|name| name.rsplit_once(" ["));
    annotated.map_or_else(
        || format!("input:{name}"),
        |(path, kind)| format!("{kind}:{path}"),
    )
}

/// What is wrong with a graph, in the server's own form.
fn faults(server: &Server, graph: &Map<String, Value>) -> Map<String, Value> {
    let mut faults = Map::new();
    for (id, node) in graph {
        let class = node["class_type"].as_str().expect("a class");
        let info = (server.nodes)(class);
        let mut errors = Vec::new();
        for (input, value) in node["inputs"].as_object().expect("inputs") {
            let Some(value) = value.as_str() else {
                continue;
            };
            if class.starts_with("LoadImage") && input == "image" {
                if !server.desk().files.contains_key(&file_of(value)) {
                    errors.push(json!({"type": "custom_validation_failed", "message": "Custom validation failed for node", "details": format!("image - Invalid image file: {value}"), "extra_info": {"input_name": input}}));
                }
                continue;
            }
            let spec = info
                .as_ref()
                .map(|info| info["input"]["required"][input].clone())
                .unwrap_or_default();
            let Some(listed) = spec[0].as_array().or_else(|| spec[1]["options"].as_array()) else {
                continue;
            };
            if !listed.iter().any(|known| known == value) {
                errors.push(json!({"type": "value_not_in_list", "message": "Value not in list", "details": format!("{input}: '{value}' not in {listed:?}"), "extra_info": {"input_name": input, "input_config": spec, "received_value": value}}));
            }
        }
        if server.manner == Manner::NodeErrors && class == "KSampler" {
            errors.push(json!({"type": "value_bigger_than_max", "message": "Value 400 bigger than max of 100", "details": "cfg", "extra_info": {}}));
        }
        if !errors.is_empty() {
            faults.insert(
                id.clone(),
                json!({"errors": errors, "dependent_outputs": ["9"], "class_type": class}),
            );
        }
    }
    faults
}

async fn prompt(State(server): Shared, Json(body): Json<Value>) -> Response {
    let id = body["prompt_id"]
        .as_str()
        .expect("an id of ours")
        .to_owned();
    let graph = body["prompt"].as_object().expect("a graph").clone();
    server.desk().seen.prompts.push(body.clone());
    let faults = faults(&server, &graph);
    if !faults.is_empty() {
        let refused = json!({
            "error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation", "details": "", "extra_info": {"exception_type": "ValidationError", "node_errors": faults}},
            "node_errors": faults,
        });
        return (StatusCode::BAD_REQUEST, Json(refused)).into_response();
    }
    let client = body["client_id"].as_str().unwrap_or_default().to_owned();
    let number = {
        let mut desk = server.desk();
        let number = desk.number;
        desk.number += 1;
        let mut extra = body["extra_data"].clone();
        extra["client_id"] = json!(client);
        extra["create_time"] = json!(1_795_865_431_466u64);
        let twice = desk
            .queue
            .iter()
            .chain(&desk.running)
            .any(|entry| entry[1] == id.as_str());
        assert!(!twice, "a prompt is queued twice under one id");
        desk.queue
            .push_back(json!([number, id, graph, extra, ["9"]]));
        number
    };
    server.status(&client);
    server.news.notify_one();
    Json(json!({"prompt_id": id, "number": number, "node_errors": {}})).into_response()
}

/// Runs one prompt after the other.
async fn work(server: Arc<Server>) {
    if server.manner == Manner::Queued {
        return;
    }
    loop {
        let entry = {
            let mut desk = server.desk();
            let next = desk.queue.pop_front();
            desk.running.clone_from(&next);
            next
        };
        match entry {
            None => server.news.notified().await,
            Some(entry) => run(&server, &entry).await,
        }
    }
}

/// The nodes in an order in which each comes after those that it needs.
fn in_order(graph: &Map<String, Value>) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    while order.len() < graph.len() {
        let next = graph.iter().find(|(id, node)| {
            let needs = node["inputs"]
                .as_object()
                .expect("inputs")
                .values()
                .filter_map(|value| value[0].as_str());
            !order.contains(id)
                && needs
                    .into_iter()
                    .all(|need| order.iter().any(|done| done == need))
        });
        order.push(next.expect("a graph without circles").0.clone());
    }
    order
}

/// What the server does with a prompt, frame by frame as in the transcript.
async fn run(server: &Server, entry: &Value) {
    let (id, client) = (
        entry[1].as_str().expect("an id"),
        entry[3]["client_id"].as_str().expect("a client"),
    );
    let graph = entry[2].as_object().expect("a graph");
    let signature = entry[2].to_string();
    server.status(client);
    // Frames of somebody else's prompt are on the same wire.
    let other = json!({"prompt_id": "somebody-else", "node_type": "X", "exception_message": "not ours", "executed": []});
    server.tell(client, "execution_error", &other);
    let stamp = json!({"prompt_id": id, "timestamp": 1_795_865_431_466u64});
    server.tell(client, "execution_start", &stamp);
    let known = server.desk().kept.get(&signature).cloned();
    let order = in_order(graph);
    let cached = if known.is_some() {
        order.clone()
    } else {
        Vec::new()
    };
    let mut started = json!({"nodes": cached, "prompt_id": id, "timestamp": 1_795_865_431_471u64});
    server.tell(client, "execution_cached", &started);
    let mut messages = vec![
        json!(["execution_start", stamp]),
        json!(["execution_cached", started.take()]),
    ];
    let outputs = match known {
        Some(known) => {
            for (node, output) in known.as_object().expect("outputs") {
                server.tell(
                    client,
                    "executed",
                    &json!({"node": node, "display_node": node, "output": output, "prompt_id": id}),
                );
                let state = states(id, &[(node.clone(), 1.0, 1.0, "finished")]);
                server.tell(client, "progress_state", &state);
            }
            known
        }
        None => match worked(server, entry, &order).await {
            Ok(outputs) => outputs,
            Err(Some((kind, told))) => {
                server.tell(client, kind, &told);
                messages.push(json!([kind, told]));
                return ended(server, entry, "error", &messages, &json!({}));
            }
            // Its traces were removed while it worked.
            Err(None) => return,
        },
    };
    server.tell(client, "execution_success", &stamp);
    messages.push(json!(["execution_success", stamp]));
    server.desk().kept.insert(signature, outputs.clone());
    ended(server, entry, "success", &messages, &outputs);
    server.status(client);
    server.tell(client, "executing", &json!({"node": null, "prompt_id": id}));
}

fn ended(server: &Server, entry: &Value, status: &str, messages: &[Value], outputs: &Value) {
    let mut desk = server.desk();
    if desk
        .running
        .as_ref()
        .is_some_and(|running| running[1] == entry[1])
    {
        desk.running = None;
        let id = entry[1].as_str().expect("an id").to_owned();
        let status =
            json!({"status_str": status, "completed": status == "success", "messages": messages});
        desk.history.insert(
            id,
            json!({"prompt": entry, "outputs": outputs, "status": status, "meta": {}}),
        );
    }
}

fn states(id: &str, nodes: &[(String, f64, f64, &str)]) -> Value {
    let state = |(node, value, max, state): &(String, f64, f64, &str)| {
        let told = json!({"value": value, "max": max, "state": state, "node_id": node, "prompt_id": id, "display_node_id": node, "parent_node_id": null, "real_node_id": node});
        (node.clone(), told)
    };
    let nodes: Map<String, Value> = nodes.iter().map(state).collect();
    json!({"prompt_id": id, "nodes": nodes})
}

/// Works through the nodes, and gives their outputs; an error is the kind of its frame and what the
/// frame says.
async fn worked(
    server: &Server,
    entry: &Value,
    order: &[String],
) -> Result<Value, Option<(&'static str, Value)>> {
    let (id, client) = (
        entry[1].as_str().expect("an id"),
        entry[3]["client_id"].as_str().expect("a client"),
    );
    let previews = entry[3]["preview_method"] == "auto";
    let mut done: Vec<(String, f64, f64, &str)> = Vec::new();
    let mut outputs = Map::new();
    for node in order {
        let (class, inputs) = (&entry[2][node]["class_type"], &entry[2][node]["inputs"]);
        let tell_states =
            |done: &[(String, f64, f64, &str)], value: f64, max: f64, state: &'static str| {
                let mut all = done.to_vec();
                all.push((node.clone(), value, max, state));
                server.tell(client, "progress_state", &states(id, &all));
            };
        tell_states(&done, 0.0, 1.0, "running");
        server.tell(
            client,
            "executing",
            &json!({"node": node, "display_node": node, "prompt_id": id}),
        );
        let (mut value, mut max) = (1.0, 1.0);
        if class == "KSampler" {
            (value, max) = (4.0, 4.0);
            for step in 1..=4 {
                tell_states(&done, f64::from(step), max, "running");
                server.tell(
                    client,
                    "progress",
                    &json!({"value": step, "max": 4, "prompt_id": id, "node": node}),
                );
                if previews {
                    let head = [1u32.to_be_bytes(), 2u32.to_be_bytes()].concat();
                    let frame = [head, png(&flat(8, 8, [step as u8, 0, 0]))].concat();
                    server.send(client, Message::binary(frame));
                }
                let sampled = json!({"prompt_id": id, "node_id": node, "node_type": "KSampler", "executed": []});
                match server.manner {
                    Manner::Endless => loop {
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                        let desk = server.desk();
                        if desk.seen.interrupted.iter().any(|stopped| stopped == id) {
                            return Err(Some(("execution_interrupted", sampled)));
                        }
                        if desk.running.as_ref().is_none_or(|running| running[1] != id) {
                            return Err(None);
                        }
                    },
                    Manner::Interrupted => return Err(Some(("execution_interrupted", sampled))),
                    Manner::Fails => {
                        let mut told = sampled;
                        told["exception_type"] = json!("OutOfMemoryError");
                        told["exception_message"] = json!("CUDA out of memory");
                        return Err(Some(("execution_error", told)));
                    }
                    _ => {}
                }
            }
        }
        if class == "SaveImage" || class == "PreviewImage" {
            let images = kept_pictures(
                server,
                class == "SaveImage",
                inputs["filename_prefix"].as_str(),
            );
            if !images.is_empty() {
                let output = json!({"images": images});
                server.tell(
                    client,
                    "executed",
                    &json!({"node": node, "display_node": node, "output": output, "prompt_id": id}),
                );
                outputs.insert(node.clone(), output);
            }
        }
        tell_states(&done, value, max, "finished");
        done.push((node.clone(), value, max, "finished"));
    }
    Ok(Value::Object(outputs))
}

/// Writes the pictures of a node, with the graph in their texts as the real one does.
fn kept_pictures(server: &Server, saved: bool, prefix: Option<&str>) -> Vec<Value> {
    let count = match server.manner {
        Manner::NoPicture => 0,
        Manner::Batch => 3,
        _ => 1,
    };
    let mut desk = server.desk();
    let (kind, name) = if saved {
        ("output", prefix.unwrap_or("ComfyUI"))
    } else {
        ("temp", "ComfyUI_temp_abcde")
    };
    let mut images = Vec::new();
    for _ in 0..count {
        desk.made += 1;
        let filename = format!("{name}_{:05}_.png", desk.made);
        let written = with_texts(&flat(64, 48, [0, 200, 0]));
        desk.files.insert(format!("{kind}:{filename}"), written);
        images.push(json!({"filename": filename, "subfolder": "", "type": kind}));
    }
    images
}

/// A PNG with a text chunk.
fn with_texts(picture: &image::RgbImage) -> Vec<u8> {
    let mut file = Png::from_bytes(png(picture).into()).expect("a PNG");
    let text = b"prompt\0{\"6\": \"the artist's words\"}";
    file.chunks_mut()
        .insert(1, PngChunk::new(*b"tEXt", text.to_vec().into()));
    file.encoder().bytes().to_vec()
}

async fn history(State(server): Shared, Path(id): Path<String>) -> Response {
    let desk = server.desk();
    let known = desk
        .history
        .get(&id)
        .map_or(json!({}), |entry| json!({id: entry}));
    let mut text = known.to_string();
    if server.manner == Manner::NotANumber {
        text = text.replacen(
            "\"meta\":{}",
            "\"meta\":{\"is_changed\":NaN,\"most\":-Infinity}",
            1,
        );
    }
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn view(State(server): Shared, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let file = format!("{}:{}", query["type"], query["filename"]);
    match server.desk().files.get(&file) {
        Some(file) => file.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn queue(State(server): Shared) -> Json<Value> {
    let mut desk = server.desk();
    desk.seen.asked += 1;
    let mut running: Vec<&Value> = desk.running.iter().collect();
    let somebody = json!([0, "somebody-else", {}, {"client_id": "another"}, ["9"]]);
    if server.manner == Manner::Queued {
        running.push(&somebody);
    }
    Json(json!({"queue_running": running, "queue_pending": desk.queue}))
}

async fn delete(State(server): Shared, Json(body): Json<Value>) -> StatusCode {
    let ids: Vec<String> = body["delete"]
        .as_array()
        .expect("ids")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let mut desk = server.desk();
    desk.queue
        .retain(|entry| ids.iter().all(|id| entry[1] != id.as_str()));
    desk.seen.deleted.extend(ids);
    StatusCode::OK
}

async fn interrupt(State(server): Shared, Json(body): Json<Value>) -> StatusCode {
    let id = body["prompt_id"]
        .as_str()
        .unwrap_or("whatever runs")
        .to_owned();
    server.desk().seen.interrupted.push(id);
    StatusCode::OK
}

async fn object_info(State(server): Shared, Path(class): Path<String>) -> Response {
    let mut text = (server.nodes)(&class)
        .map_or(json!({}), |info| json!({class: info}))
        .to_string();
    if server.manner == Manner::NotANumber {
        text = text.replace("\"max\":10000}", "\"max\":Infinity}");
    }
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
