//! Stored records that cannot be read. A store's contents are input, like a request: one damaged
//! record must not stop the others.

use std::collections::HashSet;

use clippy_common::shorten;
use clippy_core::{Error, ErrorCode, Result};
use parking_lot::Mutex;
use serde_json::json;

/// The most names that are remembered as reported. Then the set is emptied, and all are reported
/// once more.
const REMEMBERED: usize = 10_000;

/// The damaged records that were reported: each is logged and counted once per process.
#[derive(Debug, Default)]
pub(crate) struct Damage {
    reported: Mutex<HashSet<(&'static str, String)>>,
}

impl Damage {
    /// Reports that a record of this kind is left out.
    pub(crate) fn report(&self, record: &'static str, name: &str, reason: &dyn std::fmt::Display) {
        let shown = shorten(name, 100);
        let mut reported = self.reported.lock();
        if reported.len() >= REMEMBERED {
            reported.clear();
        }
        if reported.insert((record, shown.to_string())) {
            metrics::counter!("clippy_job_records_damaged_total", "record" => record).increment(1);
            tracing::error!(record, name = %shown, %reason,
            "a stored record cannot be read and is left out");
        }
    }

    /// Turns a damaged record into `None`, and reports it. Other errors are returned.
    pub(crate) fn skip_damaged<T>(
        &self,
        record: &'static str,
        name: &str,
        read: Result<T>,
    ) -> Result<Option<T>> {
        match read {
            Ok(value) => Ok(Some(value)),
            Err(error) if is_damage(&error) => {
                self.report(record, name, &error);
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
        "message": "The job's stored record cannot be read, so it was set aside. The list of dead \
         letters says why; submit the job again.",
        "retryable": false,
    })
    .to_string()
}

/// The reason in the dead letter of a damaged record.
pub(crate) fn letter(id: &str, reason: &dyn std::fmt::Display) -> String {
    let shown = shorten(id, 100);
    format!("The record of job {shown} cannot be read: {reason}")
}
