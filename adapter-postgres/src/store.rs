//! The store, connected.

use crate::address::Address;
use crate::dial::Connection;
use crate::encryption::Encryption;
use crate::error::HistoryError;
use crate::failing::{Failing, still_closed};
use crate::{page, write};
use std::fmt;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
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
    /// There until it is dropped.
    runtime: Option<Runtime>,
    connection: Option<Connection>,
    address: Address,
    encryption: Encryption,
    config: HistoryConfig,
}

impl History {
    /// Connects to the database at a URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, and makes the tables that are missing there. Without a password
    /// `PGPASSWORD` of the environment is taken; without a host the local server.
    ///
    /// # Errors
    /// The URL is not understood; the server cannot be reached or refuses; the database is another program's, of a newer version or not in UTF-8.
    pub fn connect(url: &str) -> Result<Self, HistoryError> {
        Self::connect_with(url, HistoryConfig::default())
    }

    /// The same, connected in another way.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_with(url: &str, config: HistoryConfig) -> Result<Self, HistoryError> {
        let address = Address::parse(url, std::env::var("PGPASSWORD").ok())?;
        let encryption = Encryption::new(address.is_encrypted)?;
        let failed = |error: std::io::Error| HistoryError::Failed {
            place: address.place.clone(),
            what: error.to_string().into(),
        };
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
        let mut history = Self { runtime: Some(runtime), connection: None, address, encryption, config };
        history.block_on(async |history| {
            history.connection = Some(history.dial(true).await?);
            Ok(())
        })?;
        Ok(history)
    }

    /// Host, port and database, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.address.place
    }

    /// Does what it is asked. It blocks.
    ///
    /// # Errors
    /// [`Failure::Away`] while the server is not there, not in time, full, read-only or being shut down; [`Failure::Refused`] what it cannot store. Of
    /// a batch that failed all or nothing is stored; by its keys it can be tried again.
    ///
    /// # Panics
    /// It is called within a task of tokio.
    pub fn carry_out(&mut self, ask: &Ask) -> Result<Answer, Failure> {
        self.block_on(async |history| {
            // Taken out, so that it is gone after whatever fails: its transaction with it.
            let connection = match history.connection.take() {
                Some(connection) if !is_lost(&connection).await => connection,
                _ => history.dial(false).await.map_err(|error| still_closed(&error))?,
            };
            let done = tokio::time::timeout(history.config.timeout, carried_out(&connection, ask)).await;
            let answer = done.unwrap_or(Err(Failing::Late));
            let answer = answer.map_err(|failing| failing.told(&history.address.place))?;
            history.connection = Some(connection);
            Ok(answer)
        })
    }

    async fn dial(&self, is_first: bool) -> Result<Connection, HistoryError> {
        Connection::dial(&self.address, &self.encryption, &self.config, is_first).await
    }

    fn block_on<T, E>(&mut self, run: impl AsyncFnOnce(&mut Self) -> Result<T, E>) -> Result<T, E> {
        // It is there again before anybody sees it missing.
        let runtime = self.runtime.take().expect("only dropping takes it for good");
        let done = runtime.block_on(async {
            let done = run(self).await;
            // A connection that was given up closes its socket now and not with the next ask.
            tokio::task::yield_now().await;
            done
        });
        self.runtime = Some(runtime);
        done
    }
}

impl Drop for History {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A lookup of a name may take its time.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_connected = self.connection.is_some();
        let mut told = f.debug_struct("History");
        told.field("place", &self.address.place).field("config", &self.config);
        told.field("is_connected", &is_connected).finish_non_exhaustive()
    }
}

/// Whether the server has ended the connection since the last ask: nobody looked meanwhile.
async fn is_lost(connection: &Connection) -> bool {
    // The first lets the runtime hear of it, the second the connection.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    connection.is_closed()
}

async fn carried_out(connection: &Connection, ask: &Ask) -> Result<Answer, Failing> {
    match ask {
        Ask::Write(batch) => write::write(connection, batch).await.map(Answer::Written),
        Ask::Page(ask) => page::page(connection, ask).await.map(Answer::Page),
        Ask::Session(token, now) => page::session(connection, token, *now).await.map(Answer::Session),
        Ask::Last => page::last(connection).await.map(Answer::Last),
        _ => Err(Failing::Refused("it is asked what it does not know")),
    }
}
