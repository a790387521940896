//! A journal of paid calls in memory.

use std::collections::HashMap;
use std::time::SystemTime;

use async_trait::async_trait;
use clippy_core::Result;
use parking_lot::Mutex;

use crate::contract::{AnsweredCall, CallJournal, CallKey, CallOutcome, CallRole, CallState};

/// The scope, the role and the number of a call.
type Name = (String, CallRole, u32);

fn name(call: &CallKey) -> Name {
    (call.scope.clone(), call.role, call.index)
}

/// A journal in memory, for tests and for free providers.
#[derive(Debug, Default)]
pub struct MemoryJournal {
    calls: Mutex<HashMap<Name, CallState>>,
}

impl MemoryJournal {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<Name, CallState>) -> T) -> T {
        // After a panic the lock can be used again: every change is a single insert or removal.
        let mut calls = self.calls.lock();
        work(&mut calls)
    }
}

#[async_trait]
impl CallJournal for MemoryJournal {
    async fn claim(&self, call: &CallKey) -> Result<CallState> {
        Ok(self.with(|calls| match calls.get(&name(call)) {
            Some(known) => known.clone(),
            None => {
                // From here on the outcome of the call counts as unknown.
                calls.insert(name(call), CallState::Unknown);
                CallState::New
            }
        }))
    }

    async fn look_up(&self, call: &CallKey) -> Result<CallState> {
        let known = self.with(|calls| calls.get(&name(call)).cloned());
        Ok(known.unwrap_or(CallState::New))
    }

    async fn has_calls(&self, scope: &str, _since: SystemTime) -> Result<bool> {
        Ok(self.with(|calls| calls.keys().any(|(known, _, _)| known == scope)))
    }

    async fn answered(&self, scope: &str) -> Result<Vec<AnsweredCall>> {
        let answered = |((known, role, index), state): (&Name, &CallState)| match state {
            CallState::Done(result) if known == scope => Some(AnsweredCall {
                role: *role,
                index: *index,
                result: result.clone(),
            }),
            _ => None,
        };
        Ok(self.with(|calls| calls.iter().filter_map(answered).collect()))
    }

    async fn record_outcome(&self, call: &CallKey, outcome: &CallOutcome) -> Result<()> {
        self.with(|calls| match outcome {
            CallOutcome::Pictures(pictures) => {
                calls.insert(name(call), CallState::Done(pictures.clone()));
            }
            CallOutcome::NotCharged => {
                calls.remove(&name(call));
            }
        });
        Ok(())
    }
}
