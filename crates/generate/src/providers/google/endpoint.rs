//! The client for Google's APIs: addresses, authentication and retries.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clippy_core::settings::Secret;
use gcp_auth::{CustomServiceAccount, TokenProvider};
use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::failure::{answer_error, transport_error};
use crate::contract::{FailureCause, FailureClass, GenerateError, GenerationContext};
use crate::providers::shared::address::Address;
use crate::providers::shared::body;

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// The largest number of bytes of an answer that is read: eight pictures in base64.
const LARGEST: usize = 256 << 20;
/// How long a free call may take.
const FREE_CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// A source of OAuth tokens.
#[async_trait]
pub trait TokenSource: Send + Sync + 'static {
    /// Returns a token; a new one if `renew` is set because the last one was refused.
    ///
    /// # Errors
    /// [`FailureClass::Auth`] with what to do.
    async fn token(&self, renew: bool) -> Result<String, GenerateError>;
}

/// Tokens of a service account's file, or of this machine's application default credentials.
pub struct GcpTokens {
    file: Option<PathBuf>,
    provider: Mutex<Option<Arc<dyn TokenProvider>>>,
}

impl GcpTokens {
    /// Uses this service account's file, or the credentials that gcp_auth finds.
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self {
            file,
            provider: Mutex::new(None),
        }
    }

    async fn create_provider(&self) -> Result<Arc<dyn TokenProvider>, GenerateError> {
        let auth = |message: String| GenerateError::new(FailureClass::Auth, message);
        match &self.file {
            // These errors contain paths of this machine, which belong into the log only.
            Some(file) => match CustomServiceAccount::from_file(file) {
                Ok(account) => Ok(Arc::new(account)),
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error,
                    "the service account's key cannot be read");
                    let message = "GOOGLE_APPLICATION_CREDENTIALS names a file that cannot be \
                                   read as a service account's key";
                    Err(auth(message.to_owned()))
                }
            },
            None => gcp_auth::provider().await.map_err(|error| {
                tracing::warn!(%error, "no Google credentials were found");
                let message = "no Google credentials were found: set \
                               GOOGLE_APPLICATION_CREDENTIALS or GEMINI_API_KEY, or run `gcloud \
                               auth application-default login`";
                auth(message.to_owned())
            }),
        }
    }
}

#[async_trait]
impl TokenSource for GcpTokens {
    async fn token(&self, renew: bool) -> Result<String, GenerateError> {
        // Held over the await on purpose, so that concurrent callers share the first token. It is
        // an async lock.
        let mut kept = self.provider.lock().await;
        if renew {
            *kept = None;
        }
        let provider = match &*kept {
            Some(provider) => provider.clone(),
            None => kept.insert(self.create_provider().await?).clone(),
        };
        drop(kept);
        let token = provider.token(&[SCOPE]).await.map_err(|error| {
            GenerateError::new(
                FailureClass::Auth,
                format!(
                    "Google gave no token ({error}): check the service account's key and this \
                     machine's clock"
                ),
            )
        })?;
        Ok(token.as_str().to_owned())
    }
}

/// The API that is called.
#[derive(Clone)]
pub enum Endpoint {
    /// The Gemini Developer API, with a key.
    ApiKey {
        /// `GEMINI_BASE_URL`, or Google's.
        base: Address,
        /// `GEMINI_API_KEY`.
        key: Secret,
    },
    /// Vertex AI, with a token.
    Vertex {
        /// `VERTEX_BASE_URL`; by default it follows from the location.
        base: Option<Address>,
        /// `GOOGLE_CLOUD_PROJECT`.
        project: String,
        /// `GOOGLE_CLOUD_LOCATION`.
        location: String,
        /// The source of tokens.
        tokens: Arc<dyn TokenSource>,
    },
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKey { base, .. } => formatter
                .debug_struct("ApiKey")
                .field("base", base)
                .finish_non_exhaustive(),
            Self::Vertex {
                base,
                project,
                location,
                ..
            } => formatter
                .debug_struct("Vertex")
                .field("base", base)
                .field("project", project)
                .field("location", location)
                .finish_non_exhaustive(),
        }
    }
}

impl Endpoint {
    /// The URL of a model's method, such as `generateContent`. The base may end with the API's
    /// version or with its path of models.
    #[must_use]
    pub fn url(&self, model: &str, method: &str) -> String {
        match self {
            Self::ApiKey { .. } => format!("{}/models/{model}:{method}", self.root()),
            Self::Vertex {
                project, location, ..
            } => {
                let root = self.root();
                format!(
                    "{root}/projects/{project}/locations/{location}/publishers/google/models/\
                     {model}:{method}"
                )
            }
        }
    }

    /// The URL that describes a model.
    #[must_use]
    pub fn about(&self, model: &str) -> String {
        match self {
            Self::ApiKey { .. } => format!("{}/models/{model}", self.root()),
            Self::Vertex { .. } => format!("{}/publishers/google/models/{model}", self.root()),
        }
    }

    /// The base URL with the API's version.
    fn root(&self) -> String {
        match self {
            Self::ApiKey { base, .. } => {
                format!(
                    "{}/v1beta",
                    base.clone().without_ending(&[
                        "/v1beta/models",
                        "/v1beta",
                        "/v1/models",
                        "/v1"
                    ])
                )
            }
            Self::Vertex {
                base: Some(base), ..
            } => {
                format!("{}/v1", base.clone().without_ending(&["/v1beta1", "/v1"]))
            }
            Self::Vertex {
                base: None,
                location,
                ..
            } => match location.as_str() {
                "global" => "https://aiplatform.googleapis.com/v1".to_owned(),
                "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com/v1"),
                _ => format!("https://{location}-aiplatform.googleapis.com/v1"),
            },
        }
    }

    /// Whether this is Vertex AI, which has additional fields.
    #[must_use]
    pub fn is_vertex(&self) -> bool {
        matches!(self, Self::Vertex { .. })
    }

    /// The name of the setting with the address.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        match self {
            Self::ApiKey { .. } => "GEMINI_BASE_URL",
            Self::Vertex { .. } => "VERTEX_BASE_URL",
        }
    }

    /// Adds the key or the token to a call.
    async fn sign(
        &self,
        request: RequestBuilder,
        renew: bool,
    ) -> Result<RequestBuilder, GenerateError> {
        Ok(match self {
            Self::ApiKey { base, key } => {
                base.signed(request).header("x-goog-api-key", key.expose())
            }
            Self::Vertex { tokens, .. } => request.bearer_auth(tokens.token(renew).await?),
        })
    }
}

/// How often a refused call is repeated, and after which pauses.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The number of repetitions.
    pub retries: u32,
    /// The first pause; each further one is twice as long.
    pub first: Duration,
    /// The longest pause. If the provider asks for a longer one, the call fails and the job is
    /// retried later.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            retries: 2,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

/// A client for one endpoint.
#[derive(Clone)]
pub struct GoogleClient {
    /// The endpoint.
    pub endpoint: Endpoint,
    http: reqwest::Client,
    backoff: Backoff,
    setting: &'static str,
}

impl GoogleClient {
    /// Makes a client. `setting` is the name of the variable with the model, for error messages.
    ///
    /// # Errors
    /// [`FailureClass::Permanent`] when no HTTP client can be made.
    pub fn new(
        endpoint: Endpoint,
        backoff: Backoff,
        time: Duration,
        setting: &'static str,
    ) -> Result<Self, GenerateError> {
        let http = clippy_http::client()
            .timeout(time)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                GenerateError::permanent(format!("an HTTP client could not be made: {error}"))
            })?;
        Ok(Self {
            endpoint,
            http,
            backoff,
            setting,
        })
    }

    /// Posts a body and parses the answer. A refused call, which Google does not charge, is
    /// repeated if that may help; a call that was sent and lost its connection is not.
    ///
    /// # Errors
    /// [`GenerateError`], by class. Cancelling a call in progress is [`FailureClass::Cancelled`]
    /// and `charged`. A call in progress is finished when the generation is handed over to another
    /// run; it is not repeated then.
    pub async fn post(
        &self,
        model: &str,
        method: &str,
        body: &Value,
        context: &GenerationContext,
    ) -> Result<Value, GenerateError> {
        let url = self.endpoint.url(model, method);
        let (mut tries, mut renewed, mut renew) = (0, false, false);
        loop {
            let error = match self.send_once(&url, body, renew, &context.cancel).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            renew = false;
            if error.class == FailureClass::Auth
                && error.retry_after.is_some()
                && !renewed
                && self.endpoint.is_vertex()
            {
                // The token may have been revoked early: one more attempt with a new token.
                (renewed, renew) = (true, true);
                continue;
            }
            let error = self.explain(error, model);
            let wait = error
                .retry_after
                .unwrap_or(self.backoff.first * 2u32.pow(tries));
            if !error.class.is_retryable()
                || tries >= self.backoff.retries
                || wait > self.backoff.longest
            {
                return Err(error);
            }
            tries += 1;
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = context.wait_for_stop() => return Err(GenerateError::cancelled()),
            }
        }
    }

    /// The same client with another setting's name in messages about the model.
    #[must_use]
    pub fn for_setting(&self, setting: &'static str) -> Self {
        Self {
            setting,
            ..self.clone()
        }
    }

    /// Describes a model. Costs nothing.
    ///
    /// # Errors
    /// [`GenerateError`], by class.
    pub async fn about(&self, model: &str) -> Result<Value, GenerateError> {
        let request = self
            .http
            .get(self.endpoint.about(model))
            .timeout(FREE_CALL_TIMEOUT);
        let request = self.endpoint.sign(request, false).await?;
        let away = |what: String| GenerateError::transient(format!("the provider {what}"), None);
        let response = request
            .send()
            .await
            .map_err(|error| match transport_error(&error) {
                error if error.charged => away("did not answer".to_owned()),
                error => error,
            })?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body::read(response, LARGEST)
            .await
            .map_err(|fault| away(format!("answered, but it {fault}")))?;
        if !status.is_success() {
            return Err(self.explain(answer_error(status, &headers, &body), model));
        }
        serde_json::from_slice(&body).map_err(|_| {
            let message = format!("the answer is not JSON: check {}", self.endpoint.setting());
            GenerateError::permanent(message)
        })
    }

    /// Adds what to do to an error about the model or the address.
    fn explain(&self, mut error: GenerateError, model: &str) -> GenerateError {
        match error.cause {
            Some(FailureCause::NoSuchModel) => {
                error.message = format!(
                    "the model {model} is retired, or not available to this project and location: \
                     set {} to another one ({})",
                    self.setting, error.message
                );
            }
            Some(FailureCause::NoSuchAddress) => {
                error.message = format!(
                    "there is no Google API at this address: check {} ({})",
                    self.endpoint.setting(),
                    error.message
                );
            }
            Some(FailureCause::NotAllowed) | None => {}
        }
        error
    }

    async fn send_once(
        &self,
        url: &str,
        body: &Value,
        renew: bool,
        cancel: &CancellationToken,
    ) -> Result<Value, GenerateError> {
        let request = self
            .endpoint
            .sign(self.http.post(url).json(body), renew)
            .await?;
        let sent = async {
            let response = request
                .send()
                .await
                .map_err(|error| transport_error(&error))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = body::read(response, LARGEST).await;
            if !status.is_success() {
                return Err(answer_error(status, &headers, &body.unwrap_or_default()));
            }
            let lost = |why: String| {
                GenerateError::maybe_charged(format!(
                    "the provider answered, but its answer {why}: it may have been charged"
                ))
            };
            let bytes = body.map_err(|fault| lost(fault.to_string()))?;
            serde_json::from_slice(&bytes)
                .map_err(|error| lost(format!("cannot be read ({error})")))
        };
        tokio::select! {
            answer = sent => answer,
            () = cancel.cancelled() => Err(GenerateError::cancelled().mark_charged()),
        }
    }
}
