//! What is told of one socket.
#![cfg_attr(not(feature = "tracing"), allow(unused_variables, clippy::unused_self))]

use std::fmt::Display;
#[cfg(feature = "tracing")]
use std::sync::Arc;
#[cfg(feature = "tracing")]
use std::sync::atomic::{AtomicU64, Ordering};
use wharf::base::{CloseCode, Closed, Origin};

/// What a socket's connection is called where it is told of: by the next number of the process. Those of a service have a name by
/// their hub.
///
/// ```
/// # #[cfg(feature = "tracing")] {
/// # use std::sync::{Arc, Mutex};
/// # use tracing::{Event, Metadata, Subscriber, span};
/// # #[derive(Clone, Default)]
/// # struct Log(Arc<Mutex<String>>);
/// # impl Subscriber for Log {
/// #     fn enabled(&self, _: &Metadata<'_>) -> bool { true }
/// #     fn new_span(&self, _: &span::Attributes<'_>) -> span::Id { span::Id::from_u64(1) }
/// #     fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
/// #     fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
/// #     fn event(&self, event: &Event<'_>) { self.0.lock().unwrap().push_str(&format!("{event:?}")); }
/// #     fn enter(&self, _: &span::Id) {}
/// #     fn exit(&self, _: &span::Id) {}
/// # }
/// # let log = Log::default();
/// # let _guard = tracing::subscriber::set_default(log.clone());
/// use wharf_std::events::Name;
///
/// let name = Name::new("192.0.2.1:7");
/// name.handler_failed("no such room");
/// # let log = log.0.lock().unwrap();
/// assert!(log.contains("192.0.2.1:7") && log.contains("no such room"));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Name {
    #[cfg(feature = "tracing")]
    id: u64,
    #[cfg(feature = "tracing")]
    peer: Arc<str>,
}

impl Name {
    /// The next one.
    #[must_use]
    pub fn new(peer: impl Display) -> Self {
        #[cfg(feature = "tracing")]
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            #[cfg(feature = "tracing")]
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            #[cfg(feature = "tracing")]
            peer: peer.to_string().into(),
        }
    }

    /// The connection's span ([`connection_span`](super::connection_span)).
    #[cfg(feature = "tracing")]
    #[must_use]
    pub fn span(&self) -> tracing::Span {
        super::connection_span(self.id, &self.peer)
    }

    /// Its handler failed ([`handler_failed`](super::handler_failed)).
    pub fn handler_failed(&self, cause: &str) {
        #[cfg(feature = "tracing")]
        super::handler_failed(Some(&self.id), Some(&self.peer), cause);
    }
}

/// What is told of one socket: that it opened ([`opened`](super::opened)), that it closed ([`closed`](super::closed)), each once. One
/// that is dropped before its end tells 1001, from here.
///
/// ```
/// use wharf_std::events::{Name, Told};
///
/// let mut told = Told::of(Name::new("192.0.2.1:7"));
/// told.open();
/// drop(told);
/// ```
#[derive(Debug, Default)]
pub struct Told {
    name: Name,
    #[cfg(feature = "tracing")]
    is_open: bool,
}

impl Told {
    /// Of one that has not opened yet.
    #[must_use]
    pub fn of(name: Name) -> Self {
        Self {
            name,
            #[cfg(feature = "tracing")]
            is_open: false,
        }
    }

    /// Of one that opens with this.
    #[must_use]
    pub fn opened(peer: impl Display) -> Self {
        let mut told = Self::of(Name::new(peer));
        told.open();
        told
    }

    /// It opens.
    pub fn open(&mut self) {
        #[cfg(feature = "tracing")]
        if !std::mem::replace(&mut self.is_open, true) {
            super::opened(self.name.id, &self.name.peer);
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name.clone()
    }

    /// It has ended. One that never opened has nothing to tell.
    pub fn closed(&mut self, report: &Closed) {
        self.tell(report.code, report.origin);
    }

    fn tell(&mut self, code: CloseCode, origin: Origin) {
        #[cfg(feature = "tracing")]
        if std::mem::take(&mut self.is_open) {
            super::closed(self.name.id, &self.name.peer, code, origin);
        }
    }
}

#[cfg(feature = "tracing")]
impl Drop for Told {
    fn drop(&mut self) {
        self.tell(CloseCode::GOING_AWAY, Origin::Local);
    }
}
