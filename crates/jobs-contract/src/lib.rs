//! The contract suite for job stores, as a list of checks. Each check gets an empty store of its
//! own. The suite is the specification.
//!
//! A check panics when the store is wrong. `steps`, `families` and `losses` call the store
//! directly; `running` runs a [`clippy_jobs::Runner`] on it.

mod cleaning;
mod families;
mod losses;
mod running;
mod steps;
mod suspects;

use std::sync::Arc;
use std::time::Duration;

use clippy_testing::wait_for;
use futures::future::BoxFuture;

use clippy_jobs::{
    Backoff, Claim, ClaimedJob, Handlers, Job, JobBackend, JobId, JobKind, Lane, NewJob, Runner,
    RunnerSettings, Timing,
};

/// An empty store whose bulk lane takes at most [`SMALL_LANE`] jobs, and which keeps [`KEPT`]
/// finished jobs.
pub type Store = Arc<dyn JobBackend>;

/// The limit of the bulk lane in a store under test.
pub const SMALL_LANE: u64 = 300;
/// The number of finished jobs that a store under test keeps.
pub const KEPT: u64 = 1_000;

/// One check.
#[derive(Clone, Copy)]
pub struct Check {
    /// The name, which says what it checks.
    pub name: &'static str,
    /// Runs the check; panics when the store is wrong.
    pub run: fn(Store) -> BoxFuture<'static, ()>,
}

macro_rules! checks {
    ($($module:ident::$name:ident),+ $(,)?) => {
        /// All checks.
        pub const CHECKS: &[Check] = &[$(Check { name: stringify!($name),
        run: |store| Box::pin($module::$name(store)) }),+];
    };
}

checks![
    steps::a_job_is_created_queued_and_found,
    steps::an_idempotency_key_makes_one_job,
    steps::a_full_lane_refuses,
    steps::jobs_are_listed_newest_first_page_by_page,
    steps::a_run_is_claimed_once_and_fenced,
    steps::a_cancelled_job_ends_once,
    steps::retries_count_and_snoozes_do_not,
    steps::a_failed_job_can_be_retried,
    steps::events_come_in_order_and_after_any_id,
    losses::an_event_id_after_the_last_one_is_reported_as_a_gap,
    steps::the_last_preview_is_kept_and_previews_are_limited,
    steps::a_job_in_a_paused_lane_cannot_be_claimed,
    steps::an_ended_lease_is_reaped,
    losses::a_lost_job_is_claimed_alone_and_fails_after_the_second_loss,
    losses::a_lost_answer_to_a_claim_gives_the_same_run_again,
    steps::a_job_that_makes_progress_gets_all_its_attempts_again,
    steps::after_a_time_without_sweeps_no_lease_ends_at_once,
    steps::a_lost_task_is_rescued,
    steps::a_queue_keeps_the_first_data_folder,
    families::children_fan_in_once,
    families::planning_twice_makes_no_child_twice,
    families::a_part_that_succeeds_gives_its_planner_all_attempts_again,
    families::a_parent_without_children_merges_at_once,
    families::cancelling_a_parent_ends_its_children,
    families::retrying_a_parent_retries_its_failed_children,
    families::a_part_is_not_retried_while_its_parent_merges,
    running::jobs_run_and_end,
    running::a_lane_is_first_come_first_served,
    running::panics_and_errors_are_ordinary_failures,
    running::a_retry_waits_as_long_as_the_server_asked,
    running::a_result_that_cannot_be_stored_fails_the_job,
    running::bulk_work_never_delays_interactive_work,
    running::cancellation_reaches_running_work,
    cleaning::a_job_cancelled_between_its_runs_is_cleaned_up,
    cleaning::a_parent_cancelled_while_it_plans_is_cleaned_up,
    cleaning::a_part_cancelled_between_its_runs_is_cleaned_up,
    running::progress_previews_and_logs_become_events,
    running::an_attempt_continues_from_the_last_checkpoint,
    running::parents_plan_wait_and_merge,
    running::a_part_cannot_have_parts,
    running::an_unreadable_task_goes_to_the_dead_letters,
    running::stopping_hands_running_jobs_back,
    running::a_paused_lane_runs_nothing_until_it_is_resumed,
    running::a_job_that_ends_its_worker_twice_is_not_run_again,
    running::a_job_lost_with_its_worker_runs_alone,
    running::watchers_see_every_event_once,
    suspects::others_run_while_a_lost_job_waits_for_its_provider,
    suspects::a_cancelled_suspect_keeps_no_other_job_waiting,
];

pub use clippy_testing::wait_until_within;

/// Waits until a job meets the condition, and returns it.
pub async fn wait_for_job(
    store: &Store,
    id: JobId,
    what: &str,
    condition: impl Fn(&Job) -> bool,
) -> Job {
    wait_for(what, || async {
        match store.get(id).await {
            Ok(job) if condition(&job) => Ok(job),
            other => Err(other),
        }
    })
    .await
}

/// A consistent timing with short intervals, so that a check of a lease does not take 20 seconds.
#[must_use]
pub fn short_timing() -> Timing {
    Timing {
        lease: Duration::from_millis(1_500),
        beat: Duration::from_millis(400),
        poll: Duration::from_millis(50),
        only_process: false,
        sweep: Duration::from_millis(300),
        dead_after: Duration::from_millis(1_500),
        rescue_after: Duration::from_secs(2),
        progress: Duration::from_millis(200),
        grace: Duration::from_millis(800),
        backoff: Backoff {
            base: Duration::from_millis(20),
            cap: Duration::from_millis(100),
        },
    }
}

/// A runner of all lanes in this process, stopped with [`RunningRunner::stop`].
pub struct RunningRunner {
    stop: tokio_util::sync::CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl RunningRunner {
    /// Starts a runner with [`short_timing`].
    ///
    /// # Panics
    /// When the settings are refused.
    #[must_use]
    pub fn start(store: &Store, handlers: Handlers, concurrency: usize) -> Self {
        let lanes = Lane::ALL.iter().map(|lane| (*lane, concurrency)).collect();
        let settings = RunnerSettings {
            lanes,
            timing: short_timing(),
            drain: Duration::from_millis(500),
        };
        let runner = Runner::new(store.clone(), handlers, settings).expect("valid settings");
        let stop = tokio_util::sync::CancellationToken::new();
        let task = tokio::spawn(runner.run(stop.clone()));
        Self { stop, task }
    }

    /// Stops the runner, and waits until it has stopped.
    ///
    /// # Panics
    /// When it does not stop within its own deadline.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(12), self.task)
            .await
            .expect("stops in time")
            .expect("stops without a panic");
    }
}

/// A job of the `generate` kind in the interactive lane.
pub(crate) fn new_job(payload: serde_json::Value) -> NewJob {
    NewJob::new(JobKind::Generate, Lane::Interactive, payload)
}

pub(crate) const LEASE: Duration = Duration::from_secs(30);

pub(crate) async fn create(store: &Store, job: &NewJob) -> Job {
    store.create(job).await.expect("created").job
}

/// Claims a job as soon as its current lease has ended.
pub(crate) async fn claim_after_lease(store: &Store, id: JobId) -> ClaimedJob {
    wait_for("the lease to end", || async {
        match store.claim(id, "a worker", LEASE).await.expect("a claim") {
            Claim::Run(claimed) => Ok(*claimed),
            other => Err(other),
        }
    })
    .await
}

pub(crate) async fn claim(store: &Store, id: JobId) -> ClaimedJob {
    match store.claim(id, "a worker", LEASE).await.expect("a claim") {
        Claim::Run(claimed) => *claimed,
        other => panic!("job {id} could not be claimed: {other:?}"),
    }
}
