//! A run: the pages of every tag, then the pictures, then the files that describe them.

use std::collections::BTreeSet;
use std::fs;

use futures::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::addresses::Addresses;
use crate::attribution::attribution;
use crate::download::{Missing, Whole, ensure};
use crate::error::{FetchError, blocking};
use crate::manifest::{ids_per_tag, manifest};
use crate::options::FetchOptions;
use crate::output::{ATTRIBUTION, IDS_PER_TAG, MANIFEST, Output};
use crate::plan::{self, Plan, Wanted};
use crate::progress::{Progress, Stage};
use crate::site::{Failure, Site};
use crate::state::State;

/// A run stops after this many failed downloads in a row.
const MOST_IN_A_ROW: u64 = 20;
/// The most failures whose reasons are kept. All are counted.
const MOST_REASONS: usize = 1000;

/// The outcome of a run.
#[derive(Debug, Default, Serialize)]
pub struct Outcome {
    pub tags: u64,
    /// Different posts that the site listed.
    pub posts: u64,
    /// Pictures that were downloaded.
    pub fetched: u64,
    /// Pictures that were there already.
    pub kept: u64,
    /// Posts without a picture: films, removed files.
    pub skipped: u64,
    pub failed: u64,
    /// Posts whose id cannot be read. They are not in `posts`.
    pub unreadable: u64,
    /// Tags for which the site has no post.
    pub tags_without_posts: Vec<String>,
    /// The reasons of the first failures.
    pub failures: Vec<String>,
    /// Why the run ended early.
    pub stopped: Option<String>,
}

impl Outcome {
    #[must_use]
    pub fn nothing_succeeded(&self) -> bool {
        self.fetched + self.kept == 0
    }

    fn fail(&mut self, reason: String) {
        self.failed += 1;
        if self.failures.len() < MOST_REASONS {
            self.failures.push(reason);
        }
    }
}

/// Fetches. A run that ends while it downloads, also because the disk is full, still describes the
/// pictures that are whole. One that ends while it reads pages writes no manifest.
///
/// # Errors
/// Bad arguments, a folder with another run or other files, an error of the file system that leaves
/// the pictures without a description.
pub async fn run(
    options: &FetchOptions,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Outcome, FetchError> {
    check(options)?;
    let site = Site::new(options)?;
    let given = options.clone();
    let (output, state) = blocking(move || {
        let output = Output::open(&given.out)?;
        let state = State::open(&given, &output)?;
        Ok((output, state))
    })
    .await?;
    let mut outcome = Outcome {
        tags: options.tags.len() as u64,
        ..Outcome::default()
    };
    let listing = list(options, &site, state, &mut outcome, progress);
    let state = match cancel.run_until_cancelled(listing).await {
        Some(listed) => listed?,
        None => {
            outcome.stopped = Some("stopped".to_owned());
            return Ok(outcome);
        }
    };
    if outcome.stopped.is_some() {
        return Ok(outcome);
    }
    let (given, addresses) = (options.clone(), site.addresses.clone());
    let (output, plan, listed) = blocking(move || {
        let plan = Plan::new(&given);
        let listed = plan::collect(&given, &addresses, state);
        make_folders(&output, &plan, &listed.wanted)?;
        Ok((output, plan, listed))
    })
    .await?;
    outcome.posts = listed.wanted.len() as u64 + listed.skipped;
    outcome.skipped = listed.skipped;
    outcome.unreadable = listed.unreadable;
    outcome.tags_without_posts = listed.tags_without_posts;
    let pictures = {
        let ended = futures::stream::iter(listed.wanted)
            .map(|wanted| ensure(&site, &output, &plan, wanted))
            .buffer_unordered(options.workers);
        download(
            ended,
            outcome.posts - outcome.skipped,
            &mut outcome,
            progress,
            cancel,
        )
        .await
    };
    let addresses = site.addresses.clone();
    let described = blocking(move || describe(&output, &plan, &addresses, &pictures)).await;
    match (described, &outcome.stopped) {
        (Err(FetchError::File(error)), Some(reason)) => Err(FetchError::File(format!(
            "{reason}; and the manifest of what is whole cannot be written: {error}"
        ))),
        (described, _) => described.map(|()| outcome),
    }
}

fn check(options: &FetchOptions) -> Result<(), FetchError> {
    let fault = if options.tags.is_empty() {
        "the tags file has no tags"
    } else if options.workers == 0 {
        "there must be at least one worker"
    } else if options.rate.is_nan() || options.rate <= 0.0 {
        "the rate must be more than 0"
    } else {
        return Ok(());
    };
    Err(FetchError::Usage(fault.to_owned()))
}

/// Reads the pages that are not recorded yet.
async fn list(
    options: &FetchOptions,
    site: &Site,
    mut state: State,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<State, FetchError> {
    let total = options.tags.len() as u64;
    for (done, tag) in (0..).zip(&options.tags) {
        progress.report(Stage::Listing, done, total, outcome.failed);
        loop {
            let (next, ended) = state
                .tag(tag)
                .map_or((0, false), |pages| (pages.next, pages.ended));
            if ended || options.max_pages.is_some_and(|most| next >= most) {
                break;
            }
            match site.page(tag, next).await {
                Ok(posts) => {
                    let tag = tag.clone();
                    state = blocking(move || {
                        state.add_page(&tag, posts)?;
                        Ok(state)
                    })
                    .await?;
                }
                Err(Failure::Refused(reason)) => {
                    outcome.fail(format!("tag {tag}: {reason}"));
                    break;
                }
                Err(Failure::Away(reason)) => {
                    outcome.stopped = Some(format!("tag {tag}: {reason}"));
                    return Ok(state);
                }
                Err(Failure::File(error)) => return Err(error),
            }
        }
    }
    Ok(state)
}

/// Makes the folders of the pictures. A link in their place could lead out of the output folder.
fn make_folders(output: &Output, plan: &Plan, wanted: &[Wanted]) -> Result<(), FetchError> {
    let folders: BTreeSet<&str> = wanted
        .iter()
        .flat_map(|wanted| plan.folders(wanted))
        .collect();
    for folder in folders {
        let path = output.path(folder);
        fs::create_dir_all(&path).map_err(|error| FetchError::file(&path, &error))?;
        let kind = fs::symlink_metadata(&path).map_err(|error| FetchError::file(&path, &error))?;
        if !kind.is_dir() {
            return Err(FetchError::Refused(format!(
                "{} is a link; nothing is written outside of the output folder",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Collects the pictures that are whole until the end, or until something stops the run.
async fn download(
    mut ended: impl futures::Stream<Item = Result<Whole, Missing>> + Unpin,
    total: u64,
    outcome: &mut Outcome,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Vec<Whole> {
    let mut pictures = Vec::new();
    let mut in_a_row = 0;
    loop {
        let done = pictures.len() as u64 + outcome.failed;
        progress.report(Stage::Downloading, done, total, outcome.failed);
        let Some(next) = cancel.run_until_cancelled(ended.next()).await else {
            outcome.stopped = Some("stopped".to_owned());
            break;
        };
        let missing = match next {
            None => break,
            Some(Ok(whole)) => {
                in_a_row = 0;
                let count = if whole.fetched {
                    &mut outcome.fetched
                } else {
                    &mut outcome.kept
                };
                *count += 1;
                pictures.push(whole);
                continue;
            }
            Some(Err(missing)) => missing,
        };
        let reason = match missing.failure {
            // The other pictures would most likely fail for the same reason: a full disk.
            Failure::File(error) => {
                outcome.stopped = Some(error.to_string());
                break;
            }
            // A site that refuses one picture still answers.
            Failure::Refused(reason) => {
                in_a_row = 0;
                reason
            }
            Failure::Away(reason) => {
                in_a_row += 1;
                reason
            }
        };
        outcome.fail(format!("post {}: {reason}", missing.id));
        if in_a_row >= MOST_IN_A_ROW {
            outcome.stopped = Some(format!("{in_a_row} downloads in a row failed"));
            break;
        }
    }
    pictures.sort_by_key(|whole| whole.wanted.post.id);
    pictures
}

fn describe(
    output: &Output,
    plan: &Plan,
    addresses: &Addresses,
    pictures: &[Whole],
) -> Result<(), FetchError> {
    output.describe(ATTRIBUTION, |to| attribution(to, pictures, plan, addresses))?;
    output.describe(IDS_PER_TAG, |to| ids_per_tag(to, pictures, plan))?;
    output.describe(MANIFEST, |to| manifest(to, pictures, plan, addresses))
}
