//! Waits for the server to build its search graphs.

use std::time::{Duration, Instant};

use clippy_core::gallery::Filter;
use clippy_core::{Error, ErrorCode, Result};
use qdrant_client::qdrant as wire;

use super::Inner;
use super::filter::filter_in;
use super::shape::Shape;
use crate::spellings::Spellings;

/// How long graphs may take to build before the build counts as stuck.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);
/// A server that is written to all the time always has something left to build. After this time, it
/// is enough that the vectors from the beginning have their graphs.
const STEADY: Duration = Duration::from_secs(3);

impl Inner {
    /// Returns when the server has built everything, or at least the graphs of what existed when
    /// this was called.
    pub(super) async fn wait_for_graphs(&self) -> Result<()> {
        let begun = Instant::now();
        let at_first = self.refresh().await?;
        let aim = self.vectors_that_get_graphs(&at_first).await?;
        let mut pause = Duration::from_millis(50);
        // Right after a write, the server may not have started yet: it must be ready twice in a
        // row.
        let mut quiet = 0;
        let mut triggered = false;
        while quiet < 2 {
            let shape = self.refresh().await?;
            if let Some(fault) = &shape.fault {
                return Err(Error::internal(format!(
                    "Qdrant could not build the search graphs: {fault}"
                )));
            }
            quiet = if shape.indexed { quiet + 1 } else { 0 };
            if begun.elapsed() > STEADY && aim > 0 && shape.indexed_vectors >= aim {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Error::new(
                    ErrorCode::Timeout,
                    "Qdrant has not built the search graphs in four hours: see its log for the \
                     reason",
                ));
            }
            if shape.needs_trigger && !triggered {
                // After a start, the server builds nothing until something is changed.
                triggered = true;
                self.trigger_build(&shape).await?;
            }
            tokio::time::sleep(pause).await;
            if quiet == 0 {
                pause = (pause * 2).min(Duration::from_secs(1));
            }
        }
        Ok(())
    }

    /// Returns how many vectors have graphs once everything is built: all but those in segments
    /// that are too small for one.
    async fn vectors_that_get_graphs(&self, shape: &Shape) -> Result<u64> {
        let all = self.count(shape, None).await?;
        let mut vectors = 0;
        for &space in &shape.spaces {
            let missing = Filter {
                missing_any: vec![space],
                ..Filter::default()
            };
            vectors += all.saturating_sub(
                self.count(shape, filter_in(&missing, shape, &Spellings::default()))
                    .await?,
            );
        }
        let threshold_kb = shape
            .config
            .optimizer_config
            .as_ref()
            .and_then(|found| found.indexing_threshold);
        let in_small_parts = threshold_kb.unwrap_or(0) * 1024 / (shape.dimension as u64 * 4).max(1);
        Ok(vectors.saturating_sub(in_small_parts * shape.spaces.len() as u64))
    }

    async fn trigger_build(&self, shape: &Shape) -> Result<()> {
        let request = wire::UpdateCollection {
            collection_name: shape.physical.clone(),
            optimizers_config: Some(wire::OptimizersConfigDiff::default()),
            ..wire::UpdateCollection::default()
        };
        let what = "build the search graphs";
        self.connection
            .write(what, async |client| client.update_collection(request).await)
            .await?;
        Ok(())
    }
}
