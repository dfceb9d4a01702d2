//! The lock that keeps two buses from one journal, and where the bus that holds it is to be found.

use crate::error::{Failure, OpenError};
use crate::sidecar::{beside, resolved};
use std::ffi::OsString;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A lock that is held until it is dropped, or its process ends in whatever way.
///
/// Its file stays: whoever removed it could remove one that another has just locked.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a journal.
    pub(crate) fn take(journal: &Path) -> Result<Self, OpenError> {
        let path = beside(journal, ".lock");
        let failed = |cause| Failure::new(&path, "the lock cannot be taken", cause);
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let socket = named_in(&path).unwrap_or(None);
                return Err(OpenError::Locked { path: journal.to_owned(), socket });
            }
            Err(TryLockError::Error(cause)) => return Err(failed(cause).into()),
        }
        // What a bus that was killed has left there.
        file.set_len(0).map_err(failed)?;
        Ok(Self { file })
    }

    /// Writes down where the bus is to be found.
    pub(crate) fn name_socket(&mut self, socket: &Path) -> io::Result<()> {
        let mut line = socket.as_os_str().as_encoded_bytes().to_vec();
        line.push(b'\n');
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&line)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Whoever reads it finds out by connecting as well.
        let _ = self.file.set_len(0);
    }
}

/// The local socket of the bus that runs on a journal, as it has [named](crate::Journal::name_socket) it. A bus that was killed leaves
/// its name there: nobody answers at it.
///
/// ```
/// let folder = std::env::temp_dir().join(format!("wharf-socket-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let file = folder.join("bus.db");
/// assert_eq!(wharf_sqlite::socket_of(&file)?, None);
/// let (mut journal, ()) = wharf_sqlite::Journal::open(&file, |_| Ok(()))?;
/// journal.name_socket(&folder.join("bus.sock"))?;
/// assert_eq!(wharf_sqlite::socket_of(&file)?, Some(folder.join("bus.sock")));
/// drop(journal);
/// assert_eq!(wharf_sqlite::socket_of(&file)?, None);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// The lock file is there and cannot be read, or the journal's folder is not there.
pub fn socket_of(journal: impl AsRef<Path>) -> io::Result<Option<PathBuf>> {
    named_in(&beside(&resolved(journal.as_ref())?, ".lock"))
}

fn named_in(lock: &Path) -> io::Result<Option<PathBuf>> {
    let mut line = Vec::new();
    match File::open(lock) {
        Ok(mut file) => drop(file.read_to_end(&mut line)?),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    // Without its end it is still being written.
    Ok(line.strip_suffix(b"\n").and_then(path_of))
}

#[cfg(unix)]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    Some(OsString::from_vec(bytes.to_vec()).into())
}

#[cfg(not(unix))]
fn path_of(bytes: &[u8]) -> Option<PathBuf> {
    String::from_utf8(bytes.to_vec()).ok().map(OsString::from).map(PathBuf::from)
}
