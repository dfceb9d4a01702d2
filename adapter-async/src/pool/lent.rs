//! A socket that is lent.

use super::shared::Shared;
use crate::runtime::Runtime;
use crate::socket::Socket;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use wharf::service::pool::SlotId;

/// A socket of a [`Pool`](super::Pool), its user's alone.
///
/// [`give_back`](Self::give_back) says that its user is done with it; then it is lent to the next one, if it is sound: open, and
/// nothing has come that was not read. Dropped without that, be it at the end of a block, by a panic or since its future was dropped,
/// it is lent to the next one only if as many messages came as were sent, since the answer to a question that was given up
/// would reach whoever is next. Else it is closed, and the pool opens another.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::service::pool::PoolConfig;
/// use wharf_async::Pool;
///
/// # block_on(async {
/// # let bound = wharf_async::Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// # let url = format!("ws://{}/", bound.local_addr());
/// # let server = wharf_async::serve(bound, Default::default(), |mut socket| async move {
/// #     while let Some(message) = socket.next().await {
/// #         socket.send(message?).await?;
/// #     }
/// #     Ok::<(), wharf_async::Error>(())
/// # });
/// let mut config = PoolConfig::default();
/// (config.min, config.max) = (0, 1);
/// let pool = Pool::<R>::new(&url, config)?;
/// let mut socket = pool.checkout().await?;
/// socket.send("how late is it?").await?;
/// assert_eq!(socket.next().await.unwrap()?.as_text(), Some("how late is it?"));
/// socket.give_back();
///
/// // The next one has the same; given up with its question unanswered, it is closed.
/// let mut socket = pool.checkout().await?;
/// assert_eq!(pool.stats().opened, 1);
/// socket.send("and now?").await?;
/// drop(socket);
/// let socket = pool.checkout().await?;
/// assert_eq!(pool.stats().opened, 2);
/// # drop(socket);
/// # pool.drain().await;
/// # server.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct Pooled<R: Runtime> {
    shared: Arc<Shared<R>>,
    slot: SlotId,
    /// Always there until it is dropped.
    socket: Option<Socket<R>>,
    /// Messages that had come and gone before.
    before: (u64, u64),
}

impl<R: Runtime> Pooled<R> {
    pub(super) fn new(shared: Arc<Shared<R>>, slot: SlotId, socket: Socket<R>) -> Self {
        let before = counts(&socket);
        Self { shared, slot, socket: Some(socket), before }
    }

    /// Gives it back, with nothing more to come: what is sent and not answered is no question.
    pub fn give_back(mut self) {
        self.end(true);
    }

    /// Has it closed: it is of no use to the next one.
    pub fn discard(mut self) {
        self.end(false);
    }

    /// Takes it out of the pool, which opens another where it needs one.
    ///
    /// # Panics
    /// Never: it is there until then.
    #[must_use]
    pub fn detach(mut self) -> Socket<R> {
        let socket = self.socket.take().expect("held until drop");
        self.shared.act(|state, now| state.pool.closed(now, self.slot));
        socket
    }

    fn end(&mut self, is_sound: bool) {
        let Some(mut socket) = self.socket.take() else { return };
        let slot = self.slot;
        // What this user owed its peer is no affair of the next one.
        socket.owe(false);
        if is_sound && socket.retire_senders() {
            self.shared.act(|state, now| {
                state.hold(slot, socket);
                state.pool.give_back(now, slot);
            });
        } else {
            drop(socket);
            self.shared.act(|state, now| state.pool.discard(now, slot));
        }
    }

    /// Whether nothing that was asked is unanswered.
    fn is_answered(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| {
            let (came, went) = counts(socket);
            came - self.before.0 >= went - self.before.1
        })
    }
}

fn counts<R: Runtime>(socket: &Socket<R>) -> (u64, u64) {
    let stats = socket.stats();
    (stats.messages_in, stats.messages_out)
}

impl<R: Runtime> Deref for Pooled<R> {
    type Target = Socket<R>;

    fn deref(&self) -> &Socket<R> {
        self.socket.as_ref().expect("held until drop")
    }
}

impl<R: Runtime> DerefMut for Pooled<R> {
    fn deref_mut(&mut self) -> &mut Socket<R> {
        self.socket.as_mut().expect("held until drop")
    }
}

impl<R: Runtime> Drop for Pooled<R> {
    fn drop(&mut self) {
        let is_answered = self.is_answered();
        self.end(is_answered);
    }
}

impl<R: Runtime> fmt::Debug for Pooled<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled")
            .field("slot", &self.slot)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}
