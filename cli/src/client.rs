//! The HTTP client of a Clippy server.

mod transfer;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

use clippy_core::settings::{Address, Secret, Settings};
use reqwest::StatusCode;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::Value;

use crate::arguments::WeightArguments;
use crate::failure::Failure;

pub use transfer::ServerCollection;

/// The time limit of one answer.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Streams last as long as their jobs. Their reader detects dead connections.
const UNLIMITED: Duration = Duration::from_secs(365 * 24 * 3_600);

/// A client of one server.
pub struct Client {
    http: reqwest::Client,
    base: Address,
    key: Option<Secret>,
    /// The key for admin calls: an admin key if there is one, else an API key.
    admin_key: Option<Secret>,
    /// Whether this command runs the server itself. Messages then leave out its address.
    is_own: bool,
}

/// Why a stream of events could not be opened.
pub enum StreamError {
    /// The server is unreachable or overloaded.
    Transient(Failure),
    /// The server refused.
    Permanent(Failure),
}

impl StreamError {
    /// Whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }
}

impl From<StreamError> for Failure {
    fn from(refused: StreamError) -> Self {
        match refused {
            StreamError::Transient(failure) | StreamError::Permanent(failure) => failure,
        }
    }
}

/// One result of a search.
#[derive(Debug, Clone, Deserialize)]
pub struct SearchHit {
    /// The picture: a number or a UUID.
    pub id: Value,
    /// The score that it is ranked by.
    pub score: f64,
    /// The path of its file.
    pub path: Option<String>,
    /// The manifest's fields.
    pub payload: Payload,
    /// Pictures that look the same, and are left out.
    #[serde(default)]
    pub duplicates: Vec<Value>,
}

/// The manifest's fields that the command line shows.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Payload {
    /// All tags.
    #[serde(default)]
    pub tags_all: Vec<String>,
    /// The tags of the style.
    #[serde(default)]
    pub matched_tags: Vec<String>,
    /// The path of its file.
    pub path: Option<String>,
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
    /// The id of its style, where styles are known.
    pub style_group: Option<u64>,
}

/// The form of a search.
pub struct SearchForm(Form);

impl SearchForm {
    /// Makes the form of a search for `top` results with these weights.
    pub fn new(weights: &WeightArguments, top: usize) -> Self {
        let form = Form::new()
            .text("w_img", weights.w_img.to_string())
            .text("w_edge", weights.w_edge.to_string())
            .text("w_txt", weights.w_txt.to_string())
            .text("w_style", weights.w_style.to_string())
            .text("top", top.to_string());
        Self(form)
    }

    /// Adds a field.
    pub fn field(self, name: &'static str, value: String) -> Self {
        Self(self.0.text(name, value))
    }

    /// Adds the file of a picture.
    pub fn file(self, name: &'static str, bytes: Vec<u8>) -> Self {
        Self(self.0.part(name, Part::bytes(bytes).file_name(name)))
    }
}

impl Client {
    /// Makes a client of the server at an address that the user gave, such as
    /// `http://127.0.0.1:8000`.
    pub fn new(base: &str, settings: &Settings) -> Result<Self, Failure> {
        let direct = host_location(base) != HostLocation::Elsewhere;
        Self::build(base, settings, direct)
    }

    /// Makes a client of a server that this command runs itself.
    pub fn of_own_server(base: &str, settings: &Settings) -> Result<Self, Failure> {
        let client = Self::build(base, settings, true)?;
        Ok(Self {
            is_own: true,
            ..client
        })
    }

    /// Makes a client of the server whose address is in the data folder. The user did not give that
    /// address, so keys are sent to it only within this machine or encrypted, and never through a
    /// proxy.
    pub fn from_data_folder(base: &str, settings: &Settings) -> Result<Self, Failure> {
        let keys = !settings.server.api_keys.is_empty() || !settings.server.admin_keys.is_empty();
        let base = reachable(base);
        if keys && host_location(&base) == HostLocation::Elsewhere && !base.starts_with("https://")
        {
            return Err(Failure::run(format!(
                "{} serves {}, which is on another machine and not encrypted: to send your keys \
                 there anyway, pass --server {0}",
                Address::new(base),
                settings.collection.data_dir.display(),
            )));
        }
        Self::build(&base, settings, true)
    }

    fn build(base: &str, settings: &Settings, direct: bool) -> Result<Self, Failure> {
        let builder = clippy_http::client().timeout(TIMEOUT);
        let http = if direct { builder.no_proxy() } else { builder }
            .build()
            .map_err(|error| Failure::run(format!("the HTTP client cannot start: {error}")))?;
        let key = settings.server.api_keys.first().cloned();
        let admin_key = settings
            .server
            .admin_keys
            .first()
            .cloned()
            .or_else(|| key.clone());
        let key = key.or_else(|| admin_key.clone());
        Ok(Self {
            http,
            base: Address::new(base.trim_end_matches('/')),
            key,
            admin_key,
            is_own: false,
        })
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base.expose())
    }

    /// Sends a `GET` request with the admin key, and returns the answer.
    pub async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        self.admin_answer(self.http.get(self.at(path)).query(query))
            .await
    }

    /// Sends a `POST` request with the admin key, and returns the answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.admin_answer(self.http.post(self.at(path)).json(body))
            .await
    }

    /// Sends a `PATCH` request with the admin key, and returns the answer.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.admin_answer(self.http.patch(self.at(path)).json(body))
            .await
    }

    /// Returns the server's version.
    pub async fn version(&self) -> Result<String, Failure> {
        let answer = self
            .read(self.send(self.http.get(self.at("/healthz"))).await?)
            .await?;
        let version = answer["version"].as_str();
        version
            .map(str::to_owned)
            .ok_or_else(|| Failure::run(format!("{} is not a Clippy server", self.base)))
    }

    /// Opens the stream of a job's events after `last`.
    pub async fn open_events(
        &self,
        job: &str,
        last: Option<&str>,
    ) -> Result<reqwest::Response, StreamError> {
        let mut request = self
            .http
            .get(self.at(&format!("/api/jobs/{job}/events")))
            .timeout(UNLIMITED);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = self
            .send(with_key(request, self.admin_key.as_ref()))
            .await
            .map_err(StreamError::Transient)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let failure = self
            .read(response)
            .await
            .err()
            .unwrap_or_else(|| Failure::run("the stream was refused"));
        if status.is_server_error() {
            Err(StreamError::Transient(failure))
        } else {
            Err(StreamError::Permanent(failure))
        }
    }

    /// Searches, and returns the whole answer.
    pub async fn search(&self, form: SearchForm) -> Result<Value, Failure> {
        self.answer(
            self.http
                .post(self.at("/api/search/hybrid"))
                .multipart(form.0),
        )
        .await
    }

    /// Returns the results of an answer.
    pub fn results(answer: &Value) -> Result<Vec<SearchHit>, Failure> {
        Vec::<SearchHit>::deserialize(&answer["results"]).map_err(|error| {
            Failure::run(format!("the server's answer cannot be understood: {error}"))
        })
    }

    /// Fetches these pictures, as far as the collection has them.
    pub async fn pictures(&self, ids: &[Value]) -> Result<Vec<Picture>, Failure> {
        let mut pictures = Vec::with_capacity(ids.len());
        for some in ids.chunks(200) {
            let list: Vec<String> = some.iter().map(id_text).collect();
            let request = self
                .http
                .get(self.at("/api/pictures"))
                .query(&[("ids", list.join(","))]);
            let answer = self.answer(request).await?;
            let page = Vec::<Picture>::deserialize(&answer["pictures"]).map_err(|error| {
                Failure::run(format!("the server's answer cannot be understood: {error}"))
            })?;
            pictures.extend(page);
        }
        Ok(pictures)
    }

    /// Fetches a copy of a picture's file that is at most `width` wide. `None` for a picture that
    /// is gone, or whose file is gone or cannot be read.
    pub async fn image(&self, id: &Value, width: u32) -> Result<Option<Vec<u8>>, Failure> {
        let request = self
            .http
            .get(self.at(&format!("/api/image/{}", id_text(id))))
            .query(&[("w", width)]);
        let response = self.send(with_key(request, self.key.as_ref())).await?;
        match response.status() {
            StatusCode::NOT_FOUND
            | StatusCode::FORBIDDEN
            | StatusCode::UNSUPPORTED_MEDIA_TYPE
            | StatusCode::UNPROCESSABLE_ENTITY => Ok(None),
            status if status.is_success() => {
                let bytes = response.bytes().await;
                let bytes = bytes
                    .map_err(|error| Failure::run(format!("the answer is incomplete: {error}")))?;
                Ok(Some(bytes.to_vec()))
            }
            _ => Err(self
                .read(response)
                .await
                .err()
                .unwrap_or_else(|| Failure::run("the picture was refused"))),
        }
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        self.read(self.send(with_key(request, self.key.as_ref())).await?)
            .await
    }

    async fn admin_answer(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        self.read(
            self.send(with_key(request, self.admin_key.as_ref()))
                .await?,
        )
        .await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Failure> {
        request.send().await.map_err(|error| {
            // The address may contain a password.
            let error = error.without_url();
            let cause = std::error::Error::source(&error)
                .map_or_else(String::new, |cause| format!(": {cause}"));
            Failure::run(format!(
                "{} does not answer ({error}{cause}): is `clippy serve` running there?",
                self.base
            ))
        })
    }

    async fn read(&self, response: reqwest::Response) -> Result<Value, Failure> {
        let status = response.status();
        let bytes = response
            .bytes()
            .await
            .map_err(|error| Failure::run(format!("the answer is incomplete: {error}")))?;
        let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let detail = body["detail"].as_str().unwrap_or("no reason is given");
        if self.is_own {
            return Err(Failure::run(detail));
        }
        Err(Failure::run(format!(
            "{} answered {status}: {detail}",
            self.base
        )))
    }
}

fn with_key(request: reqwest::RequestBuilder, key: Option<&Secret>) -> reqwest::RequestBuilder {
    match key {
        Some(key) => request.bearer_auth(key.expose()),
        None => request,
    }
}

/// Where a server runs, judged by its address.
#[derive(Debug, PartialEq, Eq)]
enum HostLocation {
    /// A loopback address.
    Loopback,
    /// Another address of this machine.
    ThisMachine,
    /// Another machine, or a host name that may be one.
    Elsewhere,
}

fn host_location(base: &str) -> HostLocation {
    let Some(host) = host(base) else {
        return HostLocation::Elsewhere;
    };
    let name = host.trim_end_matches('.');
    if name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost") {
        return HostLocation::Loopback;
    }
    match name.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) if address.is_loopback() => HostLocation::Loopback,
        // Binding succeeds only for an address of this machine.
        Ok(address) if UdpSocket::bind((address, 0)).is_ok() => HostLocation::ThisMachine,
        _ => HostLocation::Elsewhere,
    }
}

/// Returns the host of an address, without brackets.
fn host(base: &str) -> Option<String> {
    let url: reqwest::Url = base.parse().ok()?;
    Some(
        url.host_str()?
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
    )
}

/// Whether only programs on the server's own machine can call it at this address.
pub fn is_loopback(base: &str) -> bool {
    host_location(&reachable(base)) == HostLocation::Loopback
}

/// Returns the address to call a server at. A server that listens at every address is called at
/// loopback.
fn reachable(base: &str) -> String {
    let every = host(base)
        .and_then(|host| host.parse::<IpAddr>().ok())
        .filter(IpAddr::is_unspecified);
    let (Some(every), Ok(mut url)) = (every, base.parse::<reqwest::Url>()) else {
        return base.to_owned();
    };
    let loopback = match every {
        IpAddr::V4(_) => IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::from(Ipv6Addr::LOCALHOST),
    };
    match url.set_ip_host(loopback) {
        Ok(()) => url.to_string(),
        Err(()) => base.to_owned(),
    }
}

/// Returns an id as text, for URLs.
pub fn id_text(id: &Value) -> String {
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use clippy_core::settings::Reader;

    use super::*;

    #[test]
    fn loopback_and_this_machines_own_addresses_are_distinguished_from_others() {
        for base in [
            "http://127.0.0.1:8000",
            "http://localhost:1",
            "http://[::1]:1",
            "http://app.localhost",
            "http://127.9.9.9",
        ] {
            assert_eq!(host_location(base), HostLocation::Loopback, "{base}");
        }
        // TEST-NET-1 and host names: never addresses of the machine that runs the tests.
        for base in [
            "http://192.0.2.1:8000",
            "http://clippy.example",
            "http://localhost.example",
            "nonsense",
        ] {
            assert_eq!(host_location(base), HostLocation::Elsewhere, "{base}");
        }
        assert_eq!(reachable("http://0.0.0.0:8000"), "http://127.0.0.1:8000/");
        assert_eq!(reachable("http://[::]:8000"), "http://[::1]:8000/");
        assert_eq!(reachable("http://192.0.2.1:8000"), "http://192.0.2.1:8000");
    }

    #[test]
    fn keys_go_to_a_server_from_the_data_folder_only_on_this_machine_or_encrypted() {
        let settings = |pairs: &[(&str, &str)]| {
            Settings::read(&Reader::from_pairs(pairs.iter().copied())).expect("settings")
        };
        let (keyless, keyed) = (settings(&[]), settings(&[("ADMIN_KEYS", "hunter2")]));
        let refused = Client::from_data_folder("http://192.0.2.1:8000", &keyed)
            .err()
            .expect("refused")
            .to_string();
        assert!(
            refused.contains("--server http://192.0.2.1:8000") && !refused.contains("hunter2"),
            "{refused}"
        );
        for (base, settings) in [
            ("http://192.0.2.1:8000", &keyless),
            ("https://192.0.2.1:8000", &keyed),
            ("http://0.0.0.0:8000", &keyed),
            ("http://127.0.0.1:8000", &keyed),
        ] {
            assert!(Client::from_data_folder(base, settings).is_ok(), "{base}");
        }
        assert!(
            Client::new("http://192.0.2.1:8000", &keyed).is_ok(),
            "the user gave this address"
        );
    }
}
