//! How many files a process may open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;

/// Makes sure that this process and those that it starts may open so many files.
///
/// # Errors
/// If the operating system does not let it.
pub fn allow(files: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= files) {
        return Ok(());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(files), maximum: limit.maximum })?)
}
