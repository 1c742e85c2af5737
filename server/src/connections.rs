//! TCP connections: accepted up to a number, each request within a time.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::IntoResponse as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time;
use tower::ServiceExt as _;

use crate::remote::Remote;
use crate::state::App;
use crate::tls::Tls;

/// Most bytes of a request's line and headers.
const MAX_HEADER_BYTES: usize = 16 << 10;

/// The time for a request to the REST interface, with files that come and videos that are waited for.
const API_LIMIT: Duration = Duration::from_secs(180);

/// The time to wait when the system has no more files for connections.
const NO_FILES_WAIT: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` changes.
pub(crate) async fn accept(
    app: Arc<App>,
    listener: TcpListener,
    router: Router,
    tls: Option<Tls>,
    mut stop: watch::Receiver<bool>,
) {
    let seats = Arc::new(Semaphore::new(app.options.max_connections));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let Ok((stream, remote)) = accepted else {
            time::sleep(NO_FILES_WAIT).await;
            continue;
        };
        let Ok(seat) = seats.clone().try_acquire_owned() else {
            app.metrics.connections_refused.add();
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (app, router, tls, stop) = (app.clone(), router.clone(), tls.clone(), stop.clone());
        tokio::spawn(async move {
            app.metrics.connections.up();
            match (tls, stream.local_addr()) {
                (None, _) => serve(&app, stream, Remote(remote), router, stop).await,
                (Some(tls), Ok(own)) => {
                    if let Some(stream) = tls.accept(stream, own, app.options.request_limit).await {
                        serve(&app, stream, Remote(remote), router, stop).await;
                    }
                }
                (Some(_), Err(_)) => {}
            }
            app.metrics.connections.down();
            drop(seat);
        });
    }
}

async fn serve(
    app: &Arc<App>,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    remote: Remote,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let limit = app.options.request_limit;
    let service = service_fn(move |mut request: Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            request.extensions_mut().insert(remote);
            let limit = match request.uri().path().starts_with("/v1/") {
                true => limit.max(API_LIMIT),
                false => limit,
            };
            let answer = router.oneshot(request.map(Body::new));
            Ok::<_, Infallible>(match time::timeout(limit, answer).await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => axum::http::StatusCode::REQUEST_TIMEOUT.into_response(),
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limit)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = time::timeout(limit, connection).await;
        }
    }
}
