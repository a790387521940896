//! The server-side scripts. Each is one atomic step.

use clippy_core::Result;
use redis::{FromRedisValue, Script, ToRedisArgs};

use super::{RedisJobs, unavailable};
use crate::record::JobKind;
use crate::{checks, damage, transport};

macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {
        /// All scripts, each with the shared prelude before it.
        #[derive(Debug)]
        pub(super) struct Scripts { $(pub(super) $name: Script),+ }

        impl Scripts {
            pub(super) fn new() -> Self {
                let prelude = prelude();
                Self { $($name: Script::new(&format!(
                    "{prelude}\n{}", include_str!(concat!("lua/", stringify!($name), ".lua"))
                ))),+ }
            }
        }
    };
}

scripts!(
    create,
    find_by_key,
    get,
    list,
    cancel,
    retry,
    events,
    lanes,
    claim,
    beat,
    append,
    children,
    finish,
    keep_alive,
    release,
    forget,
    dead_workers,
    promote,
    sweep,
    tidy,
    bury,
    set_aside
);

/// The shared prelude, with the values that both stores use.
fn prelude() -> String {
    include_str!("lua/prelude.lua")
        .replace("@APALIS@", transport::redis::LUA)
        .replace("@DELIVERY_LIMIT@", &checks::delivery_limit())
        .replace("@DAMAGED@", &damage::failure())
        .replace("@ENDED_ITS_WORKER@", &checks::ended_its_worker(""))
        .replace(
            "@ENDED_ITS_WORKER_GENERATING@",
            &checks::ended_its_worker(JobKind::Generate.as_str()),
        )
        .replace("@MAX_LOSSES@", &checks::MAX_LOSSES.to_string())
}

/// A script with its arguments, in order.
pub(super) struct Call<'a> {
    jobs: &'a RedisJobs,
    invocation: redis::ScriptInvocation<'a>,
}

impl<'a> Call<'a> {
    pub(super) fn arg(mut self, value: impl ToRedisArgs) -> Self {
        self.invocation.arg(value);
        self
    }

    pub(super) async fn invoke<T: FromRedisValue>(self) -> Result<T> {
        let mut connection = self.jobs.connection.clone();
        self.invocation
            .invoke_async(&mut connection)
            .await
            .map_err(unavailable)
    }
}

impl RedisJobs {
    pub(super) fn call<'a>(&'a self, script: &'a Script) -> Call<'a> {
        Call {
            jobs: self,
            invocation: script.key(&self.prefix),
        }
    }
}
