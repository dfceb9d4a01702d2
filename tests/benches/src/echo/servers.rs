//! The servers that are compared, and their processes.

use crate::raw;
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What a server is to the comparison.
///
/// ```
/// use wharf_benches::echo::servers::Kind;
///
/// assert!(Kind::Raw.is_raw() && !Kind::Peer.is_raw());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Plain TCP.
    Raw,
    /// `wharf echo`, and the same by a `Socket`.
    Wharf,
    /// Another library.
    Peer,
    /// One that the command line added.
    Added,
}

/// A server that can be started.
///
/// ```
/// use wharf_benches::echo::servers::{Kind, Server};
///
/// let old: Server = "old=/tmp/old/wharf echo --runtime mio".parse().unwrap();
/// assert_eq!((&*old.name, old.kind), ("old", Kind::Added));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What it is called in the results.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The program and its arguments, without the address.
    command: Vec<String>,
}

/// The one that all are compared with.
pub const BASELINE: &str = "raw-mio";

impl Kind {
    /// Whether it speaks no WebSocket.
    #[must_use]
    pub const fn is_raw(self) -> bool {
        matches!(self, Self::Raw)
    }
}

impl std::str::FromStr for Server {
    type Err = String;

    /// `NAME=COMMAND`, whose words are separated by spaces. It is given `--listen 127.0.0.1:0` and prints `listening on ADDR`.
    /// Where the name begins with `raw-`, it speaks no WebSocket.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, command) = text.split_once('=').ok_or("not NAME=COMMAND")?;
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if name.is_empty() || command.is_empty() {
            return Err("not NAME=COMMAND".to_owned());
        }
        let kind = if name.starts_with("raw-") { Kind::Raw } else { Kind::Added };
        Ok(Self { name: name.to_owned(), kind, command })
    }
}

impl Server {
    /// Those whose programs are in `folder`: the raw ones, ours by both doors, and the peers that `peer-echo` lists, if it is there.
    ///
    /// # Errors
    /// If `peer-echo` is there and fails.
    pub fn all(folder: &Path) -> io::Result<Vec<Self>> {
        let at = |program: &str| folder.join(program).display().to_string();
        let server = |name: String, kind, program: &str, arguments: &[&str]| {
            let mut command = vec![at(program)];
            command.extend(arguments.iter().map(|&word| word.to_owned()));
            Self { name, kind, command }
        };
        let mut all = Vec::new();
        for runtime in ["mio", "tokio", "async-std"] {
            all.push(server(format!("raw-{runtime}"), Kind::Raw, "raw-echo", &["--runtime", runtime]));
        }
        let large = raw::LARGE_BUFFER.to_string();
        all.push(server("raw-mio-large".to_owned(), Kind::Raw, "raw-echo", &["--buffer", &large]));
        for runtime in ["mio", "tokio", "async-std", "smol"] {
            let arguments = ["echo", "--log", "error", "--runtime", runtime];
            all.push(server(format!("wharf-{runtime}"), Kind::Wharf, "wharf", &arguments));
        }
        for runtime in ["tokio", "async-std", "smol"] {
            let arguments = ["--log", "error", "--runtime", runtime];
            all.push(server(format!("wharf-{runtime}-socket"), Kind::Wharf, "socket-echo", &arguments));
        }
        if folder.join("peer-echo").exists() {
            let listed = Command::new(folder.join("peer-echo")).arg("--list").output()?;
            for name in String::from_utf8_lossy(&listed.stdout).lines() {
                all.push(server(name.to_owned(), Kind::Peer, "peer-echo", &["--peer", name]));
            }
        }
        Ok(all)
    }

    /// A program, with all its arguments but the address.
    #[must_use]
    pub fn added(name: &str, program: &Path, arguments: &[&str]) -> Self {
        let program = program.display().to_string();
        let arguments = arguments.iter().map(|&word| word.to_owned());
        Self {
            name: name.to_owned(),
            kind: Kind::Added,
            command: std::iter::once(program).chain(arguments).collect(),
        }
    }

    /// Starts it on one core, with one thread where its runtime has a choice. `wrapper` is put before its command.
    ///
    /// # Errors
    /// If it cannot be started, or ends before it listens.
    pub fn start(&self, core: usize, wrapper: &[String]) -> io::Result<Running> {
        let mut words = wrapper.iter().chain(&self.command);
        let program = words.next().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        command.args(words).args(["--listen", "127.0.0.1:0"]);
        command.env("ASYNC_STD_THREAD_COUNT", "1").env("SMOL_THREADS", "1");
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = pinned(core, || command.spawn())
            .map_err(|e| io::Error::new(e.kind(), format!("cannot start {program}: {e}")))?;
        let out = child.stdout.take();
        let mut running = Running { child, address: String::new() };
        let mut line = String::new();
        if let Some(out) = out {
            BufReader::new(out).read_line(&mut line)?;
        }
        let Some(address) = line.trim().strip_prefix("listening on ") else {
            return Err(io::Error::other(format!("{self} does not listen, but says {line:?}")));
        };
        address.clone_into(&mut running.address);
        Ok(running)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The servers of `all` that `wanted` names: each is a name, or the begin or end of some with a `*` for the rest. The baseline comes
/// along.
///
/// # Errors
/// The first that names none.
pub fn select(all: Vec<Server>, wanted: &[String]) -> Result<Vec<Server>, String> {
    let names = |server: &Server, pattern: &str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*'))
    {
        (Some(begin), _) => server.name.starts_with(begin),
        (None, Some(end)) => server.name.ends_with(end),
        (None, None) => server.name == pattern,
    };
    if let Some(nobody) = wanted.iter().find(|wanted| !all.iter().any(|server| names(server, wanted))) {
        return Err(format!("no server is called {nobody}"));
    }
    let mut all = all;
    all.retain(|server| {
        wanted.is_empty() || server.name == BASELINE || wanted.iter().any(|wanted| names(server, wanted))
    });
    Ok(all)
}

/// A server's process, which ends with it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// Where it listens.
    pub address: String,
}

impl Running {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends what it has started, behind a wrapper that then tells what it has seen, and waits for that.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn end_below(mut self) -> io::Result<()> {
        let pid = self.pid();
        for below in std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?.split_whitespace() {
            if let Some(pid) = below.parse().ok().and_then(Pid::from_raw) {
                kill_process(pid, Signal::KILL)?;
            }
        }
        self.child.wait().map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `act` on one core: processes and threads that it starts stay there.
///
/// # Errors
/// If there is no such core, and as `act`.
pub fn pinned<T>(core: usize, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let before = sched_getaffinity(None)?;
    if core >= CpuSet::MAX_CPU {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no such core"));
    }
    let mut one = CpuSet::new();
    one.set(core);
    sched_setaffinity(None, &one)?;
    let acted = act();
    sched_setaffinity(None, &before)?;
    acted
}

/// Where this program and the others of its build are.
///
/// # Errors
/// If the operating system does not tell.
pub fn folder() -> io::Result<PathBuf> {
    Ok(std::env::current_exe()?.parent().map(Path::to_path_buf).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[&str]) -> Result<Vec<String>, String> {
        let all = Server::all(Path::new("nowhere")).unwrap();
        let wanted: Vec<String> = wanted.iter().map(|&w| w.to_owned()).collect();
        Ok(select(all, &wanted)?.into_iter().map(|server| server.name).collect())
    }

    #[test]
    fn servers_are_chosen_by_name_or_begin() {
        assert_eq!(names(&[]).unwrap().len(), 11);
        assert_eq!(names(&["wharf-tokio"]).unwrap(), ["raw-mio", "wharf-tokio"]);
        assert_eq!(names(&["raw-t*", "wharf-m*"]).unwrap(), ["raw-mio", "raw-tokio", "wharf-mio"]);
        assert_eq!(names(&["*-smol"]).unwrap(), ["raw-mio", "wharf-smol"]);
        assert!(names(&["wharf-tokyo"]).is_err() && names(&["x*"]).is_err());
    }

    #[test]
    fn a_server_that_does_not_listen_is_an_error() {
        let silent: Server = "silent=echo hello".parse().unwrap();
        assert!(silent.start(0, &[]).unwrap_err().to_string().contains("hello --listen"));
        let missing: Server = "missing=./no-such-program".parse().unwrap();
        assert!(missing.start(0, &[]).is_err());
        assert!("=x".parse::<Server>().is_err() && "x= ".parse::<Server>().is_err());
    }

    #[test]
    fn pinning_ends_with_the_act() {
        let before = sched_getaffinity(None).unwrap();
        assert_eq!(pinned(0, || Ok(sched_getaffinity(None)?.count())).unwrap(), 1);
        assert_eq!(sched_getaffinity(None).unwrap(), before);
        assert!(pinned(usize::MAX, || Ok(())).is_err());
    }
}
