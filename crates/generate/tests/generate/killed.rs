//! Kills a process with `kill -9` before, during and after a paid call: the call is bought at most
//! once.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use clippy_core::settings::Secret;
use clippy_generate::google::{Backoff, Endpoint, GeminiProvider, GeminiSettings, GoogleClient};
use clippy_generate::{
    Address, AnsweredCall, CallJournal, CallKey, CallOutcome, CallState, FailureClass, FileJournal,
    GenerateError, GenerateRequest, Generated,
};

use crate::google_fake::{Answer, FakeGoogle, IMAGE_MODEL, with_picture};
use crate::support::{context, flat, generate_in, picture};
use clippy_testing::wait_until;

const CHILD: &str = "CLIPPY_TEST_KILLED_CHILD";

/// Where the child halts until it is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Halt {
    /// Before the call is recorded.
    BeforeClaim,
    /// After the call was recorded, before it is sent.
    BeforeSending,
    /// During the call: the provider never answers.
    During,
    /// After the answer, before it is recorded.
    BeforeOutcome,
    /// After the pictures were recorded.
    AfterOutcome,
}

const HALTS: [Halt; 5] = [
    Halt::BeforeClaim,
    Halt::BeforeSending,
    Halt::During,
    Halt::BeforeOutcome,
    Halt::AfterOutcome,
];

/// A file journal that halts at a given point, and writes a mark file there.
struct HaltingJournal {
    journal: FileJournal,
    halt: Halt,
    mark: std::path::PathBuf,
}

impl HaltingJournal {
    async fn halt_at(&self, halt: Halt) {
        if self.halt == halt {
            std::fs::write(&self.mark, "here").expect("a mark");
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl CallJournal for HaltingJournal {
    async fn claim(&self, call: &CallKey) -> clippy_core::Result<CallState> {
        self.halt_at(Halt::BeforeClaim).await;
        let state = self.journal.claim(call).await;
        self.halt_at(Halt::BeforeSending).await;
        state
    }

    async fn look_up(&self, call: &CallKey) -> clippy_core::Result<CallState> {
        self.journal.look_up(call).await
    }

    async fn has_calls(&self, scope: &str, since: SystemTime) -> clippy_core::Result<bool> {
        self.journal.has_calls(scope, since).await
    }

    async fn answered(&self, scope: &str) -> clippy_core::Result<Vec<AnsweredCall>> {
        self.journal.answered(scope).await
    }

    async fn record_outcome(
        &self,
        call: &CallKey,
        outcome: &CallOutcome,
    ) -> clippy_core::Result<()> {
        self.halt_at(Halt::BeforeOutcome).await;
        let written = self.journal.record_outcome(call, outcome).await;
        self.halt_at(Halt::AfterOutcome).await;
        written
    }
}

async fn attempt(
    url: &str,
    journal: Arc<dyn CallJournal>,
    scope: &str,
) -> Result<Generated, GenerateError> {
    let endpoint = Endpoint::ApiKey {
        base: Address::parse(url)?,
        key: Secret::new("k".to_owned()),
    };
    let client = GoogleClient::new(
        endpoint,
        Backoff::default(),
        std::time::Duration::from_secs(60),
        "GEMINI_IMAGE_MODEL",
    )?;
    let provider = GeminiProvider::new(client, GeminiSettings::default());
    let (mut context, _) = context();
    (context.journal, context.scope) = (journal, scope.to_owned());
    let request = GenerateRequest {
        prompt: Some("a boat".into()),
        seed: Some(1),
        ..GenerateRequest::default()
    };
    generate_in(&provider, &request, &context).await
}

/// Does nothing by itself. The test below starts this program with it, and kills it.
#[tokio::test]
async fn child_that_is_killed() {
    let Ok(arguments) = std::env::var(CHILD) else {
        return;
    };
    let [folder, url, halt] = arguments.split('\n').collect::<Vec<_>>()[..] else {
        panic!("{arguments}")
    };
    let halt = HALTS[halt.parse::<usize>().expect("an index")];
    let folder = Path::new(folder);
    let journal = HaltingJournal {
        journal: FileJournal::new(folder.join("calls")),
        halt,
        mark: folder.join("here"),
    };
    let made = attempt(url, Arc::new(journal), "job").await;
    panic!(
        "the child ended before it was killed, with {:?}",
        made.map(|made| made.images.len())
    );
}

/// Kills the child when the test fails.
struct ChildGuard(Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_call_is_bought_at_most_once_whenever_the_process_is_killed() {
    for (index, halt) in HALTS.into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let google = FakeGoogle::start().await;
        let good = with_picture(&flat(8, 8, [7, 8, 9]));
        google.set_answers(
            IMAGE_MODEL,
            [if halt == Halt::During {
                Answer::Silence
            } else {
                good.clone()
            }],
        );
        let child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "killed::child_that_is_killed", "--nocapture"])
            .env(
                CHILD,
                format!("{}\n{}\n{index}", folder.path().display(), google.url),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let mut child = ChildGuard(child);
        let mark = folder.path().join("here");
        wait_until("the child has halted", || {
            let there = if halt == Halt::During {
                !google.calls(IMAGE_MODEL).is_empty()
            } else {
                mark.exists()
            };
            assert!(
                there || child.0.try_wait().expect("a child").is_none(),
                "{halt:?}: the child ended by itself"
            );
            std::future::ready(there)
        })
        .await;
        // SIGKILL on Unix.
        child.0.kill().expect("killed");
        child.0.wait().expect("gone");

        google.set_answers(IMAGE_MODEL, [good]);
        let journal = || Arc::new(FileJournal::new(folder.path().join("calls")));
        let retried = attempt(&google.url, journal(), "job").await;
        let bought = google.calls(IMAGE_MODEL).len();
        assert!(bought <= 1, "{halt:?}: bought {bought} times");
        match halt {
            Halt::BeforeClaim | Halt::AfterOutcome => {
                let made = retried.unwrap_or_else(|error| panic!("{halt:?}: {error}"));
                assert_eq!(
                    picture(&made.images[0].bytes),
                    flat(8, 8, [7, 8, 9]),
                    "{halt:?}"
                );
                assert_eq!(bought, 1, "{halt:?}");
            }
            Halt::BeforeSending | Halt::During | Halt::BeforeOutcome => {
                let error = retried.expect_err("unknown");
                assert!(
                    error.class == FailureClass::MaybeCharged && error.message.contains("retry"),
                    "{halt:?}: {error}"
                );
                attempt(&google.url, journal(), "job, bought again 1")
                    .await
                    .expect("a person asked for it");
                assert_eq!(google.calls(IMAGE_MODEL).len(), bought + 1, "{halt:?}");
            }
        }
    }
}
