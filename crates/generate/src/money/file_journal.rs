//! The journal of paid calls in files, synced to disk before a call is sent.
//!
//! Each call has a folder, `<folder>/<fingerprint>`. `sent` is created in it before the call goes
//! out; `outcome.json` lists the pictures, which are stored beside it. A folder with `sent` but
//! without `outcome.json` is a call whose outcome is unknown.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use clippy_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::contract::{CallFingerprint, CallJournal, CallOutcome, CallPictures, CallState};
use crate::digest::sha256_hex;
use crate::durable;

/// A journal in files. It survives crashes of the process and of the machine.
#[derive(Debug, Clone)]
pub struct FileJournal {
    folder: PathBuf,
}

#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    /// SHA-256 of each picture; the file's name is the picture's number.
    pictures: Vec<String>,
    filtered: Vec<String>,
}

impl FileJournal {
    /// Uses this folder, which is created when needed.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn claim_now(folder: &Path) -> Result<CallState> {
        if durable::create(&folder.join("sent"))? {
            // The entry of the call's folder must be on disk, too.
            if let Some(parent) = folder.parent() {
                durable::sync_folder(parent).map_err(durable::fault("sync", parent))?;
            }
            return Ok(CallState::New);
        }
        let text = match std::fs::read(folder.join("outcome.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(CallState::Unknown);
            }
            Err(error) => return Err(durable::fault("read", folder)(error)),
        };
        let damaged = || {
            let message = format!(
                "the record of a paid call in {} is damaged: keep the folder and inspect it",
                durable::shown(folder)
            );
            Error::internal(message)
        };
        let outcome: Outcome =
            serde_json::from_slice(&text).map_err(|error| damaged().with_source(error))?;
        let mut pictures = Vec::new();
        for (index, hash) in outcome.pictures.iter().enumerate() {
            let bytes: Bytes = std::fs::read(folder.join(index.to_string()))
                .map_err(durable::fault("read", folder))?
                .into();
            if sha256_hex(&bytes) != *hash {
                return Err(damaged());
            }
            pictures.push(bytes);
        }
        Ok(CallState::Done(CallPictures {
            pictures,
            filtered: outcome.filtered,
        }))
    }

    fn record_now(folder: &Path, outcome: &CallOutcome) -> Result<()> {
        match outcome {
            CallOutcome::Pictures(call) => {
                for (index, picture) in call.pictures.iter().enumerate() {
                    durable::write(&folder.join(index.to_string()), picture)?;
                }
                let pictures = call
                    .pictures
                    .iter()
                    .map(|picture| sha256_hex(picture))
                    .collect();
                let outcome = Outcome {
                    pictures,
                    filtered: call.filtered.clone(),
                };
                let text = serde_json::to_vec(&outcome).map_err(|error| {
                    Error::internal("an outcome could not be encoded").with_source(error)
                })?;
                // Written last, because it declares the pictures complete.
                durable::write(&folder.join("outcome.json"), &text)
            }
            CallOutcome::NotCharged => {
                let sent = folder.join("sent");
                std::fs::remove_file(&sent).map_err(durable::fault("remove", &sent))?;
                durable::sync_folder(folder).map_err(durable::fault("sync", folder))
            }
        }
    }

    async fn with<T: Send + 'static>(
        &self,
        fingerprint: &CallFingerprint,
        work: impl FnOnce(&Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let folder = self.folder.join(fingerprint.as_str());
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        done.map_err(|error| Error::internal("the journal's thread ended").with_source(error))?
    }
}

#[async_trait]
impl CallJournal for FileJournal {
    async fn claim(&self, fingerprint: &CallFingerprint) -> Result<CallState> {
        self.with(fingerprint, Self::claim_now).await
    }

    async fn record_outcome(
        &self,
        fingerprint: &CallFingerprint,
        outcome: &CallOutcome,
    ) -> Result<()> {
        let outcome = outcome.clone();
        self.with(fingerprint, move |folder| {
            Self::record_now(folder, &outcome)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint() -> CallFingerprint {
        CallFingerprint::new("gemini", "m", "job", 0, b"body")
    }

    #[tokio::test]
    async fn a_fault_tells_nothing_of_the_machines_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("calls");
        std::fs::write(&path, "a file where a folder should be").expect("written");
        let message = FileJournal::new(&path)
            .claim(&fingerprint())
            .await
            .expect_err("no folder")
            .message;
        assert!(
            !message.contains(&*folder.path().to_string_lossy()) && message.contains("calls"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_call_is_new_once_and_its_pictures_outlive_the_journal() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || FileJournal::new(folder.path().join("calls"));
        assert_eq!(
            open().claim(&fingerprint()).await.expect("new"),
            CallState::New
        );
        assert_eq!(
            open().claim(&fingerprint()).await.expect("unknown"),
            CallState::Unknown
        );
        open()
            .record_outcome(&fingerprint(), &CallOutcome::NotCharged)
            .await
            .expect("noted");
        assert_eq!(
            open().claim(&fingerprint()).await.expect("new again"),
            CallState::New
        );
        let pictures = CallPictures {
            pictures: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
            filtered: vec!["x".into()],
        };
        open()
            .record_outcome(&fingerprint(), &CallOutcome::Pictures(pictures.clone()))
            .await
            .expect("noted");
        assert_eq!(
            open().claim(&fingerprint()).await.expect("done"),
            CallState::Done(pictures)
        );
    }

    #[tokio::test]
    async fn of_many_at_once_one_may_send() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        let claims = (0..16).map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.claim(&fingerprint()).await.expect("a state") })
        });
        let states: Vec<CallState> = futures::future::join_all(claims)
            .await
            .into_iter()
            .map(|claim| claim.expect("ran"))
            .collect();
        assert_eq!(
            states
                .iter()
                .filter(|state| **state == CallState::New)
                .count(),
            1
        );
    }

    #[tokio::test]
    async fn a_damaged_picture_is_no_outcome() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        journal.claim(&fingerprint()).await.expect("new");
        let pictures = CallPictures {
            pictures: vec![Bytes::from_static(b"one")],
            filtered: Vec::new(),
        };
        journal
            .record_outcome(&fingerprint(), &CallOutcome::Pictures(pictures))
            .await
            .expect("noted");
        std::fs::write(folder.path().join(fingerprint().as_str()).join("0"), b"on")
            .expect("damaged");
        let error = journal.claim(&fingerprint()).await.expect_err("damaged");
        assert!(error.message.contains("damaged"), "{}", error.message);
    }
}
