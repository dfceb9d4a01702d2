//! A connection, made ready.

use crate::address::Address;
use crate::encryption::Encryption;
use crate::error::DatabaseError;
use crate::failing::{LATE, text_of};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

/// What moves a connection's bytes. Dropped, it ends: a server that stands still would keep it for ever.
pub(crate) struct Driver(JoinHandle<()>);

impl Driver {
    pub(crate) fn spawn(drive: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(drive))
    }

    /// Waits until nothing is moved any more.
    #[cfg(feature = "bus")]
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
    made: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    let made = tokio::time::timeout(timeout, made).await;
    made.unwrap_or_else(|_| Err(DatabaseError::failed(place, LATE)))
}

/// A connection to a database in UTF-8, with the settings of all that is kept here.
pub(crate) async fn reached(
    address: &Address,
    encryption: &Encryption,
    timeout: Duration,
) -> Result<(Client, Driver), DatabaseError> {
    let failed = |error| DatabaseError::failed(&address.place, text_of(&error));
    let (client, driver) = connect(&address.config, encryption).await.map_err(failed)?;
    let text = |row: tokio_postgres::Row| row.try_get::<_, String>(0);
    let row = client.query_one("SELECT current_setting('server_encoding')", &[]).await.map_err(failed)?;
    let encoding = text(row).map_err(failed)?;
    if encoding != "UTF8" {
        return Err(DatabaseError::Encoding { place: address.place.clone(), encoding: encoding.into() });
    }
    client.batch_execute(&settings(timeout)).await.map_err(failed)?;
    Ok((client, driver))
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
