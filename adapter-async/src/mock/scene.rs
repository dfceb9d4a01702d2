//! How a mock is made.

use super::wire::Shared;
use super::{Peer, Wire};
use crate::carrier::Carrier;
use crate::driver::Driver;
use crate::runtime::Runtime;
use crate::server;
use crate::socket::Socket;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::base::Message;
use wharf::framed;
use wharf::link::{Config, Link, OpenError, Target};
use wharf::sim::{Faults, Line, Outcome, Visit, World};
use wharf::ws;

/// What a mock is like (feature `sim`), where that is not the default.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use wharf::framed::Lines;
/// use wharf::link::{Config, Framing};
/// use wharf_async::{Scene, mock_with};
///
/// let mut config = Config::default();
/// config.framing = Framing::codec(Lines::new());
/// let mut scene = Scene::new(&config.into());
/// scene.seed = 7;
/// let (mut socket, peer) = mock_with::<R>(scene, ["a line"]).unwrap();
/// let line = block_on(socket.next()).unwrap().unwrap();
/// assert_eq!(line.as_text(), Some("a line"));
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Scene {
    /// What all that is random hangs on. Default 0.
    pub seed: u64,
    /// The server's configuration.
    pub config: Arc<Config>,
    /// What the peer asks for: `ws://mock/`, or messages alone where the configuration has another framing.
    pub target: Target,
    /// The peer: its configuration, what it does by itself, how it behaves. What it keeps is what
    /// [`Peer::sent`] tells; default 16 MiB.
    pub visit: Visit,
    /// What goes wrong between the two once the socket is open, and for how long. Default nothing.
    pub faults: (Faults, Duration),
}

impl Scene {
    /// The defaults, with the server's configuration; the peer speaks the same, and has no patience to lose: it keeps no
    /// watch on a silent socket.
    #[must_use]
    pub fn new(config: &Arc<Config>) -> Self {
        let mut own = Config::client();
        let (mut ws, mut framed) = (ws::Config::client(), framed::Config::client());
        (ws.idle_timeout, framed.idle_timeout) = (None, None);
        (own.ws, own.framed, own.framing) = (Arc::new(ws), Arc::new(framed), config.framing.clone());
        let mut visit = Visit::default();
        (visit.config, visit.keep) = (Arc::new(own), 16 << 20);
        Self {
            seed: 0,
            config: config.clone(),
            target: Target::tcp("mock", 80),
            visit,
            faults: (Faults::default(), Duration::ZERO),
        }
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new(&Arc::default())
    }
}

/// A server's socket (feature `sim`), open, that no network carries, and its peer, who has sent `received` already. The socket is the very
/// type that a handler takes, so a handler runs on it unchanged: with no runtime, no socket and no real time.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::block_on;
/// use wharf::base::CloseCode;
/// use wharf_async::{Error, Runtime, Socket, mock};
///
/// async fn echo<R: Runtime>(mut socket: Socket<R>) -> Result<(), Error> {
///     while let Some(message) = socket.next().await {
///         socket.send(message?).await?;
///     }
///     Ok(())
/// }
///
/// # use own::Local as R;
/// let (socket, peer) = mock::<R>(["ahoy", "there"]);
/// peer.close(CloseCode::NORMAL, "").unwrap();
/// block_on(echo(socket)).unwrap();
/// assert_eq!(peer.texts(), ["ahoy", "there"]);
/// ```
#[must_use]
#[allow(clippy::missing_panics_doc, reason = "with the defaults it opens")]
pub fn mock<R: Runtime>(
    received: impl IntoIterator<Item = impl Into<Message<'static>>>,
) -> (Socket<R>, Peer) {
    mock_with(Scene::default(), received).expect("with the defaults it opens")
}

/// As [`mock`] (feature `sim`), with what `scene` says.
///
/// # Errors
/// Why it does not open, as the peer is told.
pub fn mock_with<R: Runtime>(
    scene: Scene,
    received: impl IntoIterator<Item = impl Into<Message<'static>>>,
) -> Result<(Socket<R>, Peer), OpenError> {
    let line = Line::new(scene.seed, &scene.target, scene.visit)?;
    let (now, wall) = (line.now(), World::WALL);
    let shared = Shared::new(line);
    let wire = Wire::new(shared.clone());
    let link = Link::server(now, wall, &scene.config);
    let clock = wire.clock();
    let mut driver = Driver::<R>::new(link, Carrier::Mock(wire), clock, Vec::new());
    let peer = Peer::new(shared);
    // Nothing stands between them that would make either wait for anything but the other.
    let welcome = {
        let mut open = pin!(server::open(&mut driver, &|_| Ok(()), None));
        (0..ROUNDS).find_map(|_| {
            peer.settle();
            match open.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(opened) => Some(opened.map(|(welcome, ())| welcome)),
                Poll::Pending => None,
            }
        })
    };
    let Some(welcome) = welcome.flatten() else {
        // What it was told comes when the socket goes, if not before.
        drop(driver);
        return Err(match peer.outcome() {
            Some(Outcome::Failed(error)) => error,
            _ => OpenError::Aborted,
        });
    };
    peer.settle();
    peer.set_faults(scene.faults.0, scene.faults.1);
    for message in received {
        // One that closes by itself, or by its limits, takes no more.
        let _ = peer.send(message);
    }
    Ok((Socket::new(driver, welcome, None), peer))
}

/// Turns of an opening handshake, TLS included.
const ROUNDS: usize = 64;
