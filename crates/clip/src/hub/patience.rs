//! How long a busy or broken connection is waited for.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How often something is tried in a row without any progress.
const ATTEMPTS: usize = 5;
/// A hub that asks for a longer pause is not waited for.
const LONGEST: Duration = Duration::from_secs(300);

/// Why an attempt failed in a way that another one may not.
#[derive(Debug)]
pub(super) struct Setback {
    /// What happened.
    pub reason: String,
    /// How long the server asks to wait.
    pub asked: Option<Duration>,
    /// Whether the server was not even reached.
    pub is_unreached: bool,
}

impl Setback {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            asked: None,
            is_unreached: false,
        }
    }
}

/// Counts attempts, and waits between them: each pause is twice as long as the one before.
pub(super) struct Patience {
    pauses: ExponentialBackoff,
}

impl Patience {
    pub(super) fn new() -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_times(ATTEMPTS - 1);
        Self {
            pauses: pauses.build(),
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// The reason to give up, and what to do.
    pub(super) async fn wait(&mut self, setback: &Setback, what: &str) -> Result<(), String> {
        let reason = &setback.reason;
        if let Some(asked) = setback.asked.filter(|asked| *asked > LONGEST) {
            let minutes = asked.as_secs().div_ceil(60);
            return Err(format!(
                "{reason}, and asks to wait {minutes} minutes. Run the command again then: it \
                 continues from here. With a token (HF_TOKEN) the hub allows more"
            ));
        }
        let Some(pause) = self.pauses.next() else {
            return Err(format!(
                "it failed {ATTEMPTS} times ({reason}). Check the network, or name a mirror with \
                 HF_ENDPOINT; then run the command again: it continues from here"
            ));
        };
        let pause = setback.asked.map_or(pause, |asked| asked.max(pause));
        let pause_ms = pause.as_millis();
        tracing::warn!(what, reason, pause_ms, "the download is tried again");
        tokio::time::sleep(pause).await;
        Ok(())
    }
}
