//! Which pictures a run has to have, and where they belong.

use std::collections::BTreeMap;

use crate::addresses::Addresses;
use crate::names::{folder_of_tag, picture_extension};
use crate::options::FetchOptions;
use crate::page::Post;
use crate::state::State;

const UNION: &str = "ALL";

/// A picture to have.
pub struct Wanted {
    pub post: Post,
    extension: &'static str,
    /// Its tags of the tags file, as indices.
    matched: Vec<usize>,
}

/// The folders of the tags.
pub struct Plan {
    tags: Vec<String>,
    /// One folder for each tag, or only one.
    folders: Vec<String>,
}

impl Plan {
    pub fn new(options: &FetchOptions) -> Self {
        let folders = if options.union {
            vec![UNION.to_owned()]
        } else {
            options.tags.iter().map(|tag| folder_of_tag(tag)).collect()
        };
        Self {
            tags: options.tags.clone(),
            folders,
        }
    }

    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// The tags of the tags file that a picture has.
    pub fn matched<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = &'a str> {
        wanted.matched.iter().map(|tag| self.tags[*tag].as_str())
    }

    /// The folders that a picture belongs to; at least one.
    pub fn folders<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = &'a str> {
        let count = self.folders.len();
        let folders = wanted
            .matched
            .iter()
            .map(move |tag| &self.folders[tag % count]);
        folders.take(count).map(String::as_str)
    }

    /// Where a picture belongs, relative to the output folder; at least one place.
    pub fn places<'a>(&'a self, wanted: &'a Wanted) -> impl Iterator<Item = String> + 'a {
        self.folders(wanted)
            .map(|folder| format!("{folder}/{}.{}", wanted.post.id, wanted.extension))
    }

    /// The place that the manifest names.
    pub fn place(&self, wanted: &Wanted) -> String {
        self.places(wanted).next().unwrap_or_default()
    }
}

/// What the site listed.
#[derive(Default)]
pub struct Listed {
    /// Pictures, by id.
    pub wanted: Vec<Wanted>,
    /// Posts without a picture.
    pub skipped: u64,
    /// Posts whose id cannot be read.
    pub unreadable: u64,
    /// Tags that have no post, though the site answered.
    pub tags_without_posts: Vec<String>,
}

/// Collects the pictures of all tags, each once, by id.
pub fn collect(options: &FetchOptions, addresses: &Addresses, state: State) -> Listed {
    let limit = options.id_below();
    // A site that ignores the limit sends posts beyond it.
    let within = |id: u64| limit.is_none_or(|limit| id < limit);
    let mut listed = Listed::default();
    let mut matched: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let (posts, tags) = state.into_parts();
    for (number, tag) in options.tags.iter().enumerate() {
        let Some(pages) = tags.get(tag) else {
            continue;
        };
        listed.unreadable += pages.unreadable;
        let mut any = false;
        for id in pages.ids.iter().copied().filter(|id| within(*id)) {
            any = true;
            matched.entry(id).or_default().push(number);
        }
        if !any {
            listed.tags_without_posts.push(tag.clone());
        }
    }
    for (id, post) in posts {
        let Some(matched) = matched.remove(&id) else {
            continue;
        };
        let url = addresses.file(&post);
        match url.and_then(|url| picture_extension(url.path())) {
            Some(extension) => listed.wanted.push(Wanted {
                post,
                extension,
                matched,
            }),
            None => listed.skipped += 1,
        }
    }
    listed
}
