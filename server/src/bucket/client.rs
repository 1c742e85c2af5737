//! The bucket's requests, by the client of everything else in the program.

use std::time::Duration;

use async_trait::async_trait;
use http_body_util::BodyExt as _;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use tokio::task::spawn_blocking;
use ureq::{Agent, http::Request};

use super::REQUEST;

/// How long connecting to a machine's own address for credentials may take, which most machines don't have.
const CREDENTIALS_CONNECT: Duration = Duration::from_secs(1);

/// Makes the clients of a store: one for the bucket, one for credentials.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let set = |key| options.get_config_value(&key);
        let allows_http = set(ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        let mut config = essence_brain::http::config()
            .https_only(!allows_http)
            .timeout_global(Some(REQUEST));
        // Only the client for credentials is given one.
        if set(ClientConfigKey::ConnectTimeout).is_some() {
            config = config.timeout_connect(Some(CREDENTIALS_CONNECT));
        }
        Ok(HttpClient::new(Client(config.build().into())))
    }
}

/// Requests on threads that may block.
#[derive(Debug)]
struct Client(Agent);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let agent = self.0.clone();
        let answer = spawn_blocking(move || {
            // A client of HTTP sends no empty body where the method has none.
            let answer = if body.is_empty() && !matches!(head.method.as_str(), "POST" | "PUT") {
                agent.run(Request::from_parts(head, ()))
            } else {
                agent.run(Request::from_parts(head, &body[..]))
            };
            let (head, mut body) = answer?.into_parts();
            let content = body.with_config().limit(u64::MAX).read_to_vec()?;
            Ok(HttpResponse::from_parts(head, content.into()))
        });
        let answer = answer.await;
        let answer = answer.map_err(|stopped| HttpError::new(HttpErrorKind::Unknown, stopped))?;
        answer.map_err(failed)
    }
}

/// By its kind the store decides what it tries again.
fn failed(error: ureq::Error) -> HttpError {
    use std::io::ErrorKind;
    let kind = match &error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            HttpErrorKind::Connect
        }
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => HttpErrorKind::Connect,
            ErrorKind::TimedOut => HttpErrorKind::Timeout,
            ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof => HttpErrorKind::Interrupted,
            _ => HttpErrorKind::Unknown,
        },
        _ => HttpErrorKind::Unknown,
    };
    HttpError::new(kind, error)
}
