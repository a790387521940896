//! Stored records that cannot be read. A store's contents are input, like a request: one damaged
//! record must not stop the others.

use std::collections::HashSet;

use clippy_common::shorten;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use serde_json::json;

/// Names that are remembered as reported. Above that the set is emptied, and all are reported once
/// more.
const REMEMBERED: usize = 10_000;

/// What was reported already: each damaged record is logged and counted once per process.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    told: Mutex<HashSet<(&'static str, String)>>,
}

impl Damage {
    /// Reports that a record is left out.
    pub(crate) fn tell(&self, sort: &'static str, name: &str, reason: &dyn std::fmt::Display) {
        let shown = shorten(name, 100);
        let mut told = self.told.lock();
        if told.len() >= REMEMBERED {
            told.clear();
        }
        if told.insert((sort, shown.to_string())) {
            metrics::counter!("clippy_job_records_damaged_total", "record" => sort).increment(1);
            tracing::error!(record = sort, name = %shown, %reason, "a stored record cannot be read and is left out");
        }
    }

    /// Gives what could be read; reports a damaged record and gives `None`. Other errors are passed
    /// on.
    pub(crate) fn sift<T>(
        &self,
        sort: &'static str,
        name: &str,
        read: Result<T>,
    ) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_damage(&error) => {
                self.tell(sort, name, &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether an error means a damaged record, and not an unavailable store.
pub(crate) fn is_damage(error: &Error) -> bool {
    error.code == ErrorCode::Internal
}

/// The error that a job with a damaged record ends with, as JSON.
pub(crate) fn failure() -> String {
    json!({
        "code": ErrorCode::Internal.as_str(),
        "message": "The job's stored record cannot be read, so that it was set aside. The list of dead letters says why; ask for the work again.",
        "retryable": false,
    })
    .to_string()
}

/// What the dead letter of a damaged record says.
pub(crate) fn letter(id: &str, reason: &dyn std::fmt::Display) -> String {
    let shown = shorten(id, 100);
    format!("The record of job {shown} cannot be read: {reason}")
}
