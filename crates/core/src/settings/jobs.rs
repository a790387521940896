//! `REDIS_URL`, `REDIS_PREFIX`, `JOBS_KEEP_HOURS`, `JOBS_KEEP_MOST`, `FETCH_SITES`.

use std::time::Duration;

use super::reader::{Reader, Secret, members, wrong};
use crate::Result;

/// The queue, and how long finished jobs are kept.
#[derive(Debug, Clone)]
pub struct JobSettings {
    /// `REDIS_URL`: a Redis server for the queue. Unset means the embedded queue under `DATA_DIR`.
    /// It may contain a password.
    pub redis_url: Option<Secret>,
    /// `REDIS_PREFIX`: the prefix of all keys, so that several Clippys can share a Redis.
    pub redis_prefix: String,
    /// `JOBS_KEEP_HOURS`: finished jobs and their events are dropped after this.
    pub keep: Duration,
    /// `JOBS_KEEP_MOST`: how many finished jobs are kept, the newest ones.
    pub keep_most: u64,
    /// `FETCH_SITES`: the sites that jobs of kind `fetch` may call, each without a slash at its end.
    /// At least one; the first is the default.
    pub fetch_sites: Vec<String>,
}

impl JobSettings {
    /// The default of `FETCH_SITES`.
    pub const FETCH_SITES: &str = "https://safebooru.org";
}

pub(super) fn read(reader: &Reader) -> Result<JobSettings> {
    let prefix = reader.text_or(&["REDIS_PREFIX"], "clippy");
    let plain = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    if prefix.len() > 100 || !prefix.chars().all(plain) {
        return Err(wrong(
            "REDIS_PREFIX",
            &prefix,
            "a name of letters, digits, '_', '-' and '.'",
        ));
    }
    if let Some(url) = reader.text(&["REDIS_URL"])
        && !["redis://", "rediss://", "unix://", "redis+unix://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
    {
        // Without the value, which may contain a password.
        return Err(wrong(
            "REDIS_URL",
            "[hidden]",
            "an address such as redis://host:6379/0, or rediss:// for TLS",
        ));
    }
    let hours: u64 = reader.checked(
        "JOBS_KEEP_HOURS",
        168,
        "a whole number of hours from 1 to 87600",
        |hours| (1..=87_600).contains(hours),
    )?;
    Ok(JobSettings {
        redis_url: reader.text(&["REDIS_URL"]).map(Secret::new),
        redis_prefix: prefix,
        keep: Duration::from_secs(hours * 3_600),
        keep_most: reader.checked(
            "JOBS_KEEP_MOST",
            20_000,
            "a whole number from 1 to 10000000",
            |most| (1..=10_000_000).contains(most),
        )?,
        fetch_sites: fetch_sites(reader)?,
    })
}

fn fetch_sites(reader: &Reader) -> Result<Vec<String>> {
    let given = reader.text_or(&["FETCH_SITES"], JobSettings::FETCH_SITES);
    let sites: Vec<String> = members(&given)
        .iter()
        .map(|site| site.trim_end_matches('/').to_owned())
        .collect();
    let is_site = |site: &String| {
        let host = ["http://", "https://"]
            .iter()
            .find_map(|scheme| site.strip_prefix(scheme));
        // A password would be shown to callers and be in manifests.
        host.is_some_and(|host| !host.is_empty() && !host.contains(['@', '?', '#', ' ']))
    };
    if sites.is_empty() || !sites.iter().all(is_site) {
        return Err(wrong(
            "FETCH_SITES",
            &super::without_credentials(&given),
            "addresses such as https://safebooru.org, with commas between them and without \
             passwords",
        ));
    }
    Ok(sites)
}
