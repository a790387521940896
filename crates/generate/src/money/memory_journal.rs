//! A journal of paid calls in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use clippy_core::Result;

use crate::contract::{CallFingerprint, CallJournal, CallOutcome, CallState};

/// A journal in memory, for tests and for free providers.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    calls: Mutex<HashMap<CallFingerprint, CallState>>,
}

impl MemoryJournal {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<CallFingerprint, CallState>) -> T) -> T {
        // A poisoned lock is safe to use: every change is a single insert or removal.
        let mut calls = self
            .calls
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        work(&mut calls)
    }
}

#[async_trait]
impl CallJournal for MemoryJournal {
    async fn claim(&self, fingerprint: &CallFingerprint) -> Result<CallState> {
        // From here on the outcome of a new call counts as unknown.
        Ok(self.with(
            |calls| match calls.insert(fingerprint.clone(), CallState::Unknown) {
                None => CallState::New,
                Some(known) => {
                    calls.insert(fingerprint.clone(), known.clone());
                    known
                }
            },
        ))
    }

    async fn record_outcome(
        &self,
        fingerprint: &CallFingerprint,
        outcome: &CallOutcome,
    ) -> Result<()> {
        self.with(|calls| match outcome {
            CallOutcome::Pictures(pictures) => {
                calls.insert(fingerprint.clone(), CallState::Done(pictures.clone()));
            }
            CallOutcome::NotCharged => {
                calls.remove(fingerprint);
            }
        });
        Ok(())
    }
}
