//! The sender of a request.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use clippy_core::Error;
use clippy_jobs::Job;

use crate::problem::Problem;

/// The caller, identified by its key. Every caller has a name; a job records the name of its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Has an admin key, and sees everything.
    Admin(String),
    /// Has a key of `API_KEYS`, and sees the jobs that were created with it.
    Key(String),
    /// Has no key, on a server that needs none. All such callers see each other's jobs.
    Anyone,
}

/// Separates the names of key and artist. It cannot occur in an artist's name.
const OF_KEY: char = '\u{1f}';

impl Caller {
    /// The admin of a server without keys, who calls from the same machine.
    pub(crate) fn local_admin() -> Self {
        Self::Admin("local".to_owned())
    }

    /// The name. It is derived from the key, but does not reveal it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Admin(name) | Self::Key(name) => name,
            Self::Anyone => "anyone",
        }
    }

    /// The owner whose jobs this caller sees; `None` means all jobs.
    pub(crate) fn sees(&self) -> Option<&str> {
        match self {
            Self::Admin(_) => None,
            Self::Key(_) | Self::Anyone => Some(self.name()),
        }
    }

    /// Whether this caller may see a job.
    pub(crate) fn may_see(&self, job: &Job) -> bool {
        self.sees()
            .is_none_or(|owner| job.owner.as_deref() == Some(owner))
    }

    /// The owner of this caller's boards. Admin keys share the boards of callers without a key.
    pub(crate) fn owner(&self) -> &str {
        match self {
            Self::Key(name) => name,
            Self::Admin(_) | Self::Anyone => "",
        }
    }

    /// The name under which the preferences of a `user_id` are stored. Each key has its own
    /// artists. Admin keys share the artists of callers without a key.
    pub(crate) fn artist(&self, user_id: &str) -> String {
        match self {
            Self::Key(name) => format!("{name}{OF_KEY}{user_id}"),
            Self::Admin(_) | Self::Anyone => user_id.to_owned(),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| {
            Error::internal("this route has no layer that identifies the caller").into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_its_own_artists() {
        let (ann, bob) = (
            Caller::Key("key-1".to_owned()),
            Caller::Key("key-2".to_owned()),
        );
        assert_ne!(ann.artist("demo"), bob.artist("demo"));
        assert_eq!(Caller::Anyone.artist("demo"), "demo");
        assert_eq!(Caller::local_admin().artist("demo"), "demo");
    }
}
