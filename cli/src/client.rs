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

/// A server to talk to.
pub struct Client {
    http: reqwest::Client,
    base: String,
    key: Option<Secret>,
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
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| Failure::run(format!("the HTTP client cannot start: {error}")))?;
        let key = settings.server.api_keys.first().cloned();
        Ok(Self { http, base: base.trim_end_matches('/').to_owned(), key })
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

    async fn answer(&self, mut request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose());
        }
        let response = request.send().await.map_err(|error| {
            let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            Failure::run(format!("{} does not answer ({error}{cause}): is `clippy serve` running there?", self.base))
        })?;
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

/// An id as it stands in addresses.
pub fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}
