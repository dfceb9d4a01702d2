//! The store, connected.

use crate::blocking::Blocking;
use crate::error::DatabaseError;
use crate::failing::{Failing, still_closed};
use crate::link::Link;
use crate::schema::FORM;
use crate::way::Way;
use crate::{page, write};
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;
use wharf::service::history::{Answer, Ask, Failure};

/// How a chat's database is connected to.
///
/// ```
/// let config = wharf_postgres::HistoryConfig::default();
/// assert_eq!((config.connect_timeout.as_secs(), config.timeout.as_secs()), (5, 5));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HistoryConfig {
    /// How long it may take until a connection can be used: 5 s. Spans lookup, dialing and login, not bringing tables to the form of today
    /// when a store is opened.
    pub connect_timeout: Duration,
    /// How long an ask may take: 5 s. The server ends what takes longer, too.
    pub timeout: Duration,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), timeout: Duration::from_secs(5) }
    }
}

/// What was said in the rooms of a chat, and who may come back: a [store](wharf::service::history) in a PostgreSQL database.
///
/// A batch is one transaction. What it does blocks, at most for both timeouts of its configuration; it has a runtime of its own, so it must not be
/// used within a task of tokio. Several chats on one database share what was said, and ids grow over all of them.
///
/// An ask whose connection is lost fails, and the next one dials again.
///
/// ```no_run
/// use wharf::base::Wall;
/// use wharf::service::history::{Answer, Ask, Batch, Draft, Key, Stored};
/// use wharf_postgres::History;
///
/// let mut history = History::connect("postgres://chat:secret@localhost/chat")?;
/// let mut batch = Batch::default();
/// batch.drafts.push(Draft::new(Key([7; 16]), "general".into(), "u1".into(), "Ada".into(), "hello".into(), Wall::from_millis(5)));
/// let ask = Ask::Write(batch);
/// // Tried again, it is stored once.
/// let written = history.carry_out(&ask).or_else(|_| history.carry_out(&ask))?;
/// assert!(matches!(written, Answer::Written(stored) if matches!(stored[..], [Stored::New(_)])));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct History {
    runtime: Blocking,
    way: Way,
    config: HistoryConfig,
}

impl History {
    /// Connects to the database at a URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, and makes the tables that are missing there.
    /// Without a password `PGPASSWORD` of the environment is taken; without a host the local server.
    ///
    /// # Errors
    /// The URL is not understood; the server cannot be reached or refuses; the database is another program's, of a newer version or not in UTF-8.
    pub fn connect(url: &str) -> Result<Self, DatabaseError> {
        Self::connect_with(url, HistoryConfig::default())
    }

    /// The same, connected in another way.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_with(url: &str, config: HistoryConfig) -> Result<Self, DatabaseError> {
        let mut way = Way::to(url, [config.connect_timeout, config.timeout], &FORM)?;
        let runtime = Blocking::new(way.place())?;
        runtime.run(way.open(true))?;
        Ok(Self { runtime, way, config })
    }

    /// Host, port and database, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        self.way.place()
    }

    /// Does what it is asked. It blocks.
    ///
    /// # Errors
    /// [`Failure::Away`] while the server is not there, not in time, full, read-only or being shut down; [`Failure::Refused`] what it
    /// cannot store. Of a batch that failed all or nothing is stored; by its keys it can be tried again.
    ///
    /// # Panics
    /// It is called within a task of tokio.
    pub fn carry_out(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        let Self { runtime, way, .. } = self;
        runtime.run(async {
            let mut link = way.link().await.map_err(|error| still_closed(&error))?;
            let done = timeout(way.timeout, carried_out(&mut link, ask)).await.unwrap_or(Err(Failing::Late));
            let answer = done.map_err(|failing| failing.told(way.place()))?;
            way.keep(link);
            Ok(answer)
        })
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("History");
        told.field("place", &self.place()).field("config", &self.config);
        told.field("is_connected", &self.way.is_connected()).finish_non_exhaustive()
    }
}

async fn carried_out(link: &mut Link, ask: &Ask) -> Result<Answer, Failing> {
    match ask {
        Ask::Write(batch) => write::write(link, batch).await.map(Answer::Written),
        Ask::Page(ask) => page::page(link, ask).await.map(Answer::Page),
        Ask::Session(token, now) => page::session(link, token, *now).await.map(Answer::Session),
        Ask::Last => page::last(link).await.map(Answer::Last),
        _ => Err(Failing::Refused("it is asked what it does not know")),
    }
}
