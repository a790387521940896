//! The client of an encoder in another process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::embedding::{EmbedInput, Embedder, Embeddings, ModelInfo};
use clippy_core::settings::{Address, Secret};
use clippy_core::{Error, ErrorCode, Result};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;

use crate::wire;

/// The largest number of bytes of inputs in one call. More inputs are split into several calls.
const CALL_BYTES: usize = 16 << 20;

/// The address of an encoder, and how to call it.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// Its address, such as `http://gpu-1:8010`.
    pub url: Address,
    /// One of its `API_KEYS`, if it has any.
    pub key: Option<Secret>,
    /// The time limit for connecting.
    pub connect_timeout: Duration,
    /// The time limit of one call.
    pub timeout: Duration,
}

impl RemoteOptions {
    /// Options for an encoder at this address, with default time limits and no key.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let url = Address::new(url);
        let (connect_timeout, timeout) = (Duration::from_secs(3), Duration::from_secs(60));
        Self {
            url,
            key: None,
            connect_timeout,
            timeout,
        }
    }
}

/// An encoder in another process.
///
/// Calls are not batched here: the server batches the calls of all clients.
#[derive(Debug)]
pub struct RemoteEmbedder {
    client: Client,
    address: Address,
    key: Option<Secret>,
    info: Arc<ModelInfo>,
}

/// An error response of the server, as problem JSON.
#[derive(Deserialize)]
struct Problem {
    code: Option<ErrorCode>,
    detail: Option<String>,
}

impl RemoteEmbedder {
    /// Connects to the server, and requests the description of its model.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid address; `Unavailable` or `Timeout` when no encoder answers at
    /// it; `Unauthorized` when the key is missing or wrong.
    pub async fn connect(options: &RemoteOptions) -> Result<Self> {
        let base = options
            .url
            .expose()
            .trim_end_matches('/')
            .trim_end_matches(wire::PATH);
        let address = Address::new(format!("{base}{}", wire::PATH));
        let parsed: reqwest::Url = address.expose().parse().map_err(|error| {
            Error::invalid(format!(
                "EMBEDDER_URL is {}, which is not a valid URL: {error}",
                options.url
            ))
        })?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(Error::invalid(format!(
                "EMBEDDER_URL is {}: it must begin with http:// or https://",
                options.url
            )));
        }
        let client = clippy_http::client()
            .connect_timeout(options.connect_timeout)
            .timeout(options.timeout)
            .no_proxy()
            .build()
            .map_err(|error| {
                Error::internal("an HTTP client could not be made").with_source(error)
            })?;
        let keyed = |request: RequestBuilder| match &options.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        };
        let response =
            check_answer(&address, keyed(client.get(address.expose())).send().await).await?;
        let info: ModelInfo = response.json().await.map_err(|error| {
            let message = format!("{address} answers, but is not a Clippy worker's embedder");
            Error::new(ErrorCode::Unavailable, message).with_source(error.without_url())
        })?;
        Ok(Self {
            client,
            address,
            key: options.key.clone(),
            info: Arc::new(info),
        })
    }

    async fn call(&self, inputs: &[EmbedInput]) -> Result<Embeddings> {
        let body = bytes::Bytes::from(wire::encode_request(inputs)?);
        let send = || {
            let request = self
                .client
                .post(self.address.expose())
                .header("content-type", wire::CONTENT_TYPE);
            let request = match &self.key {
                Some(key) => request.bearer_auth(key.expose()),
                None => request,
            };
            request.body(body.clone()).send()
        };
        let sent = match send().await {
            // The server may have closed an idle connection. Embedding twice is harmless.
            Err(error) if !error.is_timeout() && !error.is_builder() => send().await,
            sent => sent,
        };
        let response = check_answer(&self.address, sent).await?;
        let header = |name| {
            let value = response.headers().get(name);
            value.and_then(|value| value.to_str().ok())
        };
        let model = header(wire::MODEL_HEADER).unwrap_or_default();
        if model != self.info.fingerprint {
            let message = format!(
                "{} has another model than at the start: {model} instead of {} ({}). Restart this \
                 process",
                self.address, self.info.fingerprint, self.info.name
            );
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        // Its style head, or its STYLE_MODEL, may change while the model stays.
        let style = header(wire::STYLE_HEADER);
        let asks_for_style = |input: &EmbedInput| matches!(input, EmbedInput::Style(_));
        if style.is_some()
            && inputs.iter().any(asks_for_style)
            && style != self.info.style.as_deref()
        {
            let message = format!(
                "{} makes other style vectors than at the start. Restart this process",
                self.address
            );
            return Err(Error::new(ErrorCode::Unavailable, message));
        }
        let answer = response
            .bytes()
            .await
            .map_err(|error| failure(&self.address, error))?;
        wire::decode_answer(&answer, inputs.len(), self.info.dimension).map_err(|error| {
            let message = format!("{} gave an invalid answer: {error}", self.address);
            Error::new(ErrorCode::Unavailable, message)
        })
    }
}

#[async_trait]
impl Embedder for RemoteEmbedder {
    fn info(&self) -> &Arc<ModelInfo> {
        &self.info
    }

    async fn embed(&self, inputs: Vec<EmbedInput>) -> Result<Embeddings> {
        let mut all = Embeddings {
            embeddings: Vec::new(),
            queued: Duration::ZERO,
            computed: Duration::ZERO,
        };
        let mut rest = inputs.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at(count_fitting(rest));
            let mut embedded = self.call(some).await?;
            all.embeddings.append(&mut embedded.embeddings);
            all.queued += embedded.queued;
            all.computed += embedded.computed;
            rest = others;
        }
        Ok(all)
    }
}

/// Counts the inputs at the front that fit into one call; at least one.
fn count_fitting(inputs: &[EmbedInput]) -> usize {
    let mut bytes = 0;
    let fit = inputs.iter().take(wire::MAX_INPUTS).take_while(|input| {
        bytes += wire::size_of(input);
        bytes <= CALL_BYTES
    });
    fit.count().max(1)
}

/// Checks the status of a response, and converts errors.
async fn check_answer(address: &Address, sent: reqwest::Result<Response>) -> Result<Response> {
    let response = sent.map_err(|error| failure(address, error))?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let problem = response.json::<Problem>().await.unwrap_or(Problem {
        code: None,
        detail: None,
    });
    let detail = problem.detail.unwrap_or_default();
    let (code, message) = match (status, problem.code) {
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => (
            ErrorCode::Unauthorized,
            format!(
                "{address} refuses the key: the first of this process's API_KEYS must be one of \
                 the worker's keys"
            ),
        ),
        (
            _,
            Some(
                code @ (ErrorCode::Overloaded
                | ErrorCode::Timeout
                | ErrorCode::InvalidInput
                | ErrorCode::TooLarge),
            ),
        ) => (code, format!("{address}: {detail}")),
        _ => (
            ErrorCode::Unavailable,
            format!("{address} answered {status}. {detail}"),
        ),
    };
    Err(Error::new(code, message))
}

fn failure(address: &Address, error: reqwest::Error) -> Error {
    let (code, what) = match error.is_timeout() {
        true => (ErrorCode::Timeout, "did not answer in time"),
        false => (ErrorCode::Unavailable, "could not be reached"),
    };
    let message = format!(
        "the embedder at {address} {what}: is `clippy worker --serve-embedder` running there?"
    );
    // The URL is removed from the cause, since it may contain a password.
    Error::new(code, message).with_source(error.without_url())
}

#[cfg(test)]
mod tests {
    use clippy_core::embedding::ModelPixels;

    use super::*;

    #[test]
    fn a_call_has_as_many_inputs_as_fit_and_at_least_one() {
        let picture = |side: u32| {
            EmbedInput::Pixels(ModelPixels {
                side,
                rgb: vec![0; (side * side * 3) as usize],
            })
        };
        let words = EmbedInput::Text("a".to_owned());
        assert_eq!(count_fitting(&[words.clone(), words]), 2);
        assert_eq!(count_fitting(&vec![picture(1_024); 12]), 5);
        assert_eq!(count_fitting(&[picture(3_000), picture(1)]), 1);
    }
}
