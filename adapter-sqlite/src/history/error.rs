//! What opening a chat's database fails with.

use crate::damage::Damage;
use crate::error::Failure;
use std::path::PathBuf;

/// Why a chat's database was not opened. It says so in one line.
///
/// ```
/// use wharf_sqlite::{History, HistoryError};
///
/// let file = std::env::temp_dir().join(format!("wharf-not-a-chat-{}", std::process::id()));
/// std::fs::write(&file, "Dear diary, I am no database at all, and never was one.")?;
/// assert!(matches!(History::open(&file), Err(HistoryError::Foreign { path }) if path.ends_with(file.file_name().unwrap())));
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The file is something else.
    #[error("{} is no database of a chat", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer version of this crate.
    #[error("{} has the form {version}, and only those up to {} are known", .path.display(), crate::history::schema::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// The version of its form.
        version: u32,
    },
    /// It is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// Reading, writing or locking failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}
