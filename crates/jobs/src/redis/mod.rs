//! Jobs in Redis, carried by apalis-redis.
//!
//! # Protocol, version 1
//!
//! All keys begin with the prefix ([`RedisSettings::prefix`], by default `{clippy}`) and the
//! version, `{clippy}:jobs1`. The braces are a hash tag: one script may access all of these keys.
//! Times are milliseconds of the *server's* clock (`TIME`), so that clients whose clocks differ
//! agree on leases.
//!
//! | key (after the prefix) | type | contents |
//! |---|---|---|
//! | `:job:<id>` | hash | the record: `id kind lane payload max owner state step attempt retries
//! losses run created started finished version worker delivery lease cursor progress preview result
//! error receipt cancel task`; of a child also `parent weight`; of a parent also `kids
//! kids_succeeded kids_failed kids_cancelled kids_weight kids_done kids_unit told` |
//! | `:events:<id>` | stream | `kind`, `data`; about 1,000 entries at most; the entry's id is the
//! event's |
//! | `:jobs` | zset, score 0 | ids of jobs without a parent; sorted by text, and so by time of
//! creation |
//! | `:previews:<id>` | list | ids of the preview events that can still be replayed, the newest |
//! | `:children:<id>` | zset, score 0 | ids of a parent's children |
//! | `:queued:<lane>` | zset | queued jobs by the time they were queued for |
//! | `:delayed:<lane>` | zset | those of them that are not due yet |
//! | `:running:<lane>` | zset | running jobs by the end of their lease |
//! | `:finished` | zset | finished jobs by the time they ended, for retention |
//! | `:idempotency:<length of owner>:<owner>:<key>` | string, expires | `<id> <digest of the body>`
//! |
//! | `:paused` | set | paused lanes |
//! | `:alive` | zset | `<lane> <worker>` by the time of its last sign of life |
//! | `:swept` | hash | `at`: time of the last sweep; `silence`: how long a worker may be silent;
//! `mercy`: after an outage, no lease is ended before this time |
//! | `:totals` | hash | `<lane>:<state>` → jobs that ended in this state |
//! | `:tasks` | counter | makes task ids |
//! | `:dead` | stream | tasks that could not be read: `reason`, `payload`; about 1,000 at most |
//! | `:lane:<lane>:*` | | apalis' own keys; the task's contents are `{"job":"<id>"}` and nothing
//! else |
//! | `:events` | channel | ids of jobs with new events |
//! | `:control` | channel | `wake <lane>`, `cancel <id>`, `lane <lane>` |
//!
//! Redis must be one server or a Sentinel group, with `maxmemory-policy noeviction` and its
//! append-only file on. Memory is bounded by [`RedisSettings::keep_finished`],
//! [`RedisSettings::max_finished`] and the lanes' limits.

mod connection;
mod decode;
mod inspect;
mod lanes;
mod notices;
mod runs;
mod scripts;
mod store;

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use clippy_core::Result;
use redis::aio::ConnectionManager;

use crate::damage::Damage;
use crate::record::Lane;
use notices::Notices;
use scripts::Scripts;

pub(crate) use connection::unavailable;
pub use inspect::RedisReport;

/// The version of the protocol; part of every key.
pub const PROTOCOL: &str = "jobs1";

/// Settings of a [`RedisJobs`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisSettings {
    /// Begins every key. Braces make it a hash tag; without them they are added.
    pub prefix: String,
    /// How long finished jobs and their events are kept.
    pub keep_finished: Duration,
    /// How many finished jobs are kept, the newest.
    pub max_finished: u64,
    /// How long an idempotency key is remembered.
    pub keep_idempotency: Duration,
    /// Jobs that may wait in a lane.
    pub limits: LaneLimits,
}

/// How many jobs may be queued in each lane before a new one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneLimits {
    /// In [`Lane::Interactive`].
    pub interactive: u64,
    /// In [`Lane::Bulk`]. Children are never refused: their planner waits instead.
    pub bulk: u64,
    /// In [`Lane::Control`].
    pub control: u64,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self {
            interactive: 1_000,
            bulk: 100_000,
            control: 1_000,
        }
    }
}

impl LaneLimits {
    /// The limit of one lane.
    #[must_use]
    pub const fn of(&self, lane: Lane) -> u64 {
        match lane {
            Lane::Interactive => self.interactive,
            Lane::Bulk => self.bulk,
            Lane::Control => self.control,
        }
    }
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            prefix: "{clippy}".to_owned(),
            keep_finished: Duration::from_secs(7 * 24 * 3_600),
            max_finished: 20_000,
            keep_idempotency: Duration::from_secs(24 * 3_600),
            limits: LaneLimits::default(),
        }
    }
}

/// A job store in Redis. It has one multiplexed connection for calls, and one for each kind of
/// notice that is watched.
#[derive(Debug)]
pub struct RedisJobs {
    connection: ConnectionManager,
    scripts: Scripts,
    settings: RedisSettings,
    /// The prefix with the version.
    prefix: String,
    notices: Notices,
    /// Where the next search for lost tasks begins.
    rescue_from: AtomicU64,
    damage: Damage,
}

impl RedisJobs {
    /// Connects, and checks that the server answers.
    ///
    /// # Errors
    /// `InvalidInput` for an invalid address, and when the server refuses a part of it (password,
    /// database, TLS): waiting would not help. `Unavailable` when the server does not answer. Both
    /// name the server.
    pub async fn connect(url: &str, settings: RedisSettings) -> Result<Self> {
        let (client, connection) = connection::connect(url).await?;
        let tag = if settings.prefix.contains('{') {
            settings.prefix.clone()
        } else {
            format!("{{{}}}", settings.prefix)
        };
        let prefix = format!("{tag}:{PROTOCOL}");
        let notices = Notices::new(client, &prefix);
        let rescue_from = AtomicU64::new(0);
        Ok(Self {
            connection,
            scripts: Scripts::new(),
            settings,
            prefix,
            notices,
            rescue_from,
            damage: Damage::default(),
        })
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &RedisSettings {
        &self.settings
    }
}
