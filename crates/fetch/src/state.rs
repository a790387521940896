//! The record of a run in the output folder: its arguments, and each page that was read.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use clippy_common::files;
use serde::{Deserialize, Serialize};

use crate::error::FetchError;
use crate::manifest::MANIFEST;
use crate::options::FetchOptions;
use crate::page::Post;

const FOLDER: &str = ".clippy-fetch";

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
    posts: Vec<Post>,
}

/// The pages of one tag so far.
#[derive(Debug, Default)]
pub struct TagPages {
    pub next: u64,
    /// The last page was empty.
    pub ended: bool,
    pub posts: BTreeMap<u64, Post>,
}

impl TagPages {
    /// Adds the next page. A page without a new post is the end: some sites send their last page
    /// again and again.
    fn add(&mut self, posts: Vec<Post>) {
        self.next += 1;
        let before = self.posts.len();
        for post in posts {
            self.posts.entry(post.id).or_insert(post);
        }
        self.ended = self.posts.len() == before;
    }
}

pub struct State {
    pages_file: PathBuf,
    tags: BTreeMap<String, TagPages>,
}

impl State {
    /// Begins a run, or goes on with the one in the output folder.
    pub fn open(options: &FetchOptions) -> Result<Self, FetchError> {
        let folder = options.out.join(FOLDER);
        let arguments = Arguments {
            base_url: options.base_url.trim_end_matches('/').to_owned(),
            tags: options.tags.clone(),
            union: options.union,
            max_pages: options.max_pages,
            id_below: options.id_below(),
        };
        let file = folder.join("run.json");
        let earlier = read(&file)?;
        let used = earlier.is_some() || options.out.join(MANIFEST).exists();
        if used && !options.resume {
            return Err(FetchError::Refused(format!(
                "{} contains an earlier run; add --resume to go on with it, or name another folder",
                options.out.display()
            )));
        }
        if let Some(earlier) = earlier {
            let earlier: Option<Arguments> = serde_json::from_slice(&earlier).ok();
            if earlier.as_ref() != Some(&arguments) {
                return Err(FetchError::Refused(format!(
                    "the run in {} had other arguments (tags, address, --union, --max-pages or a \
                     limit of ids); repeat them to go on, or name another folder",
                    options.out.display()
                )));
            }
        } else {
            fs::create_dir_all(&folder).map_err(|error| FetchError::file(&folder, &error))?;
            let text = serde_json::to_vec_pretty(&arguments).unwrap_or_default();
            files::replace(&file, &text).map_err(|error| FetchError::file(&file, &error))?;
        }
        let pages_file = folder.join("pages.jsonl");
        let mut tags: BTreeMap<String, TagPages> = BTreeMap::new();
        let lines = read(&pages_file)?.unwrap_or_default();
        // A line that was cut by a kill is no page; that page is read again.
        for line in lines.split(|byte| *byte == b'\n') {
            if let Ok(line) = serde_json::from_slice::<PageLine>(line) {
                let pages = tags.entry(line.tag).or_default();
                if line.page == pages.next {
                    pages.add(line.posts);
                }
            }
        }
        Ok(Self { pages_file, tags })
    }

    pub fn tag(&self, tag: &str) -> Option<&TagPages> {
        self.tags.get(tag)
    }

    /// Records the next page of a tag.
    pub fn add_page(&mut self, tag: &str, posts: Vec<Post>) -> Result<(), FetchError> {
        let pages = self.tags.entry(tag.to_owned()).or_default();
        let line = PageLine {
            tag: tag.to_owned(),
            page: pages.next,
            posts,
        };
        let text = serde_json::to_vec(&line).unwrap_or_default();
        files::append_line(&self.pages_file, &text)
            .map_err(|error| FetchError::file(&self.pages_file, &error))?;
        pages.add(line.posts);
        Ok(())
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, FetchError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FetchError::file(path, &error)),
    }
}
