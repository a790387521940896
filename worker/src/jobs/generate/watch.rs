//! Publishes a provider's progress and previews as those of the job.

use clippy_generate::{GenerationProgress, GenerationProgressSink, Preview, data_url};
use clippy_jobs::{JobContext, JobProgress};
use serde_json::json;
use tokio::sync::watch;

/// The total of a progress bar, since a provider reports a fraction.
const STEPS: u64 = 1_000;

/// Receives progress and previews on any thread, without blocking.
pub(super) struct JobProgressSink {
    context: JobContext,
    newest: watch::Sender<Option<Preview>>,
}

/// Returns a sink, and a future that writes its previews until the sink is dropped. While one
/// preview is written, only the newest other one is kept.
pub(super) fn progress_sink(
    context: &JobContext,
) -> (JobProgressSink, impl Future<Output = ()> + use<>) {
    let (newest, mut previews) = watch::channel(None);
    let writer = context.clone();
    let write = async move {
        while previews.changed().await.is_ok() {
            let Some(preview): Option<Preview> = previews.borrow_and_update().clone() else {
                continue;
            };
            let image = data_url(preview.media_type, &preview.bytes);
            let data =
                json!({"index": preview.index, "media_type": preview.media_type, "image": image});
            if let Err(error) = writer.preview(data).await {
                tracing::debug!(job = %writer.job().id, %error, "a preview could not be written");
            }
        }
    };
    (
        JobProgressSink {
            context: context.clone(),
            newest,
        },
        write,
    )
}

impl GenerationProgressSink for JobProgressSink {
    fn progress(&self, seen: GenerationProgress) {
        // A job's progress is counted in whole numbers.
        let done = seen
            .fraction
            .map(|fraction| (f64::from(fraction.clamp(0.0, 1.0)) * STEPS as f64).round() as u64);
        self.context.progress(JobProgress {
            done: done.unwrap_or_default(),
            total: done.map(|_| STEPS),
            unit: "steps".to_owned(),
            stage: seen.phase,
            message: seen.message,
        });
    }

    fn preview(&self, preview: Preview) {
        self.newest.send_replace(Some(preview));
    }
}
