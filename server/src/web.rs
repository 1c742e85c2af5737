//! Drawing in the page: the web package's files and the avatar's, for pages at `?render=local`.

use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::state::App;

/// The policy of its scripts, which is that of its worker.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'";

pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/assets/web/{name}", get(file))
        .route("/{code}/avatar.imx", get(avatar))
}

async fn file(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    let web = app.options.web.as_ref();
    let Some((kind, bytes)) = web.and_then(|web| web.files.get(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, *kind),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    (headers, bytes.clone()).into_response()
}

/// The avatar's file, whole or a range of it, to those who know the page's code.
async fn avatar(
    State(app): State<Arc<App>>,
    Path(code): Path<String>,
    headers: HeaderMap,
) -> Response {
    let web = app.options.web.as_ref().filter(|_| app.code.is(&code));
    let Some(web) = web else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let size = web.avatar.len();
    let wanted = headers.get(header::RANGE).and_then(|v| v.to_str().ok());
    let mut response = match wanted.map_or(Wanted::All, |text| range(text, size)) {
        Wanted::All => Body::from(web.avatar.clone()).into_response(),
        Wanted::Part(part) => {
            let told = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            let headers = [(header::CONTENT_RANGE, told)];
            let body = Body::from(web.avatar.slice(part));
            (StatusCode::PARTIAL_CONTENT, headers, body).into_response()
        }
        Wanted::Beyond => {
            let headers = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, web.etag.clone());
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-cache"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[derive(Debug, Eq, PartialEq)]
enum Wanted {
    All,
    Part(Range<usize>),
    Beyond,
}

/// One range of `size` bytes. What is none, or several, stands for all, as the standard has it.
fn range(text: &str, size: usize) -> Wanted {
    let Some((begin, end)) = text.strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| text.parse::<usize>().ok();
    let part = match (begin.trim(), end.trim()) {
        ("", last) => number(last).map(|n| size.saturating_sub(n)..size),
        (begin, "") => number(begin).map(|begin| begin..size),
        (begin, end) => match (number(begin), number(end)) {
            (Some(begin), Some(end)) if begin <= end => {
                Some(begin..end.saturating_add(1).min(size))
            }
            _ => None,
        },
    };
    match part {
        None => Wanted::All,
        Some(part) if part.start >= size || part.is_empty() => Wanted::Beyond,
        Some(part) => Wanted::Part(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        for (text, wanted) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=2-", Wanted::Part(2..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-30", Wanted::Part(0..10)),
            ("bytes=8-99999999999", Wanted::Part(8..10)),
            ("bytes=10-", Wanted::Beyond),
            ("bytes=-0", Wanted::Beyond),
            ("bytes=3-2", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(range(text, 10), wanted, "{text}");
        }
    }
}
