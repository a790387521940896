//! The contents of apalis' tasks, and its one handler, which passes them to the runner.

use std::convert::Infallible;
use std::sync::Arc;

use apalis::prelude::{BoxDynError, Data, WorkerError};
use apalis_core::backend::codec::Codec;
use apalis_core::task::task_id::TaskId;
use clippy_core::ErrorCode;
use futures::future::BoxFuture;
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use crate::record::{JobId, Lane};
use crate::transport::{Deliver, Delivery};

/// The contents of every task.
#[derive(Deserialize)]
struct Contents {
    job: JobId,
}

impl Delivery {
    /// The bytes that carry a job's id.
    pub(crate) fn encode(id: JobId) -> Vec<u8> {
        format!("{{\"job\":\"{id}\"}}").into_bytes()
    }

    /// Reads the contents of a task. It never fails, since apalis ends every worker that fetches a
    /// task which it cannot decode.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Self {
        match serde_json::from_slice::<Contents>(bytes) {
            Ok(contents) => Self::Job(contents.job),
            Err(error) => {
                let reason =
                    format!("its contents are not of the form {{\"job\":\"<id>\"}}: {error}");
                Self::Unreadable {
                    payload: bytes.to_vec(),
                    reason,
                }
            }
        }
    }
}

/// [`Delivery::encode`] and [`Delivery::decode`] as a codec of apalis.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DeliveryCodec;

impl Codec<Delivery> for DeliveryCodec {
    type Error = Infallible;
    type Compact = Vec<u8>;

    fn encode(&self, delivery: &Delivery) -> Result<Vec<u8>, Infallible> {
        Ok(match delivery {
            Delivery::Job(id) => Delivery::encode(*id),
            Delivery::Unreadable { payload, .. } => payload.clone(),
        })
    }

    fn decode(&self, bytes: &Vec<u8>) -> Result<Delivery, Infallible> {
        Ok(Delivery::decode(bytes))
    }
}

/// What apalis hands to [`take`] with each delivery.
#[derive(Clone)]
pub(crate) struct Carrier {
    pub(crate) lane: Lane,
    pub(crate) deliver: Arc<dyn Deliver>,
    /// Receives the tasks that have ended, for a backend that does not get apalis'
    /// acknowledgements.
    pub(crate) ended: Option<UnboundedSender<TaskId>>,
}

/// The one handler that apalis knows. It never fails, since apalis would retry an error in its own
/// way.
pub(crate) async fn take(
    delivery: Delivery,
    task: TaskId,
    carrier: Data<Carrier>,
) -> Result<(), BoxDynError> {
    let delivery = match delivery {
        Delivery::Unreadable { payload, reason } => Delivery::Unreadable {
            payload,
            reason: format!("Task {task}: {reason}"),
        },
        job @ Delivery::Job(_) => job,
    };
    carrier.deliver.deliver(carrier.lane, delivery).await;
    if let Some(ended) = &carrier.ended {
        // Without a receiver the worker loop has ended, and its tasks will be queued again.
        let _ = ended.send(task);
    }
    Ok(())
}

/// A worker loop, ready to be awaited.
pub(crate) type WorkerLoop = BoxFuture<'static, Result<(), WorkerError>>;

/// Builds apalis' worker on a backend. It is a macro because the backends have no common type. The
/// future is boxed here because the compiler cannot infer `Send` through an `async` block.
macro_rules! build_worker_loop {
    ($backend:expr, $worker:expr, $deliver:expr, $ended:expr) => {{
        use apalis::prelude::*;
        let carrier = $crate::transport::worker_loop::Carrier {
            lane: $worker.lane,
            deliver: $deliver,
            ended: $ended,
        };
        Box::pin(
            WorkerBuilder::new($worker.name.as_str())
                .backend($backend)
                .data(carrier)
                .concurrency($worker.concurrency)
                .parallelize(tokio::spawn)
                .build($crate::transport::worker_loop::take)
                .run(),
        )
    }};
}
pub(crate) use build_worker_loop;

/// Runs a worker loop until `stop`, then drops it.
pub(crate) async fn run_until(
    looping: WorkerLoop,
    stop: CancellationToken,
) -> clippy_core::Result<()> {
    tokio::select! {
        ended = looping => ended.map_err(|error| {
            clippy_core::Error::new(ErrorCode::Unavailable,
            format!("the worker loop ended: {error}"))
        }),
        () = stop.cancelled() => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_without_a_job_id_is_unreadable() {
        let id = JobId::generate();
        assert_eq!(Delivery::decode(&Delivery::encode(id)), Delivery::Job(id));
        for wrong in [
            &b"\xff\xfe"[..],
            b"",
            b"null",
            b"{\"job\":7}",
            b"{\"job\":\"apple\"}",
        ] {
            assert!(
                matches!(Delivery::decode(wrong), Delivery::Unreadable { .. }),
                "{wrong:?}"
            );
        }
    }
}
