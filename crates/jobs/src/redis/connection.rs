//! The connection to Redis, and what its errors mean.

use std::time::Duration;

use clippy_core::{Error, ErrorCode, Result};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

/// With the default of half a second, apalis' workers end whenever the server pauses to write its
/// file.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(2);
/// With the default, a client waits long after the server is back.
const MAX_DELAY: Duration = Duration::from_millis(500);
const RETRIES: usize = 3;

/// Valid addresses, for error messages.
const EXAMPLES: &str =
    "redis://host:6379/0, redis://user:password@host:6379/0, or rediss:// for TLS";

/// Connects, and checks that the server answers.
pub(super) async fn connect(url: &str) -> Result<(redis::Client, ConnectionManager)> {
    // For `rediss://`. An error means that a provider is installed already, which is fine.
    drop(rustls::crypto::ring::default_provider().install_default());
    let client = redis::Client::open(url).map_err(|error| {
        // Not the value itself: it may hold a password.
        Error::invalid(format!(
            "REDIS_URL is not the address of a Redis server: write {EXAMPLES}"
        ))
        .with_source(error)
    })?;
    let address = client.get_connection_info().addr().to_string();
    let config = ConnectionManagerConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_max_delay(MAX_DELAY)
        .set_number_of_retries(RETRIES);
    let failed = |error: redis::RedisError| match refused(&address, &error) {
        Some(message) => Error::invalid(message).with_source(error),
        None => {
            // When only one side uses TLS, the connection just times out.
            let hint = if url.starts_with("rediss://") {
                "Start it, or correct REDIS_URL: redis:// for a port without TLS"
            } else {
                "Start it, or correct REDIS_URL: rediss:// for a port with TLS"
            };
            let message = format!("Redis at {address} does not answer ({error}). {hint}");
            Error::new(ErrorCode::Unavailable, message).with_source(error)
        }
    };
    let mut connection = client
        .get_connection_manager_with_config(config)
        .await
        .map_err(failed)?;
    redis::cmd("PING")
        .query_async::<()>(&mut connection)
        .await
        .map_err(failed)?;
    Ok((client, connection))
}

/// Returns why waiting for the server would not help; `None` when it is down or still starting.
fn refused(address: &str, error: &redis::RedisError) -> Option<String> {
    let text = error.to_string();
    let says = |word: &str| text.contains(word);
    let wrong = match error.code() {
        Some("NOAUTH") => {
            "asks for a password, and REDIS_URL has none: write redis://:password@host:6379/0"
        }
        Some("WRONGPASS") => "refuses the user or the password in REDIS_URL",
        Some("NOPERM") => {
            "does not let the user in REDIS_URL run the commands that are needed: allow it all \
             commands on its keys"
        }
        Some("DENIED") => {
            "answers only on its own machine, since it has no password (protected mode): set a \
             password"
        }
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => {
            "refuses the user or the password in REDIS_URL"
        }
        _ if says("refused to switch database") && says("uthentication required") => {
            "asks for a password, and REDIS_URL has none: write redis://:password@host:6379/0"
        }
        _ if says("refused to switch database") => {
            "does not have the database after the last slash of REDIS_URL: database 0 always \
             exists"
        }
        _ if says("invalid peer certificate") => {
            "has a certificate that this machine does not trust: set SSL_CERT_FILE to the \
             certificate of its authority"
        }
        _ if error.kind() == redis::ErrorKind::InvalidClientConfig => {
            "cannot be reached with these settings"
        }
        _ => return None,
    };
    Some(format!("Redis at {address} {wrong} ({error})"))
}

/// Turns an error of Redis into one for the caller.
pub(crate) fn unavailable(error: redis::RedisError) -> Error {
    let message = match error.code() {
        Some("OOM") => {
            "Redis is out of memory. Give it more (maxmemory), or keep finished jobs for a shorter \
             time"
        }
        Some("READONLY") => {
            "Redis is read-only (a replica, or in the middle of a fail-over). Try again in a moment"
        }
        Some("MISCONF") => {
            "Redis cannot write its file, so it accepts no writes. Look at its log and its disk"
        }
        Some("NOAUTH" | "WRONGPASS") => {
            "Redis no longer accepts the password in REDIS_URL. Correct it, and start again"
        }
        Some("LOADING") => "Redis is still reading its file. Try again in a moment",
        _ => "Redis does not answer as it should. Try again in a moment",
    };
    Error::new(ErrorCode::Unavailable, format!("{message} ({error})")).with_source(error)
}
