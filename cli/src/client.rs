//! Talks to a Clippy over HTTP, as any script would.

use std::time::Duration;

use clippy_core::settings::{Secret, Settings};
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::Value;

use crate::arguments::WeightArguments;
use crate::failure::Failure;

/// Longest that one answer may take.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Streams last as long as their jobs; whoever reads one gives up by itself.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3_600);

/// A server to talk to.
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<Secret>,
    /// The key for what the server's runner may do; without one, the other.
    admin_key: Option<Secret>,
}

/// Why a stream of events could not be opened.
pub enum Refused {
    /// The server is away, or full.
    Passing(Failure),
    /// It said no.
    Final(Failure),
}

impl Refused {
    /// Whether trying again may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_))
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Passing(failure) | Refused::Final(failure) => failure,
        }
    }
}

/// One result of a search.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    /// The picture: a number or a UUID.
    pub id: Value,
    /// What it is ranked by.
    pub score: f64,
    /// Where its file is.
    pub path: Option<String>,
    /// The manifest's fields.
    pub payload: Payload,
}

/// The manifest's fields that the command line shows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Payload {
    /// All tags.
    #[serde(default)]
    pub tags_all: Vec<String>,
    /// The style's name, when the manifest has one.
    pub style: Option<String>,
}

/// A picture of the collection.
#[derive(Debug, Clone, Deserialize)]
pub struct Picture {
    /// Its id.
    pub id: Value,
    /// The manifest's fields.
    pub payload: Payload,
}

/// A search as it is sent.
pub struct SearchForm(Form);

impl SearchForm {
    /// A search for `top` results with these weights.
    pub fn new(weights: &WeightArguments, top: usize) -> Self {
        let form = Form::new()
            .text("w_img", weights.w_img.to_string())
            .text("w_edge", weights.w_edge.to_string())
            .text("w_txt", weights.w_txt.to_string())
            .text("top", top.to_string());
        Self(form)
    }

    /// One more field.
    pub fn field(self, name: &'static str, value: String) -> Self {
        Self(self.0.text(name, value))
    }

    /// A picture's file.
    pub fn file(self, name: &'static str, bytes: Vec<u8>) -> Self {
        Self(self.0.part(name, Part::bytes(bytes).file_name(name)))
    }
}

impl Client {
    /// A client of the server at this address, such as `http://127.0.0.1:8000`.
    pub fn new(base: &str, settings: &Settings) -> Result<Self, Failure> {
        let http = clippy_http::client()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| Failure::run(format!("the HTTP client cannot start: {error}")))?;
        let key = settings.server.api_keys.first().cloned();
        let admin_key = settings.server.admin_keys.first().cloned().or_else(|| key.clone());
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), key, admin_key })
    }

    /// What is at a path, for who runs the server.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        self.admin_answer(self.http.get(format!("{}{path}", self.base)).query(query)).await
    }

    /// Does what a path is for, as who runs the server.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.admin_answer(self.http.post(format!("{}{path}", self.base)).json(body)).await
    }

    /// Opens the events of a job, from after `last` on.
    pub async fn open_events(&self, job: &str, last: Option<&str>) -> Result<reqwest::Response, Refused> {
        let mut request = self.http.get(format!("{}/api/jobs/{job}/events", self.base)).timeout(FOR_EVER);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = self.send(with_key(request, self.admin_key.as_ref())).await.map_err(Refused::Passing)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let failure = self.read(response).await.err().unwrap_or_else(|| Failure::run("the stream was refused"));
        if status.is_server_error() { Err(Refused::Passing(failure)) } else { Err(Refused::Final(failure)) }
    }

    /// Searches; the whole answer.
    pub async fn search(&self, form: SearchForm) -> Result<Value, Failure> {
        self.answer(self.http.post(format!("{}/api/search/hybrid", self.base)).multipart(form.0)).await
    }

    /// The results of an answer.
    pub fn results(answer: &Value) -> Result<Vec<Found>, Failure> {
        Vec::<Found>::deserialize(&answer["results"])
            .map_err(|error| Failure::run(format!("the server's answer cannot be understood: {error}")))
    }

    /// These pictures, as far as the collection has them.
    pub async fn pictures(&self, ids: &[Value]) -> Result<Vec<Picture>, Failure> {
        let mut pictures = Vec::with_capacity(ids.len());
        for some in ids.chunks(200) {
            let list: Vec<String> = some.iter().map(id_text).collect();
            let request = self.http.get(format!("{}/api/pictures", self.base)).query(&[("ids", list.join(","))]);
            let answer = self.answer(request).await?;
            let page = Vec::<Picture>::deserialize(&answer["pictures"])
                .map_err(|error| Failure::run(format!("the server's answer cannot be understood: {error}")))?;
            pictures.extend(page);
        }
        Ok(pictures)
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        self.read(self.send(with_key(request, self.key.as_ref())).await?).await
    }

    async fn admin_answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        self.read(self.send(with_key(request, self.admin_key.as_ref())).await?).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        request.send().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            Failure::run(format!("{} does not answer ({error}{cause}): is `clippy serve` running there?", self.base))
        })
    }

    async fn read(&self, response: reqwest::Response) -> Result<Value, Failure> {
        let status = response.status();
        let bytes = response.bytes().await.map_err(|error| Failure::run(format!("the answer broke off: {error}")))?;
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let detail = body["detail"].as_str().unwrap_or("the answer says no more");
        Err(Failure::run(format!("{} answered {status}: {detail}", self.base)))
    }
}

fn with_key(request: reqwest::RequestBuilder, key: Option<&Secret>) -> reqwest::RequestBuilder {
    match key {
        Some(key) => request.bearer_auth(key.expose()),
        None => request,
    }
}

/// An id as it stands in addresses.
pub fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
