//! The journal, open.

use crate::apply::{Applying, Refused, superseded};
use crate::error::{Failure, OpenError, StoreError};
use crate::fingerprint::{Fingerprint, stored};
use crate::lock::Lock;
use crate::mark::Mark;
use crate::migration::STEPS;
use crate::opening::{self, Opened};
use crate::records::{Standing, damage};
use crate::schema::meta_sum;
use crate::sidecar::beside;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use wharf::service::bus::{Batch, Record, RestoreError};

/// How a journal is kept.
///
/// ```
/// assert_eq!(wharf_sqlite::JournalConfig::default().checkpoint, 4 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JournalConfig {
    /// Bytes of the write-ahead log from which on it is brought into the journal, before the next batch: 4 MiB. It grows beyond
    /// that while a reader looks at what is older.
    pub checkpoint: u64,
    /// How long another program may hold the file up: 5 s. After that storing fails.
    pub busy_timeout: Duration,
    /// Memory for pages of the file, in bytes: 16 MiB.
    pub cache: u64,
}

impl Default for JournalConfig {
    fn default() -> Self {
        Self { checkpoint: 4 << 20, busy_timeout: Duration::from_secs(5), cache: 16 << 20 }
    }
}

/// The journal of a bus: carries batches out, one transaction each, which is on disk when it returns.
///
/// It is locked against other buses until it is dropped. What it does blocks; one thread is enough for it.
///
/// ```
/// use wharf::service::bus::{Batch, Change, Name, Record, Seq};
/// use wharf_sqlite::Journal;
///
/// let folder = std::env::temp_dir().join(format!("wharf-journal-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let (mut journal, none) = Journal::open(folder.join("bus.db"), |records| Ok(records.count()))?;
/// assert_eq!(none, 0);
/// let remembered = Change::RememberId { from: Name::new("shop")?, id: Name::new("m")?, seq: Seq(1) };
/// journal.carry_out(&Batch::new(vec![remembered]))?;
/// drop(journal);
///
/// let (_journal, records) = Journal::open(folder.join("bus.db"), |records| Ok(records.collect::<Vec<_>>()))?;
/// assert!(matches!(&records[..], [Record::Id { seq: Seq(1), .. }]));
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Journal {
    // It is closed before the lock is let go.
    connection: Connection,
    mark: Mark,
    lock: Lock,
    path: PathBuf,
    standing: Standing,
    print: Fingerprint,
    gaps: Vec<u8>,
    /// Frames in the log, as of the last commit.
    frames: Arc<AtomicU32>,
    /// Frames from which on the log is brought into the journal, and how many more these are each time.
    due: u32,
    stride: u32,
    failure: Option<Failure>,
}

impl Journal {
    /// Opens a journal, or makes an empty one where there is none, and hands its records to `restore`, which need not take all.
    ///
    /// All of it is checked, and nothing is written before everything was found good. What `restore` returns comes
    /// back only then: while it takes records none of them can be relied on.
    ///
    /// # Errors
    /// Another bus has it, it is damaged, foreign or of another version, or something failed. Its files are as they were.
    pub fn open<T>(
        path: impl AsRef<Path>,
        restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> Result<T, RestoreError>,
    ) -> Result<(Self, T), OpenError> {
        Self::open_with(path, JournalConfig::default(), restore)
    }

    /// The same, kept in another way.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    #[allow(clippy::needless_pass_by_value, reason = "configurations are handed over")]
    pub fn open_with<T>(
        path: impl AsRef<Path>,
        config: JournalConfig,
        restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> Result<T, RestoreError>,
    ) -> Result<(Self, T), OpenError> {
        Self::of(opening::open(path.as_ref(), STEPS, restore)?, &config)
    }

    pub(crate) fn of<T>(opened: Opened<T>, config: &JournalConfig) -> Result<(Self, T), OpenError> {
        let Opened { path, lock, standing, restored } = opened;
        let failed = |cause| Failure::new(&path, "the journal cannot be opened for writing", cause);
        let frames = Arc::new(AtomicU32::new(0));
        let connection = connect(&path, config, &frames).map_err(failed)?;
        // What a power cut has left behind the last commit must not be there when another one comes.
        if !checkpoint(&connection, "TRUNCATE").map_err(failed)?.is_complete {
            let busy = std::io::Error::from(std::io::ErrorKind::ResourceBusy);
            return Err(Failure::new(&path, "another program holds the journal open", busy).into());
        }
        let mark_path = beside(&path, ".mark");
        let mark = if mark_path.exists() { Mark::open(&mark_path) } else { Mark::create(&mark_path, 0) };
        let mut mark = mark?;
        mark.write(standing.batches)?;
        mark.sync()?;
        let stride = u32::try_from(config.checkpoint / 4096).unwrap_or(u32::MAX).max(1);
        let journal = Self {
            connection,
            mark,
            lock,
            path,
            standing,
            print: Fingerprint::default(),
            gaps: Vec::new(),
            frames,
            due: stride,
            stride,
            failure: None,
        };
        Ok((journal, restored))
    }

    /// Carries a batch out: all of it or nothing. It is on disk when this returns.
    ///
    /// # Errors
    /// A change does not fit; or storing failed, and from then on each batch is refused with that cause.
    pub fn carry_out(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if let Some(failure) = &self.failure {
            return Err(StoreError::Poisoned(failure.clone()));
        }
        self.store(batch).inspect_err(|error| {
            if let StoreError::Failed(failure) = error {
                self.poison(failure);
            }
        })
    }

    /// What storing failed by, if it has.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Batches carried out since it was made.
    #[must_use]
    pub const fn batches(&self) -> u64 {
        self.standing.batches
    }

    /// Where it lies, links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes into the lock where this bus takes commands, for [`socket_of`](crate::socket_of) to be found.
    ///
    /// # Errors
    /// The lock file cannot be written.
    pub fn name_socket(&mut self, socket: &Path) -> std::io::Result<()> {
        self.lock.name_socket(socket)
    }

    /// Closes it: all of it is in one file then. Dropping it does the same, and tells nobody what failed.
    ///
    /// # Errors
    /// Storing failed now or before. Nothing that was carried out is lost by failing now.
    pub fn close(mut self) -> Result<(), StoreError> {
        if let Some(failure) = &self.failure {
            return Err(StoreError::Poisoned(failure.clone()));
        }
        let closed = self.bring_in("TRUNCATE").map(drop);
        closed.inspect_err(|failure| self.poison(failure)).map_err(StoreError::Failed)
    }

    fn store(&mut self, batch: &Batch) -> Result<(), StoreError> {
        if batch.changes().is_empty() {
            return Ok(());
        }
        if self.frames.load(Ordering::Relaxed) >= self.due {
            self.bring_in("PASSIVE").map_err(StoreError::Failed)?;
        }
        let failed =
            |cause| StoreError::Failed(Failure::new(&self.path, "the batch cannot be stored", cause));
        self.run("BEGIN IMMEDIATE").map_err(failed)?;
        let mut standing = self.standing;
        if let Err((at, refused)) = self.apply(batch, &mut standing) {
            return Err(match refused {
                Refused::Misfit => {
                    self.run("ROLLBACK").map_or_else(self.failing(), |()| StoreError::Misfit { at })
                }
                Refused::Sqlite(cause) => self.failing()(cause),
                Refused::Json(cause) => StoreError::Failed(self.failed(cause)),
                Refused::Flaw(flaw) => StoreError::Failed(self.failed(damage(&self.path, flaw))),
            });
        }
        standing.batches += 1;
        self.commit(&standing).map_err(self.failing())?;
        self.standing = standing;
        self.mark.write(standing.batches).map_err(StoreError::Failed)
    }

    fn apply(&mut self, batch: &Batch, standing: &mut Standing) -> Result<(), (usize, Refused)> {
        let superseded = superseded(batch.changes());
        let (connection, print, gaps) = (&self.connection, &mut self.print, &mut self.gaps);
        let mut applying = Applying { connection, print, standing, gaps };
        let changes = batch.changes().iter().enumerate().filter(|(at, _)| !superseded.contains(at));
        changes
            .into_iter()
            .try_for_each(|(at, change)| applying.apply(change).map_err(|refused| (at, refused)))
    }

    fn commit(&mut self, standing: &Standing) -> rusqlite::Result<()> {
        let sum = meta_sum(&mut self.print, standing.batches, &standing.tallies);
        let sql = "UPDATE meta SET batches = ?1, tallies = ?2, sum = ?3";
        let row = params![stored(standing.batches), &standing.tallies.to_bytes()[..], sum];
        self.connection.prepare_cached(sql)?.execute(row)?;
        self.run("COMMIT")
    }

    fn run(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([]).map(drop)
    }

    /// Brings the log into the journal. SQLite would do so by itself, and tell nobody what failed.
    fn bring_in(&mut self, how: &str) -> Result<(), Failure> {
        let failed = |cause| Failure::new(&self.path, "the log cannot be brought into the journal", cause);
        let checkpoint = checkpoint(&self.connection, how).map_err(failed)?;
        // What a reader holds up is tried again when there is as much more.
        let begun = if checkpoint.is_complete { 0 } else { checkpoint.frames };
        self.frames.store(begun, Ordering::Relaxed);
        self.due = begun.saturating_add(self.stride);
        self.mark.sync()
    }

    fn poison(&mut self, failure: &Failure) {
        self.failure.get_or_insert_with(|| failure.clone());
        // What the kernel has forgotten to write is not to be taken for written, so nothing is done at the end either. The
        // call sets a flag in memory.
        let _ = self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }

    fn failing(&self) -> impl FnOnce(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |cause| StoreError::Failed(Failure::new(&path, "the batch cannot be stored", cause))
    }

    fn failed(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Failure {
        Failure::new(&self.path, "the batch cannot be stored", cause)
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if self.failure.is_none() {
            // The mark holds true all the same, of fewer batches.
            let _ = self.mark.sync();
        }
    }
}

fn connect(path: &Path, config: &JournalConfig, frames: &Arc<AtomicU32>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(config.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where a sync does not reach the disk by itself.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let cache = i64::try_from(config.cache / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -cache.max(64))?;
    let frames = Arc::clone(frames);
    // It takes the place of the checkpoints that SQLite makes by itself.
    connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count| {
        frames.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(())
    }))?;
    Ok(connection)
}

/// What a checkpoint came to.
struct Checkpoint {
    is_complete: bool,
    frames: u32,
}

fn checkpoint(connection: &Connection, how: &str) -> rusqlite::Result<Checkpoint> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
        let [busy, frames, done] = [row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?];
        Ok(Checkpoint {
            is_complete: busy == 0 && frames == done,
            frames: u32::try_from(frames).unwrap_or(0),
        })
    })
}
