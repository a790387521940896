//! What each key has spent, in files that several processes may share.
//!
//! `<folder>/<day>/<key>` holds an amount in millionths of a dollar; `<key>.lock` beside it is
//! locked while the amount changes. `<folder>/settled/<job>` is created by the process that settles
//! the job.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use clippy_core::{Error, Result, blocking};

use crate::durable;
use crate::money::{MicroDollars, Spending};

/// Spending in files.
#[derive(Debug, Clone)]
pub struct FileSpending {
    folder: PathBuf,
}

impl FileSpending {
    /// Uses this folder, which is created when needed.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Claims a settlement; false if it was claimed before. A job that runs twice must return its
    /// reservation only once.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::Internal`] when the folder cannot be written.
    pub async fn claim_settlement(&self, name: &str) -> Result<bool> {
        let file = self.folder.join("settled").join(check_name(name)?);
        blocking("counting spending", move || durable::create(&file)).await
    }

    async fn change<T: Send + 'static>(
        &self,
        key: &str,
        day: u64,
        work: impl FnOnce(u64) -> (Option<u64>, T) + Send + 'static,
    ) -> Result<T> {
        let (folder, name) = (
            self.folder.join(day.to_string()),
            check_name(key)?.to_owned(),
        );
        blocking("counting spending", move || {
            let file = folder.join(&name);
            let _lock = lock(&folder, &folder.join(format!("{name}.lock")))?;
            let (changed, answer) = work(read_amount(&file)?);
            if let Some(changed) = changed {
                durable::write(&file, changed.to_string().as_bytes())?;
            }
            Ok(answer)
        })
        .await
    }
}

/// Checks that a key's name can be used as a file name.
fn check_name(name: &str) -> Result<&str> {
    let good = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if good {
        Ok(name)
    } else {
        Err(Error::internal(format!(
            "\"{name}\" cannot be a file name in the spending folder"
        )))
    }
}

/// Takes the exclusive lock of a key. It is released with the handle, also when the process is
/// killed.
fn lock(folder: &Path, path: &Path) -> Result<File> {
    std::fs::create_dir_all(folder).map_err(durable::fault("make", folder))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(durable::fault("open", path))?;
    file.lock().map_err(durable::fault("lock", path))?;
    Ok(file)
}

fn read_amount(file: &Path) -> Result<u64> {
    match std::fs::read_to_string(file) {
        Ok(text) => text.trim().parse().map_err(|error| {
            Error::internal(format!(
                "{} should hold a number: correct or remove it",
                durable::shown(file)
            ))
            .with_source(error)
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(durable::fault("read", file)(error)),
    }
}

#[async_trait]
impl Spending for FileSpending {
    async fn add_within(
        &self,
        key: &str,
        day: u64,
        amount: MicroDollars,
        limit: MicroDollars,
    ) -> Result<(MicroDollars, bool)> {
        self.change(key, day, move |spent| {
            let after = spent.saturating_add(amount.0);
            let fits = after <= limit.0;
            (fits.then_some(after), (MicroDollars(spent), fits))
        })
        .await
    }

    async fn give_back(&self, key: &str, day: u64, amount: MicroDollars) -> Result<()> {
        self.change(key, day, move |spent| {
            (Some(spent.saturating_sub(amount.0)), ())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn concurrent_reservations_never_exceed_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        let ask = || {
            // As if from another process: only the folder is shared.
            let spending = FileSpending::new(folder.path());
            tokio::spawn(async move {
                spending
                    .add_within("key-1", 7, MicroDollars(30), MicroDollars(100))
                    .await
                    .expect("a store")
                    .1
            })
        };
        let asked: Vec<_> = (0..20).map(|_| ask()).collect();
        let fit = futures::future::join_all(asked)
            .await
            .into_iter()
            .filter(|fits| *fits.as_ref().expect("ran"))
            .count();
        assert_eq!(fit, 3);
        let again = FileSpending::new(folder.path());
        again
            .give_back("key-1", 7, MicroDollars(20))
            .await
            .expect("given back");
        let (spent, fits) = again
            .add_within("key-1", 7, MicroDollars(30), MicroDollars(100))
            .await
            .expect("a store");
        assert_eq!((spent.0, fits), (70, true));
        assert!(
            again
                .add_within("../up", 7, MicroDollars(1), MicroDollars(9))
                .await
                .is_err()
        );
    }

    #[tokio::test]
    async fn a_job_is_settled_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let spending = FileSpending::new(folder.path());
        assert!(spending.claim_settlement("job-1").await.expect("a store"));
        assert!(
            !FileSpending::new(folder.path())
                .claim_settlement("job-1")
                .await
                .expect("a store")
        );
        assert!(spending.claim_settlement("job-2").await.expect("a store"));
    }
}
