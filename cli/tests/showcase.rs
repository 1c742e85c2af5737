//! `list`, `pull` and `run SLUG` against an index's server that fails in every way.

mod common;

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use common::{Folder, Run, bithuman, toy};
use serde_json::json;

/// The faults of a file.
#[derive(Clone, Copy, Default)]
struct Fault {
    /// The answer's status where it isn't 200 or 206.
    status: Option<u16>,
    /// Bytes after which the first answers break off, and how many of those there are.
    cut: Option<(usize, usize)>,
    /// Whether `Range` is ignored.
    no_range: bool,
    /// Bytes too many.
    excess: usize,
    /// Whether the index tells another hash.
    wrong_hash: bool,
}

/// A server with an index at `/index.json` and files beside it.
struct Showcase {
    port: u16,
    /// First lines and ranges of the requests so far.
    requests: Arc<Mutex<Vec<String>>>,
    cache: Folder,
}

impl Showcase {
    fn start(fault: Fault) -> Self {
        let avatar = std::fs::read(toy()).expect("the toy avatar");
        let sha256 = match fault.wrong_hash {
            true => "0".repeat(64),
            false => sha256(&toy()),
        };
        let model = |slug: &str, url: &str| {
            json!({ "slug": slug, "name": "Toy", "description": "a toy", "agent_code": "A23WJF0199", "model": "essence",
                "size": avatar.len(), "url": url, "sha256": sha256, "new": true })
        };
        let index = json!({ "version": 2, "updated": "2026-11-29", "source": "x", "models": [
            model("toy-one", "files/toy.imx"), model("moved", "/moved"), model("gone", "/gone.imx") ] });
        let files = HashMap::from([
            (
                "/show/index.json".to_owned(),
                index.to_string().into_bytes(),
            ),
            ("/show/files/toy.imx".to_owned(), avatar),
            ("/broken.json".to_owned(), b"{\"version\": 2".to_vec()),
            (
                "/old.json".to_owned(),
                b"{\"version\": 1, \"models\": []}".to_vec(),
            ),
            (
                "/path.json".to_owned(),
                b"{\"version\": 2, \"models\": [{\"slug\": \"../x\", \"name\": \"\"}]}".to_vec(),
            ),
            ("/big.json".to_owned(), vec![b' '; 2 << 20]),
        ]);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        std::thread::spawn(move || {
            let mut cuts = fault.cut.map_or(0, |(_, times)| times);
            for stream in listener.incoming().flatten() {
                // A client that goes away is no failure of the server.
                let _ = answer(stream, &files, fault, &mut cuts, &seen);
            }
        });
        Self {
            port,
            requests,
            cache: Folder::new(),
        }
    }

    fn command(&self, index: &str) -> Command {
        let mut command = bithuman();
        command
            .env(
                "BITHUMAN_SHOWCASE_URL",
                format!("http://127.0.0.1:{}{index}", self.port),
            )
            .env("XDG_CACHE_HOME", self.cache.path(""))
            .env_remove("BITHUMAN_OFFLINE");
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        common::finished(self.command("/show/index.json").args(args))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.cache.path("bithuman/showcase").join(name)
    }

    /// Requests for a path so far, each with its range.
    fn requests(&self, path: &str) -> Vec<String> {
        let requests = self.requests.lock().expect("no panic");
        requests
            .iter()
            .filter(|line| line.starts_with(&format!("{path} ")))
            .cloned()
            .collect()
    }
}

fn answer(
    mut stream: TcpStream,
    files: &HashMap<String, Vec<u8>>,
    fault: Fault,
    cuts: &mut usize,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut range = None;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("range: bytes=") {
            range = value.trim_end_matches('-').parse::<usize>().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    seen.lock()
        .expect("no panic")
        .push(format!("{path} {}", range.unwrap_or(0)));
    if path == "/moved" {
        return write!(
            stream,
            "HTTP/1.1 302 Found\r\nlocation: /show/files/toy.imx\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
    }
    let Some(file) = files.get(&path) else {
        return write!(
            stream,
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
    };
    if !path.ends_with(".imx") {
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            file.len()
        )?;
        return stream.write_all(file);
    }
    if let Some(status) = fault.status {
        return write!(
            stream,
            "HTTP/1.1 {status} No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
    }
    let begin = range
        .filter(|_| !fault.no_range)
        .unwrap_or(0)
        .min(file.len());
    let mut body = file[begin..].to_vec();
    body.resize(body.len() + fault.excess, 0);
    let head = match begin {
        0 => "200 OK".to_owned(),
        _ => format!(
            "206 Partial Content\r\ncontent-range: bytes {begin}-{}/{}",
            file.len() - 1,
            file.len()
        ),
    };
    write!(
        stream,
        "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    if let Some((bytes, _)) = fault.cut
        && *cuts > 0
    {
        *cuts -= 1;
        return stream.write_all(&body[..bytes]);
    }
    stream.write_all(&body)
}

/// The hash by another program.
fn sha256(path: &std::path::Path) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(std::fs::read(path).expect("a file"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn an_avatar_is_fetched_once_by_slug_or_code_and_found_without_a_network() {
    let showcase = Showcase::start(Fault::default());
    let list = showcase.run(&["list", "--json"]).object();
    assert_eq!(
        (&list["version"], &list["models"][0]["cached"]),
        (&2.into(), &false.into())
    );
    let first = showcase.run(&["pull", "toy-one"]);
    assert_eq!(
        (first.code, first.text()),
        (
            Some(0),
            format!("{}\n", showcase.file("toy-one.imx").display())
        )
    );
    assert_eq!(
        std::fs::read(showcase.file("toy-one.imx")).ok(),
        std::fs::read(toy()).ok()
    );
    for spelling in ["toy-one", "TOYONE", "A23WJF0199"] {
        let again = showcase.run(&["pull", spelling, "--json"]).object();
        assert_eq!(
            (&again["slug"], &again["cached"]),
            (&"toy-one".into(), &true.into()),
            "{spelling}"
        );
        assert_eq!(again["sha256"], sha256(&toy()));
    }
    assert_eq!(showcase.requests("/show/files/toy.imx").len(), 1);
    assert_eq!(
        showcase
            .run(&["pull", "toy-one", "--force", "--json"])
            .object()["cached"],
        false
    );
    assert_eq!(showcase.requests("/show/files/toy.imx").len(), 2);
    assert_eq!(
        showcase.run(&["list", "--json"]).object()["models"][0]["cached"],
        true
    );
    // Nothing but the avatar stays.
    let left: Vec<_> = std::fs::read_dir(showcase.file(""))
        .expect("the cache")
        .flatten()
        .collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let seen = showcase.requests.lock().expect("no panic").len();
    let offline = |args: &[&str]| {
        common::finished(
            showcase
                .command("/show/index.json")
                .args(args)
                .env("BITHUMAN_OFFLINE", "1"),
        )
    };
    assert_eq!(
        offline(&["pull", "toy-one", "--json"]).object()["cached"],
        true
    );
    for args in [
        &["pull", "gone", "--json"][..],
        &["pull", "toy-one", "--force", "--json"],
        &["list", "--json"],
        &["run", "gone", "--json"],
    ] {
        assert_eq!(
            offline(args).error(),
            (77, "OFFLINE".to_owned()),
            "{args:?}"
        );
    }
    assert_eq!(
        showcase.requests.lock().expect("no panic").len(),
        seen,
        "nothing was connected to"
    );
}

#[test]
fn a_download_that_breaks_off_goes_on_where_it_was() {
    let showcase = Showcase::start(Fault {
        cut: Some((10_000, 1)),
        ..Fault::default()
    });
    showcase.run(&["pull", "toy-one", "--json"]).object();
    assert_eq!(
        showcase.requests("/show/files/toy.imx"),
        ["/show/files/toy.imx 0", "/show/files/toy.imx 10000"]
    );
    // A server without ranges sends all of it again.
    let showcase = Showcase::start(Fault {
        cut: Some((10_000, 1)),
        no_range: true,
        ..Fault::default()
    });
    showcase.run(&["pull", "toy-one", "--json"]).object();
    assert_eq!(sha256(&showcase.file("toy-one.imx")), sha256(&toy()));
    // A later program takes it up where the one before gave up.
    let showcase = Showcase::start(Fault {
        cut: Some((1_000, 5)),
        ..Fault::default()
    });
    assert_eq!(
        showcase.run(&["pull", "toy-one", "--json"]).error(),
        (1, "DOWNLOAD_FAILED".to_owned())
    );
    assert!(!showcase.file("toy-one.imx").exists());
    showcase.run(&["pull", "toy-one", "--json"]).object();
    assert_eq!(
        showcase
            .requests("/show/files/toy.imx")
            .last()
            .map(String::as_str),
        Some("/show/files/toy.imx 5000")
    );
}

#[test]
fn a_redirect_is_followed_to_the_file() {
    let showcase = Showcase::start(Fault::default());
    showcase.run(&["pull", "moved", "--json"]).object();
    assert_eq!(sha256(&showcase.file("moved.imx")), sha256(&toy()));
}

#[test]
fn what_is_missing_wrong_or_too_large_is_told_and_leaves_no_file() {
    for (fault, slug, error) in [
        (Fault::default(), "nobody", (66, "SLUG_NOT_FOUND")),
        (Fault::default(), "gone", (66, "NOT_FOUND")),
        (
            Fault {
                wrong_hash: true,
                ..Fault::default()
            },
            "toy-one",
            (70, "SHA256_MISMATCH"),
        ),
        (
            Fault {
                excess: 9,
                ..Fault::default()
            },
            "toy-one",
            (66, "INDEX_INVALID"),
        ),
        (
            Fault {
                status: Some(503),
                ..Fault::default()
            },
            "toy-one",
            (1, "DOWNLOAD_FAILED"),
        ),
    ] {
        let showcase = Showcase::start(fault);
        let result = showcase.run(&["pull", slug, "--json"]);
        assert_eq!(
            result.error(),
            (error.0, error.1.to_owned()),
            "{}",
            result.stderr
        );
        assert!(!showcase.file(&format!("{slug}.imx")).exists(), "{slug}");
    }
}

#[test]
fn an_index_that_makes_no_sense_is_refused() {
    let showcase = Showcase::start(Fault::default());
    for (index, error) in [
        ("/broken.json", (66, "INDEX_INVALID")),
        ("/old.json", (66, "INDEX_INVALID")),
        ("/path.json", (66, "INDEX_INVALID")),
        ("/big.json", (66, "INDEX_INVALID")),
        ("/none.json", (66, "NOT_FOUND")),
    ] {
        for args in [&["list", "--json"][..], &["pull", "x", "--json"]] {
            let result = common::finished(showcase.command(index).args(args));
            assert_eq!(
                result.error(),
                (error.0, error.1.to_owned()),
                "{index}: {}",
                result.stderr
            );
        }
    }
    let nonsense = bithuman()
        .args(["list", "--json"])
        .env("BITHUMAN_SHOWCASE_URL", "ftp://x/y")
        .output();
    assert_eq!(nonsense.expect("it runs").status.code(), Some(2));
}

#[test]
fn run_takes_a_slug_and_a_file_of_that_name_comes_first() {
    let showcase = Showcase::start(Fault::default());
    // The conversation can't begin: the port is taken. By then the avatar was fetched.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let run = showcase.run(&[
        "run", "toy-one", "--port", &port, "--brain", "echo", "--json",
    ]);
    assert_eq!(run.error(), (1, "IO_ERROR".to_owned()), "{}", run.stderr);
    assert!(showcase.file("toy-one.imx").exists());
    let folder = Folder::new();
    std::fs::write(folder.path("gone"), "no avatar").expect("a file");
    let mut command = showcase.command("/show/index.json");
    let run = common::finished(
        command
            .args(["run", "gone", "--json"])
            .current_dir(folder.path("")),
    );
    assert_eq!(run.error(), (66, "NOT_IMX".to_owned()), "{}", run.stderr);
}

#[test]
fn the_avatars_inside_the_program_are_in_its_own_index() {
    let cache = Folder::new();
    let own = |args: &[&str]| {
        let mut command = bithuman();
        command
            .args(args)
            .env("XDG_CACHE_HOME", cache.path(""))
            .env_remove("BITHUMAN_SHOWCASE_URL");
        common::finished(command.env("BITHUMAN_OFFLINE", "1"))
    };
    let index = own(&["list", "--json"]).object();
    for (i, slug) in ["juno", "theo"].into_iter().enumerate() {
        assert_eq!(index["models"][i]["slug"], slug);
        let pulled = own(&["pull", slug, "--json"]).object();
        let path = pulled["path"].as_str().expect("a path");
        let info = common::run(["info", path, "--json"]).object();
        assert_eq!(info["engine"], "expression");
        assert_eq!(info["manifest"]["name"], index["models"][i]["name"]);
        assert_eq!(own(&["pull", slug, "--json"]).object()["cached"], true);
    }
}
