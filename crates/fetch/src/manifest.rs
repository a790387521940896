//! `manifest.jsonl`, which `clippy ingest` reads, and `ids_per_tag.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::download::Whole;
use crate::site::Site;

pub const MANIFEST: &str = "manifest.jsonl";
pub const IDS_PER_TAG: &str = "ids_per_tag.json";

#[derive(Serialize)]
struct Line<'a> {
    id: u64,
    local_path: &'a str,
    tags_all: &'a [String],
    matched_tags: &'a [String],
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

/// Returns the manifest of pictures that are sorted by id.
pub fn manifest(pictures: &[Whole], site: &Site) -> serde_json::Result<Vec<u8>> {
    let mut text = Vec::new();
    for whole in pictures {
        let post = &whole.wanted.post;
        let line = Line {
            id: post.id,
            local_path: &whole.wanted.places[0],
            tags_all: &post.tags,
            matched_tags: &whole.wanted.matched,
            rating: post.rating.as_deref(),
            score: post.score,
            width: post.width,
            height: post.height,
            md5: &whole.md5,
            source_post_url: site.post_url(post.id),
            source: post.source.as_deref(),
            license: post.license.as_deref(),
        };
        serde_json::to_writer(&mut text, &line)?;
        text.push(b'\n');
    }
    Ok(text)
}

/// Returns the ids of each tag, also of tags without pictures.
pub fn ids_per_tag(pictures: &[Whole], tags: &[String]) -> serde_json::Result<Vec<u8>> {
    let mut ids: BTreeMap<&str, Vec<u64>> =
        tags.iter().map(|tag| (tag.as_str(), Vec::new())).collect();
    for whole in pictures {
        for tag in &whole.wanted.matched {
            ids.entry(tag).or_default().push(whole.wanted.post.id);
        }
    }
    let mut text = serde_json::to_vec_pretty(&ids)?;
    text.push(b'\n');
    Ok(text)
}
