//! The store, open.

use super::error::HistoryError;
use super::failing::{Failing, not_opened, still_closed};
use super::place::Standing;
use super::{page, schema, write};
use crate::error::Failure as Trouble;
use crate::sidecar::{resolved, sync_folder};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wharf::service::history::{Answer, Ask, Failure};

/// How a chat's database is kept.
///
/// ```
/// assert_eq!(wharf_sqlite::HistoryConfig::default().busy_timeout.as_secs(), 2);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HistoryConfig {
    /// How long another program may hold the file up before an ask fails: 2 s.
    pub busy_timeout: Duration,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(2) }
    }
}

/// What was said in the rooms of a chat, and who may come back: a [store](wharf::service::history) in an SQLite file.
///
/// A batch is one transaction, which is on disk when it returns. What it does blocks; one thread is enough for it. Others may read the
/// file meanwhile, and even write: several chats on one file share what was said, and ids grow over all of them.
///
/// Whatever fails is tried anew with the next ask, so nothing has to be done here once the disk has room again or the file is back. One
/// that was removed or replaced while it was open is noticed before anything is written.
///
/// ```
/// use wharf::base::Wall;
/// use wharf::service::history::{Answer, Ask, Batch, Draft, Key, PageAsk, Span, Stored};
/// use wharf_sqlite::History;
///
/// let folder = std::env::temp_dir().join(format!("wharf-history-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let mut history = History::open(folder.join("chat.db"))?;
/// let mut batch = Batch::default();
/// batch.drafts.push(Draft::new(Key([7; 16]), "general".into(), "u1".into(), "Ada".into(), "hello".into(), Wall::from_millis(5)));
/// assert_eq!(history.carry_out(&Ask::Write(batch))?, Answer::Written(vec![Stored::New(1)]));
///
/// let newest = Ask::Page(PageAsk::new(vec!["general".into()], Span::Newest { below: None }, 50));
/// let Answer::Page(page) = history.carry_out(&newest)? else { panic!("it is a page") };
/// assert_eq!(&*page.entries[0].content, "hello");
/// # drop(history);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct History {
    /// None after a failure that a new one may not meet.
    connection: Option<Connection>,
    path: PathBuf,
    config: HistoryConfig,
    standing: Standing,
    /// The greatest id that is known: ids grow even where the file is replaced.
    last: u64,
}

impl History {
    /// Opens a chat's database, or makes an empty one where there is none. One of an older version is brought to that of today.
    ///
    /// # Errors
    /// The file is foreign, damaged or of a newer version; it cannot be written; another program holds it up for too long; there is
    /// no such folder.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, HistoryError> {
        Self::open_with(path, HistoryConfig::default())
    }

    /// The same, kept in another way.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn open_with(path: impl AsRef<Path>, config: HistoryConfig) -> Result<Self, HistoryError> {
        let path = path.as_ref();
        let path =
            resolved(path).map_err(|cause| Trouble::new(path, "the database cannot be found", cause))?;
        let (connection, last) = connect(&path, &config, 0)?;
        Ok(Self { connection: Some(connection), standing: Standing::of(&path), path, config, last })
    }

    /// Where it lies, links resolved.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does what it is asked. It blocks, for as long as the busy timeout where another program is in the way.
    ///
    /// # Errors
    /// [`Failure::Away`] while the file is locked, full, read-only, gone or cannot be reached; [`Failure::Refused`] what it cannot
    /// store, and of a file that is damaged or has become something else. Of a batch that failed all or nothing is stored; by its keys it
    /// can be tried again.
    pub fn carry_out(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        self.look()?;
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect_again()?,
        };
        let done = match ask {
            Ask::Write(batch) => write::write(&mut connection, batch, &mut self.last).map(Answer::Written),
            Ask::Page(ask) => page::page(&mut connection, ask).map(Answer::Page),
            Ask::Session(token, now) => page::session(&connection, token, *now).map(Answer::Session),
            Ask::Last => page::last(&connection).map(Answer::Last),
            _ => Err(Failing::Refused("it is asked what it does not know")),
        };
        if !done.as_ref().is_err_and(Failing::is_of_the_file) {
            self.connection = Some(connection);
        }
        done.map_err(|failing| failing.told(&self.path))
    }

    /// Gives up files that no longer lie where they were opened.
    fn look(&mut self) -> Result<(), Failure> {
        if self.connection.is_some() && Standing::of(&self.path) != self.standing {
            self.connection = None;
            let text = format!("{}: it was removed or replaced", self.path.display());
            return Err(Failure::Away(text.into()));
        }
        Ok(())
    }

    fn connect_again(&mut self) -> Result<Connection, Failure> {
        let opened = connect(&self.path, &self.config, self.last);
        let (connection, last) = opened.map_err(|error| still_closed(&error))?;
        self.standing = Standing::of(&self.path);
        self.last = last;
        Ok(connection)
    }
}

/// Opens the file, and tells the greatest id that was ever given.
fn connect(path: &Path, config: &HistoryConfig, last: u64) -> Result<(Connection, u64), HistoryError> {
    let is_new = !path.exists();
    let until = Instant::now() + config.busy_timeout;
    let mut connection = set_up(path, config).map_err(|e| not_opened(path, e))?;
    let last = schema::migrate(path, &mut connection, last, until)?;
    if is_new {
        // SQLite makes what is in the file last, and not that there is one.
        sync_folder(path).map_err(|cause| Trouble::new(path, "the database cannot be made", cause))?;
    }
    Ok((connection, last))
}

fn set_up(path: &Path, config: &HistoryConfig) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(config.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(32);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Where a sync does not reach the disk by itself.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // What a long reader has made the log grow to is given back.
    connection.pragma_update_and_check(None, "journal_size_limit", 16 << 20, |_| Ok(()))?;
    Ok(connection)
}
