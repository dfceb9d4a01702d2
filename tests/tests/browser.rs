//! The pages of the chat and of the health checker in Chromium, against the binary on each runtime. Needs chromium, node and
//! playwright-core; without them it says so and passes, but fails where `WHARF_REQUIRE=all` promises that they are there.
//! Pictures go to `target/tmp/shots`, or to the folder `WHARF_SHOTS`. Those of the README are made by
//! `WHARF_SHOTS=$PWD/docs/screenshots cargo test -p wharf-tests --test browser chat::pictures`.
#![forbid(unsafe_code)]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use wharf_tests::program::wharf;

/// The script bounds each of its checks; this bounds all of them together.
const PATIENCE: Duration = Duration::from_secs(300);

/// A folder with playwright-core in its node_modules.
fn playwright() -> Option<PathBuf> {
    let given = std::env::var_os("WHARF_PLAYWRIGHT").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/wharf-playwright"));
    given.or(home).filter(|folder| folder.join("node_modules/playwright-core").is_dir())
}

fn is_on_the_path(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

/// The first thing that is missing.
fn missing() -> Option<&'static str> {
    let chromium = ["chromium", "chromium-browser", "google-chrome"].into_iter().any(is_on_the_path);
    match () {
        () if !is_on_the_path("node") => Some("node"),
        () if !chromium && std::env::var_os("WHARF_CHROMIUM").is_none() => Some("chromium"),
        () if playwright().is_none() => {
            Some("playwright-core (in WHARF_PLAYWRIGHT or ~/.cache/wharf-playwright)")
        }
        () => None,
    }
}

/// Runs a script against a server that it starts.
fn drives(script: &str, server: &[&str], variables: &[(&str, &str)]) {
    if let Some(missing) = missing() {
        assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "browser: needs {missing}");
        println!("SKIPPED browser: needs {missing}");
        return;
    }
    // One browser at a time: its checks have deadlines.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut node = Command::new("node");
    node.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")).args(["run.mjs", script]);
    node.arg(wharf()).args(server).args(["--log", "warn", "--listen", "127.0.0.1:0"]);
    node.envs(variables.iter().copied());
    node.env("WHARF_PLAYWRIGHT", playwright().unwrap_or_default());
    if std::env::var_os("WHARF_SHOTS").is_none() {
        node.env("WHARF_SHOTS", Path::new(env!("CARGO_TARGET_TMPDIR")).join("shots"));
    }
    ends_well(node);
}

/// Runs it for as long as is reasonable.
fn ends_well(mut node: Command) {
    let child = node.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || drop(tell.send(child.wait_with_output())));
    let Ok(ended) = told.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").arg(id).status();
        panic!("the script does not end");
    };
    let ended = ended.unwrap();
    let (out, err) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success(), "{out}\n{err}");
}

fn drives_the_chat(script: &str, runtime: &str) {
    drives(script, &["chat", "--runtime", runtime, "--database", "memory"], &[]);
}

/// The server is killed and started again, so what it keeps is in a file.
fn drives_the_chat_away(runtime: &str) {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("away-{runtime}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let database = format!("sqlite:{}", folder.join("chat.db").display());
    drives("away.mjs", &["chat", "--runtime", runtime, "--database", &database], &[]);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn drives_the_health_checker(runtime: &str) {
    // The script listens there and leaves as it likes.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let endpoints = [format!("web=http://127.0.0.1:{port}/"), "kein Anschluß=tcp://127.0.0.1:1".to_owned()];
    let [web, none] = endpoints.each_ref();
    let server = ["health", "--runtime", runtime, "--interval", "0.2", "--endpoint", web, "--endpoint", none];
    drives("health.mjs", &server, &[("WHARF_TARGET", &port)]);
}

mod chat {
    #[test]
    fn on_tokio() {
        super::drives_the_chat("chat.mjs", "tokio");
    }

    #[test]
    fn on_async_std() {
        super::drives_the_chat("chat.mjs", "async-std");
    }

    #[test]
    fn on_mio() {
        super::drives_the_chat("chat.mjs", "mio");
    }

    #[test]
    fn while_network_or_server_are_away_on_tokio() {
        super::drives_the_chat_away("tokio");
    }

    #[test]
    fn while_network_or_server_are_away_on_mio() {
        super::drives_the_chat_away("mio");
    }

    #[test]
    fn with_a_long_past() {
        super::drives_the_chat("past.mjs", "tokio");
    }

    #[test]
    fn pictures() {
        super::drives_the_chat("pictures.mjs", "tokio");
    }

    /// What the page knows and does, without a browser.
    #[test]
    fn its_machine_in_node() {
        if let Some(missing @ "node") = super::missing() {
            assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "browser: needs {missing}");
            println!("SKIPPED browser: needs {missing}");
            return;
        }
        let mut node = std::process::Command::new("node");
        node.args(["--test", concat!(env!("CARGO_MANIFEST_DIR"), "/browser/state.mjs")]);
        super::ends_well(node);
    }
}

mod health {
    #[test]
    fn on_tokio() {
        super::drives_the_health_checker("tokio");
    }

    #[test]
    fn on_async_std() {
        super::drives_the_health_checker("async-std");
    }

    #[test]
    fn on_mio() {
        super::drives_the_health_checker("mio");
    }
}
