//! A run: the pages of every tag, then the pictures, then the files that describe them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use clippy_common::files;
use futures::StreamExt;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::attribution::{ATTRIBUTION, attribution};
use crate::download::{Failed, Wanted, Whole, ensure};
use crate::error::FetchError;
use crate::manifest::{IDS_PER_TAG, MANIFEST, ids_per_tag, manifest};
use crate::names::{folder_of_tag, picture_extension};
use crate::options::FetchOptions;
use crate::progress::{Progress, Stage};
use crate::site::Site;
use crate::state::State;

const UNION: &str = "ALL";
/// A run stops after this many failed downloads in a row.
const MOST_IN_A_ROW: u64 = 20;

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
        self.failures.push(reason);
    }
}

/// Fetches. A run that ends while it downloads still describes the pictures that are whole. One
/// that ends while it reads pages writes no manifest.
///
/// # Errors
/// Bad arguments, a folder with another run, an error of the file system.
pub async fn run(
    options: &FetchOptions,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Outcome, FetchError> {
    check(options)?;
    let site = Site::new(options)?;
    let mut state = State::open(options)?;
    let mut outcome = Outcome {
        tags: options.tags.len() as u64,
        ..Outcome::default()
    };
    let listing = list(options, &site, &mut state, &mut outcome, progress);
    match cancel.run_until_cancelled(listing).await {
        None => outcome.stopped = Some("stopped".to_owned()),
        Some(listed) => listed?,
    }
    if outcome.stopped.is_none() {
        let wanted = wanted(options, &site, &state, &mut outcome);
        make_folders(&options.out, &wanted)?;
        let pictures = download(options, &site, wanted, &mut outcome, progress, cancel).await?;
        describe(options, &site, &pictures)?;
    }
    Ok(outcome)
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
    state: &mut State,
    outcome: &mut Outcome,
    progress: &dyn Progress,
) -> Result<(), FetchError> {
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
                Ok(posts) => state.add_page(tag, posts)?,
                Err(failure) if failure.refused => {
                    outcome.fail(format!("tag {tag}: {}", failure.message));
                    break;
                }
                Err(failure) => {
                    outcome.stopped = Some(format!("tag {tag}: {}", failure.message));
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Collects the pictures of all tags, each once, by id.
fn wanted(
    options: &FetchOptions,
    site: &Site,
    state: &State,
    outcome: &mut Outcome,
) -> Vec<Wanted> {
    let mut all: BTreeMap<u64, Option<Wanted>> = BTreeMap::new();
    let limit = options.id_below();
    for tag in &options.tags {
        let folder = if options.union {
            UNION.to_owned()
        } else {
            folder_of_tag(tag)
        };
        for post in state
            .tag(tag)
            .into_iter()
            .flat_map(|pages| pages.posts.values())
        {
            // A site that ignores the limit sends posts beyond it.
            if limit.is_some_and(|limit| post.id >= limit) {
                continue;
            }
            let wanted = all.entry(post.id).or_insert_with(|| {
                let url = site.file_url(post)?;
                picture_extension(url.path())?;
                let (matched, places) = (Vec::new(), Vec::new());
                Some(Wanted {
                    post: post.clone(),
                    url,
                    matched,
                    places,
                })
            });
            if let Some(wanted) = wanted {
                let extension = picture_extension(wanted.url.path()).unwrap_or("jpg");
                let place = format!("{folder}/{}.{extension}", post.id);
                if !wanted.places.contains(&place) {
                    wanted.places.push(place);
                }
                wanted.matched.push(tag.clone());
            }
        }
    }
    outcome.posts = all.len() as u64;
    let wanted: Vec<Wanted> = all.into_values().flatten().collect();
    outcome.skipped = outcome.posts - wanted.len() as u64;
    wanted
}

/// Makes the folders of the pictures. A link in their place could lead out of the output folder.
fn make_folders(out: &Path, wanted: &[Wanted]) -> Result<(), FetchError> {
    let places = wanted.iter().flat_map(|wanted| &wanted.places);
    let folders: std::collections::BTreeSet<&str> = places
        .filter_map(|place| Some(place.split_once('/')?.0))
        .collect();
    for folder in folders {
        let path = out.join(folder);
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

async fn download(
    options: &FetchOptions,
    site: &Site,
    wanted: Vec<Wanted>,
    outcome: &mut Outcome,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Vec<Whole>, FetchError> {
    let total = wanted.len() as u64;
    let mut pictures = Vec::new();
    let mut in_a_row = 0;
    let mut ended = futures::stream::iter(wanted)
        .map(|wanted| ensure(site, &options.out, wanted))
        .buffer_unordered(options.workers);
    loop {
        let done = pictures.len() as u64 + outcome.failed;
        progress.report(Stage::Downloading, done, total, outcome.failed);
        let Some(next) = cancel.run_until_cancelled(ended.next()).await else {
            outcome.stopped = Some("stopped".to_owned());
            break;
        };
        match next {
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
            }
            Some(Err(Failed::File(error))) => return Err(error),
            Some(Err(Failed::Picture { id, failure })) => {
                // A site that refuses one picture still answers.
                in_a_row = if failure.refused { 0 } else { in_a_row + 1 };
                outcome.fail(format!("post {id}: {}", failure.message));
                if in_a_row >= MOST_IN_A_ROW {
                    outcome.stopped = Some(format!("{in_a_row} downloads in a row failed"));
                    break;
                }
            }
        }
    }
    pictures.sort_by_key(|whole| whole.wanted.post.id);
    Ok(pictures)
}

fn describe(options: &FetchOptions, site: &Site, pictures: &[Whole]) -> Result<(), FetchError> {
    let broken = |error: serde_json::Error| FetchError::File(error.to_string());
    let contents = [
        (ATTRIBUTION, attribution(pictures, site).into_bytes()),
        (
            IDS_PER_TAG,
            ids_per_tag(pictures, &options.tags).map_err(broken)?,
        ),
        (MANIFEST, manifest(pictures, site).map_err(broken)?),
    ];
    for (name, content) in contents {
        let path = options.out.join(name);
        files::replace(&path, &content).map_err(|error| FetchError::file(&path, &error))?;
    }
    Ok(())
}
