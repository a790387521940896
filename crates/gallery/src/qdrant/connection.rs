//! The connection to a server: pooled channels, time limits, retries of what only reads, and the
//! circuit breaker.

use std::fmt;
use std::time::{Duration, Instant};

use clippy_core::Result;
use clippy_core::settings::{Address, Secret};
use parking_lot::Mutex;
use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::collections_client::CollectionsClient;
use qdrant_client::{Qdrant, QdrantError};
use rand::Rng;
use tonic::Status;
use tonic::transport::{ClientTlsConfig, Endpoint};

use super::address::grpc_address;
use super::breaker::Breaker;
use super::errors::{About, explain, left_alone, too_slow, trouble};

/// How often something is read before that counts as failed.
const ATTEMPTS: u32 = 3;
/// Before the second attempt; doubled, and half of it drawn at random.
const FIRST_PAUSE: Duration = Duration::from_millis(40);
/// Connections that are kept open.
const CHANNELS: usize = 4;

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct QdrantServer {
    /// Its address, as in `QDRANT_URL`.
    pub url: Address,
    /// Its key.
    pub api_key: Option<Secret>,
    /// How long something may take that reads.
    pub timeout: Duration,
    /// How long something may take that writes.
    pub write_timeout: Duration,
}

impl QdrantServer {
    /// A server without a key, and the usual limits.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Address::new(url),
            api_key: None,
            timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// A connection for one collection. Channels are opened when they are first needed.
pub(super) struct Connection {
    client: Qdrant,
    about: About,
    api_key: Option<Secret>,
    timeout: Duration,
    write_timeout: Duration,
    breaker: Mutex<Breaker>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("about", &self.about)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the address is none.
    pub(super) fn new(server: &QdrantServer, collection: &str) -> Result<Self> {
        let url = grpc_address(server.url.expose())?;
        let about = About {
            url: url.clone(),
            collection: collection.to_owned(),
        };
        let mut config = Qdrant::from_url(&url)
            .timeout(server.write_timeout)
            .connect_timeout(server.timeout)
            .api_key(server.api_key.as_ref().map(|key| key.expose().to_owned()))
            // It prints to standard output; what is needed is checked by `version.rs`.
            .skip_compatibility_check();
        config.set_pool_size(CHANNELS);
        let client = config
            .build()
            .map_err(|error| explain(&about, "connect", error))?;
        Ok(Self {
            client,
            about,
            api_key: server.api_key.clone(),
            timeout: server.timeout,
            write_timeout: server.write_timeout,
            breaker: Mutex::default(),
        })
    }

    /// What errors are about.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Reads something: within the time limit, again when the server did not answer, not at all
    /// when it has not answered for a while.
    pub(super) async fn read<T, F>(&self, what: &str, call: impl Fn(Qdrant) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        self.admit(what)?;
        self.look(what, call)
            .await?
            .map_err(|error| explain(&self.about, what, error))
    }

    /// As [`Connection::read`], with the client's own error, and even when the circuit is open: how
    /// it ends closes it, or keeps it open.
    pub(super) async fn look<T, F>(
        &self,
        what: &str,
        call: impl Fn(Qdrant) -> F,
    ) -> Result<Result<T, QdrantError>>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        let attempts = async {
            let mut pause = FIRST_PAUSE;
            for _ in 1..ATTEMPTS {
                match Box::pin(call(self.client.clone())).await {
                    Err(error) if trouble(&error).is_outage() => {
                        tracing::debug!(%error, "reading from Qdrant again");
                        let drawn = rand::rng().random_range(0.5..1.0);
                        tokio::time::sleep(pause.mul_f64(drawn)).await;
                        pause *= 2;
                    }
                    done => return done,
                }
            }
            Box::pin(call(self.client.clone())).await
        };
        self.within(what, self.timeout, attempts).await
    }

    /// Changes something, once: whether it was done is not known when the connection breaks, and
    /// the caller repeats what sets things to a constant.
    pub(super) async fn write<T>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(&Qdrant) -> Result<T, QdrantError>,
    ) -> Result<T> {
        self.try_write(what, call)
            .await?
            .map_err(|error| explain(&self.about, what, error))
    }

    /// As [`Connection::write`], with the client's own error.
    pub(super) async fn try_write<T>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(&Qdrant) -> Result<T, QdrantError>,
    ) -> Result<Result<T, QdrantError>> {
        self.admit(what)?;
        // The client's futures are large: they would swell all that hold them.
        self.within(what, self.write_timeout, Box::pin(call(&self.client)))
            .await
    }

    /// Several changes of aliases as one, which the client has no call for: this makes the call
    /// itself.
    pub(super) async fn change_aliases(
        &self,
        what: &str,
        request: wire::ChangeAliases,
    ) -> Result<()> {
        self.admit(what)?;
        let call = async {
            let unreachable =
                |error: tonic::transport::Error| Status::unavailable(error.to_string());
            let mut endpoint =
                Endpoint::from_shared(self.about.url.clone()).map_err(unreachable)?;
            if self.about.url.starts_with("https") {
                endpoint = endpoint
                    .tls_config(ClientTlsConfig::new().with_native_roots())
                    .map_err(unreachable)?;
            }
            let channel = endpoint
                .connect_timeout(self.timeout)
                .connect()
                .await
                .map_err(unreachable)?;
            let mut request = tonic::Request::new(request);
            if let Some(key) = &self.api_key {
                let key = key
                    .expose()
                    .parse()
                    .map_err(|_| Status::unauthenticated("the key has wrong characters"))?;
                request.metadata_mut().insert("api-key", key);
            }
            CollectionsClient::new(channel)
                .update_aliases(request)
                .await
                .map_err(QdrantError::from)
        };
        let answer = self.within(what, self.timeout, Box::pin(call)).await?;
        answer
            .map(|_| ())
            .map_err(|error| explain(&self.about, what, error))
    }

    /// Waits for an answer for so long, and tells the breaker how that went.
    async fn within<T>(
        &self,
        what: &str,
        limit: Duration,
        call: impl Future<Output = Result<T, QdrantError>>,
    ) -> Result<Result<T, QdrantError>> {
        let answer = tokio::time::timeout(limit, call).await;
        let outage = match &answer {
            Ok(Ok(_)) => false,
            Ok(Err(error)) => trouble(error).is_outage(),
            Err(_) => true,
        };
        if !outage {
            self.breaker.lock().succeeded();
        } else if self.breaker.lock().failed(Instant::now()) {
            tracing::warn!(url = %self.about.url, "Qdrant does not answer, and is left alone for a while");
        }
        answer.map_err(|_| too_slow(&self.about, what, limit))
    }

    fn admit(&self, what: &str) -> Result<()> {
        let admitted = self.breaker.lock().admit(Instant::now());
        admitted.map_err(|wait| left_alone(&self.about, what, wait))
    }
}
