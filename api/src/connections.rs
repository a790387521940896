//! Accepts connections and serves HTTP/1.1 on them.
//!
//! `axum::serve` also prepares every connection for HTTP/2, which this server does not use: with
//! ten thousand open event streams that is a quarter of their memory. Here a caller is disconnected
//! if it sends the head of its request too slowly or does not read its answer, and no caller can
//! use up all connections.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use clippy_core::{Error, ErrorCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::admission::{CallerId, Places, Pool};
use crate::options::ConnectionLimits;
use crate::problem::Problem;
use crate::socket::PacedSocket;

/// The pause after a failed accept, for example when no file descriptors are left, so that the loop
/// does not spin.
const PAUSE: Duration = Duration::from_millis(100);
/// The limits for the head of a request, and for the bytes of an answer that wait for the socket.
const BUFFER: usize = 64 << 10;

/// Counts the open connections.
struct OpenConnections {
    all: Pool,
    local: Pool,
}

impl OpenConnections {
    fn new(limits: &ConnectionLimits) -> Self {
        let all = Pool::with_share(limits.at_once, limits.per_address);
        let local = all.with_other_share(limits.at_once);
        Self { all, local }
    }

    fn enter(&self, address: SocketAddr) -> Option<Places> {
        let address = address.ip().to_canonical();
        let pool = if address.is_loopback() {
            &self.local
        } else {
            &self.all
        };
        pool.take(CallerId::at(address))
    }
}

/// Serves until `stop` completes and the requests in flight have ended.
pub(crate) async fn serve_connections(
    listener: TcpListener,
    router: Router,
    limits: &ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let (graceful, open) = (GracefulShutdown::new(), OpenConnections::new(limits));
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(BUFFER);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(place) = open.enter(address) else {
            refuse(&stream);
            continue;
        };
        // Events are small, and must be sent without waiting for more bytes.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let socket = PacedSocket::new(stream, limits.answer_window, limits.answer_least);
        let caller = ConnectionService {
            router: router.clone(),
            address,
        };
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(socket), caller));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Answers 503 without waiting. Bytes that the socket does not accept at once are dropped.
fn refuse(stream: &TcpStream) {
    metrics::counter!("clippy_http_shed_total").increment(1);
    let problem = Problem::from(Error::new(
        ErrorCode::Overloaded,
        "too many connections are open",
    ));
    if let Err(error) = stream.try_write(&problem.as_http()) {
        tracing::debug!(%error, "a refused connection could not be answered");
    }
}

/// Passes the requests of one connection to the router, with the caller's address.
struct ConnectionService {
    router: Router,
    address: SocketAddr,
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.address));
        Box::pin(self.router.clone().oneshot(request))
    }
}
