//! The connection to a server: pooled channels, timeouts, retries of reads, and the circuit
//! breaker.

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
use super::errors::{About, circuit_open, explain, too_slow, trouble};

/// How often a read is tried before it fails.
const ATTEMPTS: u32 = 3;
/// The pause before the second attempt. It is doubled each time, and up to half of it is subtracted
/// at random.
const FIRST_PAUSE: Duration = Duration::from_millis(40);
/// Number of connections that are kept open.
const CHANNELS: usize = 4;

/// How to reach a server.
#[derive(Debug, Clone)]
pub struct QdrantServer {
    /// Its address, as in `QDRANT_URL`.
    pub url: Address,
    /// Its key.
    pub api_key: Option<Secret>,
    /// The time limit of a read.
    pub timeout: Duration,
    /// The time limit of a write.
    pub write_timeout: Duration,
}

impl QdrantServer {
    /// Describes a server without a key, with the default limits.
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
    /// Makes a connection; sends nothing yet.
    ///
    /// # Errors
    /// [`clippy_core::ErrorCode::InvalidInput`] when the address is invalid.
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
            // The check prints to standard output; `version.rs` checks what is needed.
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

    /// Returns the address and collection that errors name.
    pub(super) fn about(&self) -> &About {
        &self.about
    }

    /// Reads something within the time limit. Retries when the server does not answer; fails at
    /// once while the circuit is open.
    pub(super) async fn read<T, F>(&self, what: &str, call: impl Fn(Qdrant) -> F) -> Result<T>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        self.admit(what)?;
        self.try_read(what, call)
            .await?
            .map_err(|error| explain(&self.about, what, error))
    }

    /// Like [`Connection::read`], but returns the client's own error, and also calls when the
    /// circuit is open: the outcome closes it or keeps it open.
    pub(super) async fn try_read<T, F>(
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

    /// Changes something, without a retry: when the connection breaks, nobody knows whether it was
    /// done. The caller repeats changes that set things to a constant.
    pub(super) async fn write<T>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(&Qdrant) -> Result<T, QdrantError>,
    ) -> Result<T> {
        self.try_write(what, call)
            .await?
            .map_err(|error| explain(&self.about, what, error))
    }

    /// Like [`Connection::write`], with the client's own error.
    pub(super) async fn try_write<T>(
        &self,
        what: &str,
        call: impl AsyncFnOnce(&Qdrant) -> Result<T, QdrantError>,
    ) -> Result<Result<T, QdrantError>> {
        self.admit(what)?;
        // The client's futures are large, and would enlarge all futures that contain them.
        self.within(what, self.write_timeout, Box::pin(call(&self.client)))
            .await
    }

    /// Makes several changes of aliases as one. The client has no method for it, so this makes the
    /// gRPC call itself.
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

    /// Waits for an answer within the limit, and reports the outcome to the breaker.
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
            self.breaker.lock().record_success();
        } else if self.breaker.lock().record_failure(Instant::now()) {
            tracing::warn!(url = %self.about.url,
            "Qdrant does not answer, and gets no calls for a while");
        }
        answer.map_err(|_| too_slow(&self.about, what, limit))
    }

    fn admit(&self, what: &str) -> Result<()> {
        let admitted = self.breaker.lock().admit(Instant::now());
        admitted.map_err(|wait| circuit_open(&self.about, what, wait))
    }
}
