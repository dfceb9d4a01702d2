//! A NATS server of a test's own, as a distribution packs it: on a free port, in a folder of its own. Without it tests say so and pass,
//! unless `WHARF_REQUIRE=all` promises that it is there.

use crate::adapter::PATIENCE;
use crate::folder::Folder;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian has it, out of the path of who is not root.
const PROGRAMS: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

/// A server, that runs or does not. Dropped, it is killed.
#[derive(Debug)]
pub struct Nats {
    program: &'static str,
    child: Option<Child>,
    folder: Folder,
    port: u16,
}

impl Nats {
    /// Starts one for a test, if it is installed.
    ///
    /// # Panics
    /// It does not start, or is not there and `WHARF_REQUIRE=all`.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        Self::start_with(test, "")
    }

    /// The same, with more in its configuration. Files that it names lie in the [`folder`](Self::folder).
    ///
    /// # Panics
    /// Those of [`start`](Self::start).
    #[must_use]
    pub fn start_with(test: &str, settings: &str) -> Option<Self> {
        let mut nats = Self::installed(test, settings)?;
        nats.restart();
        Some(nats)
    }

    /// One that does not run yet: [`restart`](Self::restart) starts it.
    ///
    /// # Panics
    /// It is not there and `WHARF_REQUIRE=all`.
    #[must_use]
    pub fn installed(test: &str, settings: &str) -> Option<Self> {
        let runs = |program: &&str| {
            let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
            version.is_ok_and(|status| status.success())
        };
        let Some(program) = PROGRAMS.into_iter().find(runs) else {
            assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "{test}: needs nats-server");
            println!("SKIPPED {test}: needs nats-server");
            return None;
        };
        let folder = Folder::new();
        fs::write(folder.path("conf"), settings).expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("a port");
        Some(Self { program, child: None, folder, port: free.port() })
    }

    /// The folder where it runs.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Where it is, for those who share a name.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("nats://127.0.0.1:{}/{name}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, as nobody can prevent, and waits until it has ended.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // One that has ended is waited for all the same.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it, at the same port each time, and waits until it listens.
    ///
    /// # Panics
    /// It does not start in time.
    pub fn restart(&mut self) {
        self.kill();
        let until = Instant::now() + PATIENCE;
        self.child = Some(self.run());
        while !self.is_listening() {
            assert!(Instant::now() < until, "nats-server does not start: {}", self.log());
            // Its port may be somebody's for a moment: it is tried again.
            let child = self.child.as_mut().expect("it was started");
            if child.try_wait().expect("its own child").is_some() {
                self.child = Some(self.run());
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// Has it stand still, or go on: what a machine does that is cut off.
    ///
    /// # Panics
    /// It does not run, or there is no `kill`.
    pub fn stand_still(&self, still: bool) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let signal = if still { "-STOP" } else { "-CONT" };
        let done = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(done.success(), "it does not run");
        let until = Instant::now() + PATIENCE;
        while still && is_moving(&id) {
            assert!(Instant::now() < until, "it does not stop");
            std::thread::yield_now();
        }
    }

    /// What it has written into its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap_or_default()
    }

    /// What no other is called.
    fn name(&self) -> String {
        let folder = self.folder.path("");
        folder.trim_end_matches('/').rsplit('/').next().expect("a name").to_owned()
    }

    fn run(&self) -> Child {
        let log = File::options().create(true).append(true).open(self.folder.path("log")).expect("a file");
        let mut command = Command::new(self.program);
        command.args(["-a", "127.0.0.1", "-p", &self.port.to_string(), "-c", "conf", "-n", &self.name()]);
        command.current_dir(self.folder.path(".")).stdin(Stdio::null());
        command.stdout(log.try_clone().expect("a file")).stderr(log);
        command.spawn().expect("it starts")
    }

    /// Whether it is this one that listens there, and not such a server of another test, whose port it was in between.
    fn is_listening(&self) -> bool {
        let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut info = String::new();
        let is_read = BufReader::new(stream).read_line(&mut info).is_ok();
        is_read && info.starts_with("INFO ") && info.contains(&format!("\"{}\"", self.name()))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a thread of a process has not stopped yet, where that can be seen.
fn is_moving(id: &str) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let mut states = threads.filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
    // Behind the name, which ends with the last bracket.
    states.any(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')))
}
