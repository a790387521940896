//! The side loop of a process: reports that its worker loops are alive, and sweeps the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::engine::Engine;

/// How often delayed jobs are checked, if the sweep runs less often.
const PROMOTE: Duration = Duration::from_millis(500);

pub(super) async fn run(engine: Arc<Engine>) {
    let timing = engine.settings.timing;
    let mut ticks = tokio::time::interval(timing.sweep.min(PROMOTE));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut swept: Option<Instant> = None;
    let mut away = false;
    loop {
        ticks.tick().await;
        let due = swept.is_none_or(|at| at.elapsed() + ticks.period() / 2 >= timing.sweep);
        let result = if due {
            swept = Some(Instant::now());
            sweep(&engine).await
        } else {
            engine.store.promote().await.map(|_| ())
        };
        match result {
            Ok(()) => away = false,
            Err(error) if !away => {
                away = true;
                tracing::warn!(%error,
                "the job store is unavailable; trying again until it is back");
            }
            Err(_) => {}
        }
    }
}

async fn sweep(engine: &Engine) -> clippy_core::Result<()> {
    let workers = engine.workers();
    if !workers.is_empty() {
        engine.store.keep_alive(&workers).await?;
    }
    let swept = engine
        .store
        .sweep(&engine.settings.timing.sweep_settings())
        .await?;
    if swept.promoted + swept.reaped + swept.released + swept.rescued > 0 {
        // The store notifies every process, but a notice may be lost.
        engine.ring_all();
    }
    if swept.reaped + swept.released + swept.rescued > 0 {
        tracing::info!(
            reaped = swept.reaped,
            released = swept.released,
            rescued = swept.rescued,
            "abandoned jobs were queued again"
        );
    }
    Ok(())
}
