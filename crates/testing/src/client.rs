//! A client of the API that checks the form of every error response, in every test that uses it.

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

/// The call of Clippy 0.2. Its errors have the form of Clippy 0.2, not of problem JSON.
const LEGACY_CALL: &str = "/api/generate_image";

/// A client of one server.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base: String,
    client: Client,
}

impl ApiClient {
    /// A client of the server at this address, such as `http://127.0.0.1:8000`.
    ///
    /// # Panics
    /// When no HTTP client can be built.
    #[must_use]
    pub fn new(base: String) -> Self {
        let client = clippy_http::client().build().expect("an HTTP client");
        Self { base, client }
    }

    /// Starts a request for this path.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        ApiRequest {
            request: self.client.request(method, format!("{}{path}", self.base)),
            is_legacy: path.starts_with(LEGACY_CALL),
        }
    }
}

/// A request that has not been sent yet.
#[derive(Debug)]
pub struct ApiRequest {
    request: RequestBuilder,
    /// Whether errors have the form of Clippy 0.2.
    is_legacy: bool,
}

impl ApiRequest {
    /// Adds a header.
    #[must_use]
    pub fn header<V>(self, name: impl TryInto<HeaderName>, value: V) -> Self
    where
        V: TryInto<HeaderValue>,
    {
        let name = name.try_into().ok().expect("a header's name");
        let value = value.try_into().ok().expect("a header's value");
        self.map(|request| request.header(name, value))
    }

    /// Adds a key, as a bearer token.
    #[must_use]
    pub fn bearer_auth(self, key: impl std::fmt::Display) -> Self {
        self.map(|request| request.bearer_auth(key))
    }

    /// Adds query parameters.
    #[must_use]
    pub fn query(self, query: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.query(query))
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.json(body))
    }

    /// Sets the body.
    #[must_use]
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// Sets a form as the body.
    #[must_use]
    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        self.map(|request| request.multipart(form))
    }

    /// Sets the time limit.
    #[must_use]
    pub fn timeout(self, limit: std::time::Duration) -> Self {
        self.map(|request| request.timeout(limit))
    }

    /// Clones the request; `None` if its body is a stream.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        let is_legacy = self.is_legacy;
        let request = self.request.try_clone()?;
        Some(Self { request, is_legacy })
    }

    fn map(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self {
            request: change(self.request),
            ..self
        }
    }

    /// Sends the request, and checks that an error response is problem JSON.
    ///
    /// # Errors
    /// When there is no response.
    ///
    /// # Panics
    /// When an error response is not problem JSON.
    pub async fn send(self) -> reqwest::Result<Response> {
        let response = self.request.send().await?;
        let status = response.status();
        if self.is_legacy || !(status.is_client_error() || status.is_server_error()) {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = response.bytes().await?;
        // The response to HEAD has no body.
        if !body.is_empty() {
            check_problem(status, headers.get(CONTENT_TYPE), &body);
        }
        let mut copy = http::Response::new(body);
        *copy.status_mut() = status;
        *copy.headers_mut() = headers;
        Ok(copy.into())
    }
}

/// Checks that a response is problem JSON with its status, and returns it.
///
/// # Panics
/// When it is not.
pub fn check_problem(status: StatusCode, content_type: Option<&HeaderValue>, body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let content_type = content_type.map(HeaderValue::as_bytes);
    assert_eq!(
        content_type,
        Some(&b"application/problem+json"[..]),
        "{status}: {text}"
    );
    let problem: Value = serde_json::from_slice(body).expect("JSON");
    assert_eq!(problem["status"], status.as_u16(), "{text}");
    for field in ["type", "title", "detail", "code"] {
        let value = problem[field].as_str();
        assert!(
            value.is_some_and(|value| !value.is_empty()),
            "{field} in {text}"
        );
    }
    problem
}

/// Checks that a response is a problem with this status and code, and returns it.
///
/// # Panics
/// When it is not.
pub async fn problem(response: Response, status: StatusCode, code: &str) -> Value {
    let given = response.status();
    let content_type = response.headers().get(CONTENT_TYPE).cloned();
    let body = response.bytes().await.expect("a body");
    let problem = check_problem(given, content_type.as_ref(), &body);
    assert_eq!(given, status, "{problem}");
    assert_eq!(problem["code"], code, "{problem}");
    problem
}

/// Checks that a response is JSON with status 200, and returns it.
///
/// # Panics
/// When it is not.
pub async fn json(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
