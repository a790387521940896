//! What a provider tells while it works, as the job's progress and previews.

use clippy_generate::{Preview, Progress as Seen, ProgressSink, data_url};
use clippy_jobs::{JobContext, Progress};
use serde_json::json;
use tokio::sync::watch;

/// A bar is drawn in so many steps.
const STEPS: u64 = 1_000;

/// Takes what a provider tells, from any thread and at once.
pub(super) struct Sink {
    context: JobContext,
    newest: watch::Sender<Option<Preview>>,
}

/// A sink, and what writes its previews until the sink is dropped. A preview that comes while
/// another is being written waits; a newer one takes its place.
pub(super) fn watched(context: &JobContext) -> (Sink, impl Future<Output = ()> + use<>) {
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
                tracing::debug!(job = %writer.job().id, %error, "a preview was left out");
            }
        }
    };
    (
        Sink {
            context: context.clone(),
            newest,
        },
        write,
    )
}

impl ProgressSink for Sink {
    fn progress(&self, seen: Seen) {
        // A whole number of steps: what a fraction is good for is a bar.
        let done = seen
            .fraction
            .map(|fraction| (f64::from(fraction.clamp(0.0, 1.0)) * STEPS as f64).round() as u64);
        self.context.progress(Progress {
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
