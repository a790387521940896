//! The connection to Redis, and what its errors mean.

use std::time::Duration;

use clippy_core::{Error, ErrorCode, Result};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

/// The default of half a second kills apalis' workers whenever the server pauses to write its file.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// The default keeps waiting long after the server is back.
const MAX_DELAY: Duration = Duration::from_millis(500);
const RETRIES: usize = 3;

/// Connects and asks for an answer.
pub(super) async fn connect(url: &str) -> Result<(redis::Client, ConnectionManager)> {
    let client = redis::Client::open(url).map_err(|error| {
        Error::invalid("REDIS_URL is not the address of a Redis server: write redis://host:6379/0").with_source(error)
    })?;
    let address = client.get_connection_info().addr().to_string();
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_max_delay(MAX_DELAY)
        .set_number_of_retries(RETRIES);
    let away = |error: redis::RedisError| {
        let message = format!("Redis at {address} does not answer ({error}). Start it, or correct REDIS_URL");
        Error::new(ErrorCode::Unavailable, message).with_source(error)
    };
    let mut connection = client.get_connection_manager_with_config(config).await.map_err(away)?;
    redis::cmd("PING").query_async::<()>(&mut connection).await.map_err(away)?;
    Ok((client, connection))
}

/// An error of Redis, for whoever asked.
pub(crate) fn unavailable(error: redis::RedisError) -> Error {
    let message = match error.code() {
        Some("OOM") => "Redis is out of memory. Give it more (maxmemory), or keep finished jobs for a shorter time",
        Some("READONLY") => "Redis is read-only (a replica, or in the middle of a fail-over). Try again in a moment",
        Some("MISCONF") => "Redis cannot write its file, and so takes nothing new. Look at its log and its disk",
        Some("LOADING") => "Redis is still reading its file. Try again in a moment",
        _ => "Redis does not answer as it should. Try again in a moment",
    };
    Error::new(ErrorCode::Unavailable, format!("{message} ({error})")).with_source(error)
}
