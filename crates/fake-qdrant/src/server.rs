//! Starts and stops the server.

use std::net::SocketAddr;
use std::sync::Arc;

use qdrant_client::qdrant as wire;
use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::{Qdrant, QdrantServer};
use tokio_util::sync::CancellationToken;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use crate::collections::CollectionsService;
use crate::faults::Faults;
use crate::options::FakeOptions;
use crate::points::PointsService;
use crate::state::State;

/// A server on a port of its own. Dropping it ends the server and removes its data.
pub struct FakeQdrant {
    address: SocketAddr,
    state: Arc<State>,
    stop: CancellationToken,
}

impl std::fmt::Debug for FakeQdrant {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FakeQdrant")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl FakeQdrant {
    /// Starts a server on a free port of loopback. Needs a tokio runtime.
    ///
    /// # Errors
    /// When there is no free port or no temporary folder.
    pub fn start(options: FakeOptions) -> std::io::Result<Self> {
        let incoming =
            TcpIncoming::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?.with_nodelay(Some(true));
        let address = incoming.local_addr()?;
        let state = Arc::new(State::new(tempfile::tempdir()?, options));
        let stop = CancellationToken::new();
        let checked = {
            let state = Arc::clone(&state);
            move |request: Request<()>| {
                state.check_key(request.metadata())?;
                Ok(request)
            }
        };
        let points = PointsServer::new(PointsService(Arc::clone(&state)))
            .max_decoding_message_size(usize::MAX);
        let collections = CollectionsServer::new(CollectionsService(Arc::clone(&state)));
        let serving = Server::builder()
            .add_service(InterceptedService::new(points, checked.clone()))
            .add_service(InterceptedService::new(collections, checked))
            // The health check needs no key.
            .add_service(QdrantServer::new(HealthService(Arc::clone(&state))));
        let stopped = stop.clone();
        tokio::spawn(async move {
            if let Err(error) = serving
                .serve_with_incoming_shutdown(incoming, stopped.cancelled_owned())
                .await
            {
                eprintln!("the fake Qdrant ended: {error}");
            }
        });
        Ok(Self {
            address,
            state,
            stop,
        })
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address for the client.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its faults.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.state.faults
    }
}

impl Drop for FakeQdrant {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct HealthService(Arc<State>);

#[tonic::async_trait]
impl Qdrant for HealthService {
    async fn health_check(
        &self,
        _request: Request<wire::HealthCheckRequest>,
    ) -> Result<Response<wire::HealthCheckReply>, Status> {
        self.0.faults.before_info().await;
        let title = "qdrant - vector search engine".to_owned();
        Ok(Response::new(wire::HealthCheckReply {
            title,
            version: self.0.options.version.clone(),
            commit: None,
        }))
    }
}
