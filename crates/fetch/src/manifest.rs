//! `manifest.jsonl`, which `clippy ingest` reads, and `ids_per_tag.json`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;

use crate::addresses::Addresses;
use crate::download::Whole;
use crate::plan::Plan;

#[derive(Serialize)]
struct Line<'a> {
    id: u64,
    local_path: String,
    tags_all: Vec<&'a str>,
    matched_tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rating: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    md5: &'a str,
    source_post_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'a str>,
}

/// Writes the manifest of pictures that are sorted by id.
pub fn manifest(
    to: &mut dyn Write,
    pictures: &[Whole],
    plan: &Plan,
    addresses: &Addresses,
) -> io::Result<()> {
    for whole in pictures {
        let post = &whole.wanted.post;
        let line = Line {
            id: post.id,
            local_path: plan.place(&whole.wanted),
            tags_all: post.tags.split_whitespace().collect(),
            matched_tags: plan.matched(&whole.wanted).collect(),
            rating: post.rating.as_deref(),
            score: post.score,
            width: post.width,
            height: post.height,
            md5: &whole.md5,
            source_post_url: addresses.post(post.id),
            source: post.source.as_deref(),
            license: post.license.as_deref(),
        };
        serde_json::to_writer(&mut *to, &line)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

/// Writes the ids of each tag, also of tags without pictures.
pub fn ids_per_tag(to: &mut dyn Write, pictures: &[Whole], plan: &Plan) -> io::Result<()> {
    let tags = plan.tags().iter();
    let mut ids: BTreeMap<&str, Vec<u64>> = tags.map(|tag| (tag.as_str(), Vec::new())).collect();
    for whole in pictures {
        for tag in plan.matched(&whole.wanted) {
            ids.entry(tag).or_default().push(whole.wanted.post.id);
        }
    }
    serde_json::to_writer_pretty(&mut *to, &ids)?;
    to.write_all(b"\n")
}
