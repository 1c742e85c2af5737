//! The page's files, inside the program.

use axum::Router;
use axum::http::header;
use axum::routing::get;

/// The page.
pub(crate) const PAGE: &str = include_str!("../page/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Names, types and contents.
const ASSETS: [(&str, &str, &str); 11] = [
    ("app.js", SCRIPT, include_str!("../page/app.js")),
    ("captions.js", SCRIPT, include_str!("../page/captions.js")),
    (
        "connection.js",
        SCRIPT,
        include_str!("../page/connection.js"),
    ),
    ("customize.js", SCRIPT, include_str!("../page/customize.js")),
    ("embed.js", SCRIPT, include_str!("../page/embed.js")),
    ("local.js", SCRIPT, include_str!("../page/local.js")),
    ("media.js", SCRIPT, include_str!("../page/media.js")),
    (
        "microphone.js",
        SCRIPT,
        include_str!("../page/microphone.js"),
    ),
    ("rtc.js", SCRIPT, include_str!("../page/rtc.js")),
    ("worklets.js", SCRIPT, include_str!("../page/worklets.js")),
    (
        "style.css",
        "text/css; charset=utf-8",
        include_str!("../page/style.css"),
    ),
];

/// The script that other pages load for a button that opens the conversation.
const WIDGET: &str = include_str!("../page/widget.js");

/// The widget's address, and those that pages written for earlier widgets load.
const WIDGET_PATHS: [&str; 6] = [
    "/widget.js",
    "/embed.js",
    "/bithuman-chat-widget-v5.js",
    "/bithuman-web-gadget.js",
    "/widgets/bithuman-chat-widget.js",
    "/widgets/bithuman-gadget.js",
];

/// The routes of the widget.
pub(crate) fn widget<S: Clone + Send + Sync + 'static>() -> Router<S> {
    WIDGET_PATHS.iter().fold(Router::new(), |router, path| {
        router.route(
            path,
            get(|| async { ([(header::CONTENT_TYPE, SCRIPT)], WIDGET) }),
        )
    })
}

/// The type and the content of a file.
pub(crate) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    found.map(|&(_, kind, content)| (kind, content))
}
