//! Asks the hub for files. The token goes to the hub, and never to where it redirects.

use std::error::Error as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use clippy_core::blocking;
use clippy_core::settings::{HubSettings, Secret, without_credentials};
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue, LOCATION, RANGE};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};

use super::announcement::{Announcement, text};
use super::cache::Cache;
use super::patience::{Patience, Setback};
use super::refusal;
use super::repository::{Repository, is_commit};
use crate::error::{ClipError, Result};

/// After this much silence a connection counts as broken.
const SILENCE: Duration = Duration::from_secs(60);
/// The longest that connecting may take.
const CONNECTING: Duration = Duration::from_secs(30);
/// A renamed repository redirects once.
const MOST_REDIRECTS: usize = 5;
const USER_AGENT: &str = concat!("clippy/", env!("CARGO_PKG_VERSION"));

/// A token, which is never shown.
struct Token {
    text: Secret,
    header: HeaderValue,
}

/// The hub, or a mirror of it, and the cache on this machine.
pub struct Hub {
    endpoint: Url,
    cache: Cache,
    token: Option<Token>,
    /// Why the token's file was not read, and what to do.
    unread: Option<String>,
    is_offline: bool,
    /// Shows redirects, which announce a file.
    heads: Client,
    /// Follows redirects to the file. It takes the token off a request to another host or port.
    files: Client,
}

impl Hub {
    /// Prepares calls to the hub, and reads the token's file. Nothing is sent yet. If that file
    /// cannot be read, this is logged, and no token is sent: public models need none.
    ///
    /// # Errors
    /// Where the token or the address cannot be used.
    pub async fn new(settings: &HubSettings) -> Result<Self> {
        let endpoint = Url::parse(settings.endpoint.expose())
            .ok()
            .filter(|url| !url.cannot_be_a_base())
            .ok_or_else(no_address)?;
        // An address with a user or a password has its own `Authorization`.
        let has_login = !endpoint.username().is_empty() || endpoint.password().is_some();
        if has_login && settings.token.is_some() {
            tracing::warn!(
                "HF_TOKEN is not sent, since HF_ENDPOINT has a user or a password, which is sent \
                 instead. Remove one of them"
            );
        }
        let (token, unread) = match &settings.token {
            _ if has_login || settings.offline => (None, None),
            Some(token) => (Some(token.clone()), None),
            None => match read_token(&settings.token_file).await? {
                Ok(token) => (token, None),
                Err(reason) => (None, Some(reason)),
            },
        };
        let token = token.map(Token::new).transpose()?;
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
            unread,
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
    /// [`ClipError::Download`] when the hub refuses, cannot be reached, answers with another commit
    /// than the one asked for, or announces nothing that a download can be checked by.
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
                check(&found, revision, &url)?;
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
            request = request.header(AUTHORIZATION, token.header.clone());
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
        let token = self.token.as_ref().map(|token| token.text.expose());
        let mut reason = refusal::reason(repository, file, answer, token);
        let needs_token = matches!(
            response.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        );
        if let Some(unread) = self.unread.as_ref().filter(|_| needs_token) {
            reason = format!("{reason}. {unread}");
        }
        download(url, reason)
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

impl Token {
    fn new(text: Secret) -> Result<Self> {
        let header = HeaderValue::from_str(&format!("Bearer {}", text.expose()));
        let mut header = header.map_err(|_| {
            ClipError::InvalidConfig(
                "HF_TOKEN, or the token's file (HF_TOKEN_PATH, or `token` in HF_HOME), has \
                 characters that no token has. Copy it again from \
                 https://huggingface.co/settings/tokens"
                    .to_owned(),
            )
        })?;
        header.set_sensitive(true);
        Ok(Self { text, header })
    }
}

/// Reads the token's file, if it is there. The inner error says why it cannot be read, and what to
/// do; it is logged here.
async fn read_token(path: &Path) -> Result<Result<Option<Secret>, String>> {
    let file = path.to_owned();
    let read = on_disk(path, move || Ok(fs::read_to_string(&file))).await?;
    Ok(match read {
        Ok(text) => {
            let text = Some(text.trim()).filter(|text| !text.is_empty());
            Ok(text.map(|text| Secret::new(text.to_owned())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let reason = format!(
                "No token is sent, since its file {} cannot be read ({error}). Fix its \
                 permissions, or set HF_TOKEN",
                path.display()
            );
            tracing::warn!("{reason}");
            Err(reason)
        }
    })
}

/// Refuses an announcement of another commit than the one asked for, which would mix files of
/// several commits, and one by which a download cannot be checked.
fn check(found: &Announcement, revision: &str, url: &Url) -> Result<()> {
    let commit = found.commit();
    if is_commit(revision) && commit != revision {
        let reason = format!(
            "commit {revision} was asked for, and the answer is of commit {commit}. Check \
             HF_ENDPOINT: this server does not give the commit that it is asked for"
        );
        return Err(download(url, reason));
    }
    match found.fault() {
        Some(reason) => Err(download(url, reason)),
        None => Ok(()),
    }
}

/// The error of a download. User, password and query of the address are left out.
pub(super) fn download(url: &Url, reason: String) -> ClipError {
    let url = without_credentials(url.as_str());
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

/// Runs work on the files of the cache, off the async threads. `path` names them in the error of
/// work that ended early.
pub(super) async fn on_disk<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = blocking("work on the cache of models", move || Ok(work())).await;
    done.map_err(|error| ClipError::Interrupted {
        path: path.to_owned(),
        what: error.message,
    })?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_fault_of_work_on_the_cache_is_no_failure_to_write() {
        let ended = on_disk::<()>(Path::new("/cache/file"), || panic!("a fault")).await;
        let error = ended.unwrap_err();
        assert!(matches!(error, ClipError::Interrupted { .. }), "{error}");
        let error = error.to_string();
        for part in ["/cache/file", "ended early", "again"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("cannot be written"), "{error}");
    }
}
