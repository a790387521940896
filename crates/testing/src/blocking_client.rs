//! A client of the API for tests without an async runtime. It checks the form of every error
//! response, as [`crate::ApiClient`] does.

use std::time::Duration;

use reqwest::blocking::multipart::Form;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::client::check_problem;
use crate::events::BlockingEvents;
use crate::waiting::wait_for_blocking;

/// The time limit of a call. It only ends a test that would otherwise hang.
const LIMIT: Duration = Duration::from_secs(120);

/// A client of one server.
#[derive(Debug, Clone)]
pub struct BlockingApiClient {
    base: String,
    key: Option<String>,
    client: Client,
}

impl BlockingApiClient {
    /// A client of the server at this address, such as `http://127.0.0.1:8000`.
    ///
    /// # Panics
    /// When no HTTP client can be built.
    #[must_use]
    pub fn new(base: &str) -> Self {
        let client = clippy_http::blocking_client().timeout(None).build();
        Self {
            base: base.to_owned(),
            key: None,
            client: client.expect("an HTTP client"),
        }
    }

    /// The same client with a key, which it sends as a bearer token.
    #[must_use]
    pub fn with_key(self, key: &str) -> Self {
        let key = Some(key.to_owned());
        Self { key, ..self }
    }

    /// Sends a GET.
    ///
    /// # Panics
    /// When there is no response, or an error response is not problem JSON.
    #[must_use]
    pub fn get(&self, path: &str) -> BlockingAnswer {
        send(self.request(Method::GET, path))
    }

    /// Sends a JSON body.
    ///
    /// # Panics
    /// As [`BlockingApiClient::get`].
    #[must_use]
    pub fn post_json(&self, path: &str, body: &Value) -> BlockingAnswer {
        send(self.request(Method::POST, path).json(body))
    }

    /// Sends a form.
    ///
    /// # Panics
    /// As [`BlockingApiClient::get`].
    #[must_use]
    pub fn post_form(&self, path: &str, form: Form) -> BlockingAnswer {
        send(self.request(Method::POST, path).multipart(form))
    }

    /// Sends a GET that must have status 200, and returns its JSON.
    ///
    /// # Panics
    /// When the answer is another one.
    #[must_use]
    pub fn get_json(&self, path: &str) -> Value {
        self.get(path).expect(200).json()
    }

    /// Returns a job.
    ///
    /// # Panics
    /// When there is none with this id.
    #[must_use]
    pub fn job(&self, id: &str) -> Value {
        self.get_json(&format!("/api/jobs/{id}"))
    }

    /// Waits until a job has ended, and returns it.
    ///
    /// # Panics
    /// When it has not ended within the limit.
    #[must_use]
    pub fn wait_for_job(&self, id: &str, limit: Duration) -> Value {
        wait_for_blocking("the job to end", limit, || {
            let job = self.job(id);
            ["succeeded", "failed", "cancelled"]
                .contains(&job["state"].as_str().expect("a state"))
                .then_some(job)
        })
    }

    /// Opens a stream of events, after the event with the id `last`.
    ///
    /// # Panics
    /// When the answer is not a stream of events.
    #[must_use]
    pub fn events(&self, path: &str, last: Option<&str>) -> BlockingEvents {
        let mut request = self.request(Method::GET, path);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        BlockingEvents::of(request.send().expect("the server answers"))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }
}

fn send(request: RequestBuilder) -> BlockingAnswer {
    let response = request.timeout(LIMIT).send().expect("the server answers");
    let answer = BlockingAnswer {
        status: response.status(),
        headers: response.headers().clone(),
        body: response.bytes().expect("a body").to_vec(),
    };
    if answer.status.is_client_error() || answer.status.is_server_error() {
        check_problem(
            answer.status,
            answer.headers.get(CONTENT_TYPE),
            &answer.body,
        );
    }
    answer
}

/// A response that was read completely.
#[derive(Debug)]
pub struct BlockingAnswer {
    status: StatusCode,
    headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl BlockingAnswer {
    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Checks the status.
    ///
    /// # Panics
    /// When it is another one.
    #[must_use]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status(), status, "{}", self.text());
        self
    }

    /// A header that must be there.
    ///
    /// # Panics
    /// When it is not.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.expect("a header").to_str().expect("text")
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
