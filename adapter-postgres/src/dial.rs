//! A connection, made ready.

use crate::address::Address;
use crate::encryption::Encryption;
use crate::error::HistoryError;
use crate::failing::{LATE, text_of};
use crate::page::{AFTER, BELOW, LAST, SESSION};
use crate::schema;
use crate::store::HistoryConfig;
use crate::write::{BY_KEY, BY_REFERENCE, EXPIRE, INSERT, PUT, WITHDRAW};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, Statement};

/// A connection and its statements. Dropped, it is closed with the next turn of the runtime.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) withdraw: Statement,
    pub(crate) insert: Statement,
    pub(crate) by_key: Statement,
    pub(crate) by_reference: Statement,
    pub(crate) put: Statement,
    pub(crate) expire: Statement,
    pub(crate) after: Statement,
    pub(crate) below: Statement,
    pub(crate) session: Statement,
    pub(crate) last: Statement,
    driver: Driver,
}

impl Connection {
    /// Dials, and makes ready: within `connect_timeout`, but for bringing the tables to the form of today where it `is_first`. Of many
    /// messages that may take its time; who dials again finds them so.
    pub(crate) async fn dial(
        address: &Address,
        encryption: &Encryption,
        config: &HistoryConfig,
        is_first: bool,
    ) -> Result<Self, HistoryError> {
        let (place, timeout) = (&address.place, config.connect_timeout);
        let reached = reached(address, encryption, config.timeout);
        if is_first {
            let (client, driver) = in_time(timeout, place, reached).await?;
            schema::migrate(&client, place).await?;
            return in_time(timeout, place, prepared(client, driver, place)).await;
        }
        let made = async {
            let (client, driver) = reached.await?;
            prepared(client, driver, place).await
        };
        in_time(timeout, place, made).await
    }

    /// Whether it can no longer be used, as far as is known.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.is_finished()
    }
}

/// What moves a connection's bytes. Dropped, it ends: a server that stands still would keep it for ever.
pub(crate) struct Driver(JoinHandle<()>);

impl Driver {
    pub(crate) fn spawn(drive: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(drive))
    }

    /// Waits until nothing is moved any more.
    pub(crate) async fn ended(&mut self) {
        // How it ended does not matter.
        let _ = (&mut self.0).await;
    }

    /// Whether nothing is moved any more.
    pub(crate) fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Makes it, or says that it took too long.
pub(crate) async fn in_time<T>(
    timeout: Duration,
    place: &str,
    made: impl Future<Output = Result<T, HistoryError>>,
) -> Result<T, HistoryError> {
    let made = tokio::time::timeout(timeout, made).await;
    made.unwrap_or_else(|_| Err(HistoryError::Failed { place: place.into(), what: LATE.into() }))
}

/// A connection to a database in UTF-8, with the settings of all that is kept here.
pub(crate) async fn reached(
    address: &Address,
    encryption: &Encryption,
    timeout: Duration,
) -> Result<(Client, Driver), HistoryError> {
    let failed = |error| HistoryError::Failed { place: address.place.clone(), what: text_of(&error).into() };
    let (client, driver) = connect(&address.config, encryption).await.map_err(failed)?;
    let text = |row: tokio_postgres::Row| row.try_get::<_, String>(0);
    let row = client.query_one("SELECT current_setting('server_encoding')", &[]).await.map_err(failed)?;
    let encoding = text(row).map_err(failed)?;
    if encoding != "UTF8" {
        return Err(HistoryError::Encoding { place: address.place.clone(), encoding: encoding.into() });
    }
    client.batch_execute(&settings(timeout)).await.map_err(failed)?;
    Ok((client, driver))
}

async fn prepared(client: Client, driver: Driver, place: &str) -> Result<Connection, HistoryError> {
    let failed = |error| HistoryError::Failed { place: place.into(), what: text_of(&error).into() };
    schema::migrate(&client, place).await?;
    Ok(Connection {
        withdraw: client.prepare(WITHDRAW).await.map_err(failed)?,
        insert: client.prepare(INSERT).await.map_err(failed)?,
        by_key: client.prepare(BY_KEY).await.map_err(failed)?,
        by_reference: client.prepare(BY_REFERENCE).await.map_err(failed)?,
        put: client.prepare(PUT).await.map_err(failed)?,
        expire: client.prepare(EXPIRE).await.map_err(failed)?,
        after: client.prepare(AFTER).await.map_err(failed)?,
        below: client.prepare(BELOW).await.map_err(failed)?,
        session: client.prepare(SESSION).await.map_err(failed)?,
        last: client.prepare(LAST).await.map_err(failed)?,
        client,
        driver,
    })
}

/// What the server is to do for this connection, whatever its configuration says.
///
/// One that was lost with a transaction open must not keep others from their turn, and what is told to be stored is to be on disk.
pub(crate) fn settings(timeout: Duration) -> String {
    let timeout = timeout.as_millis().clamp(1, 2_147_483_647);
    format!(
        "SET statement_timeout = {timeout}; \
         SET idle_in_transaction_session_timeout = {timeout}; SET client_min_messages = warning; \
         SET default_transaction_isolation = 'read committed'; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
}

type Connected = Result<(Client, Driver), tokio_postgres::Error>;

async fn connect(config: &Config, encryption: &Encryption) -> Connected {
    #[cfg(feature = "tls")]
    if let Some(connector) = encryption.connector.clone() {
        let (client, connection) = config.connect(connector).await?;
        return Ok((client, Driver::spawn(drive(connection))));
    }
    #[cfg(not(feature = "tls"))]
    let Encryption {} = encryption;
    let (client, connection) = config.connect(NoTls).await?;
    Ok((client, Driver::spawn(drive(connection))))
}

async fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    // Whoever asks next is told by the client.
    let _ = connection.await;
}
