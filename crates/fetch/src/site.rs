//! The client of a site: requests with a rate, bounds and retries.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use clippy_common::files::Unfinished;
use clippy_common::with_causes;
use clippy_http::{PublicResolver, retry_after};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use crate::addresses::Addresses;
use crate::content::Content;
use crate::error::{FetchError, blocking};
use crate::options::{FetchOptions, Pauses};
use crate::page::{self, Page, Post, Posts};
use crate::throttle::Throttle;

const POSTS_A_PAGE: u32 = 100;
const LARGEST_PAGE: usize = 16 << 20;
const LARGEST_PICTURE: u64 = 64 << 20;
/// The bytes of a picture that are in memory.
const BUFFER: usize = 256 << 10;
const REDIRECTS: usize = 5;

/// Why something was not had from the site.
#[derive(Debug)]
pub enum Failure {
    /// The site works, but refuses this one.
    Refused(String),
    /// The site does not answer.
    Away(String),
    /// The file system failed.
    File(FetchError),
}

enum Attempt {
    /// Another attempt may succeed, after this pause if the site named one.
    Again(String, Option<Duration>),
    /// The site works, but this file is not what it says: only its own worker waits.
    Damaged(String),
    Never(String),
    File(FetchError),
}

impl From<FetchError> for Attempt {
    fn from(error: FetchError) -> Self {
        Self::File(error)
    }
}

pub struct Site {
    client: Client,
    pub addresses: Addresses,
    throttle: Throttle,
    pauses: Pauses,
    id_below: Option<u64>,
}

impl Site {
    pub fn new(options: &FetchOptions) -> Result<Self, FetchError> {
        let addresses = Addresses::new(&options.base_url, options.public_only)?;
        let allowed = addresses.clone();
        let mut client = clippy_http::client()
            .user_agent(&options.user_agent)
            .timeout(options.pauses.timeout)
            .redirect(redirect::Policy::custom(move |attempt| {
                if attempt.previous().len() > REDIRECTS {
                    return attempt.error("too many redirects");
                }
                match allowed.check(attempt.url()) {
                    Ok(()) => attempt.follow(),
                    Err(reason) => attempt.error(format!("a redirect is not followed: {reason}")),
                }
            }));
        if options.public_only {
            // A proxy would resolve names itself.
            client = client.no_proxy().dns_resolver(Arc::new(PublicResolver {
                exempt: addresses.host().map(str::to_owned),
            }));
        }
        let client = client
            .build()
            .map_err(|error| FetchError::Usage(format!("the HTTP client: {error}")))?;
        Ok(Self {
            client,
            addresses,
            throttle: Throttle::new(options.rate),
            pauses: options.pauses.clone(),
            id_below: options.id_below(),
        })
    }

    /// Reads one page of a tag's posts. No posts means that there are no more.
    pub async fn page(&self, tag: &str, number: u64) -> Result<Posts, Failure> {
        let mut tags = utf8_percent_encode(tag, NON_ALPHANUMERIC).to_string();
        if let Some(id) = self.id_below {
            tags.push_str(&format!("%20id%3A%3C{id}"));
        }
        let url = self.addresses.page(&format!(
            "page=dapi&s=post&q=index&json=1&limit={POSTS_A_PAGE}&pid={number}&tags={tags}"
        ));
        let mut tries = self.tries();
        loop {
            match self.page_once(&url).await {
                Ok(posts) => return Ok(posts),
                Err(attempt) => self.wait(&mut tries, attempt).await?,
            }
        }
    }

    async fn page_once(&self, url: &Url) -> Result<Posts, Attempt> {
        let mut response = self.send(url).await?;
        let mut body = Vec::new();
        while let Some(part) = chunk(&mut response).await? {
            if body.len() + part.len() > LARGEST_PAGE {
                return Err(too_large(LARGEST_PAGE));
            }
            body.extend_from_slice(&part);
        }
        match blocking(move || Ok(page::parse(&body))).await? {
            Page::Posts(posts) => Ok(posts),
            Page::NotJson => {
                let message = "the site sent no JSON; it may be throttling";
                Err(Attempt::Again(message.to_owned(), None))
            }
        }
    }

    /// Reads the picture of a post into the file `path`, by way of the folder `parts`, and returns
    /// its md5. What is not as the post says is read again.
    pub async fn picture(
        &self,
        url: &Url,
        post: &Post,
        parts: &Path,
        path: &Path,
    ) -> Result<String, Failure> {
        let mut tries = self.tries();
        loop {
            match self.picture_once(url, post, parts, path).await {
                Ok(md5) => return Ok(md5),
                Err(attempt) => self.wait(&mut tries, attempt).await?,
            }
        }
    }

    async fn picture_once(
        &self,
        url: &Url,
        post: &Post,
        parts: &Path,
        path: &Path,
    ) -> Result<String, Attempt> {
        let mut response = self.send(url).await?;
        let mut size = 0;
        let mut buffer = Vec::new();
        let mut saving = Saving::begin(parts, path).await?;
        while let Some(part) = chunk(&mut response).await? {
            size += part.len() as u64;
            if size > LARGEST_PICTURE {
                return Err(too_large(LARGEST_PICTURE));
            }
            buffer.extend_from_slice(&part);
            if buffer.len() >= BUFFER {
                saving = saving.write(std::mem::take(&mut buffer)).await?;
            }
        }
        saving = saving.write(buffer).await?;
        let Saving { file, content } = saving;
        let md5 = content.check(post).map_err(Attempt::Damaged)?;
        let path = path.to_owned();
        blocking(move || {
            file.finish()
                .map_err(|error| FetchError::file(&path, &error))
        })
        .await?;
        Ok(md5)
    }

    fn tries(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.pauses.shortest)
            .with_max_delay(self.pauses.longest)
            .with_max_times(self.pauses.attempts.saturating_sub(1))
            .with_jitter()
            .build()
    }

    /// Waits before the next attempt. An error if there is none.
    async fn wait(&self, tries: &mut ExponentialBackoff, attempt: Attempt) -> Result<(), Failure> {
        match attempt {
            Attempt::File(error) => Err(Failure::File(error)),
            Attempt::Never(message) => Err(Failure::Refused(message)),
            Attempt::Damaged(message) => {
                let pause = tries.next().ok_or(Failure::Refused(message))?;
                tokio::time::sleep(pause).await;
                Ok(())
            }
            Attempt::Again(message, named) => {
                let Some(pause) = tries.next() else {
                    return Err(Failure::Away(message));
                };
                let pause = named.map_or(pause, |named| named.max(pause));
                let pause = pause.min(self.pauses.longest);
                // All workers wait, since the site is busy for each of them.
                if self.throttle.pause(pause) {
                    tracing::warn!(reason = message, ?pause, "the site is asked again later");
                }
                Ok(())
            }
        }
    }

    /// Sends one request in its turn.
    async fn send(&self, url: &Url) -> Result<Response, Attempt> {
        self.addresses
            .check(url)
            .map_err(|reason| Attempt::Never(format!("{url} is not called: {reason}")))?;
        self.throttle.turn().await;
        let response = self.client.get(url.clone()).send().await.map_err(|error| {
            let message = with_causes(&error);
            if error.is_redirect() || error.is_builder() {
                Attempt::Never(message)
            } else {
                Attempt::Again(message, None)
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let message = format!("the site answered {status}");
        let busy = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
        if busy || status.is_server_error() {
            let named = retry_after(response.headers());
            return Err(Attempt::Again(message, named));
        }
        Err(Attempt::Never(message))
    }
}

/// Reads the next bytes of a body. A body that ends early is an error of reqwest.
async fn chunk(response: &mut Response) -> Result<Option<bytes::Bytes>, Attempt> {
    let read = response.chunk().await;
    read.map_err(|error| Attempt::Again(with_causes(&error), None))
}

fn too_large(most: impl std::fmt::Display) -> Attempt {
    Attempt::Never(format!("the answer is larger than {most} bytes"))
}

/// A picture that is written as it arrives, so that only a small part of it is in memory.
struct Saving {
    file: Unfinished,
    content: Content,
}

impl Saving {
    async fn begin(parts: &Path, path: &Path) -> Result<Self, FetchError> {
        let (parts, path) = (parts.to_owned(), path.to_owned());
        blocking(move || {
            let file = Unfinished::begin(&parts, &path)
                .map_err(|error| FetchError::file(&path, &error))?;
            let content = Content::default();
            Ok(Self { file, content })
        })
        .await
    }

    async fn write(mut self, bytes: Vec<u8>) -> Result<Self, FetchError> {
        blocking(move || {
            self.content.add(&bytes);
            self.file.write_all(&bytes).map_err(|error| {
                FetchError::File(format!("a picture cannot be written: {error}"))
            })?;
            Ok(self)
        })
        .await
    }
}
