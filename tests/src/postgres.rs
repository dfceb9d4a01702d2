//! A PostgreSQL of a test's own, as a distribution packs it: on a free port, in a folder of its own, as a user without rights where the
//! test runs as root. Without it tests say so and pass, unless `WHARF_REQUIRE=all` promises that it is there.

use crate::adapter::PATIENCE;
use crate::folder::Folder;
use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// Whom PostgreSQL runs as where the test is root, whom it refuses: `nobody`.
const NOBODY: u32 = 65_534;
/// The password of its user `wharf`. What is special in a URL is in it.
pub const PASSWORD: &str = "p@ss/w?rd";

/// A server that runs. Dropped, it is killed.
#[derive(Debug)]
pub struct Postgres {
    child: Child,
    programs: PathBuf,
    folder: Folder,
    port: u16,
    databases: AtomicUsize,
}

/// Where its programs are, the newest version's.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut all = found.into_iter().rev().map(|(_, folder)| folder).chain(folders);
    all.find(|folder| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).is_file()))
}

impl Postgres {
    /// Starts one for a test, if it is installed.
    ///
    /// # Panics
    /// It does not start, or is not there and `WHARF_REQUIRE=all`.
    #[must_use]
    pub fn start(test: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "{test}: needs PostgreSQL");
            println!("SKIPPED {test}: needs PostgreSQL");
            return None;
        };
        let folder = Folder::new();
        fs::write(folder.path("password"), PASSWORD).expect("a file");
        if is_root() {
            for path in [".", "password"] {
                chown(folder.path(path), Some(NOBODY), Some(NOBODY)).expect("root may");
            }
        }
        let mut initdb = command(&programs, "initdb", &folder);
        initdb.args(["-D", &folder.path("data"), "-U", "wharf", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.args(["--auth=scram-sha-256", &format!("--pwfile={}", folder.path("password"))]);
        let made = initdb.output().expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("a port");
        let child = run(&programs, &folder, free.port());
        let mut postgres =
            Self { child, programs, folder, port: free.port(), databases: AtomicUsize::new(0) };
        postgres.wait();
        Some(postgres)
    }

    /// One that all tests share which run at the same time. The last of them kills it.
    ///
    /// # Panics
    /// Those of [`start`](Self::start).
    #[must_use]
    pub fn shared(test: &str) -> Option<Arc<Self>> {
        static SHARED: Mutex<Weak<Postgres>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(running) = shared.upgrade() {
            return Some(running);
        }
        let started = Arc::new(Self::start(test)?);
        *shared = Arc::downgrade(&started);
        Some(started)
    }

    /// Makes an empty database; its URL.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("chat{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let password: String = PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("postgres://wharf:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL in a database, which is named or given by its URL, and returns what it says: rows as lines, columns with `|` between.
    ///
    /// # Panics
    /// It fails.
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let done = self.try_sql(database, sql);
        done.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The same, where it may fail.
    ///
    /// # Errors
    /// What `psql` says.
    ///
    /// # Panics
    /// There is no `psql`.
    pub fn try_sql(&self, database: &str, sql: &str) -> Result<String, String> {
        let database = database.rsplit('/').next().expect("a name");
        let mut psql = command(&self.programs, "psql", &self.folder);
        psql.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "wharf", "-d", database]);
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]).env("PGPASSWORD", PASSWORD);
        let output = psql.output().expect("psql runs");
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
        if output.status.success() { Ok(out.trim_end().to_owned()) } else { Err(err) }
    }

    /// Kills it, as nobody can prevent, and waits until it has ended: its sessions with it, which are processes of their own and could else
    /// answer for a moment more.
    pub fn kill(&mut self) {
        let parts = children(self.child.id());
        // One that has ended is waited for all the same.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if parts.is_empty() {
            return;
        }
        let mut kill = Command::new("kill");
        // Some may have ended by themselves, which it complains of.
        let _ = kill.arg("-9").args(parts.iter().map(u32::to_string)).stderr(Stdio::null()).status();
        while parts.iter().any(|part| runs(*part)) {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Starts it again after [`kill`](Self::kill), at the same port.
    ///
    /// # Panics
    /// It does not start in time.
    pub fn restart(&mut self) {
        self.child = run(&self.programs, &self.folder, self.port);
        self.wait();
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What it has written into its log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path("log")).unwrap_or_default()
    }

    fn wait(&mut self) {
        let until = Instant::now() + PATIENCE;
        while self.try_sql("postgres", "SELECT 1").is_err() {
            assert!(Instant::now() < until, "PostgreSQL does not start: {}", self.log());
            // Killed before, some of it may still be at work: it ends then, and is tried again.
            if self.child.try_wait().expect("its own child").is_some() {
                self.child = run(&self.programs, &self.folder, self.port);
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The processes that a process has started.
fn children(id: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    listed.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}

/// Whether a process runs: one that has ended may be listed until somebody asks for it.
fn runs(id: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    status.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

fn run(programs: &Path, folder: &Folder, port: u16) -> Child {
    let log = File::options().create(true).append(true).open(folder.path("log")).expect("a file");
    let mut postgres = command(programs, "postgres", folder);
    postgres.args(["-D", &folder.path("data"), "-p", &port.to_string()]);
    // A killed process loses nothing that it has written, so nothing here needs the disk.
    for setting in
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"]
    {
        postgres.args(["-c", setting]);
    }
    postgres.stdout(log.try_clone().expect("a file")).stderr(log);
    postgres.spawn().expect("it starts")
}

fn command(programs: &Path, name: &str, folder: &Folder) -> Command {
    let mut command = Command::new(programs.join(name));
    command.stdin(Stdio::null()).current_dir(folder.path("."));
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
