//! ComfyUI's HTTP interface.

use std::time::Duration;

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use uuid::Uuid;

use super::failure::{execution_error, interrupted_error, refusal};
use super::lenient;
use crate::contract::GenerateError;
use crate::providers::shared::address::Address;
use crate::providers::shared::body;

/// The largest number of bytes of an answer that is read.
const LARGEST: usize = 64 << 20;
/// The number of finished prompts that are searched.
const REMEMBERED: usize = 100;

/// A client of one server.
#[derive(Clone)]
pub struct Client {
    address: Address,
    http: reqwest::Client,
}

/// A picture that the server has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPicture {
    filename: String,
    subfolder: String,
    kind: String,
}

/// The state of a prompt at the server.
#[derive(Debug)]
pub enum PromptState {
    /// It is done and gave these pictures.
    Done(Vec<StoredPicture>),
    /// It failed.
    Failed(GenerateError),
    /// It is being worked on.
    Running,
    /// It waits behind this many others.
    Waiting(usize),
    /// It is neither in the history nor in the queue: it was never sent, or the server lost it.
    Absent,
}

/// A prompt in the server's queue or history.
#[derive(Debug)]
pub struct SentPrompt {
    /// The id of the prompt.
    pub id: Uuid,
    /// Whether it has finished.
    pub is_over: bool,
    /// The graph of the prompt.
    pub graph: Value,
}

impl Client {
    /// For `COMFYUI_URL`.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] when no HTTP client can be made.
    pub fn new(address: Address, time: Duration) -> Result<Self, GenerateError> {
        let http = clippy_http::client()
            .timeout(time)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                GenerateError::permanent(format!("an HTTP client could not be made: {error}"))
            })?;
        Ok(Self { address, http })
    }

    /// The address of the server, without user and password.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The request that opens the WebSocket of this client id; `None` if the address cannot have
    /// one.
    #[must_use]
    pub fn socket(&self, client: Uuid) -> Option<Request> {
        let base = self.address.as_str();
        let base = base
            .strip_prefix("http")
            .map_or_else(|| base.to_owned(), |rest| format!("ws{rest}"));
        let mut request = format!("{base}/ws?clientId={client}")
            .into_client_request()
            .ok()?;
        if let Some(login) = self.address.authorization() {
            request
                .headers_mut()
                .insert("authorization", login.parse().ok()?);
        }
        Some(request)
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        self.address
            .signed(self.http.request(method, format!("{}{path}", self.address)))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, GenerateError> {
        request.send().await.map_err(|error| {
            let message = format!(
                "ComfyUI at {} {}: start it, or set COMFYUI_URL to where it runs",
                self.address,
                if error.is_timeout() {
                    "did not answer in time"
                } else {
                    "could not be reached"
                }
            );
            GenerateError::transient(message, None)
        })
    }

    async fn bytes(&self, response: Response) -> Result<Bytes, GenerateError> {
        body::read(response, LARGEST).await.map_err(|fault| {
            let message = format!("the answer of ComfyUI at {} {fault}", self.address);
            match fault {
                body::BodyFault::Broken(_) => GenerateError::transient(message, None),
                body::BodyFault::TooLong(_) => GenerateError::permanent(message),
            }
        })
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, GenerateError> {
        let response = self.send(request).await?;
        let status = response.status();
        let parsed = lenient::json(&self.bytes(response).await?);
        if !status.is_success() {
            return Err(refusal(status, parsed.as_ref()));
        }
        parsed.ok_or_else(|| {
            let message = format!(
                "{} does not answer as ComfyUI does: check COMFYUI_URL",
                self.address
            );
            GenerateError::permanent(message)
        })
    }

    /// Uploads a picture into the server's temporary folder, which is emptied when the server
    /// starts. Returns its name for use in a graph.
    ///
    /// # Errors
    /// [`GenerateError`], by class.
    pub async fn upload(
        &self,
        folder: &str,
        name: &str,
        png: Bytes,
    ) -> Result<String, GenerateError> {
        let length = png.len() as u64;
        let part = Part::stream_with_length(png, length)
            .file_name(name.to_owned())
            .mime_str("image/png");
        let part = part.map_err(|error| {
            GenerateError::permanent(format!("an upload could not be made: {error}"))
        })?;
        let form = Form::new()
            .part("image", part)
            .text("type", "temp")
            .text("subfolder", folder.to_owned())
            .text("overwrite", "true");
        let answer = self
            .json(self.call(Method::POST, "/upload/image").multipart(form))
            .await?;
        let name = answer["name"].as_str().ok_or_else(|| {
            GenerateError::permanent("ComfyUI accepted an upload, but did not name the file")
        })?;
        let path = match answer["subfolder"].as_str() {
            None | Some("") => name.to_owned(),
            Some(folder) => format!("{folder}/{name}"),
        };
        // Without a folder type after it, the server would look for a name in its input folder.
        Ok(match answer["type"].as_str() {
            None | Some("" | "input") => path,
            Some(kind) => format!("{path} [{kind}]"),
        })
    }

    /// Queues a graph under an id of ours. Previews are requested whatever the server's default is.
    ///
    /// # Errors
    /// [`crate::FailureClass::Permanent`] with the nodes that the server refuses, and why.
    pub async fn prompt(
        &self,
        graph: &Value,
        client: Uuid,
        prompt: Uuid,
    ) -> Result<(), GenerateError> {
        let body = json!({
            "prompt": graph,
            "client_id": client,
            "prompt_id": prompt,
            "front": false,
            "extra_data": {"preview_method": "auto"},
        });
        let answer = self
            .json(self.call(Method::POST, "/prompt").json(&body))
            .await?;
        match answer["prompt_id"].as_str() {
            Some(id) if id == prompt.to_string() => Ok(()),
            Some(_) => Err(GenerateError::permanent(
                "this ComfyUI assigns its own prompt ids, so a prompt could not be followed or \
                 cancelled: update it",
            )),
            None => Err(GenerateError::permanent(
                "ComfyUI accepted a prompt without returning its id: check COMFYUI_URL",
            )),
        }
    }

    /// Asks for the state of a prompt.
    ///
    /// # Errors
    /// Only when the server does not answer; a failed prompt is a state.
    pub async fn prompt_state(&self, prompt: Uuid) -> Result<PromptState, GenerateError> {
        if let Some(ended) = self.history(prompt).await? {
            return Ok(ended);
        }
        if let Some(place) = self.queue_state(prompt).await? {
            return Ok(place);
        }
        // It may have finished between the two calls.
        Ok(self.history(prompt).await?.unwrap_or(PromptState::Absent))
    }

    /// The final state of a prompt, if it has finished.
    async fn history(&self, prompt: Uuid) -> Result<Option<PromptState>, GenerateError> {
        let answer = self
            .json(self.call(Method::GET, &format!("/history/{prompt}")))
            .await?;
        let Some(entry) = answer.get(prompt.to_string()) else {
            return Ok(None);
        };
        let status = &entry["status"];
        if status["status_str"] == "error" {
            let messages = status["messages"].as_array().into_iter().flatten();
            let frame = messages
                .filter(|message| message[0] == "execution_error")
                .map(|message| &message[1])
                .next_back();
            let interrupted = status["messages"]
                .as_array()
                .is_some_and(|all| all.iter().any(|m| m[0] == "execution_interrupted"));
            return Ok(Some(PromptState::Failed(match frame {
                Some(frame) => execution_error(frame),
                None if interrupted => interrupted_error(),
                None => GenerateError::permanent(
                    "ComfyUI failed to run the graph and gave no reason: see its log",
                ),
            })));
        }
        let (mut kept, mut temporary) = (Vec::new(), Vec::new());
        for outputs in entry["outputs"]
            .as_object()
            .into_iter()
            .flat_map(|outputs| outputs.values())
        {
            for image in outputs["images"].as_array().into_iter().flatten() {
                let text = |key: &str| image[key].as_str().unwrap_or_default().to_owned();
                let stored = StoredPicture {
                    filename: text("filename"),
                    subfolder: text("subfolder"),
                    kind: text("type"),
                };
                if stored.kind == "output" {
                    kept.push(stored)
                } else {
                    temporary.push(stored)
                }
            }
        }
        // If a graph saves pictures, its temporary ones are intermediate steps.
        let pictures = if kept.is_empty() { temporary } else { kept };
        if pictures.is_empty() && status["completed"].as_bool() != Some(true) {
            return Ok(None);
        }
        Ok(Some(PromptState::Done(pictures)))
    }

    /// Lists the prompts of these clients that are in the queue or are among the latest finished
    /// ones.
    ///
    /// # Errors
    /// [`GenerateError`], by class.
    pub async fn prompts_of(
        &self,
        is_ours: impl Fn(Uuid) -> bool,
    ) -> Result<Vec<SentPrompt>, GenerateError> {
        let queue = self.json(self.call(Method::GET, "/queue")).await?;
        let path = format!("/history?max_items={REMEMBERED}");
        let history = self.json(self.call(Method::GET, &path)).await?;
        let waiting = ["queue_running", "queue_pending"]
            .into_iter()
            .flat_map(|key| queue[key].as_array().into_iter().flatten())
            .map(|entry| (entry, false));
        let over = history
            .as_object()
            .into_iter()
            .flat_map(|entries| entries.values())
            .map(|entry| (&entry["prompt"], true));
        // An entry is a list: number, id, graph, and the extra data that was sent with it.
        let sent = waiting.chain(over).filter_map(|(entry, is_over)| {
            let client: Uuid = entry[3]["client_id"].as_str()?.parse().ok()?;
            let id = entry[1].as_str()?.parse().ok()?;
            is_ours(client).then(|| SentPrompt {
                id,
                is_over,
                graph: entry[2].clone(),
            })
        });
        Ok(sent.collect())
    }

    /// The state of a prompt that is in the queue; `None` if it is not.
    async fn queue_state(&self, prompt: Uuid) -> Result<Option<PromptState>, GenerateError> {
        let queue = self.json(self.call(Method::GET, "/queue")).await?;
        let id = prompt.to_string();
        let entries = |key: &str| queue[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let (running, pending) = (entries("queue_running"), entries("queue_pending"));
        if running.iter().any(|entry| entry[1] == id.as_str()) {
            return Ok(Some(PromptState::Running));
        }
        let own = pending.iter().find(|entry| entry[1] == id.as_str());
        Ok(own.map(|own| {
            let number = own[0].as_f64().unwrap_or(0.0);
            let earlier = pending
                .iter()
                .filter(|entry| entry[0].as_f64().is_some_and(|other| other < number))
                .count();
            PromptState::Waiting(running.len() + earlier)
        }))
    }

    /// Fetches a picture's file; `None` if it no longer exists.
    ///
    /// # Errors
    /// [`GenerateError`], by class.
    pub async fn view(&self, stored: &StoredPicture) -> Result<Option<Bytes>, GenerateError> {
        let query = [
            ("filename", &stored.filename),
            ("subfolder", &stored.subfolder),
            ("type", &stored.kind),
        ];
        let response = self
            .send(self.call(Method::GET, "/view").query(&query))
            .await?;
        let status = response.status();
        let bytes = self.bytes(response).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(refusal(status, lenient::json(&bytes).as_ref()));
        }
        Ok(Some(bytes))
    }

    /// Removes exactly this prompt from the queue, or interrupts it if it is running.
    ///
    /// # Errors
    /// [`GenerateError`], by class.
    pub async fn cancel(&self, prompt: Uuid) -> Result<(), GenerateError> {
        let removed = self
            .call(Method::POST, "/queue")
            .json(&json!({"delete": [prompt]}));
        check_accepted(&self.send(removed).await?)?;
        // Older servers ignore the id and interrupt whatever is running, so check first that it is
        // ours.
        if matches!(self.queue_state(prompt).await?, Some(PromptState::Running)) {
            let stopped = self
                .call(Method::POST, "/interrupt")
                .json(&json!({"prompt_id": prompt}));
            check_accepted(&self.send(stopped).await?)?;
        }
        Ok(())
    }

    /// Describes a node's inputs; `None` if the server does not have the node.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn node(&self, class: &str) -> Result<Option<Value>, GenerateError> {
        let mut url = url::Url::parse(self.address.as_str()).map_err(|error| {
            GenerateError::permanent(format!(
                "COMFYUI_URL is {}, which is not a URL ({error})",
                self.address
            ))
        })?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["object_info", class]);
        }
        let answer = self.json(self.address.signed(self.http.get(url))).await?;
        Ok(answer.get(class).cloned())
    }
}

fn check_accepted(response: &Response) -> Result<(), GenerateError> {
    if response.status().is_success() {
        Ok(())
    } else {
        Err(refusal(response.status(), None))
    }
}
