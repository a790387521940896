//! The form of every job's payload: `{"version", "request", "part"?}`.
//!
//! The API writes payloads and a worker reads them. For a while the two may be of different
//! versions, so the payload carries the version of its form.

use clippy_core::{Error, ErrorCode, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version that this program writes, and the newest one that it reads.
pub const PAYLOAD_VERSION: u64 = 1;

/// The payload of a job: what was asked for (`R`) and, for a part of a larger job, which part
/// (`P`). Kinds of jobs without parts leave `P` out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope<R, P = ()> {
    /// Absent in early payloads, which have the first form.
    #[serde(default = "first_version")]
    version: u64,
    /// What was asked for.
    pub request: R,
    /// Which part of the work this job is; `None` for the whole.
    #[serde(default = "no_part", skip_serializing_if = "Option::is_none")]
    pub part: Option<P>,
}

fn first_version() -> u64 {
    1
}

// A function, since `#[serde(default)]` alone would require `P: Default`.
fn no_part<P>() -> Option<P> {
    None
}

impl<R> Envelope<R> {
    /// A job for the whole of a request.
    pub fn whole(request: R) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            request,
            part: None,
        }
    }
}

impl<R, P> Envelope<R, P> {
    /// A job for a part of a request.
    pub fn part(request: R, part: P) -> Self {
        Self {
            version: PAYLOAD_VERSION,
            request,
            part: Some(part),
        }
    }
}

impl<R: Serialize, P: Serialize> Envelope<R, P> {
    /// Writes the payload of a [`crate::NewJob`] or a [`crate::NewChild`].
    ///
    /// # Errors
    /// [`ErrorCode::InvalidInput`] when the request cannot be written as JSON, such as one that
    /// holds a path that is not UTF-8.
    pub fn to_payload(&self) -> Result<Value> {
        serde_json::to_value(self).map_err(|error| {
            Error::invalid(format!("the request cannot be written as JSON: {error}"))
        })
    }
}

impl<R: DeserializeOwned, P: DeserializeOwned> Envelope<R, P> {
    /// Reads a job's payload. The version is checked first, since a newer form may not parse.
    ///
    /// # Errors
    /// [`ErrorCode::Unsupported`] for a payload of a newer version, [`ErrorCode::InvalidInput`] for
    /// one that does not fit this kind of job. Neither is retryable.
    pub fn read(payload: &Value) -> Result<Self> {
        if let Some(version) = payload["version"].as_u64()
            && version > PAYLOAD_VERSION
        {
            let message = format!(
                "This job was made by a newer Clippy (payload {version}, this worker reads up to \
                 {PAYLOAD_VERSION}): update the workers, then retry it"
            );
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        Self::deserialize(payload).map_err(|error| {
            Error::invalid(format!(
                "The job's parameters cannot be understood: {error}. Submit the job again"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Request {
        name: String,
    }

    fn request() -> Request {
        Request {
            name: "apple".to_owned(),
        }
    }

    #[test]
    fn a_whole_request_and_a_part_come_back() {
        let whole = Envelope::whole(request());
        let payload = whole.to_payload().expect("JSON");
        assert_eq!(
            payload,
            json!({"version": 1, "request": {"name": "apple"}}),
            "queued jobs of other versions have exactly this form"
        );
        assert_eq!(Envelope::<Request>::read(&payload).expect("read"), whole);
        let part = Envelope::part(request(), 7_u64);
        let payload = part.to_payload().expect("JSON");
        assert_eq!(
            payload,
            json!({"version": 1, "request": {"name": "apple"}, "part": 7})
        );
        assert_eq!(
            Envelope::<Request, u64>::read(&payload).expect("read"),
            part
        );
    }

    #[test]
    fn payloads_of_earlier_versions_are_read() {
        for old in [
            json!({"version": 1, "request": {"name": "apple"}, "part": null}),
            json!({"request": {"name": "apple"}}),
            json!({"version": 1, "request": {"name": "apple", "dropped_field": 1}}),
        ] {
            let read = Envelope::<Request, u64>::read(&old).expect("an old payload");
            assert_eq!((read.request, read.part), (request(), None), "{old}");
        }
    }

    #[test]
    fn a_newer_version_is_distinguished_from_an_invalid_payload() {
        let newer = json!({"version": PAYLOAD_VERSION + 1, "request": 7});
        let error = Envelope::<Request>::read(&newer).expect_err("newer");
        assert_eq!(error.code, ErrorCode::Unsupported);
        assert!(error.message.contains("newer Clippy"), "{error}");
        for wrong in [
            json!(null),
            json!({"version": 1}),
            json!({"version": "one", "request": {"name": "apple"}}),
            json!({"version": 1, "request": "nonsense"}),
            json!({"version": 1, "request": {"name": "apple"}, "part": "x"}),
        ] {
            let error = Envelope::<Request, u64>::read(&wrong).expect_err("nonsense");
            assert_eq!(error.code, ErrorCode::InvalidInput, "{wrong}");
        }
    }
}
