//! The pages of the chat and of the health checker in Chromium, against the binary on each runtime. Needs chromium, node and
//! playwright-core; without them it says so and passes, but fails where `WHARF_REQUIRE=all` promises that they are there.
//! Pictures go to `target/tmp/shots`, or to the folder `WHARF_SHOTS`. Those of the README are made by
//! `WHARF_SHOTS=$PWD/docs/screenshots cargo test -p wharf-tests --test browser pictures`.
#![forbid(unsafe_code)]

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use wharf_tests::nats::Nats;
use wharf_tests::postgres::Postgres;
use wharf_tests::program::{Running, wharf};

/// The script bounds each of its checks; this bounds all of them together.
const PATIENCE: Duration = Duration::from_secs(420);
/// How long a script that is told to end may take to end what it has started.
const GRACE: Duration = Duration::from_secs(20);

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

/// Browsers at a time. Each waits for most of its time, and its checks have deadlines.
const BROWSERS: usize = 2;

/// A browser may run as long as this is held.
struct Turn;

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

impl Turn {
    fn wait() -> Self {
        let running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |running: &mut usize| *running >= BROWSERS;
        *ENDED.wait_while(running, is_full).unwrap_or_else(PoisonError::into_inner) += 1;
        Self
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ENDED.notify_one();
    }
}

/// Runs a script against a server that it starts.
fn drives(_turn: &Turn, script: &str, server: &[&str], variables: &[(&str, &str)]) {
    if let Some(missing) = missing() {
        assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "browser: needs {missing}");
        println!("SKIPPED browser: needs {missing}");
        return;
    }
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
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    // A file can be read whatever still holds it open, where a pipe has no end.
    let run = format!("browser-{}-{}.txt", std::process::id(), RUNS.fetch_add(1, Ordering::Relaxed));
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(run);
    let file = File::create(&path).unwrap();
    node.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
    let mut child = node.spawn().unwrap();
    let id = child.id().to_string();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || drop(tell.send(child.wait())));
    let ended = told.recv_timeout(PATIENCE);
    for signal in ["-TERM", "-KILL"].into_iter().filter(|_| ended.is_err()) {
        let _ = Command::new("kill").args([signal, &id]).status();
        if told.recv_timeout(GRACE).is_ok() {
            break;
        }
    }
    let said = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
    fs::remove_file(&path).unwrap();
    let ended = ended.unwrap_or_else(|_| panic!("the script does not end:\n{said}")).unwrap();
    assert!(ended.success(), "{ended}\n{said}");
}

fn drives_the_chat(script: &str, runtime: &str) {
    drives(&Turn::wait(), script, &["chat", "--runtime", runtime, "--database", "memory"], &[]);
}

/// The server is killed and started again, so what it keeps is in a file.
fn drives_the_chat_away(runtime: &str) {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("away-{runtime}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let database = format!("sqlite:{}", folder.join("chat.db").display());
    drives(&Turn::wait(), "away.mjs", &["chat", "--runtime", runtime, "--database", &database], &[]);
    fs::remove_dir_all(&folder).unwrap();
}

/// Two nodes beside the one that the script starts, with one conversation.
fn drives_three_nodes() {
    let test = "browser on three nodes";
    let (Some(postgres), Some(nats)) = (Postgres::start(test), Nats::start(test)) else { return };
    let (database, mesh) = (postgres.database(), nats.url("pages"));
    let node = |runtime| ["chat", "--runtime", runtime, "--database", &*database, "--mesh", &*mesh];
    let others =
        ["mio", "smol"].map(|runtime| Running::serve(node(runtime).into_iter().chain(["--log", "warn"])));
    let urls = others.each_ref().map(|(_, address)| format!("http://{address}/")).join(",");
    drives(&Turn::wait(), "nodes.mjs", &node("tokio"), &[("WHARF_NODES", &urls)]);
}

/// A port where the script listens and leaves as it likes.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

fn drives_the_health_checker(runtime: &str) {
    let turn = Turn::wait();
    let port = free_port();
    let endpoints = [format!("web=http://127.0.0.1:{port}/"), "kein Anschluß=tcp://127.0.0.1:1".to_owned()];
    let [web, none] = endpoints.each_ref();
    let server = ["health", "--runtime", runtime, "--interval", "0.2", "--endpoint", web, "--endpoint", none];
    drives(&turn, "health.mjs", &server, &[("WHARF_TARGET", &port)]);
}

fn pictures_of_health() {
    let turn = Turn::wait();
    let ports = [(); 3].map(|()| free_port());
    let [shop, database, search] = ports.each_ref();
    let endpoints = [
        format!("shop=http://localhost:{shop}/ready"),
        format!("database=tcp://localhost:{database}"),
        format!("search=http://localhost:{search}/ready"),
        "mail=tcp://localhost:1".to_owned(),
    ];
    let mut server = Vec::from(["health", "--interval", "0.2"]);
    endpoints.iter().for_each(|endpoint| server.extend(["--endpoint", endpoint]));
    drives(&turn, "health_pictures.mjs", &server, &[("WHARF_TARGET", &ports.join(","))]);
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
    fn on_odd_browsers_and_days() {
        super::drives_the_chat("odd.mjs", "tokio");
    }

    #[test]
    fn on_three_nodes() {
        super::drives_three_nodes();
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
        node.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/browser"));
        node.args(["--test", "state.mjs", "settled.mjs", "room.mjs", "line.mjs", "broken.mjs"]);
        super::ends_well(node);
    }
}

mod health {
    #[test]
    fn pictures() {
        super::pictures_of_health();
    }

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
