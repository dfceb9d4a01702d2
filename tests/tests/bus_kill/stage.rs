//! Everybody, and a bus that comes back at the same port.

use crate::crowd::Crowd;
use wharf_tests::folder::Folder;
use wharf_tests::program::Running;

pub(crate) const RUNTIMES: [&str; 4] = ["tokio", "mio", "smol", "async-std"];

/// A bus on a journal in a file.
pub(crate) struct Stage {
    pub(crate) crowd: Crowd,
    url: String,
    journal: String,
    _folder: Folder,
}

impl Stage {
    pub(crate) fn set(seed: u64) -> (Self, Running) {
        let folder = Folder::new();
        let journal = folder.path("bus.db");
        let bus =
            Running::start(["bus", "--listen", "tcp://127.0.0.1:0", "--journal", &journal, "--log", "error"]);
        let url = bus.line().strip_prefix("listening on ").unwrap().to_owned();
        (Self { crowd: Crowd::gather(&url, seed), url, journal, _folder: folder }, bus)
    }

    pub(crate) fn flags(&self, round: usize) -> [&str; 9] {
        let runtime = RUNTIMES[round % RUNTIMES.len()];
        ["bus", "--listen", &self.url, "--journal", &self.journal, "--log", "error", "--runtime", runtime]
    }

    /// Nothing more is sent, and all that was accepted is applied.
    pub(crate) fn finish(self, bus: Running) {
        self.crowd.finish();
        bus.signal("TERM");
        let ended = bus.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}
