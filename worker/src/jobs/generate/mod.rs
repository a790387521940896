//! `generate` as a job: pictures from references.
//!
//! Running it twice is harmless: a call that costs money is written down before it is sent and
//! never sent again unasked ([`clippy_generate::paid_once`]), a call that was answered gives the
//! same pictures again, and pictures are kept by their content. What makes two purchases of one job
//! different is `retries` alone: how often a person asked again. Even then a call that was answered
//! is not bought again.

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
use clippy_core::blocking;
use clippy_core::live::LivePair;
use clippy_generate::{
    CallJournal, DailyBudget, Estimate, FailureClass, FileSpending, GenerateError, GenerateRequest,
    Generated, Generation, GenerationContext, Intake, Lineage, MicroDollars, Outputs, Provider,
    Providers, Reservation, Resolver, count_bought, estimate, make, scope_of, seed_of,
};
use clippy_jobs::{
    Envelope, Job, JobContext, JobError, JobHandler, JobKind, LogLevel, Progress, StopReason,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub use outage::ProviderPatience;
pub use references::GalleryReferences;

/// How long a provider may take beside a call that it waits for, when the job is handed over.
const HAND_OVER: Duration = Duration::from_secs(5);
/// How long it may take to remove what a cancelled job left with its provider.
const CLEANING: Duration = Duration::from_secs(30);

/// What pictures are made with.
#[derive(Clone)]
pub struct GenerateTools {
    /// Who makes them.
    pub providers: Arc<Providers>,
    /// Fetches, decodes and checks the pictures of a request.
    pub resolver: Arc<Resolver>,
    /// Uploaded pictures.
    pub intake: Intake,
    /// Made pictures.
    pub outputs: Outputs,
    /// Remembers paid calls.
    pub journal: Arc<dyn CallJournal>,
    /// What a key may spend a day.
    pub budget: DailyBudget,
    /// What was spent.
    pub spending: FileSpending,
    /// The longest that one call to a provider may take. A worker that stops waits so long for a
    /// call that is under way, because it is paid for.
    pub longest_call: Duration,
    /// How long a provider that is away or busy is waited for.
    pub patience: ProviderPatience,
    /// The model and the collection that made pictures are added to, when a request asks for that.
    pub live: Arc<LivePair>,
}

/// Makes pictures.
pub struct GenerateJob {
    tools: GenerateTools,
}

impl GenerateJob {
    /// A handler over these tools.
    #[must_use]
    pub fn new(tools: GenerateTools) -> Self {
        Self { tools }
    }

    /// What the budget set aside for the job and it did not cost goes back. What somebody asked for
    /// again is left aside: the sum is then never too small.
    async fn settle(&self, context: &JobContext, reserved_usd: f64, actual_usd: f64) {
        let job = context.job();
        let (Some(_), Some(owner), 0) = (self.tools.budget.limit, &job.owner, job.retries) else {
            return;
        };
        let day = u64::try_from(job.created_at.as_millis()).unwrap_or_default() / 86_400_000;
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
            tracing::error!(job = %job.id, %error, "what a job did not cost was not given back; it comes back with the day");
        }
    }

    /// Gives the whole reservation back, unless a call of this job was sent: it may cost something,
    /// whatever this attempt failed of.
    async fn give_back_unspent(&self, context: &JobContext, reserved_usd: f64) {
        let job = context.job();
        let since = UNIX_EPOCH
            + Duration::from_millis(u64::try_from(job.created_at.as_millis()).unwrap_or_default());
        let scope = scope(job, job.retries);
        match self.tools.journal.has_calls(&scope, since).await {
            Ok(false) => self.settle(context, reserved_usd, 0.0).await,
            Ok(true) => {}
            Err(error) => {
                tracing::error!(job = %job.id, %error, "whether a job bought anything cannot be read, so nothing is given back; it comes back with the day");
            }
        }
    }

    /// Whether each of so many calls of the job was answered, so that nothing is sent any more.
    async fn is_bought(&self, job: &Job, calls: u32) -> bool {
        let scopes: Vec<String> = (0..=job.retries)
            .map(|retries| scope(job, retries))
            .collect();
        count_bought(&*self.tools.journal, &scopes).await >= calls
    }

    /// What the gallery answered; one that is away is waited for like a provider.
    async fn waited_for<T>(
        &self,
        context: &JobContext,
        answered: clippy_core::Result<T>,
    ) -> Result<T, JobError> {
        match answered {
            Err(error) if error.code.is_retryable() => {
                Err(outage::after(context, self.tools.patience, error.into()).await)
            }
            answered => Ok(answered?),
        }
    }

    async fn generated(
        &self,
        context: &JobContext,
        provider: &Arc<dyn Provider>,
        request: &GenerateRequest,
        generation: Generation,
    ) -> Result<Generated, GenerateError> {
        let (sink, previews) = watch::watched(context);
        let job = context.job();
        let (cancel, hand_over) = (CancellationToken::new(), CancellationToken::new());
        // The provider ends by itself when it is to hand over, after the call that is under way.
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
        // The previews end with the sink, which the work holds.
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
        let withdrawn = async {
            let Envelope { request, .. } = Envelope::<GenerateRequest>::read(&cancelled.payload)?;
            let provider = self.tools.providers.get(request.provider.as_deref())?;
            let scope = scope(cancelled, cancelled.retries);
            provider.withdraw(&scope).await.map_err(failure::job_error)
        };
        match tokio::time::timeout(CLEANING, withdrawn).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::info!(job = %cancelled.id, ?error, "what a cancelled job left with its provider stays there");
            }
            Err(_) => {
                tracing::info!(job = %cancelled.id, "what a cancelled job left with its provider stays there: the provider does not answer");
            }
        }
    }

    async fn run(&self, context: JobContext) -> Result<Value, JobError> {
        let Envelope { request, .. } = Envelope::<GenerateRequest>::read(&context.job().payload)?;
        let tools = &self.tools;
        stage(&context, "references", "fetching the references");
        let provider = Arc::clone(tools.providers.get(request.provider.as_deref())?);
        let Estimate { usd, calls, .. } = estimate(provider.as_ref(), &request)?;
        let reserved = usd.unwrap_or_default();
        if request.add_to_gallery {
            // Before anything is made or paid for.
            let info = tools.live.now().gallery.info().await;
            self.waited_for(&context, info)
                .await?
                .check_takes_generated()?;
        }
        if provider.capabilities().paid
            && let Err(error) = writable(&tools.outputs).await
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
            () = context.token().cancelled() => return Err(stopped(&context)),
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
            .generated(&context, &provider, &request, generation)
            .await
        {
            Ok(generated) => generated,
            Err(error) if error.class == FailureClass::Cancelled => return Err(stopped(&context)),
            Err(error) => {
                // One call that was certainly free: nothing was spent. Of several, some may have
                // been paid for.
                let free = !error.charged && facts.count == 1 && !error.class.is_retryable();
                if free && error.class != FailureClass::Blocked {
                    self.give_back_unspent(&context, reserved).await;
                }
                tracing::warn!(job = %context.job().id, class = error.class.as_str(), %error, "a generation failed");
                return Err(outage::after(&context, tools.patience, error).await);
            }
        };
        stage(&context, "keeping", "keeping the pictures");
        let job = context.job().id.to_string();
        let mut kept = Vec::with_capacity(generated.images.len());
        let mut outputs = Vec::with_capacity(generated.images.len());
        for (index, image) in (0..).zip(&generated.images) {
            let lineage = Lineage::of(&facts, &generated.meta, image, index, Some(&job));
            let output = tools.outputs.keep(image, &lineage).await?;
            kept.push(answer::image(&job, index, image, &output, &tools.outputs).await?);
            outputs.push(output);
        }
        // After all of them are kept: the gallery may be away.
        if request.add_to_gallery {
            for (answer, output) in kept.iter_mut().zip(&outputs) {
                let added = gallery::add(&tools.live.now(), &tools.outputs, output).await;
                answer["gallery_id"] = answer::json(&self.waited_for(&context, added).await?)?;
            }
        }
        for reason in &generated.meta.filtered {
            context
                .log(LogLevel::Warning, format!("a picture is missing: {reason}"))
                .await;
        }
        self.settle(&context, reserved, generated.meta.usd.unwrap_or(reserved))
            .await;
        context.receipt(answer::json(&generated.receipt)?);
        let count = generated.images.len() as u64;
        context.progress(Progress {
            done: count,
            total: Some(count),
            unit: "pictures".to_owned(),
            stage: "done".to_owned(),
            message: format!("{count} pictures are there"),
        });
        answer::result(&facts, &generated.meta, &kept)
    }
}

/// Tells a provider to stop, and whether the job goes on elsewhere.
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

/// Names the calls of a job in the journal.
fn scope(job: &Job, retries: u32) -> String {
    scope_of(&job.id.to_string(), retries)
}

fn stage(context: &JobContext, stage: &str, message: &str) {
    context.progress(Progress {
        stage: stage.to_owned(),
        message: message.to_owned(),
        ..Progress::default()
    });
}

/// Whether pictures can be kept: found out before any is paid for.
async fn writable(outputs: &Outputs) -> clippy_core::Result<()> {
    let folder = outputs.folder().to_owned();
    let checked = blocking("looking at a folder", move || {
        Ok(files::check_writable(&folder))
    });
    checked.await?.map_err(|error| {
        tracing::error!(folder = %outputs.folder().display(), %error, "pictures cannot be kept");
        let message = "no picture can be kept, so that none is bought: the folder outputs in \
                       DATA_DIR cannot be written to";
        clippy_core::Error::internal(message).with_source(error)
    })
}

/// Why a run that was told to stop ends.
fn stopped(context: &JobContext) -> JobError {
    context.go_on().err().unwrap_or(JobError::Transient {
        code: clippy_core::ErrorCode::Unavailable,
        message: "The provider stopped although nobody asked it to".to_owned(),
        after: Some(Duration::from_secs(1)),
    })
}
