//! Checks on their way: dials, connections, and what is exchanged on them.

use super::{Check, CheckId, Exchange, Failure, Health};
use crate::base::{CloseCode, Closed, Input, Origin};
use crate::framed::{self, Raw};
use crate::link::{Config, ConnId, Context, DialError, DialId, Framing};
use crate::proxy::Proxies;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use core::time::Duration;

/// Connections of checks that are over whose peers may take their time to close. Of more, the oldest is reset.
const MAX_CLOSING: usize = 64;
/// How long such a peer has.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Checks on their way. As many as the machine lets be.
#[derive(Debug)]
pub(super) struct Probes {
    config: Config,
    dials: BTreeMap<DialId, Check>,
    conns: BTreeMap<ConnId, (CheckId, Exchange)>,
    /// At most [`MAX_CLOSING`]; some of them may be gone.
    closing: VecDeque<ConnId>,
}

impl Default for Probes {
    fn default() -> Self {
        let mut framed = framed::Config::client();
        // The time of a check bounds all of it.
        (framed.idle_timeout, framed.write_timeout) = (None, None);
        framed.close_timeout = CLOSE_TIMEOUT;
        let mut config = Config::client();
        config.framing = Framing::codec(Raw);
        config.dialed_framed = Arc::new(framed);
        config.proxies = Some(Arc::new(Proxies::none()));
        config.is_logged = false;
        Self { config, dials: BTreeMap::new(), conns: BTreeMap::new(), closing: VecDeque::new() }
    }
}

impl Probes {
    pub(super) fn dial(&mut self, cx: &mut Context<'_>, health: &mut Health, check: &Check) {
        let config = Config { open_timeout: check.timeout, ..self.config.clone() };
        match cx.dial_as(check.target(), &Arc::new(config)) {
            Ok(dial) => drop(self.dials.insert(dial, check.clone())),
            Err(error) => tell_failed(cx, health, check.id, &error),
        }
    }

    pub(super) fn handle_dial_failed(
        &mut self,
        cx: &Context<'_>,
        health: &mut Health,
        dial: DialId,
        error: &DialError,
    ) {
        if let Some(check) = self.dials.remove(&dial) {
            tell_failed(cx, health, check.id, error);
        }
    }

    /// A connection is there: that was all, or something is asked on it.
    pub(super) fn handle_opened(
        &mut self,
        cx: &mut Context<'_>,
        health: &mut Health,
        dial: DialId,
        conn: ConnId,
    ) {
        // One that was cancelled is still dialed to its end.
        let Some(check) = self.dials.remove(&dial) else { return self.close(cx, conn) };
        match check.exchange() {
            None => {
                health.handle_result(cx.now(), cx.wall(), check.id, Ok(()));
                self.close(cx, conn);
            }
            Some(exchange) => {
                // One that cannot be written to has ended, which is told.
                let _ = cx.send_bytes(conn, crate::base::Kind::Binary, exchange.request());
                self.conns.insert(conn, (check.id, exchange));
            }
        }
    }

    /// Whether the machine was told something.
    pub(super) fn handle_message(
        &mut self,
        cx: &mut Context<'_>,
        health: &mut Health,
        conn: ConnId,
        bytes: &[u8],
    ) -> bool {
        let Some((check, exchange)) = self.conns.get_mut(&conn) else { return false };
        let Some(result) = exchange.receive(&mut Input::new(&mut bytes.to_vec())) else { return false };
        health.handle_result(cx.now(), cx.wall(), *check, result);
        self.conns.remove(&conn);
        self.close(cx, conn);
        true
    }

    /// Whether the machine was told something.
    pub(super) fn handle_closed(
        &mut self,
        cx: &Context<'_>,
        health: &mut Health,
        conn: ConnId,
        closed: &Closed,
    ) -> bool {
        let Some((check, mut exchange)) = self.conns.remove(&conn) else { return false };
        match closed.origin {
            // It is this side that goes down.
            _ if cx.is_draining() => health.handle_abandoned(cx.now(), check),
            Origin::Local => health.handle_abandoned(cx.now(), check),
            Origin::Remote => {
                health.handle_result(cx.now(), cx.wall(), check, exchange.receive_end());
            }
            Origin::Abnormal => {
                health.handle_result(cx.now(), cx.wall(), check, Err(Failure::Ended));
            }
        }
        true
    }

    /// Nobody wants to know any more. There is no way back from a dial: what it makes is closed.
    pub(super) fn cancel(&mut self, cx: &mut Context<'_>, check: CheckId) {
        self.dials.retain(|_, dialed| dialed.id != check);
        let conn = self.conns.iter().find(|(_, (own, _))| *own == check).map(|(conn, _)| *conn);
        if let Some(conn) = conn {
            self.conns.remove(&conn);
            cx.abort(conn);
        }
    }

    /// Ends a connection in order, which a server's log need not mention.
    fn close(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        // One that is closing already is on its way.
        let _ = cx.close(conn, CloseCode::NORMAL, "");
        self.closing.push_back(conn);
        if self.closing.len() > MAX_CLOSING
            && let Some(oldest) = self.closing.pop_front()
        {
            cx.abort(oldest);
        }
    }
}

fn tell_failed(cx: &Context<'_>, health: &mut Health, check: CheckId, error: &DialError) {
    match Failure::of_dial(error) {
        Some(failure) => drop(health.handle_result(cx.now(), cx.wall(), check, Err(failure))),
        None => health.handle_abandoned(cx.now(), check),
    }
}
