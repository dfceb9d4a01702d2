//! A client's connection on any of the four runtimes as one thing that blocks, so that a test is written once. Whatever
//! waits here waits at most [`PATIENCE`].

use crate::adapter::PATIENCE;
use crate::door::{AsyncStd, Door, Smol, Tokio};
use std::sync::Arc;
use wharf::base::{CloseCode, Closed, Message, SendError};
use wharf::link::{Config, Link, Target, Welcome};
use wharf::proxy::Proxies;
use wharf_async_std::{ConnectError, Error, Socket, connect_with};
use wharf_cli::runner::RuntimeKind;

/// A connection that is open. Between the calls it does nothing at all: it neither reads nor answers pings.
pub struct Client(Box<dyn Blocking>);

trait Blocking: Send {
    fn send(&mut self, message: Message<'static>) -> Result<(), SendError>;
    fn next(&mut self) -> Result<Message<'static>, Closed>;
    fn close(&mut self, code: CloseCode, reason: &str);
    fn welcome(&self) -> &Welcome;
    fn link(&mut self) -> &mut Link;
    fn vanish(self: Box<Self>);
}

/// The defaults of a client that takes nothing from its environment.
#[must_use]
pub fn config() -> Config {
    let mut config = Config::client();
    config.proxies = Some(Arc::new(Proxies::none()));
    config.open_timeout = PATIENCE;
    let mut framed = wharf::framed::Config::client();
    // The mio socket waits as long as its machine lets it.
    framed.idle_timeout = Some(PATIENCE);
    config.framed = Arc::new(framed);
    config
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// As the runtime's adapter has it; all of them have the same.
    pub fn connect(
        runtime: RuntimeKind,
        target: &Target,
        config: &Arc<Config>,
    ) -> Result<Self, ConnectError> {
        Ok(Self(match runtime {
            RuntimeKind::Tokio => connect::<Tokio>(target, config)?,
            RuntimeKind::AsyncStd => connect::<AsyncStd>(target, config)?,
            RuntimeKind::Smol => connect::<Smol>(target, config)?,
            RuntimeKind::Mio => Box::new(wharf_mio::connect(target.clone(), config)?),
        }))
    }

    /// Sends.
    ///
    /// # Panics
    /// It is not taken.
    pub fn send(&mut self, message: Message<'static>) {
        self.try_send(message).expect("it is taken");
    }

    /// Sends.
    ///
    /// # Errors
    /// It is not taken.
    pub fn try_send(&mut self, message: Message<'static>) -> Result<(), SendError> {
        self.0.send(message)
    }

    /// The next message.
    ///
    /// # Panics
    /// The connection has ended.
    pub fn message(&mut self) -> Message<'static> {
        self.0.next().expect("a message")
    }

    /// How it ends, which it does without another message.
    ///
    /// # Panics
    /// A message came.
    pub fn ended(&mut self) -> Closed {
        self.0.next().expect_err("the end is next")
    }

    /// Begins to close it, and writes that.
    pub fn close(&mut self, code: u16, reason: &str) {
        self.0.close(code.into(), reason);
    }

    /// What the opening handshake agreed on.
    #[must_use]
    pub fn welcome(&self) -> &Welcome {
        self.0.welcome()
    }

    /// The machine.
    pub fn link(&mut self) -> &mut Link {
        self.0.link()
    }

    /// Closes the stream with no goodbye of any kind.
    pub fn vanish(self) {
        self.0.vanish();
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client(..)")
    }
}

fn connect<D: Door>(target: &Target, config: &Arc<Config>) -> Result<Box<dyn Blocking>, ConnectError> {
    let socket: Socket<D> = D::wait(connect_with::<D>(target.clone(), config))?;
    Ok(Box::new(socket))
}

impl<D: Door> Blocking for Socket<D> {
    fn send(&mut self, message: Message<'static>) -> Result<(), SendError> {
        match D::wait(Self::send(self, message)) {
            Ok(()) => Ok(()),
            Err(Error::Send { error, .. }) => Err(error),
            Err(_) => Err(SendError::Closed),
        }
    }

    fn next(&mut self) -> Result<Message<'static>, Closed> {
        match D::wait(Self::next(self)) {
            Some(Ok(message)) => Ok(message),
            Some(Err(Error::Closed(closed))) => Err(*closed),
            Some(Err(other)) => panic!("no end: {other}"),
            None => Err(self.closed().cloned().expect("a report")),
        }
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        self.begin_close(code, reason).expect("a close");
        // Where the peer has ended it meanwhile, its report says so.
        let _ = D::wait(self.flush());
    }

    fn welcome(&self) -> &Welcome {
        Self::welcome(self)
    }

    fn link(&mut self) -> &mut Link {
        Self::link(self).expect("it is whole").0
    }

    fn vanish(self: Box<Self>) {
        drop(self.into_parts());
    }
}

impl Blocking for wharf_mio::Socket {
    fn send(&mut self, message: Message<'static>) -> Result<(), SendError> {
        Self::send(self, message).map(drop)
    }

    fn next(&mut self) -> Result<Message<'static>, Closed> {
        Self::next(self).expect("an outcome is told once").map_err(|closed| *closed)
    }

    fn close(&mut self, code: CloseCode, reason: &str) {
        Self::close(self, code, reason).expect("a close");
        self.flush();
    }

    fn welcome(&self) -> &Welcome {
        Self::welcome(self)
    }

    fn link(&mut self) -> &mut Link {
        Self::link(self)
    }

    fn vanish(self: Box<Self>) {}
}

/// Makes a `#[test]` of each function of a [`RuntimeKind`], for each runtime.
#[macro_export]
macro_rules! on_every_runtime {
    ($tests:tt) => {
        $crate::on_every_runtime!(@ tokio Tokio $tests);
        $crate::on_every_runtime!(@ async_std AsyncStd $tests);
        $crate::on_every_runtime!(@ smol Smol $tests);
        $crate::on_every_runtime!(@ mio Mio $tests);
    };
    (@ $module:ident $runtime:ident { $($test:ident)* }) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test(wharf_cli::runner::RuntimeKind::$runtime);
            })*
        }
    };
}
