//! The server's routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Multipart, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::{Behaviour, Server};
use crate::support::picture;

type Shared = State<Arc<Server>>;

/// Answers 502 while the server is stopped, and records the logins of calls.
pub(super) async fn gate(
    State(server): Shared,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    {
        let mut state = server.state();
        if state.away {
            return (StatusCode::BAD_GATEWAY, "<h1>Bad gateway</h1>").into_response();
        }
        if let Some(login) = headers.get(header::AUTHORIZATION) {
            let login = format!("{} {}", request.uri().path(), login.to_str().expect("text"));
            state.seen.logins.insert(login);
        }
    }
    next.run(request).await
}

pub(super) async fn socket(
    State(server): Shared,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if server.behaviour == Behaviour::NoSocket {
        return StatusCode::NOT_FOUND.into_response();
    }
    let client = query["clientId"].clone();
    let (sender, frames) = mpsc::unbounded_channel();
    {
        let mut state = server.state();
        state.seen.sockets += 1;
        state
            .clients
            .entry(client.clone())
            .or_default()
            .push(sender);
    }
    server.send_status(&client);
    upgrade.on_upgrade(move |socket| forward(socket, frames))
}

async fn forward(mut socket: WebSocket, mut frames: mpsc::UnboundedReceiver<Message>) {
    while let Some(frame) = frames.recv().await {
        if socket.send(frame).await.is_err() {
            return;
        }
    }
}

pub(super) async fn upload(State(server): Shared, mut form: Multipart) -> Response {
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
    let stored = match name.strip_prefix("renamed_") {
        Some(_) => name,
        None => format!("renamed_{name}"),
    };
    let named = format!("{folder}/{stored} [{kind}]");
    let mut state = server.state();
    state
        .files
        .insert(format!("{kind}:{folder}/{stored}"), bytes.clone());
    if picture(&bytes).dimensions() == (1, 1) {
        state.seen.overwritten.insert(named);
    } else {
        state.seen.uploads.insert(named, bytes);
    }
    Json(json!({"name": stored, "subfolder": folder, "type": kind})).into_response()
}

/// The file that a name in a graph refers to: `clippy/a.png [temp]` is a temporary file, a bare
/// name an input.
fn file_of(name: &str) -> String {
    let annotated = name
        .strip_suffix(']')
        .and_then(|name| name.rsplit_once(" ["));
    annotated.map_or_else(
        || format!("input:{name}"),
        |(path, kind)| format!("{kind}:{path}"),
    )
}

/// The errors of a graph, in the server's own form.
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
                if !server.state().files.contains_key(&file_of(value)) {
                    errors.push(json!({"type": "custom_validation_failed",
                    "message": "Custom validation failed for node",
                    "details": format!("image - Invalid image file: {value}"),
                    "extra_info": {"input_name": input}}));
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
                errors.push(
                    json!({"type": "value_not_in_list", "message": "Value not in list",
                "details": format!("{input}: '{value}' not in {listed:?}"),
                "extra_info": {"input_name": input, "input_config": spec,
                "received_value": value}}),
                );
            }
        }
        if server.behaviour == Behaviour::NodeErrors && class == "KSampler" {
            errors.push(json!({"type": "value_bigger_than_max",
            "message": "Value 400 bigger than max of 100", "details": "cfg", "extra_info": {}}));
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

pub(super) async fn prompt(State(server): Shared, Json(body): Json<Value>) -> Response {
    let id = body["prompt_id"]
        .as_str()
        .expect("an id of ours")
        .to_owned();
    let graph = body["prompt"].as_object().expect("a graph").clone();
    server.state().seen.prompts.push(body.clone());
    let faults = faults(&server, &graph);
    if !faults.is_empty() {
        let refused = json!({
            "error": {"type": "prompt_outputs_failed_validation",
            "message": "Prompt outputs failed validation", "details": "",
            "extra_info": {"exception_type": "ValidationError", "node_errors": faults}},
            "node_errors": faults,
        });
        return (StatusCode::BAD_REQUEST, Json(refused)).into_response();
    }
    let client = body["client_id"].as_str().unwrap_or_default().to_owned();
    let number = {
        let mut state = server.state();
        let number = state.number;
        state.number += 1;
        let mut extra = body["extra_data"].clone();
        extra["client_id"] = json!(client);
        extra["create_time"] = json!(1_795_865_431_466u64);
        let twice = state
            .queue
            .iter()
            .chain(&state.running)
            .any(|entry| entry[1] == id.as_str());
        assert!(!twice, "a prompt is queued twice under one id");
        state
            .queue
            .push_back(json!([number, id, graph, extra, ["9"]]));
        number
    };
    server.send_status(&client);
    server.queued.notify_one();
    Json(json!({"prompt_id": id, "number": number, "node_errors": {}})).into_response()
}

pub(super) async fn history(State(server): Shared, Path(id): Path<String>) -> Response {
    let state = server.state();
    let known = state
        .history
        .get(&id)
        .map_or(json!({}), |entry| json!({id: entry}));
    let mut text = known.to_string();
    if server.behaviour == Behaviour::NotANumber {
        text = text.replacen(
            "\"meta\":{}",
            "\"meta\":{\"is_changed\":NaN,\"most\":-Infinity}",
            1,
        );
    }
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

pub(super) async fn whole_history(State(server): Shared) -> Json<Value> {
    Json(json!(server.state().history))
}

pub(super) async fn view(
    State(server): Shared,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let file = format!("{}:{}", query["type"], query["filename"]);
    match server.state().files.get(&file) {
        Some(file) => file.clone().into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn queue(State(server): Shared) -> Json<Value> {
    let mut state = server.state();
    state.seen.queue_polls += 1;
    let mut running: Vec<&Value> = state.running.iter().collect();
    let somebody = json!([0, "somebody-else", {}, {"client_id": "another"}, ["9"]]);
    if server.behaviour == Behaviour::Queued {
        running.push(&somebody);
    }
    Json(json!({"queue_running": running, "queue_pending": state.queue}))
}

pub(super) async fn delete(State(server): Shared, Json(body): Json<Value>) -> StatusCode {
    let ids: Vec<String> = body["delete"]
        .as_array()
        .expect("ids")
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    let mut state = server.state();
    state
        .queue
        .retain(|entry| ids.iter().all(|id| entry[1] != id.as_str()));
    state.seen.deleted.extend(ids);
    StatusCode::OK
}

pub(super) async fn interrupt(State(server): Shared, Json(body): Json<Value>) -> StatusCode {
    let id = body["prompt_id"]
        .as_str()
        .unwrap_or("whatever runs")
        .to_owned();
    server.state().seen.interrupted.push(id);
    StatusCode::OK
}

pub(super) async fn object_info(State(server): Shared, Path(class): Path<String>) -> Response {
    let mut text = (server.nodes)(&class)
        .map_or(json!({}), |info| json!({class: info}))
        .to_string();
    if server.behaviour == Behaviour::NotANumber {
        text = text.replace("\"max\":10000}", "\"max\":Infinity}");
    }
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}
