//! The process's environment: variables from `.env`, and hosts that need no proxy.
//!
//! All of this runs before other threads start, since changing the environment while other threads
//! run is unsound.

use std::path::{Path, PathBuf};

use clippy_core::settings::dot_env::{self, Complaint, Fault};
use clippy_core::settings::table;

use crate::failure::Failure;

/// The file's name.
const NAME: &str = ".env";
/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The result of reading `.env`.
#[derive(Debug, Default)]
pub struct Environment {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// How many settings of Clippy it set. Variables of other programs are not counted.
    pub set: usize,
    /// Problems in it.
    pub complaints: Vec<Complaint>,
    /// Variables that are not settings, but are spelled almost like one.
    pub misspelt: Vec<String>,
    /// Settings that are set, but not used by this version.
    pub unused: Vec<&'static str>,
    /// Files in folders above that were skipped, with the reason.
    pub skipped: Vec<String>,
}

impl Environment {
    /// Finds the file, if there is one, and sets its variables that are not set already.
    pub fn load() -> Result<Self, Failure> {
        let mut loaded = Self::default();
        loaded.read()?;
        loaded.unused = table::NOT_YET
            .into_iter()
            .filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
            .collect();
        Ok(loaded)
    }

    /// Reads the nearest file into the environment, if there is one.
    fn read(&mut self) -> Result<(), Failure> {
        let Ok(folder) = std::env::current_dir() else {
            return Ok(());
        };
        let Some((file, bytes)) = self.find(&folder)? else {
            return Ok(());
        };
        let given =
            |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let read = dot_env::parse(&bytes, given);
        if let Some(lost) = read
            .complaints
            .iter()
            .find(|complaint| complaint.fault == Fault::SecretLost)
        {
            return Err(Failure::usage(format!("{}: {lost}", file.display())));
        }
        for (name, value) in read.variables {
            if let Some(meant) = table::closest(&name).filter(|_| !table::is_known(&name)) {
                self.misspelt
                    .push(format!("{name} is not a setting of Clippy; {meant} is one"));
            }
            if std::env::var_os(&name).is_none() {
                self.set += usize::from(table::is_known(&name));
                set(&name, &value);
            }
        }
        self.complaints = read.complaints;
        self.file = Some(file);
        Ok(())
    }

    /// Fails if an invalid line contains the keys that protect the server.
    pub fn check_keys(&self) -> Result<(), Failure> {
        let lost = |complaint: &&Complaint| complaint.lost_keys.is_some();
        let (Some(file), Some(complaint)) = (&self.file, self.complaints.iter().find(lost)) else {
            return Ok(());
        };
        let keys = complaint.lost_keys.unwrap_or_default();
        Err(Failure::usage(format!(
            "{}: {complaint}. It contains {keys}, without which the server would accept calls \
             without a key",
            file.display()
        )))
    }

    /// Finds the nearest file, from the working folder upwards, like python-dotenv.
    fn find(&mut self, working: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, Failure> {
        for folder in working.ancestors() {
            let path = folder.join(NAME);
            let Ok(metadata) = std::fs::metadata(&path) else {
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            let above = folder != working;
            if above && !is_trusted(&metadata) {
                self.skipped.push(format!(
                    "{} belongs to another user of this machine",
                    path.display()
                ));
                continue;
            }
            if metadata.len() > LARGEST {
                return Err(Failure::usage(format!(
                    "{} is larger than the limit for a settings file (1 MiB)",
                    path.display()
                )));
            }
            match std::fs::read(&path) {
                Ok(bytes) => return Ok(Some((path, bytes))),
                Err(error) if above => self
                    .skipped
                    .push(format!("{} cannot be read: {error}", path.display())),
                Err(error) => {
                    return Err(Failure::usage(format!(
                        "{} cannot be read ({error}): fix its permissions",
                        path.display()
                    )));
                }
            }
        }
        Ok(None)
    }

    /// Logs what was read, and its problems.
    pub fn report(&self) {
        if let Some(file) = &self.file {
            tracing::info!("settings read from {}: {}", file.display(), self.set);
            for complaint in &self.complaints {
                tracing::warn!("{}: {complaint}", file.display());
            }
            for misspelt in &self.misspelt {
                tracing::warn!("{}: {misspelt}", file.display());
            }
        }
        for reason in &self.skipped {
            tracing::warn!("{reason}: it is not read");
        }
        for name in &self.unused {
            tracing::warn!("{name} is set, but this version does not use it");
        }
    }
}

/// Whether a file in a folder above may be read: it must belong to this user or to root, since
/// other users may be able to write to that folder.
#[cfg(unix)]
fn is_trusted(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: `geteuid` takes nothing, touches nothing and cannot fail.
    let user = unsafe { libc::geteuid() };
    metadata.uid() == 0 || metadata.uid() == user
}

#[cfg(not(unix))]
fn is_trusted(_metadata: &std::fs::Metadata) -> bool {
    true
}

/// Excludes loopback from the environment's proxies, since calls to this machine contain keys.
pub fn reach_loopback_directly() {
    const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";
    let proxies = [
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
    ];
    if proxies.iter().all(|name| std::env::var_os(name).is_none()) {
        return;
    }
    let exceptions = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default();
    let all = if exceptions.trim().is_empty() {
        LOOPBACK.to_owned()
    } else {
        format!("{exceptions},{LOOPBACK}")
    };
    for name in ["NO_PROXY", "no_proxy"] {
        set(name, &all);
    }
}

fn set(name: &str, value: &str) {
    // SAFETY: called by `main` before it starts a thread. Names are not empty and contain no `=`;
    // neither names nor values contain NUL.
    unsafe { std::env::set_var(name, value) }
}
