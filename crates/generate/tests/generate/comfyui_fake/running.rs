//! Runs the prompts of the queue.

use std::sync::Arc;

use axum::extract::ws::Message;
use img_parts::png::{Png, PngChunk};
use serde_json::{Map, Value, json};

use super::{Behaviour, Server};
use crate::support::{flat, png};

/// Runs one prompt after the other.
pub(super) async fn work(server: Arc<Server>) {
    if server.behaviour == Behaviour::Queued {
        return;
    }
    loop {
        let entry = {
            let mut state = server.state();
            let next = state.queue.pop_front();
            state.running.clone_from(&next);
            next
        };
        match entry {
            None => server.queued.notified().await,
            Some(entry) => run(&server, &entry).await,
        }
    }
}

/// Sorts the nodes so that each comes after those that it needs.
fn sort_nodes(graph: &Map<String, Value>) -> Vec<String> {
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

/// Runs a prompt, frame by frame as in the transcript.
async fn run(server: &Server, entry: &Value) {
    let (id, client) = (
        entry[1].as_str().expect("an id"),
        entry[3]["client_id"].as_str().expect("a client"),
    );
    let graph = entry[2].as_object().expect("a graph");
    let signature = entry[2].to_string();
    server.send_status(client);
    // A frame about another client's prompt comes over the same connection.
    let other = json!({"prompt_id": "somebody-else", "node_type": "X",
    "exception_message": "not ours", "executed": []});
    server.send_json(client, "execution_error", &other);
    let stamp = json!({"prompt_id": id, "timestamp": 1_795_865_431_466u64});
    server.send_json(client, "execution_start", &stamp);
    let known = server.state().cached.get(&signature).cloned();
    let order = sort_nodes(graph);
    let cached = if known.is_some() {
        order.clone()
    } else {
        Vec::new()
    };
    let mut started = json!({"nodes": cached, "prompt_id": id, "timestamp": 1_795_865_431_471u64});
    server.send_json(client, "execution_cached", &started);
    let mut messages = vec![
        json!(["execution_start", stamp]),
        json!(["execution_cached", started.take()]),
    ];
    let outputs = match known {
        Some(known) => {
            for (node, output) in known.as_object().expect("outputs") {
                server.send_json(
                    client,
                    "executed",
                    &json!({"node": node, "display_node": node, "output": output, "prompt_id": id}),
                );
                let state = states(id, &[(node.clone(), 1.0, 1.0, "finished")]);
                server.send_json(client, "progress_state", &state);
            }
            known
        }
        None => match run_nodes(server, entry, &order).await {
            Ok(outputs) => outputs,
            Err(Some((kind, data))) => {
                server.send_json(client, kind, &data);
                messages.push(json!([kind, data]));
                return record_end(server, entry, "error", &messages, &json!({}));
            }
            // The prompt was removed while it ran.
            Err(None) => return,
        },
    };
    server.send_json(client, "execution_success", &stamp);
    messages.push(json!(["execution_success", stamp]));
    server.state().cached.insert(signature, outputs.clone());
    record_end(server, entry, "success", &messages, &outputs);
    server.send_status(client);
    server.send_json(client, "executing", &json!({"node": null, "prompt_id": id}));
}

fn record_end(server: &Server, entry: &Value, status: &str, messages: &[Value], outputs: &Value) {
    let mut state = server.state();
    if state
        .running
        .as_ref()
        .is_some_and(|running| running[1] == entry[1])
    {
        state.running = None;
        let id = entry[1].as_str().expect("an id").to_owned();
        let status =
            json!({"status_str": status, "completed": status == "success", "messages": messages});
        state.history.insert(
            id,
            json!({"prompt": entry, "outputs": outputs, "status": status, "meta": {}}),
        );
    }
}

fn states(id: &str, nodes: &[(String, f64, f64, &str)]) -> Value {
    let state = |(node, value, max, state): &(String, f64, f64, &str)| {
        let data = json!({"value": value, "max": max, "state": state, "node_id": node,
        "prompt_id": id, "display_node_id": node, "parent_node_id": null, "real_node_id": node});
        (node.clone(), data)
    };
    let nodes: Map<String, Value> = nodes.iter().map(state).collect();
    json!({"prompt_id": id, "nodes": nodes})
}

/// Runs the nodes, and returns their outputs. An error is the kind and the data of its frame;
/// `None` when the prompt was removed meanwhile.
async fn run_nodes(
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
        let send_states =
            |done: &[(String, f64, f64, &str)], value: f64, max: f64, state: &'static str| {
                let mut all = done.to_vec();
                all.push((node.clone(), value, max, state));
                server.send_json(client, "progress_state", &states(id, &all));
            };
        send_states(&done, 0.0, 1.0, "running");
        server.send_json(
            client,
            "executing",
            &json!({"node": node, "display_node": node, "prompt_id": id}),
        );
        let (mut value, mut max) = (1.0, 1.0);
        if class == "KSampler" {
            (value, max) = (4.0, 4.0);
            for step in 1..=4 {
                send_states(&done, f64::from(step), max, "running");
                server.send_json(
                    client,
                    "progress",
                    &json!({"value": step, "max": 4, "prompt_id": id, "node": node}),
                );
                if previews {
                    let head = [1u32.to_be_bytes(), 2u32.to_be_bytes()].concat();
                    let frame = [head, png(&flat(8, 8, [step as u8, 0, 0]))].concat();
                    server.send(client, Message::binary(frame));
                }
                let sampled = json!({"prompt_id": id, "node_id": node, "node_type": "KSampler",
                "executed": []});
                match server.behaviour {
                    Behaviour::Endless => loop {
                        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                        let state = server.state();
                        if state.seen.interrupted.iter().any(|stopped| stopped == id) {
                            return Err(Some(("execution_interrupted", sampled)));
                        }
                        if state
                            .running
                            .as_ref()
                            .is_none_or(|running| running[1] != id)
                        {
                            return Err(None);
                        }
                    },
                    Behaviour::Interrupted => return Err(Some(("execution_interrupted", sampled))),
                    Behaviour::Fails => {
                        let mut data = sampled;
                        data["exception_type"] = json!("OutOfMemoryError");
                        data["exception_message"] = json!("CUDA out of memory");
                        return Err(Some(("execution_error", data)));
                    }
                    _ => {}
                }
            }
        }
        if class == "SaveImage" || class == "PreviewImage" {
            let images = write_pictures(
                server,
                class == "SaveImage",
                inputs["filename_prefix"].as_str(),
            );
            if !images.is_empty() {
                let output = json!({"images": images});
                server.send_json(
                    client,
                    "executed",
                    &json!({"node": node, "display_node": node, "output": output, "prompt_id": id}),
                );
                outputs.insert(node.clone(), output);
            }
        }
        send_states(&done, value, max, "finished");
        done.push((node.clone(), value, max, "finished"));
    }
    Ok(Value::Object(outputs))
}

/// Writes the pictures of a node, with the graph in their text chunks as a real server does.
fn write_pictures(server: &Server, saved: bool, prefix: Option<&str>) -> Vec<Value> {
    let count = match server.behaviour {
        Behaviour::NoPicture => 0,
        Behaviour::Batch => 3,
        _ => 1,
    };
    let mut state = server.state();
    let (kind, name) = if saved {
        ("output", prefix.unwrap_or("ComfyUI"))
    } else {
        ("temp", "ComfyUI_temp_abcde")
    };
    let mut images = Vec::new();
    for _ in 0..count {
        state.made += 1;
        let filename = format!("{name}_{:05}_.png", state.made);
        let written = with_texts(&flat(64, 48, [0, 200, 0]));
        state.files.insert(format!("{kind}:{filename}"), written);
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
