//! Accepts connections and speaks HTTP/1.1 on them.
//!
//! `axum::serve` would do, but each of its connections also carries the state of an HTTP/2 one, which nobody here
//! speaks: with ten thousand open event streams that is a quarter of their memory. Here a caller that sends its head too
//! slowly is cut off, too.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tower::ServiceExt;

/// Longest that a caller may take to send a request's head.
const HEAD: Duration = Duration::from_secs(30);
/// After a failure to accept, such as having no descriptors left, so that the loop does not spin.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is over and the requests in flight have ended.
pub(crate) async fn serve_connections(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let open = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
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
        // Events are small, and each is to arrive when it happens.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection stays with its delay");
        }
        let caller = Caller { router: router.clone(), address };
        let connection = open.watch(builder.serve_connection(TokioIo::new(stream), caller));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// One connection's way to the routes.
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
