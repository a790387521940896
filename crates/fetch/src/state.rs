//! The record of a run in the output folder: its arguments, and each page that was read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use clippy_common::files;
use serde::{Deserialize, Serialize};

use crate::error::FetchError;
use crate::options::FetchOptions;
use crate::output::Output;
use crate::page::{Post, Posts};

/// The most bytes of pages, which are in memory as well: about half a million posts.
const MOST_BYTES: u64 = 512 << 20;

/// What must be the same when a run goes on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Arguments {
    base_url: String,
    tags: Vec<String>,
    union: bool,
    max_pages: Option<u64>,
    id_below: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct PageLine {
    tag: String,
    page: u64,
    #[serde(flatten)]
    posts: Posts,
}

/// The pages of one tag so far.
#[derive(Debug, Default)]
pub struct TagPages {
    pub next: u64,
    /// The last page was empty.
    pub ended: bool,
    pub ids: BTreeSet<u64>,
    /// Posts whose id cannot be read.
    pub unreadable: u64,
}

/// Each post once, and the pages of each tag.
pub type Parts = (BTreeMap<u64, Post>, BTreeMap<String, TagPages>);

pub struct State {
    pages_file: PathBuf,
    bytes: u64,
    posts: BTreeMap<u64, Post>,
    tags: BTreeMap<String, TagPages>,
}

impl State {
    /// Begins a run, or goes on with the one in the output folder.
    pub fn open(options: &FetchOptions, output: &Output) -> Result<Self, FetchError> {
        let arguments = Arguments {
            base_url: options.base_url.trim_end_matches('/').to_owned(),
            tags: options.tags.clone(),
            union: options.union,
            max_pages: options.max_pages,
            id_below: options.id_below(),
        };
        let file = output.record("run.json");
        match fs::read(&file) {
            Ok(earlier) => check_earlier(options, &arguments, &earlier)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = serde_json::to_vec_pretty(&arguments)
                    .map_err(|error| FetchError::File(error.to_string()))?;
                files::replace(&file, &text).map_err(|error| FetchError::file(&file, &error))?;
            }
            Err(error) => return Err(FetchError::file(&file, &error)),
        }
        let mut state = Self {
            pages_file: output.record("pages.jsonl"),
            bytes: 0,
            posts: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        state
            .read()
            .map_err(|error| FetchError::file(&state.pages_file, &error))?;
        Ok(state)
    }

    fn read(&mut self) -> io::Result<()> {
        let file = match File::open(&self.pages_file) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        for line in BufReader::new(file).split(b'\n') {
            let line = line?;
            // A line that was cut by a kill is no page; that page is read again.
            if let Ok(page) = serde_json::from_slice::<PageLine>(&line)
                && page.page == self.next(&page.tag)
            {
                self.bytes += line.len() as u64;
                self.add(page);
            }
        }
        Ok(())
    }

    fn next(&self, tag: &str) -> u64 {
        self.tag(tag).map_or(0, |pages| pages.next)
    }

    pub fn tag(&self, tag: &str) -> Option<&TagPages> {
        self.tags.get(tag)
    }

    /// Records the next page of a tag, and waits for the disk.
    pub fn add_page(&mut self, tag: &str, posts: Posts) -> Result<(), FetchError> {
        let page = PageLine {
            tag: tag.to_owned(),
            page: self.next(tag),
            posts,
        };
        let line =
            serde_json::to_vec(&page).map_err(|error| FetchError::File(error.to_string()))?;
        self.bytes += line.len() as u64;
        if self.bytes > MOST_BYTES {
            return Err(FetchError::Refused(format!(
                "the site lists more than {} MiB of posts: limit them with --max-pages, \
                 --older-than-id or fewer tags, and name another folder",
                MOST_BYTES >> 20
            )));
        }
        files::append_line(&self.pages_file, &line)
            .map_err(|error| FetchError::file(&self.pages_file, &error))?;
        self.add(page);
        Ok(())
    }

    /// Adds the next page of a tag. A page without a new post is the end: some sites send their
    /// last page again and again.
    fn add(&mut self, page: PageLine) {
        let pages = self.tags.entry(page.tag).or_default();
        pages.next += 1;
        let Posts { posts, unreadable } = page.posts;
        let (before, without_posts) = (pages.ids.len(), posts.is_empty());
        for post in posts {
            pages.ids.insert(post.id);
            self.posts.entry(post.id).or_insert(post);
        }
        pages.ended = pages.ids.len() == before;
        // A page that is sent again is not counted again.
        if !pages.ended || without_posts {
            pages.unreadable += unreadable;
        }
    }

    pub fn into_parts(self) -> Parts {
        (self.posts, self.tags)
    }
}

fn check_earlier(
    options: &FetchOptions,
    arguments: &Arguments,
    earlier: &[u8],
) -> Result<(), FetchError> {
    if !options.resume {
        return Err(FetchError::Refused(format!(
            "{} contains an earlier run; add --resume to go on with it, or name another folder",
            options.out.display()
        )));
    }
    let earlier: Option<Arguments> = serde_json::from_slice(earlier).ok();
    if earlier.as_ref() == Some(arguments) {
        return Ok(());
    }
    Err(FetchError::Refused(format!(
        "the run in {} had other arguments (tags, address, --union, --max-pages or a limit of \
         ids); repeat them to go on, or name another folder",
        options.out.display()
    )))
}
