//! Accepts connections and speaks HTTP/1.1 on them.
//!
//! `axum::serve` also prepares every connection for HTTP/2, which this server does not speak: with
//! ten thousand open event streams that is a quarter of their memory. Here a caller is disconnected
//! when it sends its request's head too slowly or does not read its answer, and no caller can use
//! up all connections.

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

use crate::admission::{Places, Pool, Who};
use crate::options::ConnectionLimits;
use crate::problem::Problem;
use crate::socket::PacedSocket;

/// The pause after a failed accept, for example when no file descriptors are left. It keeps the
/// loop from spinning.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest head of a request, and the most bytes of an answer that wait for the socket.
const BUFFER: usize = 64 << 10;

/// The connections that are open.
struct Open {
    all: Pool,
    local: Pool,
}

impl Open {
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
        pool.take(Who::at(address))
    }
}

/// Serves until `stop` completes and the requests in flight have ended.
pub(crate) async fn serve_connections(
    listener: TcpListener,
    router: Router,
    limits: &ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let (graceful, open) = (GracefulShutdown::new(), Open::new(limits));
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
        // Events are small and must not wait for more bytes.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with its delay");
        }
        let socket = PacedSocket::new(stream, limits.answer_window, limits.answer_least);
        let caller = Caller {
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

/// Answers 503 without waiting: what the socket does not accept at once is dropped.
fn refuse(stream: &TcpStream) {
    metrics::counter!("clippy_http_shed_total").increment(1);
    let problem = Problem::from(Error::new(
        ErrorCode::Overloaded,
        "too many connections are open",
    ));
    if let Err(error) = stream.try_write(&problem.as_http()) {
        tracing::debug!(%error, "a connection that has no place could not be told so");
    }
}

/// Calls the routes for one connection.
struct Caller {
    router: Router,
    address: SocketAddr,
}

impl Service<Request<Incoming>> for Caller {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = futures::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(self.address));
        Box::pin(self.router.clone().oneshot(request))
    }
}
