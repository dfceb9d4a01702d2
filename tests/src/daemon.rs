//! Servers of other making, as a distribution packs them, started for a test. One that is not installed is skipped, unless
//! `WHARF_REQUIRE=all` promises that it is there.

use crate::adapter::PATIENCE;
use crate::folder::Folder;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that runs and listens. Dropped, it is killed.
#[derive(Debug)]
pub struct Daemon {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its own folder.
    pub folder: Folder,
    child: Child,
}

/// Where a program is, those of administrators too.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Whether all these programs are there. If not, it is said, or fails where they were promised.
///
/// # Panics
/// One is missing and `WHARF_REQUIRE=all`.
#[must_use]
pub fn are_installed(test: &str, programs: &[&str]) -> bool {
    let Some(missing) = programs.iter().find(|name| find(name).is_none()) else { return true };
    assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "{test}: needs {missing}");
    println!("SKIPPED {test}: needs {missing}");
    false
}

impl Daemon {
    /// Starts `program`, which is installed, and waits until it listens. `arguments` are made for the port that it shall
    /// listen on and for its folder.
    ///
    /// # Panics
    /// It does not listen in time.
    #[must_use]
    pub fn start(program: &str, arguments: impl Fn(u16, &Folder) -> Vec<String>) -> Self {
        let path = find(program).expect("it is installed");
        let until = Instant::now() + PATIENCE;
        // Somebody else may take the port meanwhile: then it ends, and another port is tried.
        while Instant::now() < until {
            let folder = Folder::new();
            let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("a port");
            let arguments = arguments(free.port(), &folder);
            let log = fs::File::create(folder.path("log")).expect("a file");
            let mut command = Command::new(&path);
            command.args(arguments).stdin(Stdio::null());
            command.stdout(log.try_clone().expect("a file")).stderr(log);
            let child = command.spawn().expect("it starts");
            let mut daemon = Self { address: free, folder, child };
            while Instant::now() < until && daemon.child.try_wait().expect("its own child").is_none() {
                if TcpStream::connect(free).is_ok() {
                    return daemon;
                }
                // It says nothing when it listens, so it is asked, and not so often that it cannot begin.
                std::thread::park_timeout(Duration::from_millis(5));
            }
            println!("{program}: {}", fs::read_to_string(daemon.folder.path("log")).unwrap_or_default());
        }
        panic!("{program} does not listen");
    }

    /// Writes a file into a folder; its path.
    ///
    /// # Panics
    /// It cannot be written.
    #[must_use]
    pub fn file(folder: &Folder, name: &str, text: &str) -> String {
        let path = folder.path(name);
        fs::write(&path, text).expect("it can be written");
        path
    }

    /// Kills it, and returns where it listened.
    #[must_use]
    pub fn kill(mut self) -> SocketAddr {
        self.end();
        self.address
    }

    fn end(&mut self) {
        // One that has ended is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
