//! A fake of Google's APIs, which returns the answers that it is given and records the calls.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clippy_core::settings::Secret;
use clippy_generate::google::{
    Backoff, Endpoint, GcpTokens, GeminiProvider, GeminiSettings, GeminiVision, GoogleClient,
    ImagenProvider, ImagenSettings,
};
use clippy_generate::{Address, Describer};
use image::RgbImage;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::png;

/// One answer.
#[derive(Clone)]
pub enum Answer {
    /// Status and JSON.
    Json(u16, Value),
    /// Status, headers and any text.
    Text(u16, Vec<(&'static str, &'static str)>, String),
    /// The beginning of an answer; then the connection is cut.
    CutOff,
    /// No answer at all.
    Silence,
}

/// A call as it arrived.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub authorization: Option<String>,
    pub key: Option<String>,
    pub body: Value,
}

#[derive(Default)]
struct Script {
    /// By model; the last answer is repeated.
    answers: HashMap<String, VecDeque<Answer>>,
    calls: Vec<Call>,
    tokens: Vec<String>,
}

/// The server.
#[derive(Clone)]
pub struct FakeGoogle {
    pub url: String,
    script: Arc<Mutex<Script>>,
}

pub const IMAGE_MODEL: &str = "gemini-3.1-flash-image";
pub const VISION_MODEL: &str = "gemini-3.5-flash";
pub const IMAGEN: &str = "imagen-3.0-capability-001";
pub const IMAGEN_TEXT: &str = "imagen-3.0-generate-001";

/// Long enough for a busy machine, short enough for a test of time-outs.
const TIME: Duration = Duration::from_secs(3);

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let next = {
        let mut script = script.lock();
        if path == "/token" {
            script
                .tokens
                .push(String::from_utf8_lossy(&body).into_owned());
            let token = format!("token-{}", script.tokens.len());
            return axum::Json(
                json!({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}),
            )
            .into_response();
        }
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        script.calls.push(Call {
            path: path.clone(),
            authorization: header("authorization"),
            key: header("x-goog-api-key"),
            body,
        });
        let model = path
            .rsplit('/')
            .next()
            .and_then(|last| last.split(':').next())
            .unwrap_or_default()
            .to_owned();
        let model = if method == Method::GET {
            about(&model)
        } else {
            model
        };
        let answers = script.answers.entry(model).or_default();
        if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        }
    };
    match next {
        None => (
            StatusCode::NOT_FOUND,
            axum::Json(fault(404, "NOT_FOUND", "Publisher Model was not found")),
        )
            .into_response(),
        Some(Answer::Json(status, body)) => (
            StatusCode::from_u16(status).expect("a status"),
            axum::Json(body),
        )
            .into_response(),
        Some(Answer::Text(status, headers, body)) => {
            let mut response =
                (StatusCode::from_u16(status).expect("a status"), body).into_response();
            for (name, value) in headers {
                response
                    .headers_mut()
                    .insert(name, value.parse().expect("a header"));
            }
            response
        }
        Some(Answer::CutOff) => {
            let parts = [
                Ok("{\"candidates\": [{\"content\"".to_owned()),
                Err(std::io::Error::other("cut off")),
            ];
            let mut response = Body::from_stream(futures::stream::iter(parts)).into_response();
            response.headers_mut().insert(
                "content-type",
                "application/json".parse().expect("a header"),
            );
            response
        }
        Some(Answer::Silence) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            StatusCode::OK.into_response()
        }
    }
}

/// The name of a model's description among the answers.
pub fn about(model: &str) -> String {
    format!("about {model}")
}

/// An error in Google's form.
pub fn fault(code: u16, status: &str, message: &str) -> Value {
    json!({"error": {"code": code, "message": message, "status": status, "details": []}})
}

/// Gemini's answer with a picture, after a thought that has one too.
pub fn with_picture(picture: &RgbImage) -> Answer {
    let part = |picture: &RgbImage| {
        json!({"mimeType": "image/png",
    "data": STANDARD.encode(png(picture))})
    };
    let thought = crate::support::flat(4, 4, [255, 0, 0]);
    Answer::Json(
        200,
        json!({
            "candidates": [{"content": {"role": "model", "parts": [
                {"thought": true, "inlineData": part(&thought)},
                {"text": "Here it is."},
                {"inlineData": part(picture)},
            ]}, "finishReason": "STOP"}],
            "usageMetadata": {"totalTokenCount": 1290}, "modelVersion": IMAGE_MODEL,
        }),
    )
}

/// Gemini's answer with these bytes as its picture.
pub fn with_picture_of(bytes: &[u8]) -> Answer {
    let part = json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(bytes)}});
    Answer::Json(
        200,
        json!({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}),
    )
}

/// Gemini's answer in words.
pub fn with_text(text: &str) -> Answer {
    Answer::Json(
        200,
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
        "finishReason": "STOP"}]}),
    )
}

/// Imagen's answer.
pub fn with_predictions(pictures: &[&RgbImage], filtered: &[&str]) -> Answer {
    let mut predictions: Vec<Value> = pictures
        .iter()
        .map(|picture| {
            json!({"bytesBase64Encoded": STANDARD.encode(png(picture)),
        "mimeType": "image/png"})
        })
        .collect();
    predictions.extend(
        filtered
            .iter()
            .map(|reason| json!({"raiFilteredReason": reason})),
    );
    predictions.push(
        json!({"contentType": "Positive Prompt", "safetyAttributes": {"categories": [],
    "scores": []}}),
    );
    Answer::Json(200, json!({"predictions": predictions}))
}

impl FakeGoogle {
    pub async fn start() -> Self {
        let script = Arc::<Mutex<Script>>::default();
        let app = Router::new().fallback(answer).with_state(script.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, script }
    }

    /// Sets the answers of a model, in order; the last one is repeated.
    pub fn set_answers(&self, model: &str, answers: impl IntoIterator<Item = Answer>) -> &Self {
        self.script
            .lock()
            .answers
            .insert(model.to_owned(), answers.into_iter().collect());
        self
    }

    /// The paths of all calls.
    pub fn paths(&self) -> Vec<String> {
        self.script
            .lock()
            .calls
            .iter()
            .map(|call| call.path.clone())
            .collect()
    }

    /// The calls to a model.
    pub fn calls(&self, model: &str) -> Vec<Call> {
        let script = self.script.lock();
        script
            .calls
            .iter()
            .filter(|call| call.path.contains(&format!("/{model}:")))
            .cloned()
            .collect()
    }

    /// How many tokens were issued.
    pub fn tokens(&self) -> usize {
        self.script.lock().tokens.len()
    }

    fn quick() -> Backoff {
        Backoff {
            retries: 2,
            first: Duration::from_millis(2),
            longest: Duration::from_millis(200),
        }
    }

    pub fn address(&self) -> Address {
        Address::parse(&self.url).expect("an address")
    }

    pub fn by_key(&self) -> Endpoint {
        Endpoint::ApiKey {
            base: self.address(),
            key: Secret::new("the-key".to_owned()),
        }
    }

    /// Vertex AI with a service account whose tokens this server issues.
    pub fn by_account(&self, folder: &std::path::Path) -> Endpoint {
        let file = folder.join("account.json");
        std::fs::write(&file, account(&self.url)).expect("written");
        Endpoint::Vertex {
            base: Some(self.address()),
            project: "project".to_owned(),
            location: "global".to_owned(),
            tokens: Arc::new(GcpTokens::new(Some(file))),
        }
    }

    pub fn client(endpoint: Endpoint, setting: &'static str) -> GoogleClient {
        GoogleClient::new(endpoint, Self::quick(), TIME, setting).expect("a client")
    }

    pub fn gemini(&self) -> GeminiProvider {
        self.gemini_at(
            self.by_key(),
            GeminiSettings {
                price: Some(0.04),
                ..GeminiSettings::default()
            },
        )
    }

    pub fn gemini_at(&self, endpoint: Endpoint, settings: GeminiSettings) -> GeminiProvider {
        let client = Self::client(endpoint, "GEMINI_IMAGE_MODEL");
        let describer = settings
            .vision_model
            .clone()
            .map(|model| Self::describer(&client, model));
        GeminiProvider::new(client, settings).with_describer(describer)
    }

    /// A describer whose descriptions cost half a cent.
    pub fn describer(client: &GoogleClient, model: String) -> Arc<dyn Describer> {
        Arc::new(GeminiVision::new(client, model, Some(0.005)))
    }

    pub fn imagen(&self, folder: &std::path::Path) -> ImagenProvider {
        self.imagen_at(self.by_account(folder))
    }

    pub fn imagen_at(&self, endpoint: Endpoint) -> ImagenProvider {
        let settings = ImagenSettings {
            price: Some(0.02),
            ..ImagenSettings::default()
        };
        ImagenProvider::new(Self::client(endpoint, "IMAGEN_MODEL"), settings)
    }
}

/// A service account's key file. The key in it was made for these tests and opens nothing.
fn account(url: &str) -> String {
    json!({
        "type": "service_account",
        "project_id": "project",
        "private_key": include_str!("data/service-account-key.pem"),
        "client_email": "painter@project.test",
        "token_uri": format!("{url}/token"),
    })
    .to_string()
}
