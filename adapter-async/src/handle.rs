//! The program's hands on a running service.

use crate::accept::Gong;
use crate::hub::Shared;
use std::sync::Arc;
use wharf::base::CloseCode;
use wharf::link::{Address, HubStats, Service};
use wharf_std::{CommandError, Drained, ListenerLost};

/// A running service; cheap to clone. Dropped, the service runs on.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::base::Message;
/// use wharf::link::{Config, ConnId, Context, Service};
/// use wharf_async::{Bound, CommandError, connect, no_jobs, serve_service};
///
/// /// Says to all what the program tells it.
/// struct Board {
///     notices: usize,
/// }
///
/// impl Service for Board {
///     type Job = ();
///     type Done = ();
///     type Command = String;
///
///     fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
///         let _ = cx.send(conn, Message::text("welcome"));
///     }
///
///     fn command(&mut self, cx: &mut Context<'_>, notice: String) {
///         self.notices += 1;
///         for conn in cx.connections().collect::<Vec<_>>() {
///             let _ = cx.send(conn, Message::text(&*notice));
///         }
///     }
/// }
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// let service = serve_service(vec![bound], Board { notices: 0 }, &Arc::default(), no_jobs)?;
///
/// let mut socket = connect::<R>(&url, &Arc::new(Config::client())).await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("welcome"));
/// service.command("the ferry leaves at nine".into())?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("the ferry leaves at nine"));
/// assert_eq!(service.with_service(|board| board.notices), Some(1));
/// assert_eq!(service.stats().opened, 1);
///
/// drop(socket);
/// service.drain().await;
/// let late = service.command("the ferry has left".into());
/// assert!(matches!(late, Err(CommandError::Ended(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct ServiceHandle<S: Service> {
    shared: Arc<Shared<S>>,
    addresses: Arc<[Address]>,
    listeners_closed: Arc<[Arc<Gong>]>,
}

impl<S: Service> ServiceHandle<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>, addresses: Vec<Address>, closed: Vec<Arc<Gong>>) -> Self {
        Self { shared, addresses: addresses.into(), listeners_closed: closed.into() }
    }

    /// The addresses that are listened on.
    #[must_use]
    pub fn local_addrs(&self) -> &[Address] {
        &self.addresses
    }

    /// Pushes a command in; the service is called before this returns.
    ///
    /// # Errors
    /// The command, if the service has ended.
    pub fn command(&self, command: S::Command) -> Result<(), CommandError<S::Command>> {
        if self.shared.drained.is_struck() {
            return Err(CommandError::Ended(command));
        }
        self.shared.with(|state, now| state.hub.command(now, command));
        Ok(())
    }

    /// Looks at the service.
    pub fn with_service<T>(&self, look: impl FnOnce(&S) -> T) -> Option<T> {
        self.shared.with(|state, _| look(state.hub.service()))
    }

    /// The hub's counters.
    #[must_use]
    pub fn stats(&self) -> HubStats {
        self.shared.with(|state, _| state.hub.stats()).unwrap_or_default()
    }

    /// Waits until a listener is lost, which none is as a rule: nobody can connect there any more, and those who are connected go
    /// on. `None` once a drain is over.
    ///
    /// # Cancel safety
    /// It changes nothing.
    pub async fn lost(&self) -> Option<ListenerLost> {
        self.shared.loss.wait(self.shared.drained.wait()).await
    }

    /// Stops accepting, closes all with 1001, and waits until the last is gone, at most
    /// [`Config::drain_timeout`](wharf::link::Config::drain_timeout); what is left then is reset. Tells how many ended which way.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the drain goes on.
    pub async fn drain(&self) -> Drained {
        self.drain_with(CloseCode::GOING_AWAY).await
    }

    /// As [`drain`](Self::drain), with another code, or 1001 if that must not be sent. The drain that begins first says which.
    ///
    /// # Cancel safety
    /// As that of [`drain`](Self::drain).
    pub async fn drain_with(&self, code: CloseCode) -> Drained {
        self.shared.stop.strike();
        self.shared.with(|state, now| state.hub.drain(now, code));
        for closed in &*self.listeners_closed {
            closed.wait().await;
        }
        self.shared.drained.wait().await;
        self.stats().into()
    }
}

impl<S: Service> Clone for ServiceHandle<S> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            addresses: self.addresses.clone(),
            listeners_closed: self.listeners_closed.clone(),
        }
    }
}

impl<S: Service> std::fmt::Debug for ServiceHandle<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceHandle").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
