//! `create` of films: the studio is found and started, or the command that sets it up is named.
#![cfg(unix)]

mod common;

use std::os::unix::fs::PermissionsExt as _;

use common::{Folder, bithuman, finished};

#[test]
fn without_a_studio_its_setup_is_named() {
    let folder = Folder::new();
    let film = folder.write("me.mp4", b"any film");
    let mut command = bithuman();
    command.env("BITHUMAN_STUDIO", folder.path("none"));
    command.args(["--json", "create"]).arg(&film);
    command.arg("-o").arg(folder.path("me.imx"));
    let result = finished(&mut command);
    let (code, name) = result.error();
    assert_eq!((code, name.as_str()), (66, "STUDIO_MISSING"));
    assert!(
        result.stderr.contains("python3 studio/install.py"),
        "{}",
        result.stderr
    );
    assert_eq!(folder.names(), ["me.mp4"]);
}

#[test]
fn the_studio_gets_the_film_and_gives_the_exit_code() {
    let folder = Folder::new();
    let film = folder.write("my: film.mp4", b"any film");
    std::fs::create_dir(folder.path("bin")).expect("a folder");
    let python = folder.write(
        "bin/python",
        b"#!/bin/sh\nprintf '%s\\n' \"$@\"\nprintf '%s\\n' \"$BITHUMAN\"\nexit 7\n",
    );
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let output = folder.path("me.imx");
    let mut command = bithuman();
    command.env("BITHUMAN_STUDIO", folder.path("."));
    command.arg("create").arg(&film).arg("-o").arg(&output);
    command.args(["--name", "Ada", "--force"]);
    let result = finished(&mut command);
    assert_eq!(result.code, Some(7), "{}", result.stderr);
    let said = String::from_utf8(result.stdout).expect("text");
    let said: Vec<&str> = said.lines().collect();
    let (program, words) = said.split_last().expect("lines");
    let film = film.display().to_string();
    let output = output.display().to_string();
    assert_eq!(
        words,
        [
            "-m",
            "essence_studio",
            "create",
            "--video",
            &film,
            "--output",
            &output,
            "--name",
            "Ada",
            "--force",
        ]
    );
    assert!(program.contains("bithuman"), "{program}");
}
