//! Pictures that are asked for as `essence-…` are distilled in the background, by a studio's stand-in.
#![cfg(all(unix, feature = "portrait"))]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use common::rest::{call, platform, serve, until, value};
use serde_json::json;

#[test]
fn a_picture_speaks_at_once_and_is_distilled_later() {
    let data = tempfile::tempdir().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let toy = root.join("testdata/avatars/toy.imx");
    // Takes what the studio would be told, and gives the toy for it, once it is let.
    let (studio, gate) = (data.path().join("python"), data.path().join("gate"));
    let script = format!(
        "#!/bin/sh\necho \"$@\" >> '{}'\nuntil [ -e '{}' ]; do sleep 0.02; done\nwhile [ \"$1\" != --output ]; do shift; done\ncp '{}' \"$2\"\n",
        data.path().join("asked").display(),
        gate.display(),
        toy.display()
    );
    fs::write(&studio, script).expect("it is written");
    fs::set_permissions(&studio, fs::Permissions::from_mode(0o755)).expect("it runs");
    let mut options = platform(data.path());
    (options.studio, options.distill) = (Some(studio), true);
    let server = serve(options);
    let picture = fs::read(root.join("cli/data/juno.png")).expect("a picture");
    let image = base64::engine::general_purpose::STANDARD.encode(picture);
    let make = |code: &str, model: &str| {
        let asked = json!({"image": image, "model": model, "agent_id": code});
        let answer = call(&server, "POST", "/v1/agent/generate", "any", Some(&asked));
        assert_eq!(answer.status, 200, "{answer:?}");
        let path = format!("/v1/agent/status/{code}");
        until(&server, &path, |answer| answer["data"]["status"] == "ready")
    };
    let first = make("TWICE", "essence-1")["data"]["model_url"].clone();
    fs::write(gate, "").expect("it is let");
    let second = until(&server, "/v1/agent/TWICE", |answer| {
        answer["data"]["model_url"] != first
    });
    let file = |url: &serde_json::Value| {
        let path = url.as_str().and_then(|url| url.split_once("/files/"));
        let path = format!("/files/{}", path.expect("a file").1);
        call(&server, "GET", &path, "", None)
    };
    let distilled = file(&second["data"]["model_url"]);
    assert_eq!(distilled.body, fs::read(toy).expect("the toy"));
    assert_eq!(file(&first).status, 404, "nobody keeps the one before");
    make("ONCE", "expression-2");
    until(&server, "/v1/jobs?status=processing", |answer| {
        answer["pagination"]["total"] == 0
    });
    let jobs = value(&call(&server, "GET", "/v1/jobs", "any", None));
    assert_eq!(jobs["pagination"]["total"], 3, "{jobs}");
    let asked = fs::read_to_string(data.path().join("asked")).expect("it was asked");
    assert_eq!(asked.lines().count(), 1, "{asked}");
    assert!(
        asked.contains("--portrait") && asked.contains("--distill"),
        "{asked}"
    );
}
