//! The server-side scripts: each is one step that happens wholly or not at all.

use clippy_core::Result;
use redis::{FromRedisValue, Script, ToRedisArgs};

use super::{RedisJobs, unavailable};

macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {
        /// All scripts, with the shared beginning put before each.
        #[derive(Debug)]
        pub(super) struct Scripts { $(pub(super) $name: Script),+ }

        impl Scripts {
            pub(super) fn new() -> Self {
                const PRELUDE: &str = include_str!("lua/prelude.lua");
                Self { $($name: Script::new(&format!(
                    "{PRELUDE}\n{}", include_str!(concat!("lua/", stringify!($name), ".lua"))
                ))),+ }
            }
        }
    };
}

scripts!(
    create,
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
    bury
);

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
        self.invocation.invoke_async(&mut connection).await.map_err(unavailable)
    }
}

impl RedisJobs {
    pub(super) fn call<'a>(&'a self, script: &'a Script) -> Call<'a> {
        Call { jobs: self, invocation: script.key(&self.prefix) }
    }
}
