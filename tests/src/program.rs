//! The `wharf` binary as a person or a script runs it.

use crate::adapter::PATIENCE;
use crate::folder::Folder;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;
use wharf::link::Address;
use wharf_cli::runner::RuntimeKind;

/// Where the binary is, which is built first. `WHARF_BINARY` names another.
///
/// # Panics
/// It cannot be built.
#[must_use]
pub fn wharf() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("WHARF_BINARY") {
            return given.into();
        }
        // Cargo builds no binary of another package for a test, and one that lies there may be an old one.
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
        // As a test of its own package has it built when the whole workspace is tested: then it is there already, where
        // a build of the package alone compiles what lies below once more, with other features.
        let build = ["test", "--quiet", "--locked", "--workspace", "--no-run", "--test=chat_in_axum"];
        let mut cargo = Command::new(cargo);
        cargo.args(build).current_dir(env!("CARGO_MANIFEST_DIR"));
        // What a test is told of its package would be news to build scripts, ring's for one, and all above would be compiled again.
        for (name, _) in std::env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|own| name.to_string_lossy().starts_with(own)) {
                cargo.env_remove(name);
            }
        }
        assert!(cargo.status().expect("cargo runs").success(), "wharf cannot be built");
        // The test is target/PROFILE/deps/NAME.
        let test = std::env::current_exe().expect("the test has a path");
        test.ancestors().nth(3).expect("the target folder").join("debug/wharf")
    })
}

/// What a runtime is called on the command line.
#[must_use]
pub fn name_of(runtime: RuntimeKind) -> &'static str {
    match runtime {
        RuntimeKind::Tokio => "tokio",
        RuntimeKind::AsyncStd => "async-std",
        RuntimeKind::Smol => "smol",
        RuntimeKind::Mio => "mio",
    }
}

/// A run of the program. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    out: Receiver<String>,
    err: Receiver<String>,
    /// For the user's data, of which each run has none from before.
    _data: Folder,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// The lines of stdout that nobody had read.
    pub out: Vec<String>,
    /// All lines of stderr.
    pub err: Vec<String>,
}

impl Running {
    /// Starts it with a pipe for each of its streams.
    #[must_use]
    pub fn start<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        Self::start_in(&[], args)
    }

    /// Starts it with these variables in its environment, which has no proxies beside them.
    #[must_use]
    pub fn start_in<'a>(variables: &[(&str, &str)], args: impl IntoIterator<Item = &'a str>) -> Self {
        let mut command = Command::new(wharf());
        command.args(args);
        Self::run(command, variables)
    }

    /// Starts it by a shell that does something before, such as to set limits: what stands for `"$@"` is the program and its arguments.
    #[must_use]
    pub fn start_by<'a>(shell: &str, args: impl IntoIterator<Item = &'a str>) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", shell, "sh"]).arg(wharf()).args(args);
        Self::run(command, &[])
    }

    fn run(mut command: Command, variables: &[(&str, &str)]) -> Self {
        command.env_remove("RUST_LOG").env("NO_COLOR", "1");
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            command.env_remove(proxy).env_remove(proxy.to_uppercase());
        }
        let data = Folder::new();
        command.env("XDG_DATA_HOME", data.path("share")).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("wharf starts");
        let out = lines(child.stdout.take().expect("a pipe"));
        let err = lines(child.stderr.take().expect("a pipe"));
        Self { stdin: child.stdin.take(), child, out, err, _data: data }
    }

    /// Starts a server on a free port, and reads where it listens.
    #[must_use]
    pub fn serve<'a>(args: impl IntoIterator<Item = &'a str>) -> (Self, SocketAddr) {
        let running = Self::start(args.into_iter().chain(["--listen", "127.0.0.1:0"]));
        let address = running.listening();
        (running, address.tcp().expect("a TCP address"))
    }

    /// Reads where a server listens: each address by itself, in the order in which they were given.
    #[must_use]
    pub fn listening(&self) -> Address {
        let line = self.line();
        let address = line.strip_prefix("listening on ").and_then(|address| address.parse().ok());
        address.unwrap_or_else(|| panic!("it says: {line}"))
    }

    /// The next line of its stdout.
    #[must_use]
    pub fn line(&self) -> String {
        match self.out.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(e) => panic!("no line ({e}); stderr: {:?}", self.err.try_iter().collect::<Vec<_>>()),
        }
    }

    /// The next line of its stderr.
    #[must_use]
    pub fn complaint(&self) -> String {
        self.err.recv_timeout(PATIENCE).expect("a line")
    }

    /// The next line of its stderr with these words in it.
    #[must_use]
    pub fn complaint_with(&self, words: &str) -> String {
        loop {
            let line = self.complaint();
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its stdin. One that has ended hears nothing.
    pub fn say(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("an open stdin");
        let _ = stdin.write_all(bytes.as_ref()).and_then(|()| stdin.flush());
    }

    /// Its stdin, for another thread.
    pub fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("an open stdin")
    }

    /// Kills it, as nobody can prevent, and waits until it has ended.
    pub fn kill(&mut self) {
        // One that has ended is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends a signal, `TERM` or `INT`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "it is not there to get a signal");
    }

    /// Ends its stdin and waits until it has ended.
    #[must_use]
    pub fn wait(mut self) -> Ended {
        self.stdin = None;
        let until = Instant::now() + PATIENCE;
        let mut ended = Ended { code: None, out: Vec::new(), err: Vec::new() };
        for (from, to) in [(&self.out, &mut ended.out), (&self.err, &mut ended.err)] {
            loop {
                match from.recv_timeout(until.saturating_duration_since(Instant::now())) {
                    Ok(line) => to.push(line),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => panic!("it does not end; it said {to:?}"),
                }
            }
        }
        // Its streams are closed, so nothing keeps it.
        ended.code = self.child.wait().expect("its own child").code();
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs it to its end with nothing on stdin.
#[must_use]
pub fn run<'a>(args: impl IntoIterator<Item = &'a str>) -> Ended {
    Running::start(args).wait()
}

/// The lines of a pipe, as they come. Not bounded: a test's program says little.
fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while matches!(pipe.read_until(b'\n', &mut line), Ok(n) if n > 0) {
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
            if tell.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    told
}
