//! Asks the hub for files. The token goes to the hub, and never to where it redirects.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use clippy_core::blocking;
use clippy_core::settings::{HubSettings, without_credentials};
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, RequestBuilder, Response, Url, redirect};

use super::announcement::{Announcement, text};
use super::cache::Cache;
use super::patience::{Patience, Setback};
use super::refusal;
use super::repository::Repository;
use crate::error::{ClipError, Result};

/// After this much silence a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest that connecting may take.
const CONNECTING: Duration = Duration::from_secs(30);
/// A renamed repository redirects once.
const MOST_REDIRECTS: usize = 5;
const USER_AGENT: &str = concat!("clippy/", env!("CARGO_PKG_VERSION"));

/// The hub, or a mirror of it, and the cache on this machine.
pub struct Hub {
    endpoint: Url,
    cache: Cache,
    token: Option<HeaderValue>,
    is_offline: bool,
    /// Shows redirects, which announce a file.
    heads: Client,
    /// Follows redirects to the file. It takes the token off a request to another host or port.
    files: Client,
}

impl Hub {
    /// Prepares calls to the hub, and reads the token's file. Nothing is sent yet.
    ///
    /// # Errors
    /// Where the token's file cannot be read, or the token or the address cannot be used.
    pub async fn new(settings: &HubSettings) -> Result<Self> {
        let endpoint = Url::parse(settings.endpoint.expose())
            .ok()
            .filter(|url| !url.cannot_be_a_base())
            .ok_or_else(no_address)?;
        let file = settings.token_file.clone();
        let token: Option<String> = match &settings.token {
            Some(token) => Some(token.expose().to_owned()),
            None => on_disk(&settings.token_file, move || read_token(&file)).await?,
        };
        // An address with a password has its own `Authorization`.
        let token = token.filter(|_| endpoint.username().is_empty());
        let token = token.map(|token| authorization(&token)).transpose()?;
        let client = || {
            let builder = clippy_http::client().user_agent(USER_AGENT).referer(false);
            builder.connect_timeout(CONNECTING)
        };
        let built = |builder: reqwest::ClientBuilder| {
            let built = builder.build();
            built.map_err(|error| download(&endpoint, reason_of(error)))
        };
        Ok(Self {
            heads: built(client().redirect(redirect::Policy::none()).timeout(SILENCE))?,
            files: built(client().read_timeout(SILENCE))?,
            cache: Cache::new(&settings.cache),
            token,
            is_offline: settings.offline,
            endpoint,
        })
    }

    /// The cache on this machine.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Whether nothing may be downloaded (`HF_HUB_OFFLINE`).
    #[must_use]
    pub fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// Asks for a file's commit, hash and size. `None` if the repository has no such file.
    ///
    /// # Errors
    /// [`ClipError::Download`] when the hub refuses, or cannot be reached.
    pub(crate) async fn announce(
        &self,
        repository: &Repository,
        revision: &str,
        file: &str,
    ) -> Result<Option<Announcement>> {
        let mut url = self.address(repository, revision, file)?;
        let mut redirects = 0;
        let mut patience = Patience::new();
        loop {
            // A compressed answer would have another size.
            let request = self.heads.head(url.clone());
            let response = match self.send(request, &url).await {
                Ok(response) => response,
                // Before anything was downloaded, a person waits for this answer.
                Err(setback) if setback.is_unreached => {
                    let reason = format!(
                        "{}. Check the network, or name a mirror with HF_ENDPOINT",
                        setback.reason
                    );
                    return Err(download(&url, reason));
                }
                Err(setback) => {
                    self.wait(&mut patience, &setback, &url).await?;
                    continue;
                }
            };
            let (status, headers) = (response.status(), response.headers());
            if !status.is_success() && !status.is_redirection() {
                if refusal::is_missing_file(status, headers) {
                    return Ok(None);
                }
                return Err(self.refused(repository, file, &url, &response));
            }
            if let Some(found) = Announcement::read(headers, status.is_redirection()) {
                return Ok(Some(found));
            }
            let next = text(headers, LOCATION.as_str()).and_then(|next| url.join(next).ok());
            let next = next.filter(|next| self.is_own(next) && status.is_redirection());
            redirects += 1;
            url = next
                .filter(|_| redirects <= MOST_REDIRECTS)
                .ok_or_else(|| {
                    download(
                    &url,
                    "the answer says neither a commit nor a hash, so this is no hub of Hugging \
                     Face. Check HF_ENDPOINT"
                        .to_owned(),
                )
                })?;
        }
    }

    /// Asks for a file's content from an offset on.
    pub(super) async fn get(&self, url: &Url, from: u64) -> Result<Response, Setback> {
        let mut request = self.files.get(url.clone());
        if from > 0 {
            request = request.header(RANGE, format!("bytes={from}-"));
        }
        self.send(request, url).await
    }

    /// Sends a request, and takes answers that another attempt may not get for setbacks.
    async fn send(&self, request: RequestBuilder, url: &Url) -> Result<Response, Setback> {
        if self.is_offline {
            return Err(Setback::new("HF_HUB_OFFLINE is set"));
        }
        let mut request = request.header(ACCEPT_ENCODING, "identity");
        if let Some(token) = self.token.as_ref().filter(|_| self.is_own(url)) {
            request = request.header(AUTHORIZATION, token.clone());
        }
        let sent = request.send().await;
        let response = sent.map_err(|error| Setback {
            is_unreached: error.is_connect(),
            ..Setback::new(reason_of(error))
        })?;
        match refusal::setback(&response) {
            Some(setback) => Err(setback),
            None => Ok(response),
        }
    }

    pub(super) async fn wait(
        &self,
        patience: &mut Patience,
        setback: &Setback,
        url: &Url,
    ) -> Result<()> {
        let shown = without_credentials(url.as_str());
        let waited = patience.wait(setback, &shown).await;
        waited.map_err(|reason| download(url, reason))
    }

    /// The error for an answer that refuses a file.
    pub(super) fn refused(
        &self,
        repository: &Repository,
        file: &str,
        url: &Url,
        response: &Response,
    ) -> ClipError {
        let answer = (response.status(), response.headers());
        let has_token = self.token.is_some();
        download(url, refusal::reason(repository, file, answer, has_token))
    }

    /// Whether an address is the hub's own.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.endpoint.origin()
    }

    /// Where a file of a revision is.
    pub(super) fn address(
        &self,
        repository: &Repository,
        revision: &str,
        file: &str,
    ) -> Result<Url> {
        let mut url = self.endpoint.clone();
        url.path_segments_mut()
            .map_err(|()| no_address())?
            .pop_if_empty()
            .extend(repository.id().split('/'))
            .extend(["resolve", revision, file]);
        Ok(url)
    }
}

fn no_address() -> ClipError {
    ClipError::InvalidConfig("HF_ENDPOINT is no address of a server".to_owned())
}

/// The header with the token, which is never shown.
fn authorization(token: &str) -> Result<HeaderValue> {
    let header = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut header = header.map_err(|_| {
        ClipError::InvalidConfig(
            "HF_TOKEN, or the file `token` in HF_HOME, has characters that no token has. Copy it \
             again from https://huggingface.co/settings/tokens"
                .to_owned(),
        )
    })?;
    header.set_sensitive(true);
    Ok(header)
}

fn read_token(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim().to_owned()).filter(|token| !token.is_empty())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(ClipError::reading(path)(error)),
    }
}

/// The error of a download.
pub(super) fn download(url: &Url, reason: String) -> ClipError {
    let url = url.to_string();
    ClipError::Download { url, reason }
}

/// What happened, in the words of the innermost cause. The address is left out: a redirect's may
/// hold a key.
pub(super) fn reason_of(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause = error.source();
    while let Some(next) = cause.and_then(|cause| cause.source()) {
        cause = Some(next);
    }
    match cause {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Runs work on the files of the cache, off the async threads.
pub(super) async fn on_disk<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = blocking("work on the cache of models", move || Ok(work())).await;
    done.map_err(|error| ClipError::writing(path)(std::io::Error::other(error.message)))?
}
