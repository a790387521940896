//! Stores the last queries in a small file. A search never waits for it: the file is written a
//! little later, all at once. A kill loses the last seconds, which is harmless.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clippy_core::recent::{MOST_RECENT, RecentQueries, RecentQuery};
use clippy_core::{Error, Result, blocking};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

use clippy_common::files;

/// How long queries are collected before they are written.
const PAUSE: Duration = Duration::from_secs(5);

/// Stores queries in a file such as `DATA_DIR/recent_queries.json`.
#[derive(Debug)]
pub struct RecentQueryFile {
    shared: Arc<Shared>,
    writer: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    /// The newest first.
    queries: Mutex<VecDeque<RecentQuery>>,
    news: Notify,
    /// Whether anything was recorded here. A process that only reads must not write back an old
    /// state.
    recorded: AtomicBool,
}

impl Shared {
    fn queries(&self) -> MutexGuard<'_, VecDeque<RecentQuery>> {
        self.queries.lock()
    }

    fn write(&self) -> Result<()> {
        let queries = self.queries().clone();
        serde_json::to_vec(&queries)
            .map_err(std::io::Error::other)
            .and_then(|text| files::replace(&self.path, &text))
            .map_err(|error| {
                Error::internal(format!("{} could not be written", self.path.display()))
                    .with_source(error)
            })
    }
}

impl RecentQueryFile {
    /// Reads the stored queries, and writes those that are recorded from now on. It needs a
    /// runtime. A file that cannot be read is replaced: losing it is harmless.
    #[must_use]
    pub fn start(path: PathBuf) -> Self {
        let queries = read(&path).unwrap_or_else(|error| {
            tracing::warn!(path = %path.display(), %error,
            "the recent queries cannot be read; a new list is started");
            VecDeque::new()
        });
        let shared = Arc::new(Shared {
            path,
            queries: Mutex::new(queries),
            news: Notify::new(),
            recorded: AtomicBool::new(false),
        });
        let writing = Arc::clone(&shared);
        let writer = tokio::spawn(async move {
            loop {
                writing.news.notified().await;
                tokio::time::sleep(PAUSE).await;
                let now = Arc::clone(&writing);
                if let Err(error) = blocking("writing recent queries", move || now.write()).await {
                    tracing::warn!(%error, "the recent queries could not be written");
                }
            }
        });
        Self { shared, writer }
    }
}

impl Drop for RecentQueryFile {
    fn drop(&mut self) {
        self.writer.abort();
        if !self.shared.recorded.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = self.shared.write() {
            tracing::warn!(%error, "the recent queries could not be written");
        }
    }
}

fn read(path: &Path) -> std::io::Result<VecDeque<RecentQuery>> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(std::io::Error::other),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(VecDeque::new()),
        Err(error) => Err(error),
    }
}

impl RecentQueries for RecentQueryFile {
    fn record(&self, query: RecentQuery) {
        let mut queries = self.shared.queries();
        queries.retain(|known| *known != query);
        queries.push_front(query);
        queries.truncate(MOST_RECENT);
        drop(queries);
        self.shared.recorded.store(true, Ordering::Relaxed);
        self.shared.news.notify_one();
    }

    fn recent(&self) -> Vec<RecentQuery> {
        self.shared.queries().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use clippy_core::search::weights::Weights;

    use super::*;

    fn words(text: String) -> RecentQuery {
        RecentQuery {
            text: Some(text),
            negative_text: None,
            like: Vec::new(),
            weights: Weights::default(),
        }
    }

    #[tokio::test]
    async fn only_the_last_different_queries_survive_a_restart() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("recent_queries.json");
        let recent = RecentQueryFile::start(path.clone());
        for number in 0..MOST_RECENT + 10 {
            recent.record(words(format!("query {number}")));
        }
        recent.record(words("query 50".to_owned()));
        drop(recent);
        let recent = RecentQueryFile::start(path.clone()).recent();
        assert_eq!(recent.len(), MOST_RECENT);
        assert_eq!(recent[0], words("query 50".to_owned()));
        assert_eq!(
            recent.iter().filter(|query| **query == recent[0]).count(),
            1
        );
        std::fs::write(&path, "[{").expect("broken");
        assert!(RecentQueryFile::start(path).recent().is_empty());
    }
}
