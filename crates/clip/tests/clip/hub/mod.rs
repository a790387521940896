//! Pulling from a hub on this machine, and its cache.

mod cache;
mod models;
mod processes;
mod refusals;
mod server;
mod transfers;
mod warnings;

use std::path::Path;

use clippy_clip::hub::{Hub, Repository};
use clippy_clip::pretrained::{self, Pretrained};
use clippy_clip::{ClipError, pull};

/// The content of weights that are never loaded.
pub fn content() -> Vec<u8> {
    (0..200_000_u32)
        .map(|number| (number * 7 % 251) as u8)
        .collect()
}

/// Published weights without a tokenizer.
pub fn entry() -> &'static Pretrained {
    pretrained::find("ViT-B-32", "laion2b_s34b_b79k").unwrap()
}

/// Pulls [`entry`].
pub async fn pull_entry(hub: &Hub, folder: &Path) -> Result<std::path::PathBuf, ClipError> {
    pull::pull_tag(hub, entry(), &folder.join("models"), |_, _| ()).await
}

/// Pulls a repository.
pub async fn pull_repository(hub: &Hub, setting: &str) -> Result<std::path::PathBuf, ClipError> {
    let repository = Repository::parse(setting).unwrap().unwrap();
    pull::pull(hub, &repository, |_, _| ()).await
}

/// The files of a cache and its links with their targets, as `path` or `path -> target`, sorted.
/// Locks are left out.
pub fn tree(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if let Ok(target) = std::fs::read_link(&path) {
                found.push(format!("{name} -> {}", target.display()));
            } else if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    if folder.is_dir() {
        walk(folder, folder, &mut found);
    }
    found.retain(|path| !path.starts_with(".locks"));
    found.sort();
    found
}
