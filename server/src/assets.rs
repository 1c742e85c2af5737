//! The page's files, inside the program.

/// The page.
pub(crate) const PAGE: &str = include_str!("../page/index.html");

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Names, types and contents.
const ASSETS: [(&str, &str, &str); 9] = [
    ("app.js", SCRIPT, include_str!("../page/app.js")),
    ("captions.js", SCRIPT, include_str!("../page/captions.js")),
    (
        "connection.js",
        SCRIPT,
        include_str!("../page/connection.js"),
    ),
    ("embed.js", SCRIPT, include_str!("../page/embed.js")),
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

/// The type and the content of a file.
pub(crate) fn find(name: &str) -> Option<(&'static str, &'static str)> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    found.map(|&(_, kind, content)| (kind, content))
}
