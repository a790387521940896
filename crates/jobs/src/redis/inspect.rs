//! Checks that a Redis server is configured so that it loses no job.

use std::collections::HashMap;

use clippy_core::Result;

use super::connection;

/// The oldest version that has the commands used here and lets a script write after it has read
/// the clock.
const OLDEST: (u32, u32) = (6, 2);

/// A server's version and the faults of its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisReport {
    /// Its version.
    pub version: String,
    /// The prefix of all keys of the queue.
    pub prefix: String,
    /// The id of the data folder that belongs to the queue, once a server has recorded it.
    pub data_folder: Option<String>,
    /// What is wrong with its configuration, each with its remedy.
    pub faults: Vec<String>,
}

impl RedisReport {
    /// Connects to a server and reads its report.
    ///
    /// # Errors
    /// As [`crate::RedisJobs::connect`].
    pub async fn ask(url: &str, prefix: &str) -> Result<Self> {
        let (_, mut connection) = connection::connect(url).await?;
        let info: String = redis::cmd("INFO")
            .query_async(&mut connection)
            .await
            .map_err(connection::unavailable)?;
        let prefix = super::versioned(prefix);
        let data_folder = redis::cmd("GET")
            .arg(format!("{prefix}:data_folder"))
            .query_async(&mut connection)
            .await
            .map_err(connection::unavailable)?;
        Ok(Self {
            prefix,
            data_folder,
            ..Self::read(&info)
        })
    }

    fn read(info: &str) -> Self {
        let fields: HashMap<&str, &str> = info
            .lines()
            .filter_map(|line| line.trim().split_once(':'))
            .collect();
        let field = |name: &str| fields.get(name).copied().unwrap_or_default();
        let mut faults = Vec::new();
        let version = field("redis_version");
        let mut numbers = version
            .split('.')
            .map(|part| part.parse::<u32>().unwrap_or_default());
        if (
            numbers.next().unwrap_or_default(),
            numbers.next().unwrap_or_default(),
        ) < OLDEST
        {
            faults.push(format!(
                "version {version} is too old: update it to {}.{} or later",
                OLDEST.0, OLDEST.1
            ));
        }
        let policy = field("maxmemory_policy");
        if policy != "noeviction" {
            faults.push(format!(
                "maxmemory-policy is {policy}, so it drops jobs when its memory is full: set \
                 maxmemory-policy noeviction"
            ));
        }
        if field("aof_enabled") != "1" {
            faults.push(
                "its append-only file is off, so a restart loses jobs: set appendonly yes"
                    .to_owned(),
            );
        } else if field("aof_last_write_status") != "ok" {
            faults.push(
                "it could not write its append-only file: look at its log and its disk".to_owned(),
            );
        }
        if field("redis_mode") == "cluster" {
            faults.push("it is a cluster: use one server, or a Sentinel group".to_owned());
        }
        if field("role") == "slave" {
            faults.push(
                "it is a replica, which takes no writes: set REDIS_URL to the primary".to_owned(),
            );
        }
        Self {
            version: version.to_owned(),
            prefix: String::new(),
            data_folder: None,
            faults,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n# Memory\r\n\
        maxmemory_policy:noeviction\r\naof_enabled:1\r\naof_last_write_status:ok\r\nrole:master\r\n";

    #[test]
    fn each_setting_that_loses_jobs_is_a_fault_with_its_remedy() {
        let good = RedisReport::read(GOOD);
        assert_eq!(
            (good.version.as_str(), good.faults.len()),
            ("7.0.15", 0),
            "{good:?}"
        );
        for (from, to, word) in [
            ("7.0.15", "6.0.16", "6.2"),
            ("noeviction", "allkeys-lru", "noeviction"),
            ("aof_enabled:1", "aof_enabled:0", "appendonly yes"),
            ("status:ok", "status:err", "disk"),
            ("standalone", "cluster", "one server"),
            ("role:master", "role:slave", "primary"),
        ] {
            let faults = RedisReport::read(&GOOD.replace(from, to)).faults;
            assert!(
                faults.len() == 1 && faults[0].contains(word),
                "{to}: {faults:?}"
            );
        }
    }
}
