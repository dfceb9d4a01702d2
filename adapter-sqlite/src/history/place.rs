//! Whether the files that are open are those that lie there.

use crate::sidecar::beside;
use std::path::Path;

/// Which files there are at a place. What is written to a file that was removed is gone with its last user, and SQLite does not
/// look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing([Option<(u64, u64)>; 2]);

impl Standing {
    /// What lies there now: the database and its log.
    pub(crate) fn of(path: &Path) -> Self {
        Self([number(path), number(&beside(path, "-wal"))])
    }
}

#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}
