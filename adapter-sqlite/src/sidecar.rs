//! The files beside a journal, and what folders need to last.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The file beside a journal whose name is the journal's with this behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// The path that a journal has in the file system, whatever links lead there, so that all that lies beside it is the same for
/// everyone.
pub(crate) fn resolved(path: &Path) -> io::Result<PathBuf> {
    match path.canonicalize() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let name = path.file_name().ok_or(e)?;
            Ok(folder.unwrap_or(Path::new(".")).canonicalize()?.join(name))
        }
        found => found,
    }
}

/// Makes what was created, renamed and removed in the folder of this file last.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and lasts by itself.
    if !cfg!(unix) {
        return Ok(());
    }
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}
