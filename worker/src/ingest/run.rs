//! Processes a manifest: reads its lines, works on a few chunks of them at a time, stores the
//! results, and then records the outcomes in the ledger.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use clippy_core::bulk::ManifestRequest;
use clippy_core::gallery::{Payload, Point, Vectors, With};
use clippy_core::ids::PointId;
use clippy_core::ledger::{
    FailureKind, LedgerTotals, LineFailure, LineOutcome, LineRecord, Reasons,
};
use clippy_core::{Error, ErrorCode, Result, blocking};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::ingest::failures;
use crate::ingest::manifest::{Manifest, Slice};
use crate::ingest::progress::{IngestProgress, Stage, Throttle};
use crate::ingest::source::{Line, Source};
use crate::ingest::{IngestReport, RunSettings, Tools, deleted};

/// Chunks that are processed at the same time: one in the model, one being decoded, one being
/// stored.
const IN_FLIGHT: usize = 3;
/// How many lines may be pending, or as many as a batch if that is more. Then they are recorded,
/// even if too few of them change the collection to fill a batch.
const LONGEST_UNRECORDED: usize = 1024;

/// The result of processing one line.
pub(crate) struct Processed {
    /// Recorded in the ledger once `write` is acknowledged.
    pub record: LineRecord,
    /// The change of the collection, if there is one. It is made before the line is recorded.
    pub write: Option<Write>,
    /// A remark on a stored line. The report counts how often each remark was made.
    pub remark: Option<&'static str>,
}

impl Processed {
    /// Returns a result without a remark.
    pub(crate) fn of(record: LineRecord, write: Option<Write>) -> Self {
        Self {
            record,
            write,
            remark: None,
        }
    }
}

/// A change of the collection.
pub(crate) enum Write {
    /// Stores a whole point.
    Point(Point),
    /// Replaces these vectors of a point, and then these payload fields, if there are any.
    Vectors(PointId, Vectors, Option<Payload>),
    /// Replaces these payload fields of a point.
    Fields(PointId, Payload),
}

/// Processes the chunks of a manifest.
pub(crate) trait ChunkProcessor: Send + Sync + 'static {
    /// Returns one [`Processed`] for each line, in order. An error ends the run.
    fn process(self: Arc<Self>, lines: Vec<Line>) -> BoxFuture<'static, Result<Vec<Processed>>>;

    /// Whether the processor may change the collection. If so, the collection is optimised at the
    /// end, even when this run changed nothing: an earlier run may have been stopped before its
    /// end.
    fn writes(&self) -> bool;
}

/// Processes a manifest until its end, a cancellation or an error. Returns the report.
pub(crate) async fn drive(
    tools: &Tools,
    request: &ManifestRequest,
    settings: &RunSettings,
    processor: Arc<dyn ChunkProcessor>,
    progress: &dyn IngestProgress,
    cancel: &CancellationToken,
) -> Result<IngestReport> {
    let began = Instant::now();
    let (path, slice, begin) = (
        request.manifest.clone(),
        Slice::from(request),
        settings.begin,
    );
    let (total, lines) = blocking("reading the manifest", move || {
        let manifest = Manifest::open(&path)?;
        match (begin, slice.max_lines) {
            (Some(place), Some(total)) => Ok((total, manifest.lines_from(slice, place)?)),
            _ => Ok((manifest.count_lines(slice)?, manifest.lines(slice))),
        }
    })
    .await?;
    let fail_log = match &request.fail_log {
        Some(path) => Some((failures::open(path).await?, path)),
        None => None,
    };

    let run = tools
        .ledger
        .begin(&request.manifest.display().to_string())
        .await?;
    let source = Source::new(lines, tools.ledger.clone(), run, size(request.clip_batch));
    let mut store = Writer {
        tools,
        run,
        batch: size(request.upsert_batch),
        pending: Vec::new(),
        totals: LedgerTotals::default(),
        reasons: Reasons::default(),
        throttle: Throttle::new(progress, total),
    };
    let ended = pump(source, &mut store, &processor, cancel).await;
    let ended = match ended {
        Ok(complete) if complete && processor.writes() => {
            store.throttle.report_now(&store.totals, Stage::Indexing);
            tools.gallery.optimize().await.map(|()| complete)
        }
        other => other,
    };
    // Even after an error, the ledger is closed and the fail log is written. The first error is
    // returned.
    let closed = tools.ledger.finish(run, matches!(ended, Ok(true))).await;
    let listed = match fail_log {
        Some((file, path)) => failures::write(file, path, &*tools.ledger, run).await,
        None => Ok(()),
    };
    let complete = ended?;
    closed?;
    listed?;

    let totals = tools.ledger.totals(run).await?;
    if !totals.adds_up() || totals != store.totals {
        return Err(Error::internal(format!(
            "the totals of run {run} do not match: {totals:?} in the ledger, {:?} counted",
            store.totals
        )));
    }
    store.throttle.report_now(&totals, Stage::Embedding);
    let reasons = store.reasons;
    Ok(IngestReport {
        run,
        totals,
        reasons,
        complete,
        seconds: began.elapsed().as_secs_f64(),
    })
}

/// Converts a batch size to `usize`. [`ManifestRequest::check`] has limited it already.
fn size(batch: u64) -> usize {
    usize::try_from(batch).unwrap_or(usize::MAX)
}

/// Processes the chunks of a source and stores their results. Returns whether the end of the
/// manifest was reached.
///
/// After a cancellation or an error no further chunk is started, but those in flight are awaited.
async fn pump(
    mut source: Source,
    store: &mut Writer<'_>,
    processor: &Arc<dyn ChunkProcessor>,
    cancel: &CancellationToken,
) -> Result<bool> {
    let mut in_flight = FuturesOrdered::new();
    let mut at_end = false;
    let mut failure: Option<Error> = None;
    let mut storing = true;
    loop {
        while !at_end && failure.is_none() && !cancel.is_cancelled() && in_flight.len() < IN_FLIGHT
        {
            match source.next().await {
                Ok(Some(lines)) => {
                    in_flight.push_back(AbortOnDropHandle::new(tokio::spawn(
                        processor.clone().process(lines),
                    )));
                }
                Ok(None) => at_end = true,
                Err(error) => failure = Some(error),
            }
        }
        let Some(worked) = in_flight.next().await else {
            break;
        };
        let outcome = match worked.map_err(task_failed).and_then(|processed| processed) {
            // After a failure to store, the results of later chunks are awaited and dropped.
            Ok(processed) if storing => {
                let added = store.add(processed).await;
                storing = added.is_ok();
                added
            }
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            failure.get_or_insert(error);
        }
    }
    if storing && let Err(error) = store.flush_all().await {
        failure.get_or_insert(error);
    }
    failure.map_or(Ok(at_end), Err)
}

/// Collects the results of chunks, and stores them in batches.
struct Writer<'r> {
    tools: &'r Tools,
    run: Uuid,
    batch: usize,
    pending: Vec<Processed>,
    totals: LedgerTotals,
    reasons: Reasons,
    throttle: Throttle<'r>,
}

impl Writer<'_> {
    /// Adds the results of a chunk, and stores each full batch.
    async fn add(&mut self, processed: Vec<Processed>) -> Result<()> {
        self.pending.extend(processed);
        while let Some(length) = self.full_batch() {
            self.flush(length).await?;
        }
        Ok(())
    }

    /// Stores and records all pending lines.
    async fn flush_all(&mut self) -> Result<()> {
        self.flush(self.pending.len()).await
    }

    /// Returns how many of the pending lines to store now, or `None` while they are too few.
    fn full_batch(&self) -> Option<usize> {
        let mut writes = 0;
        for (index, processed) in self.pending.iter().enumerate() {
            writes += usize::from(processed.write.is_some());
            if writes == self.batch {
                return Some(index + 1);
            }
        }
        (self.pending.len() >= LONGEST_UNRECORDED.max(self.batch)).then_some(self.pending.len())
    }

    /// Replaces vectors of stored points. Returns the ids of the points that no longer exist.
    async fn update(&self, vectors: Vec<(PointId, Vectors)>) -> Result<Vec<PointId>> {
        let gallery = &self.tools.gallery;
        let ids: Vec<PointId> = vectors.iter().map(|(id, _)| *id).collect();
        match gallery.update_vectors(vectors.clone()).await {
            // Some points were deleted meanwhile: update the others one by one.
            Err(error) if error.code == ErrorCode::NotFound => {
                for one in vectors {
                    match gallery.update_vectors(vec![one]).await {
                        Err(error) if error.code == ErrorCode::NotFound => {}
                        done => done?,
                    }
                }
            }
            done => done?,
        }
        let there = gallery.retrieve(&ids, With::NOTHING).await?;
        let there: HashSet<PointId> = there.into_iter().map(|point| point.id).collect();
        Ok(ids.into_iter().filter(|id| !there.contains(id)).collect())
    }

    /// Stores the first `length` pending lines, then records them in the ledger.
    async fn flush(&mut self, length: usize) -> Result<()> {
        if length == 0 {
            return Ok(());
        }
        let (mut points, mut vectors, mut fields, mut records) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Processed {
            record,
            write,
            remark,
        } in self.pending.drain(..length)
        {
            if let Some(remark) = remark {
                self.reasons.remark(remark);
            }
            records.push(record);
            match write {
                None => {}
                Some(Write::Point(point)) => points.push(point),
                Some(Write::Fields(id, changed)) => fields.push((id, changed)),
                Some(Write::Vectors(id, made, changed)) => {
                    vectors.push((id, made));
                    fields.extend(changed.map(|changed| (id, changed)));
                }
            }
        }
        let gallery = &self.tools.gallery;
        let count = points.len() + vectors.len();
        let stored: Vec<PointId> = points.iter().map(|point| point.id).collect();
        if !points.is_empty() {
            gallery.upsert(points).await?;
        }
        let taken_back = deleted::delete_again(self.tools, &stored).await?;
        let mut gone = HashSet::new();
        if !vectors.is_empty() {
            gone.extend(self.update(vectors).await?);
        }
        for (id, changed) in fields {
            match gallery.set_payload(id, changed).await {
                Err(error) if error.code == ErrorCode::NotFound => {
                    gone.insert(id);
                }
                done => done?,
            }
        }
        for record in records
            .iter_mut()
            .filter(|record| record.id.is_some_and(|id| gone.contains(&id)))
        {
            // A duplicate line has the same id, but nothing of it was to be stored: its outcome
            // stays.
            if matches!(
                record.outcome,
                LineOutcome::Embedded | LineOutcome::Unchanged
            ) {
                record.outcome = deleted_meanwhile().into();
            }
        }
        for record in &mut records {
            if let Some(stone) = record.id.and_then(|id| taken_back.get(&id))
                && matches!(
                    record.outcome,
                    LineOutcome::Embedded | LineOutcome::Unchanged
                )
            {
                record.outcome = deleted::skip(stone);
            }
        }
        self.tools.ledger.record(self.run, &records).await?;
        for record in &records {
            self.totals.add(&record.outcome);
            self.reasons.add(record);
        }
        tracing::debug!(points = count, lines = self.totals.lines, "stored");
        self.throttle.report_if_due(&self.totals);
        Ok(())
    }
}

/// The failure of a line whose point was deleted between reading and writing it.
pub(crate) fn deleted_meanwhile() -> LineFailure {
    let reason = "the picture was deleted while this line was processed: ingest it again";
    LineFailure::new(FailureKind::Deleted, reason)
}

/// The error for a task that panicked or was cancelled.
fn task_failed(error: tokio::task::JoinError) -> Error {
    Error::internal("processing a chunk panicked or was cancelled").with_source(error)
}
