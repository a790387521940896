//! The client of a site: requests with a rate, bounds and retries.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use crate::error::FetchError;
use crate::options::{FetchOptions, Pauses};
use crate::page::{self, Page, Post};
use crate::throttle::{Throttle, retry_after};

const POSTS_A_PAGE: u32 = 100;
const LARGEST_PAGE: usize = 16 << 20;
const LARGEST_PICTURE: usize = 64 << 20;
const REDIRECTS: usize = 5;

/// Why a request failed for good.
#[derive(Debug)]
pub struct SiteFailure {
    pub message: String,
    /// The site works, but refuses this one.
    pub refused: bool,
}

enum Attempt {
    /// Another attempt may succeed, after this pause if the site named one.
    Again(String, Option<Duration>),
    /// The site works, but this file is not what it says: only its own worker waits.
    Damaged(String),
    Never(String),
}

pub struct Site {
    client: Client,
    base: Url,
    throttle: Throttle,
    pauses: Pauses,
    id_below: Option<u64>,
}

impl Site {
    pub fn new(options: &FetchOptions) -> Result<Self, FetchError> {
        let base = format!("{}/", options.base_url.trim_end_matches('/'));
        let base = Url::parse(&base)
            .ok()
            .filter(|base| matches!(base.scheme(), "http" | "https"))
            .ok_or_else(|| {
                FetchError::Usage(format!("{} is not an http(s) address", options.base_url))
            })?;
        let client = clippy_http::client()
            .user_agent(&options.user_agent)
            .timeout(options.pauses.timeout)
            .redirect(redirect::Policy::custom(|attempt| {
                if attempt.previous().len() > REDIRECTS {
                    return attempt.error("too many redirects");
                }
                if !matches!(attempt.url().scheme(), "http" | "https") {
                    return attempt.error("a redirect to an address that is not http(s)");
                }
                attempt.follow()
            }))
            .build()
            .map_err(|error| FetchError::Usage(format!("the HTTP client: {error}")))?;
        Ok(Self {
            client,
            base,
            throttle: Throttle::new(options.rate),
            pauses: options.pauses.clone(),
            id_below: options.id_below(),
        })
    }

    /// The page of a post for people.
    pub fn post_url(&self, id: u64) -> String {
        format!("{}index.php?page=post&s=view&id={id}", self.base)
    }

    /// The address of a post's file, if the site names one.
    pub fn file_url(&self, post: &Post) -> Option<Url> {
        let url = if let Some(url) = &post.file_url {
            self.base.join(url).ok()?
        } else {
            let mut url = self.base.join("images").ok()?;
            let directory = post.directory.as_deref()?;
            url.path_segments_mut()
                .ok()?
                .extend(directory.split('/').filter(|part| !part.is_empty()))
                .push(post.image.as_deref()?);
            url
        };
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    /// Reads one page of a tag's posts. An empty list means that there are no more.
    pub async fn page(&self, tag: &str, number: u64) -> Result<Vec<Post>, SiteFailure> {
        let mut tags = utf8_percent_encode(tag, NON_ALPHANUMERIC).to_string();
        if let Some(id) = self.id_below {
            tags.push_str(&format!("%20id%3A%3C{id}"));
        }
        let mut url = self.base.clone();
        url.set_path(&format!("{}index.php", self.base.path()));
        url.set_query(Some(&format!(
            "page=dapi&s=post&q=index&json=1&limit={POSTS_A_PAGE}&pid={number}&tags={tags}"
        )));
        self.get(&url, LARGEST_PAGE, |body| match page::parse(&body) {
            Page::Posts(posts) => Ok(posts),
            Page::NotJson => {
                let message = "the site sent no JSON; it may be throttling";
                Err(Attempt::Again(message.to_owned(), None))
            }
        })
        .await
    }

    /// Reads a picture. `check` says what is wrong with the bytes; they are then read again.
    pub async fn picture(
        &self,
        url: &Url,
        check: impl Fn(&[u8]) -> Result<(), String>,
    ) -> Result<Vec<u8>, SiteFailure> {
        self.get(url, LARGEST_PICTURE, |body| match check(&body) {
            Ok(()) => Ok(body),
            Err(fault) => Err(Attempt::Damaged(fault)),
        })
        .await
    }

    async fn get<T>(
        &self,
        url: &Url,
        most: usize,
        read: impl Fn(Vec<u8>) -> Result<T, Attempt>,
    ) -> Result<T, SiteFailure> {
        let mut pauses = ExponentialBuilder::new()
            .with_min_delay(self.pauses.shortest)
            .with_max_delay(self.pauses.longest)
            .with_max_times(self.pauses.attempts.saturating_sub(1))
            .with_jitter()
            .build();
        loop {
            self.throttle.turn().await;
            let attempt = match self.attempt(url, most).await {
                Ok(body) => match read(body) {
                    Ok(read) => return Ok(read),
                    Err(attempt) => attempt,
                },
                Err(attempt) => attempt,
            };
            match attempt {
                Attempt::Never(message) => {
                    return Err(SiteFailure {
                        message,
                        refused: true,
                    });
                }
                Attempt::Damaged(message) => match pauses.next() {
                    None => {
                        return Err(SiteFailure {
                            message,
                            refused: true,
                        });
                    }
                    Some(pause) => tokio::time::sleep(pause).await,
                },
                Attempt::Again(message, named) => match pauses.next() {
                    None => {
                        return Err(SiteFailure {
                            message,
                            refused: false,
                        });
                    }
                    Some(pause) => {
                        let pause = named.map_or(pause, |named| named.max(pause));
                        // All workers wait, since the site is busy for each of them.
                        self.throttle.pause(pause.min(self.pauses.longest));
                    }
                },
            }
        }
    }

    async fn attempt(&self, url: &Url, most: usize) -> Result<Vec<u8>, Attempt> {
        let response = self.client.get(url.clone()).send().await.map_err(|error| {
            let message = full_message(&error);
            if error.is_redirect() || error.is_builder() {
                Attempt::Never(message)
            } else {
                Attempt::Again(message, None)
            }
        })?;
        let status = response.status();
        if status.is_success() {
            return body(response, most).await;
        }
        let message = format!("the site answered {status}");
        let busy = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        );
        if busy || status.is_server_error() {
            return Err(Attempt::Again(
                message,
                retry_after(response.headers(), Timestamp::now()),
            ));
        }
        Err(Attempt::Never(message))
    }
}

/// Reads a body up to a bound. A body that ends early is an error of reqwest.
async fn body(mut response: Response, most: usize) -> Result<Vec<u8>, Attempt> {
    let mut body = Vec::new();
    while let Some(part) = response
        .chunk()
        .await
        .map_err(|error| Attempt::Again(full_message(&error), None))?
    {
        if body.len() + part.len() > most {
            return Err(Attempt::Never(format!(
                "the answer is larger than {most} bytes"
            )));
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// reqwest's own message does not name the cause.
fn full_message(error: &reqwest::Error) -> String {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        message.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    message
}
