//! ComfyUI's HTTP interface.

use std::time::Duration;

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::GenerateError;

/// Most bytes of an answer that is read.
const LARGEST: usize = 64 << 20;

/// Calls one server.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

/// A picture that the server keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    filename: String,
    subfolder: String,
    kind: String,
}

/// What the server remembers of a prompt.
#[derive(Debug)]
pub enum History {
    /// Nothing, or it is not done.
    Open,
    /// These pictures.
    Done(Vec<Stored>),
    /// Why it failed.
    Failed(GenerateError),
}

impl Client {
    /// `base` is `COMFYUI_URL`, such as `http://127.0.0.1:8188`.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when no HTTP client can be made.
    pub fn new(base: &str, time: Duration) -> Result<Self, GenerateError> {
        let http = clippy_http::client()
            .timeout(time)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| GenerateError::permanent(format!("an HTTP client could not be made: {error}")))?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http })
    }

    /// The address of the server, as it is set.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The address of the WebSocket of this client id.
    #[must_use]
    pub fn socket(&self, client: Uuid) -> String {
        let base = match self.base.split_once("://") {
            Some(("https", rest)) => format!("wss://{rest}"),
            Some((_, rest)) => format!("ws://{rest}"),
            None => format!("ws://{}", self.base),
        };
        format!("{base}/ws?clientId={client}")
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, GenerateError> {
        request.send().await.map_err(|error| {
            let message = format!(
                "ComfyUI at {} {}: start it, or set COMFYUI_URL to where it runs",
                self.base,
                if error.is_timeout() { "did not answer in time" } else { "could not be reached" }
            );
            GenerateError::transient(message, None)
        })
    }

    async fn bytes(&self, response: Response) -> Result<Bytes, GenerateError> {
        let broken = || GenerateError::transient(format!("ComfyUI at {} broke off its answer", self.base), None);
        let bytes = response.bytes().await.map_err(|_| broken())?;
        if bytes.len() > LARGEST {
            let message = format!("ComfyUI at {} sent {} MiB, which is too much", self.base, bytes.len() >> 20);
            return Err(GenerateError::permanent(message));
        }
        Ok(bytes)
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, GenerateError> {
        let response = self.send(request).await?;
        let status = response.status();
        let bytes = self.bytes(response).await?;
        let parsed: Option<Value> = serde_json::from_slice(&bytes).ok();
        if !status.is_success() {
            return Err(refusal(status, parsed.as_ref()));
        }
        parsed.ok_or_else(|| {
            GenerateError::permanent(format!("{} does not answer as ComfyUI does: check COMFYUI_URL", self.base))
        })
    }

    /// Uploads an input picture, and gives the name that the server chose.
    ///
    /// # Errors
    /// By class.
    pub async fn upload(&self, name: &str, png: Vec<u8>) -> Result<String, GenerateError> {
        let part = Part::bytes(png).file_name(name.to_owned()).mime_str("image/png");
        let part = part.map_err(|error| GenerateError::permanent(format!("an upload could not be made: {error}")))?;
        let form =
            Form::new().part("image", part).text("type", "input").text("subfolder", "clippy").text("overwrite", "true");
        let answer = self.json(self.http.post(format!("{}/upload/image", self.base)).multipart(form)).await?;
        let name = answer["name"]
            .as_str()
            .ok_or_else(|| GenerateError::permanent("ComfyUI took an upload and named no file"))?;
        Ok(match answer["subfolder"].as_str() {
            None | Some("") => name.to_owned(),
            Some(folder) => format!("{folder}/{name}"),
        })
    }

    /// Queues a graph under our own id.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] with the nodes that the server refuses, and why.
    pub async fn prompt(&self, graph: &Value, client: Uuid, prompt: Uuid) -> Result<(), GenerateError> {
        let body = json!({"prompt": graph, "client_id": client, "prompt_id": prompt, "front": false, "extra_data": {}});
        let answer = self.json(self.http.post(format!("{}/prompt", self.base)).json(&body)).await?;
        match answer["prompt_id"].as_str() {
            Some(id) if id == prompt.to_string() => Ok(()),
            Some(_) => Err(GenerateError::permanent(
                "this ComfyUI gives prompts ids of its own, so a prompt could not be followed or cancelled: update it",
            )),
            None => Err(GenerateError::permanent("ComfyUI took a prompt and gave it no id: check COMFYUI_URL")),
        }
    }

    /// What became of a prompt.
    ///
    /// # Errors
    /// When the server does not answer; a prompt that failed is not an error here.
    pub async fn history(&self, prompt: Uuid) -> Result<History, GenerateError> {
        let answer = self.json(self.http.get(format!("{}/history/{prompt}", self.base))).await?;
        let Some(entry) = answer.get(prompt.to_string()) else { return Ok(History::Open) };
        let status = &entry["status"];
        if status["status_str"] == "error" {
            let messages = status["messages"].as_array().into_iter().flatten();
            let told =
                messages.filter(|message| message[0] == "execution_error").map(|message| &message[1]).next_back();
            let interrupted =
                status["messages"].as_array().is_some_and(|all| all.iter().any(|m| m[0] == "execution_interrupted"));
            return Ok(History::Failed(match told {
                Some(told) => execution_error(told),
                None if interrupted => interrupted_there(),
                None => GenerateError::permanent("ComfyUI failed to run the graph and gave no reason: see its log"),
            }));
        }
        let mut pictures = Vec::new();
        for image in entry["outputs"].as_object().into_iter().flat_map(|outputs| outputs.values()) {
            for image in image["images"].as_array().into_iter().flatten().filter(|image| image["type"] == "output") {
                let text = |key: &str| image[key].as_str().unwrap_or_default().to_owned();
                pictures.push(Stored { filename: text("filename"), subfolder: text("subfolder"), kind: text("type") });
            }
        }
        if pictures.is_empty() && status["completed"].as_bool() != Some(true) {
            return Ok(History::Open);
        }
        Ok(History::Done(pictures))
    }

    /// A picture's file.
    ///
    /// # Errors
    /// By class.
    pub async fn view(&self, stored: &Stored) -> Result<Bytes, GenerateError> {
        let query = [("filename", &stored.filename), ("subfolder", &stored.subfolder), ("type", &stored.kind)];
        let response = self.send(self.http.get(format!("{}/view", self.base)).query(&query)).await?;
        let status = response.status();
        let bytes = self.bytes(response).await?;
        if !status.is_success() {
            return Err(refusal(status, serde_json::from_slice(&bytes).ok().as_ref()));
        }
        Ok(bytes)
    }

    /// Takes exactly this prompt out of the queue, or stops it when it is the one that runs.
    ///
    /// # Errors
    /// By class.
    pub async fn cancel(&self, prompt: Uuid) -> Result<(), GenerateError> {
        let removed = self.http.post(format!("{}/queue", self.base)).json(&json!({"delete": [prompt]}));
        accepted(&self.send(removed).await?)?;
        // Older servers ignore the id and stop whatever runs: ask first whether that is ours.
        let queue = self.json(self.http.get(format!("{}/queue", self.base))).await?;
        let id = prompt.to_string();
        let running =
            queue["queue_running"].as_array().is_some_and(|all| all.iter().any(|entry| entry[1] == id.as_str()));
        if running {
            let stopped = self.http.post(format!("{}/interrupt", self.base)).json(&json!({"prompt_id": prompt}));
            accepted(&self.send(stopped).await?)?;
        }
        Ok(())
    }

    /// How many prompts wait before this one; `None` when it does not wait.
    ///
    /// # Errors
    /// By class.
    pub async fn waiting_before(&self, prompt: Uuid) -> Result<Option<usize>, GenerateError> {
        let queue = self.json(self.http.get(format!("{}/queue", self.base))).await?;
        let id = prompt.to_string();
        let pending = queue["queue_pending"].as_array().cloned().unwrap_or_default();
        let own = pending.iter().find(|entry| entry[1] == id.as_str());
        let running = queue["queue_running"].as_array().map_or(0, Vec::len);
        Ok(own.map(|own| {
            let number = own[0].as_f64().unwrap_or(0.0);
            running + pending.iter().filter(|entry| entry[0].as_f64().is_some_and(|other| other < number)).count()
        }))
    }

    /// What a node takes; `None` when the server does not have it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn node(&self, class: &str) -> Result<Option<Value>, GenerateError> {
        let mut url = url::Url::parse(&self.base).map_err(|error| {
            GenerateError::permanent(format!("COMFYUI_URL is {}, which is no URL ({error})", self.base))
        })?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["object_info", class]);
        }
        let answer = self.json(self.http.get(url)).await?;
        Ok(answer.get(class).cloned())
    }
}

fn accepted(response: &Response) -> Result<(), GenerateError> {
    if response.status().is_success() { Ok(()) } else { Err(refusal(response.status(), None)) }
}

/// A failed node, as `execution_error` tells of it.
#[must_use]
pub fn execution_error(told: &Value) -> GenerateError {
    let text = |key: &str| told[key].as_str().unwrap_or("?").trim().chars().take(400).collect::<String>();
    let (node, message) = (text("node_type"), text("exception_message"));
    let lower = message.to_lowercase();
    let help = if lower.contains("out of memory") || lower.contains("allocation") {
        "its graphics memory is full: use a smaller picture, fewer references, or start it with --lowvram"
    } else {
        "see its log"
    };
    GenerateError::permanent(format!("ComfyUI failed in the node {node}: {message} ({help})"))
}

/// Somebody at the server stopped the prompt.
#[must_use]
pub fn interrupted_there() -> GenerateError {
    GenerateError::permanent("the picture was interrupted at the ComfyUI server: use retry to start it again")
}

/// An answer with an error status, in ComfyUI's own form where it has it.
fn refusal(status: StatusCode, body: Option<&Value>) -> GenerateError {
    let mut reasons = Vec::new();
    if let Some(body) = body {
        reasons.extend(body["error"]["message"].as_str().map(str::to_owned));
        reasons.extend(body["error"].as_str().map(str::to_owned));
        for (id, node) in body["node_errors"].as_object().into_iter().flatten() {
            let class = node["class_type"].as_str().unwrap_or("?");
            for error in node["errors"].as_array().into_iter().flatten() {
                let (message, details) =
                    (error["message"].as_str().unwrap_or("?"), error["details"].as_str().unwrap_or(""));
                reasons.push(format!("node {id} ({class}): {message} {details}").trim_end().to_owned());
            }
        }
    }
    let said: String = if reasons.is_empty() { "no reason given".to_owned() } else { reasons.join("; ") };
    let message = format!("ComfyUI answered {status}: {}", said.chars().take(900).collect::<String>());
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT {
        return GenerateError::transient(message, None);
    }
    GenerateError::permanent(message)
}
