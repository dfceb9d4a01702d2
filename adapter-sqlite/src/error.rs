//! What opening a journal and storing in it fail with.

use crate::damage::Damage;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wharf::service::bus::RestoreError;

/// Why a journal was not opened. Its files are as they were, unless it was found good and writing to it failed.
///
/// ```
/// let folder = std::env::temp_dir().join(format!("wharf-open-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let first = wharf_sqlite::Journal::open(folder.join("bus.db"), |_| Ok(()))?;
/// let second = wharf_sqlite::Journal::open(folder.join("bus.db"), |_| Ok(()));
/// assert!(matches!(second, Err(wharf_sqlite::OpenError::Locked { socket: None, .. })));
/// # drop(first);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another bus has it open.
    #[error("{} is open in another bus", .path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
        /// The local socket of that bus, if it has named one.
        socket: Option<PathBuf>,
    },
    /// It is damaged.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The file is something else.
    #[error("{} is no journal of a bus", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It has a form that is not known here: that of a newer version of this crate, or one too old.
    #[error("{} has the form {version}, and only {} is known", .path.display(), crate::schema::VERSION)]
    Version {
        /// The journal.
        path: PathBuf,
        /// The version of its form.
        version: u32,
    },
    /// Its records contradict each other, as who restored them found.
    #[error("{} holds what no bus wrote: {source}", .path.display())]
    Contradiction {
        /// The journal.
        path: PathBuf,
        /// How.
        source: RestoreError,
    },
    /// Reading, writing or locking failed.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Why a batch was not carried out.
///
/// ```
/// use wharf::service::bus::{Batch, Change, Seq};
///
/// let folder = std::env::temp_dir().join(format!("wharf-store-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let (mut journal, ()) = wharf_sqlite::Journal::open(folder.join("bus.db"), |_| Ok(()))?;
/// let error = journal.carry_out(&Batch::new(vec![Change::Remove(Seq(1))])).unwrap_err();
/// assert!(matches!(error, wharf_sqlite::StoreError::Misfit { at: 0 }));
/// # drop(journal);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A change names a record that is not there, or puts in one that is. Nothing of its batch was carried out, and the next
    /// batch may be.
    #[error("change {at} of the batch does not fit what is stored")]
    Misfit {
        /// Which change.
        at: usize,
    },
    /// It failed. Whether the batch is on disk shows when the journal is opened again; until then nothing is stored any more.
    #[error(transparent)]
    Failed(Failure),
    /// An earlier batch failed, by this. Nothing was tried.
    #[error("the store has failed before: {0}")]
    Poisoned(Failure),
}

/// What the file system or SQLite refused, and why.
///
/// ```
/// let error = wharf_sqlite::Journal::open("/nowhere/at/all/bus.db", |_| Ok(())).unwrap_err();
/// let wharf_sqlite::OpenError::Failed(failure) = error else { panic!("{error}") };
/// assert!(failure.path().starts_with("/nowhere"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {what}: {cause}", .path.display())]
pub struct Failure {
    path: PathBuf,
    what: &'static str,
    #[source]
    cause: Arc<dyn Error + Send + Sync>,
}

impl Failure {
    pub(crate) fn new(path: &Path, what: &'static str, cause: impl Error + Send + Sync + 'static) -> Self {
        Self { path: path.to_owned(), what, cause: Arc::new(cause) }
    }

    /// With which file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was being done.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }
}
