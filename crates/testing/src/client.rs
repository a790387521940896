//! A client of the API that checks the shape of every error, whatever its test looks at.

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde_json::Value;

/// Answers Clippy 0.2's call in the form of Clippy 0.2.
const OLDER_CALL: &str = "/api/generate_image";

/// Talks to one server.
#[derive(Debug, Clone)]
pub struct ApiClient {
    base: String,
    client: Client,
}

impl ApiClient {
    /// A client of the server at this address, such as `http://127.0.0.1:8000`.
    ///
    /// # Panics
    /// When no HTTP client can be made.
    #[must_use]
    pub fn new(base: String) -> Self {
        let client = clippy_http::client().build().expect("an HTTP client");
        Self { base, client }
    }

    /// A call of this path.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        ApiRequest {
            request: self.client.request(method, format!("{}{path}", self.base)),
            older: path.starts_with(OLDER_CALL),
        }
    }
}

/// A call that was not sent yet.
#[derive(Debug)]
pub struct ApiRequest {
    request: RequestBuilder,
    /// Whether errors have the form of Clippy 0.2.
    older: bool,
}

impl ApiRequest {
    /// With this header.
    #[must_use]
    pub fn header<V>(self, name: impl TryInto<HeaderName>, value: V) -> Self
    where
        V: TryInto<HeaderValue>,
    {
        let name = name.try_into().ok().expect("a header's name");
        let value = value.try_into().ok().expect("a header's value");
        self.map(|request| request.header(name, value))
    }

    /// With this key.
    #[must_use]
    pub fn bearer_auth(self, key: impl std::fmt::Display) -> Self {
        self.map(|request| request.bearer_auth(key))
    }

    /// With these parameters in the address.
    #[must_use]
    pub fn query(self, query: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.query(query))
    }

    /// With this body as JSON.
    #[must_use]
    pub fn json(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.json(body))
    }

    /// With this body.
    #[must_use]
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// With this form as its body.
    #[must_use]
    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        self.map(|request| request.multipart(form))
    }

    /// Gives up after this time.
    #[must_use]
    pub fn timeout(self, limit: std::time::Duration) -> Self {
        self.map(|request| request.timeout(limit))
    }

    /// The same call again; `None` when its body is a stream.
    #[must_use]
    pub fn try_clone(&self) -> Option<Self> {
        let older = self.older;
        let request = self.request.try_clone()?;
        Some(Self { request, older })
    }

    fn map(self, change: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Self {
        Self {
            request: change(self.request),
            ..self
        }
    }

    /// Sends it. An error must be problem JSON.
    ///
    /// # Errors
    /// When there is no answer.
    ///
    /// # Panics
    /// When an error has another shape.
    pub async fn send(self) -> reqwest::Result<Response> {
        let response = self.request.send().await?;
        let status = response.status();
        if self.older || !(status.is_client_error() || status.is_server_error()) {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = response.bytes().await?;
        // The answer to HEAD has no body.
        if !body.is_empty() {
            check_problem(status, headers.get(CONTENT_TYPE), &body);
        }
        let mut copy = http::Response::new(body);
        *copy.status_mut() = status;
        *copy.headers_mut() = headers;
        Ok(copy.into())
    }
}

/// Checks that an answer is problem JSON of its status, and gives it.
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

/// Checks that an answer is a problem of this status and code, and gives it.
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

/// Checks that an answer is JSON of status 200, and gives it.
///
/// # Panics
/// When it is not.
pub async fn json(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
