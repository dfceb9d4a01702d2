//! What tells a node that there is something for it.

use crate::address::Address;
use crate::blocking::runtime;
use crate::dial::{Driver, settings};
use crate::encryption::Encryption;
use crate::error::DatabaseError;
use std::collections::BTreeSet;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

/// Where nodes are called, each by its slot.
const CHANNEL: &str = "wharf_bus";
/// How long it is waited before it is dialed again: from the first to the last.
const AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(5)];
/// So often the server is asked whether it is there: a way to it that is cut says nothing.
const ALIVE: Duration = Duration::from_secs(30);

/// What calls nodes, behind another statement.
pub(crate) fn calls(slots: &BTreeSet<i16>) -> String {
    slots.iter().map(|slot| format!("; NOTIFY {CHANNEL}, '{slot}'")).collect()
}

/// Listens for what calls a node (feature `bus`), over a connection and in a thread of its own, until it is dropped.
///
/// It only saves waiting: a node looks by itself from time to time, so a call that is lost costs no more than that. While the database
/// is away it dials again by itself, and calls once it is connected, since what was called meanwhile is not known.
///
/// ```no_run
/// use std::sync::mpsc;
/// use wharf_postgres::BusStore;
///
/// let store = BusStore::connect("postgres://bus:secret@db.example/bus")?;
/// let (sender, called) = mpsc::sync_channel(1);
/// // A call that waits already is one for all.
/// let wakes = store.wakes(move || drop(sender.try_send(())))?;
/// called.recv().expect("it calls once it listens");
/// drop(wakes);
/// assert!(called.recv().is_err(), "nobody calls any more");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Wakes {
    listening: AbortHandle,
}

impl Wakes {
    pub(crate) fn listen(
        address: &Address,
        encryption: &Encryption,
        connect_timeout: Duration,
        is_own: impl Fn(&str) -> bool + Send + Sync + 'static,
        tell: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, DatabaseError> {
        let runtime = runtime(&address.place)?;
        let mut ear = Ear {
            address: address.clone(),
            encryption: encryption.clone(),
            connect_timeout,
            is_own: Arc::new(is_own),
            tell: Arc::new(tell),
            again: AGAIN[0],
        };
        let listening = runtime.spawn(async move {
            loop {
                ear.listen().await;
                tokio::time::sleep(ear.again).await;
                ear.again = (ear.again * 2).min(AGAIN[1]);
            }
        });
        let handle = listening.abort_handle();
        let listen = move || {
            // It ends by being aborted.
            let _ = runtime.block_on(listening);
            runtime.shutdown_background();
        };
        let spawned = std::thread::Builder::new().name("bus wakes".into()).spawn(listen);
        spawned.map_err(|error| DatabaseError::failed(&address.place, error.to_string()))?;
        Ok(Self { listening: handle })
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl fmt::Debug for Wakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wakes").field("has_ended", &self.listening.is_finished()).finish()
    }
}

/// What is called, and for which names.
struct Ear {
    address: Address,
    encryption: Encryption,
    connect_timeout: Duration,
    is_own: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    tell: Arc<dyn Fn() + Send + Sync>,
    /// How long is waited after the next failure.
    again: Duration,
}

impl Ear {
    /// Until the connection is lost.
    async fn listen(&mut self) {
        let config = &self.address.config;
        #[cfg(feature = "tls")]
        if let Some(connector) = self.encryption.connector.clone() {
            if let Ok(Ok((client, connection))) =
                timeout(self.connect_timeout, config.connect(connector)).await
            {
                self.hear(client, self.driver(connection)).await;
            }
            return;
        }
        #[cfg(not(feature = "tls"))]
        let Encryption {} = self.encryption;
        if let Ok(Ok((client, connection))) = timeout(self.connect_timeout, config.connect(NoTls)).await {
            self.hear(client, self.driver(connection)).await;
        }
    }

    async fn hear(&mut self, client: Client, mut driver: Driver) {
        let listen = format!("{}; LISTEN {CHANNEL}", settings(self.connect_timeout));
        let listens = timeout(self.connect_timeout, client.batch_execute(&listen)).await;
        if !matches!(listens, Ok(Ok(()))) {
            return;
        }
        self.again = AGAIN[0];
        // What was called before is not known.
        (self.tell)();
        while timeout(ALIVE, driver.ended()).await.is_err() {
            let answered = timeout(self.connect_timeout, client.batch_execute("SELECT 1")).await;
            if !matches!(answered, Ok(Ok(()))) {
                return;
            }
        }
    }

    fn driver<S, T>(&self, mut connection: Connection<S, T>) -> Driver
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (is_own, tell) = (self.is_own.clone(), self.tell.clone());
        Driver::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
                if let AsyncMessage::Notification(call) = message
                    && is_own(call.payload())
                {
                    tell();
                }
            }
        })
    }
}
