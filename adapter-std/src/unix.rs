//! Unix sockets, and the files that they leave behind.

use crate::tcp::BACKLOG;
use socket2::{Domain, SockAddr, Socket, Type};
use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The file of a Unix socket that listens. Dropped, it removes the file, unless another one lies there by now; so drop
/// it before the listener, whose name in the file system cannot be given to another as long as it is open.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("wharf-doc-file-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("socket").to_str().unwrap().to_owned();
/// let (listener, file) = wharf_std::listen_unix(&path, Some(0o660))?;
/// assert!(file.path().exists());
/// drop(file);
/// assert!(!std::fs::exists(&path)?);
/// # std::fs::remove_dir(&folder)?;
/// # drop(listener);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// Device and inode.
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &str) -> io::Result<Self> {
        // The program may change its folder before the end.
        let path = std::path::absolute(path)?;
        let identity = identity(&fs::symlink_metadata(&path)?);
        Ok(Self { path, identity })
    }

    /// Where it lies, from the root.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity);
        if is_ours {
            // What cannot be removed is stale, and the next who listens there removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Listens on a Unix socket, without blocking. With a `mode` its file has these permissions before anybody can connect; without
/// one it has what the umask leaves.
///
/// A socket's file in the way on which nobody listens any more is removed first. To find that out it is connected to; whoever
/// listens there sees a connection that ends at once.
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("wharf-doc-listen-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("socket").to_str().unwrap().to_owned();
/// let (listener, file) = wharf_std::listen_unix(&path, None)?;
/// let client = wharf_std::connect_unix(&path)?;
/// listener.accept()?;
/// # drop((file, client));
/// # std::fs::remove_dir(&folder)?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// - `AddrInUse`: somebody listens there.
/// - `AlreadyExists`: something lies there that is no socket. It is never touched.
/// - `InvalidInput`: the path is empty, too long (107 bytes on Linux) or has a zero in it, or the mode is past 0o777.
/// - Anything else as the operating system says.
pub fn listen_unix(path: &str, mode: Option<u32>) -> io::Result<(UnixListener, SocketFile)> {
    if mode.is_some_and(|mode| mode > 0o777) {
        return Err(io::Error::new(ErrorKind::InvalidInput, "a socket's mode is at most 0o777"));
    }
    let address = address_of(path)?;
    let socket = open()?;
    match socket.bind(&address) {
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            remove_stale(path, &address)?;
            socket.bind(&address)?;
        }
        bound => bound?,
    }
    let file = SocketFile::of(path)?;
    if let Some(mode) = mode {
        // Nobody can connect before it listens.
        fs::set_permissions(file.path(), Permissions::from_mode(mode))?;
    }
    socket.listen(BACKLOG)?;
    Ok((socket.into(), file))
}

/// Connects to a Unix socket, which takes no time; the stream does not block.
///
/// # Errors
/// `WouldBlock` if so many wait to be accepted that there is no room for one more: try again soon. `InvalidInput` for a path
/// that cannot be one. Anything else as the operating system says.
pub fn connect_unix(path: &str) -> io::Result<UnixStream> {
    let (address, socket) = (address_of(path)?, open()?);
    socket.connect(&address)?;
    Ok(socket.into())
}

fn open() -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn address_of(path: &str) -> io::Result<SockAddr> {
    let invalid = |what: &str| io::Error::new(ErrorKind::InvalidInput, what);
    if path.is_empty() {
        return Err(invalid("a Unix socket needs a path"));
    }
    if path.contains('\0') {
        return Err(invalid("a path has no zero byte in it"));
    }
    SockAddr::unix(path).map_err(|_| {
        invalid(&format!("the path has {} bytes, too many for a Unix socket; use a shorter one", path.len()))
    })
}

/// Removes the file of a socket that nobody listens on, and nothing else.
fn remove_stale(path: &str, address: &SockAddr) -> io::Result<()> {
    let Some(found) = metadata(path)? else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            ErrorKind::AlreadyExists,
            "what lies there is no socket; it is left alone",
        ));
    }
    match open()?.connect(address) {
        Err(e) if e.kind() == ErrorKind::ConnectionRefused => {}
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        // It took the connection, has too many already, or does not let us ask.
        _ => return Err(ErrorKind::AddrInUse.into()),
    }
    // Somebody else may have found it stale too, and may listen there by now.
    match metadata(path)? {
        Some(now) if identity(&now) == identity(&found) => fs::remove_file(path),
        Some(_) => Err(ErrorKind::AddrInUse.into()),
        None => Ok(()),
    }
}

fn metadata(path: &str) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests;
