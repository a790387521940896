//! The journal of paid calls in files, synced to disk before a call is sent.
//!
//! Each call has a folder, `<folder>/<hash of the scope>/<role>-<index>`. `sent` is created in it
//! before the call goes out, and says what is sent; `outcome.json` lists the pictures, which are
//! stored beside it. A folder with `sent` but without `outcome.json` is a call whose outcome is
//! unknown. Earlier versions named the folder after what is sent: `<folder>/<fingerprint>`. Such
//! folders are read and no longer made.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use clippy_common::files::sync_folder;
use clippy_core::{Error, Result, blocking};
use serde::{Deserialize, Serialize};

use crate::contract::{
    AnsweredCall, CallJournal, CallKey, CallOutcome, CallPictures, CallRole, CallState,
};
use crate::digest::sha256_hex;
use crate::durable;

/// How far the time of a file may be behind the clock: the kernel dates files by its last tick, and
/// some file systems keep whole or even seconds only.
const FILE_TIME_LAG: Duration = Duration::from_secs(2);

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

    fn folder_of_scope(&self, scope: &str) -> PathBuf {
        self.folder.join(sha256_hex(scope.as_bytes()))
    }

    fn folders(&self, call: &CallKey) -> Folders {
        Folders {
            own: self.folder_of_scope(&call.scope).join(format!(
                "{}-{}",
                call.role.as_str(),
                call.index
            )),
            older: self.folder.join(call.sent_as.as_str()),
        }
    }

    fn claim_now(folders: &Folders, sent: &[u8]) -> Result<CallState> {
        if let Some(older) = folders.older_record()? {
            return Self::read(older);
        }
        let own = &folders.own;
        if !durable::create_with(&own.join("sent"), sent)? {
            return Self::read(own);
        }
        // The entries of the folders above must be on disk, too.
        for above in own.ancestors().skip(1).take(2) {
            sync_folder(above).map_err(durable::fault("sync", above))?;
        }
        Ok(CallState::New)
    }

    fn look_up_now(folders: &Folders) -> Result<CallState> {
        match folders.older_record()? {
            Some(older) => Self::read(older),
            None if exists(&folders.own.join("sent"))? => Self::read(&folders.own),
            None => Ok(CallState::New),
        }
    }

    fn has_calls_now(folder: &Path) -> Result<bool> {
        for entry in entries_of(folder)? {
            if exists(&entry.join("sent"))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether an earlier version recorded a call after `since`.
    fn has_older_records(&self, since: SystemTime) -> Result<bool> {
        let since = since.checked_sub(FILE_TIME_LAG).unwrap_or(since);
        for entry in entries_of(&self.folder)? {
            let sent = entry.join("sent");
            let written = match sent.metadata().and_then(|sent| sent.modified()) {
                Ok(written) => written,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(durable::fault("read", &sent)(error)),
            };
            if written >= since {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn answered_now(folder: &Path) -> Result<Vec<AnsweredCall>> {
        let mut answered = Vec::new();
        for entry in entries_of(folder)? {
            let name = entry.file_name().and_then(OsStr::to_str);
            let Some((role, index)) = name.and_then(|name| name.rsplit_once('-')) else {
                continue;
            };
            let (Some(role), Ok(index)) = (CallRole::from_name(role), index.parse()) else {
                continue;
            };
            if exists(&entry.join("sent"))?
                && let CallState::Done(result) = Self::read(&entry)?
            {
                answered.push(AnsweredCall {
                    role,
                    index,
                    result,
                });
            }
        }
        Ok(answered)
    }

    /// The state of a call that was sent.
    fn read(folder: &Path) -> Result<CallState> {
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
                sync_folder(folder).map_err(durable::fault("sync", folder))
            }
        }
    }
}

/// The folders of a call's record.
struct Folders {
    own: PathBuf,
    /// Where an earlier version recorded it.
    older: PathBuf,
}

impl Folders {
    /// The folder of an earlier version, if the call was sent by one.
    fn older_record(&self) -> Result<Option<&Path>> {
        Ok(exists(&self.older.join("sent"))?.then_some(&self.older))
    }
}

/// Lists the entries of a folder. A folder that does not exist has none.
fn entries_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(durable::fault("read", folder)(error)),
    };
    entries
        .map(|entry| Ok(entry.map_err(durable::fault("read", folder))?.path()))
        .collect()
}

fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(durable::fault("read", path))
}

#[async_trait]
impl CallJournal for FileJournal {
    async fn claim(&self, call: &CallKey) -> Result<CallState> {
        let (folders, sent) = (self.folders(call), call.sent_as.as_str().to_owned());
        blocking("using the journal of paid calls", move || {
            Self::claim_now(&folders, sent.as_bytes())
        })
        .await
    }

    async fn look_up(&self, call: &CallKey) -> Result<CallState> {
        let folders = self.folders(call);
        blocking("using the journal of paid calls", move || {
            Self::look_up_now(&folders)
        })
        .await
    }

    async fn has_calls(&self, scope: &str, since: SystemTime) -> Result<bool> {
        let (folder, all) = (self.folder_of_scope(scope), self.clone());
        blocking("using the journal of paid calls", move || {
            Ok(Self::has_calls_now(&folder)? || all.has_older_records(since)?)
        })
        .await
    }

    async fn answered(&self, scope: &str) -> Result<Vec<AnsweredCall>> {
        let folder = self.folder_of_scope(scope);
        blocking("using the journal of paid calls", move || {
            Self::answered_now(&folder)
        })
        .await
    }

    async fn record_outcome(&self, call: &CallKey, outcome: &CallOutcome) -> Result<()> {
        let (folder, outcome) = (self.folders(call).own, outcome.clone());
        blocking("using the journal of paid calls", move || {
            Self::record_now(&folder, &outcome)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::PaidCall;

    fn call(body: &[u8]) -> CallKey {
        let call = PaidCall {
            provider: "gemini",
            model: "m",
            role: CallRole::Picture,
            index: 0,
            body,
        };
        call.key("job")
    }

    fn key() -> CallKey {
        call(b"body")
    }

    #[tokio::test]
    async fn a_call_keeps_its_identity_when_its_body_changes() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        let since = SystemTime::now();
        assert!(!journal.has_calls("job", since).await.expect("read"));
        assert_eq!(journal.claim(&key()).await.expect("new"), CallState::New);
        let changed = call(b"body of a newer version");
        assert_eq!(
            journal.claim(&changed).await.expect("known"),
            CallState::Unknown
        );
        assert!(journal.has_calls("job", since).await.expect("read"));
        assert!(!journal.has_calls("another", since).await.expect("read"));
    }

    #[tokio::test]
    async fn a_record_of_an_earlier_version_may_belong_to_any_job_of_that_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        let minute = std::time::Duration::from_secs(60);
        let (before, after) = (SystemTime::now() - minute, SystemTime::now() + minute);
        assert!(!journal.has_calls("job", before).await.expect("read"));
        let older = folder.path().join(key().sent_as.as_str());
        std::fs::create_dir_all(&older).expect("a folder");
        std::fs::write(older.join("sent"), b"").expect("written");
        assert!(journal.has_calls("job", before).await.expect("read"));
        assert!(!journal.has_calls("a later job", after).await.expect("read"));
    }

    #[tokio::test]
    async fn answered_calls_are_listed_with_their_results() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        assert_eq!(journal.answered("job").await.expect("read"), []);
        journal.claim(&key()).await.expect("new");
        assert_eq!(journal.answered("job").await.expect("read"), [], "not yet");
        let result = CallPictures {
            pictures: vec![Bytes::from_static(b"one")],
            filtered: Vec::new(),
        };
        let outcome = CallOutcome::Pictures(result.clone());
        journal
            .record_outcome(&key(), &outcome)
            .await
            .expect("noted");
        let (role, index) = (CallRole::Picture, 0);
        assert_eq!(
            journal.answered("job").await.expect("read"),
            [AnsweredCall {
                role,
                index,
                result
            }]
        );
    }

    #[tokio::test]
    async fn the_record_of_an_earlier_version_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let older = folder.path().join(key().sent_as.as_str());
        std::fs::create_dir_all(&older).expect("a folder");
        std::fs::write(older.join("sent"), b"").expect("written");
        let journal = FileJournal::new(folder.path());
        assert_eq!(
            journal.claim(&key()).await.expect("known"),
            CallState::Unknown
        );
        std::fs::write(older.join("0"), b"one").expect("written");
        let outcome = format!(
            r#"{{"pictures": ["{}"], "filtered": []}}"#,
            sha256_hex(b"one")
        );
        std::fs::write(older.join("outcome.json"), outcome).expect("written");
        let done = CallState::Done(CallPictures {
            pictures: vec![Bytes::from_static(b"one")],
            filtered: Vec::new(),
        });
        assert_eq!(journal.claim(&key()).await.expect("known"), done);
        assert_eq!(journal.look_up(&key()).await.expect("known"), done);
    }

    #[tokio::test]
    async fn errors_do_not_reveal_folders_of_the_machine() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("calls");
        std::fs::write(&path, "a file where a folder should be").expect("written");
        let message = FileJournal::new(&path)
            .claim(&key())
            .await
            .expect_err("no folder")
            .message;
        assert!(
            !message.contains(&*folder.path().to_string_lossy())
                && message.contains("in the data folder"),
            "{message}"
        );
    }

    #[tokio::test]
    async fn a_call_is_new_once_and_its_pictures_survive_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || FileJournal::new(folder.path().join("calls"));
        assert_eq!(open().claim(&key()).await.expect("new"), CallState::New);
        assert_eq!(
            open().claim(&key()).await.expect("unknown"),
            CallState::Unknown
        );
        open()
            .record_outcome(&key(), &CallOutcome::NotCharged)
            .await
            .expect("noted");
        assert_eq!(
            open().claim(&key()).await.expect("new again"),
            CallState::New
        );
        let pictures = CallPictures {
            pictures: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
            filtered: vec!["x".into()],
        };
        open()
            .record_outcome(&key(), &CallOutcome::Pictures(pictures.clone()))
            .await
            .expect("noted");
        assert_eq!(
            open().claim(&key()).await.expect("done"),
            CallState::Done(pictures)
        );
    }

    #[tokio::test]
    async fn of_concurrent_claims_one_may_send() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        let claims = (0..16).map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.claim(&key()).await.expect("a state") })
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
    async fn a_damaged_picture_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        journal.claim(&key()).await.expect("new");
        let pictures = CallPictures {
            pictures: vec![Bytes::from_static(b"one")],
            filtered: Vec::new(),
        };
        journal
            .record_outcome(&key(), &CallOutcome::Pictures(pictures))
            .await
            .expect("noted");
        std::fs::write(journal.folders(&key()).own.join("0"), b"on").expect("damaged");
        let error = journal.claim(&key()).await.expect_err("damaged");
        assert!(error.message.contains("damaged"), "{}", error.message);
    }
}
