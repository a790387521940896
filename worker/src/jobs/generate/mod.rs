//! The handler of `generate` jobs: pictures from references.
//!
//! Running a job twice does no harm: a paid call is written to the journal before it is sent, and
//! is never repeated automatically ([`clippy_generate::pay_once`]). An answered call returns the
//! same pictures again, and pictures are stored by their content. A call is sent again only after a
//! person retried the job (`retries`), and only if it was not answered before.

mod answer;
mod failure;
mod gallery;
mod outage;
mod references;
mod watch;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use async_trait::async_trait;
use clippy_common::files;
use clippy_core::history::History;
use clippy_core::live::LivePair;
use clippy_core::{ErrorCode, blocking};
use clippy_generate::{
    CallJournal, DailyBudget, Estimate, FailureClass, FileSpending, GenerateError, GenerateRequest,
    Generated, Generation, GenerationContext, Intake, Lineage, MicroDollars, Output, Outputs,
    Provider, Providers, Reservation, Resolver, count_bought, day_of, estimate, make, scope_of,
    seed_of,
};
use clippy_history::MadeRun;
use clippy_jobs::{
    Envelope, Job, JobContext, JobError, JobHandler, JobKind, JobProgress, LogLevel, StopReason,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use outage::ProviderPatience;
pub use references::GalleryReferences;

/// Time for a provider, in addition to the call in progress, to end when the job is handed back.
const HAND_OVER: Duration = Duration::from_secs(5);
/// The time limit for removing what a cancelled job left with its provider.
const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a worker with another data folder makes no paid calls.
const FOREIGN_DATA_FOLDER: &str = "No paid call was made: the DATA_DIR of the worker that took the \
     job is not the server's, so the worker does not know what was paid for already. Give all \
     servers and workers of the queue the same DATA_DIR, then retry";

/// The tools of `generate` jobs.
#[derive(Clone)]
pub struct GenerateTools {
    /// The providers of pictures.
    pub providers: Arc<Providers>,
    /// Fetches, decodes and checks the pictures of a request.
    pub resolver: Arc<Resolver>,
    /// Stores uploaded pictures.
    pub intake: Intake,
    /// Stores generated pictures.
    pub outputs: Outputs,
    /// Records what was generated, apart from jobs.
    pub history: Arc<dyn History>,
    /// Records paid calls.
    pub journal: Arc<dyn CallJournal>,
    /// The id of the data folder that contains the journal.
    pub data_folder: String,
    /// The amount that a key may spend in a day.
    pub budget: DailyBudget,
    /// The amounts that keys have spent.
    pub spending: FileSpending,
    /// The time limit of one call to a provider. A worker that stops waits this long for a call in
    /// progress, because it is paid for.
    pub longest_call: Duration,
    /// How long an outage of a provider is waited for.
    pub patience: ProviderPatience,
    /// The model and the collection that generated pictures are added to, on request.
    pub live: Arc<LivePair>,
}

/// Runs `generate` jobs.
pub struct GenerateJob {
    tools: GenerateTools,
}

impl GenerateJob {
    /// Returns a handler with these tools.
    #[must_use]
    pub fn new(tools: GenerateTools) -> Self {
        Self { tools }
    }

    /// Gives back what the budget reserved for the job beyond its cost. A job that was retried by a
    /// person keeps its reservation, since earlier calls may have cost something too.
    async fn settle(&self, context: &JobContext, reserved_usd: f64, actual_usd: f64) {
        let job = context.job();
        let (Some(_), Some(owner), 0) = (self.tools.budget.limit, &job.owner, job.retries) else {
            return;
        };
        let created = u64::try_from(job.created_at.as_millis()).unwrap_or_default();
        let (day, _) = day_of(Duration::from_millis(created));
        let amount = MicroDollars::from_dollars(reserved_usd);
        let reservation = Reservation {
            key: owner.clone(),
            day,
            amount,
        };
        let settled = async {
            if self
                .tools
                .spending
                .claim_settlement(&job.id.to_string())
                .await?
            {
                self.tools
                    .budget
                    .settle(&self.tools.spending, &reservation, actual_usd)
                    .await?;
            }
            Ok::<_, clippy_core::Error>(())
        };
        if let Err(error) = settled.await {
            tracing::error!(
                job = %job.id, %error,
                "the unspent part of a job's reservation was not given back; it expires with the \
                 day"
            );
        }
    }

    /// Gives back the whole reservation, unless a call of this job was sent: that call may be
    /// charged, even if this attempt failed for another reason.
    async fn give_back_unspent(&self, context: &JobContext, reserved_usd: f64) {
        let job = context.job();
        let since = UNIX_EPOCH
            + Duration::from_millis(u64::try_from(job.created_at.as_millis()).unwrap_or_default());
        let scope = scope(job, job.retries);
        match self.tools.journal.has_calls(&scope, since).await {
            Ok(false) => self.settle(context, reserved_usd, 0.0).await,
            Ok(true) => {}
            Err(error) => {
                tracing::error!(
                    job = %job.id, %error,
                    "the paid calls of a job cannot be read, so its reservation is not given back; \
                     it expires with the day"
                );
            }
        }
    }

    /// Whether `calls` calls of the job were answered, so that nothing has to be sent.
    async fn is_bought(&self, job: &Job, calls: u32) -> bool {
        let scopes: Vec<String> = (0..=job.retries)
            .map(|retries| scope(job, retries))
            .collect();
        count_bought(&*self.tools.journal, &scopes).await >= calls
    }

    /// Refuses to pay for anything if the queue belongs to another data folder, since the record of
    /// what was paid for is there.
    async fn check_data_folder(&self, context: &JobContext) -> Result<(), JobError> {
        match context.data_folder().await? {
            Some(recorded) if recorded != self.tools.data_folder => Err(JobError::permanent(
                ErrorCode::Unsupported,
                FOREIGN_DATA_FOLDER,
            )),
            _ => Ok(()),
        }
    }

    /// Records the run in the history. It comes after the pictures, so that the history never names
    /// a file that is not there, and before the end of the job, so that a job that succeeded has
    /// its entry.
    async fn record(
        &self,
        context: &JobContext,
        request: &GenerateRequest,
        generated: &Generated,
        pictures: &[(Output, u64)],
    ) -> Result<(), JobError> {
        let job = context.job();
        let run = MadeRun {
            job: &job.id.to_string(),
            owner: job.owner.as_deref(),
            at: job.created_at.as_millis(),
            request,
            meta: &generated.meta,
            receipt: &generated.receipt,
            pictures,
        };
        clippy_history::record(&*self.tools.history, &self.tools.intake, &run).await?;
        Ok(())
    }

    /// Converts an answer of the gallery. An outage of the gallery is waited for like one of a
    /// provider.
    async fn wait_for_gallery<T>(
        &self,
        context: &JobContext,
        answered: clippy_core::Result<T>,
    ) -> Result<T, JobError> {
        match answered {
            Err(error) if error.code.is_retryable() => {
                Err(outage::handle_failure(context, self.tools.patience, error.into()).await)
            }
            answered => Ok(answered?),
        }
    }

    async fn generate(
        &self,
        context: &JobContext,
        provider: &Arc<dyn Provider>,
        request: &GenerateRequest,
        generation: Generation,
    ) -> Result<Generated, GenerateError> {
        let (sink, previews) = watch::progress_sink(context);
        let job = context.job();
        let (cancel, hand_over) = (CancellationToken::new(), CancellationToken::new());
        // When the job is handed back, the provider ends by itself after the call in progress.
        let _hold = context.hold(self.tools.longest_call + HAND_OVER);
        let stop = pass_on_stop(context, cancel.clone(), hand_over.clone());
        let context = GenerationContext {
            cancel,
            hand_over,
            progress: Arc::new(sink),
            journal: Arc::clone(&self.tools.journal),
            scope: scope(job, job.retries),
            earlier: (0..job.retries)
                .map(|retries| scope(job, retries))
                .collect(),
            seed: seed_of(&job.id.to_string()),
        };
        let work = make(provider.as_ref(), request, Arc::new(generation), &context);
        // The previews end when the sink is dropped, which the work owns.
        let beside = async { tokio::join!(previews, stop) };
        tokio::pin!(work, beside);
        tokio::select! {
            generated = &mut work => generated,
            _ = &mut beside => work.await,
        }
    }
}

#[async_trait]
impl JobHandler for GenerateJob {
    fn kind(&self) -> JobKind {
        JobKind::Generate
    }

    async fn clean_up(&self, cancelled: &Job) {
        let withdrawal = async {
            let Envelope { request, .. } = Envelope::<GenerateRequest>::read(&cancelled.payload)?;
            let provider = self.tools.providers.get(request.provider.as_deref())?;
            let scope = scope(cancelled, cancelled.retries);
            provider.withdraw(&scope).await.map_err(failure::job_error)
        };
        match tokio::time::timeout(CLEAN_UP_TIMEOUT, withdrawal).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::info!(
                    job = %cancelled.id, ?error,
                    "cannot remove what a cancelled job left with its provider"
                );
            }
            Err(_) => {
                tracing::info!(
                    job = %cancelled.id,
                    "cannot remove what a cancelled job left with its provider: it does not answer"
                );
            }
        }
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Envelope { request, .. } = Envelope::<GenerateRequest>::read(&context.job().payload)?;
        let tools = &self.tools;
        stage(&context, "references", "fetching references");
        let provider = Arc::clone(tools.providers.get(request.provider.as_deref())?);
        let Estimate { usd, calls, .. } = estimate(provider.as_ref(), &request)?;
        let reserved = usd.unwrap_or_default();
        if provider.capabilities().paid {
            self.check_data_folder(&context).await?;
        }
        if request.add_to_gallery {
            // Checked before anything is generated or paid for.
            let info = tools.live.now().gallery.info().await;
            self.wait_for_gallery(&context, info)
                .await?
                .check_takes_generated()?;
        }
        if provider.capabilities().paid
            && let Err(error) = check_writable(&tools.outputs).await
        {
            self.give_back_unspent(&context, reserved).await;
            return Err(error.into());
        }
        let bought = provider.capabilities().paid && self.is_bought(context.job(), calls).await;
        let resolving = async {
            if bought {
                tools.resolver.resolve_bought(&request, &tools.intake).await
            } else {
                tools.resolver.resolve_kept(&request, &tools.intake).await
            }
        };
        let resolved = tokio::select! {
            resolved = resolving => resolved,
            () = context.token().cancelled() => return Err(stop_error(&context)),
        };
        let generation = match resolved {
            Ok(generation) => generation,
            Err(error) => {
                if !error.code.is_retryable() {
                    self.give_back_unspent(&context, reserved).await;
                }
                return Err(error.into());
            }
        };
        let facts = generation.without_inputs();
        let generated = match self
            .generate(&context, &provider, &request, generation)
            .await
        {
            Ok(generated) => generated,
            Err(error) if error.class == FailureClass::Cancelled => {
                return Err(stop_error(&context));
            }
            Err(error) => {
                // A single call that was not charged means that nothing was spent. With several
                // calls, others may have been charged.
                let free = !error.charged && facts.count == 1 && !error.class.is_retryable();
                if free && error.class != FailureClass::Blocked {
                    self.give_back_unspent(&context, reserved).await;
                }
                tracing::warn!(
                    job = %context.job().id, class = error.class.as_str(), %error,
                    "a generation failed"
                );
                return Err(outage::handle_failure(&context, tools.patience, error).await);
            }
        };
        stage(&context, "keeping", "storing the pictures");
        let job = context.job().id.to_string();
        let mut kept = Vec::with_capacity(generated.images.len());
        let mut outputs = Vec::with_capacity(generated.images.len());
        for (index, image) in (0..).zip(&generated.images) {
            let lineage = Lineage::of(&facts, &generated.meta, image, index, Some(&job));
            let output = tools.outputs.keep(image, &lineage).await?;
            let size = answer::size_of(&output, &tools.outputs).await?;
            kept.push(answer::image(&job, index, image, (&output, size)));
            outputs.push((output, size));
        }
        self.record(&context, &request, &generated, &outputs)
            .await?;
        // After all pictures are stored, since the gallery may be unavailable.
        if request.add_to_gallery {
            for (answer, (output, _)) in kept.iter_mut().zip(&outputs) {
                let added = gallery::add(&tools.live.now(), &tools.outputs, output).await;
                answer["gallery_id"] =
                    answer::json(&self.wait_for_gallery(&context, added).await?)?;
            }
        }
        for reason in &generated.meta.filtered {
            context
                .log(
                    LogLevel::Warning,
                    format!("the provider withheld a picture: {reason}"),
                )
                .await;
        }
        self.settle(&context, reserved, generated.meta.usd.unwrap_or(reserved))
            .await;
        context.receipt(answer::json(&generated.receipt)?);
        let count = generated.images.len() as u64;
        context.progress(JobProgress {
            done: count,
            total: Some(count),
            unit: "pictures".to_owned(),
            stage: "done".to_owned(),
            message: format!("{count} pictures are ready"),
        });
        answer::result(&facts, &generated.meta, &kept)
    }
}

/// Passes a stop on to the provider: a cancellation, or the handing back of the job, which another
/// worker then continues.
async fn pass_on_stop(
    context: &JobContext,
    cancel: CancellationToken,
    hand_over: CancellationToken,
) {
    context.token().cancelled().await;
    match context.stop_reason() {
        Some(StopReason::HandBack | StopReason::Lost) => hand_over.cancel(),
        Some(StopReason::Cancelled) | None => cancel.cancel(),
    }
}

/// Returns the key of a job's calls in the journal.
fn scope(job: &Job, retries: u32) -> String {
    scope_of(&job.id.to_string(), retries)
}

fn stage(context: &JobContext, stage: &str, message: &str) {
    context.progress(JobProgress {
        stage: stage.to_owned(),
        message: message.to_owned(),
        ..JobProgress::default()
    });
}

/// Checks that pictures can be stored, before any is paid for.
async fn check_writable(outputs: &Outputs) -> clippy_core::Result<()> {
    let folder = outputs.folder().to_owned();
    let checked = blocking("looking at a folder", move || {
        Ok(files::check_writable(&folder))
    });
    checked.await?.map_err(|error| {
        tracing::error!(folder = %outputs.folder().display(), %error, "pictures cannot be stored");
        let message = "no picture can be stored, so none is bought: the folder outputs in DATA_DIR \
                       cannot be written to";
        clippy_core::Error::internal(message).with_source(error)
    })
}

/// Returns the error with which a stopped run ends.
fn stop_error(context: &JobContext) -> JobError {
    context.go_on().err().unwrap_or(JobError::Transient {
        code: clippy_core::ErrorCode::Unavailable,
        message: "The provider stopped without being asked to".to_owned(),
        after: Some(Duration::from_secs(1)),
    })
}
