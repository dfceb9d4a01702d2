//! The task: it carries out what the machine wants, on one connection after the other.

use super::carried::{Carried, Desk, Step};
use super::hook::{Hook, Hooking};
use crate::client::{attempted, connect};
use crate::driver::alarm::Alarm;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::{ConnectError, trace};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wharf::base::{CloseCode, Extent, Instant, Progress, SendError};
use wharf::link::{Config, Target};
use wharf::service::client::{Action, Attempt, Machine};

/// Rounds of one poll, after which other tasks get their turn.
const ROUNDS: usize = 256;

type Dialing<R> = Pin<Box<dyn Future<Output = Result<Socket<R>, ConnectError>> + Send>>;

pub(crate) struct Carry<R: Runtime, I: Carried> {
    desk: Arc<Desk<I>>,
    target: Target,
    config: Arc<Config>,
    hook: Option<Hook<R>>,
    stage: Stage<R>,
    /// It is made by the first poll: some timers are made only inside of their runtime.
    alarm: Option<Alarm<R::Timer>>,
    is_over: bool,
}

/// What there is of a connection.
enum Stage<R: Runtime> {
    Idle,
    Dialing(Attempt, Dialing<R>),
    /// The program has it, for what is done on connect.
    Hooking(Attempt, Hooking<R>),
    Open(Box<Open<R>>),
}

struct Open<R: Runtime> {
    attempt: Attempt,
    socket: Socket<R>,
    progress: Progress,
    /// How it ended was told.
    is_closed: bool,
    /// Nothing is read, since nobody takes what came.
    is_paused: bool,
    /// It was to be closed or aborted: nobody waits for what comes.
    is_given_up: bool,
}

impl<R: Runtime, I: Carried> Carry<R, I> {
    /// One whose machine does itself what is done on connect.
    #[cfg(feature = "json")]
    pub(crate) fn unhooked(desk: Arc<Desk<I>>, target: Target, config: Arc<Config>) -> Self {
        Self::new(desk, target, config, None)
    }

    pub(super) fn new(
        desk: Arc<Desk<I>>,
        target: Target,
        config: Arc<Config>,
        hook: Option<Hook<R>>,
    ) -> Self {
        Self { desk, target, config, hook, stage: Stage::Idle, alarm: None, is_over: false }
    }

    /// One that has its connection already.
    #[cfg(all(test, feature = "json"))]
    pub(crate) fn connected(mut self, attempt: Attempt, socket: Socket<R>) -> Self {
        self.stage = Stage::Open(Open::new(attempt, socket));
        self
    }

    /// Hands on what the machine tells.
    fn take_events(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.desk.with(|inner, now, released| inner.next_event(now, released)) {
            moved = true;
            match I::tell(&self.target, &event) {
                Step::Greet(attempt, again) => self.begin(attempt, again),
                Step::End => self.is_over = true,
                Step::Nothing => {}
            }
        }
        moved
    }

    /// A connection is there: first the program has it.
    fn begin(&mut self, attempt: Attempt, again: bool) {
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        self.stage = match (stage, &self.hook) {
            (Stage::Open(open), Some(hook)) if open.attempt == attempt => {
                Stage::Hooking(attempt, hook.begin(open.socket, again))
            }
            (stage, _) => {
                self.desk.with(|inner, now, _| inner.machine().client_mut().ready(now, attempt));
                stage
            }
        };
    }

    /// Carries out what the machine wants.
    fn act(&mut self) -> bool {
        let mut moved = false;
        while let Some(action) = self.desk.with(|inner, _, _| inner.machine().poll_action()) {
            moved = true;
            match (action, &mut self.stage) {
                (Action::Dial(attempt), _) => {
                    let target = self.target.clone().numbered(attempt.number());
                    let config = self.config.clone();
                    // A function that makes fields for it may panic.
                    let dialing = attempted(move || async move { connect::<R>(target, &config).await });
                    self.stage = Stage::Dialing(attempt, Box::pin(dialing));
                }
                (Action::Abort(_), Stage::Dialing(..)) => self.stage = Stage::Idle,
                (Action::Abort(_) | Action::Close(_), Stage::Hooking(attempt, _)) => {
                    // Nothing that was sent was given to it.
                    let attempt = *attempt;
                    self.stage = Stage::Idle;
                    let none = Progress::default();
                    self.desk
                        .with(|inner, now, _| inner.machine().client_mut().handle_gone(now, attempt, &none));
                }
                (action, Stage::Open(open)) => open.act(&self.desk, action),
                // There is no connection that it could be about.
                (_, _) => {}
            }
        }
        moved
    }

    /// Lets the connection, or what becomes one, go on.
    fn poll_stage(&mut self, cx: &mut Context<'_>) -> bool {
        match &mut self.stage {
            Stage::Idle => false,
            Stage::Dialing(attempt, dialing) => {
                let Poll::Ready(dialed) = dialing.as_mut().poll(cx) else { return false };
                let attempt = *attempt;
                self.stage = self.open(attempt, dialed);
                true
            }
            Stage::Hooking(attempt, hooking) => {
                let Poll::Ready(hooked) = hooking.as_mut().poll(cx) else { return false };
                let attempt = *attempt;
                self.stage = match hooked {
                    Ok(socket) => {
                        self.desk.with(|inner, now, _| inner.machine().client_mut().ready(now, attempt));
                        Stage::Open(Open::new(attempt, socket))
                    }
                    Err(error) => {
                        trace::hook_failed(&self.target, &*error);
                        self.desk.with(|inner, now, _| {
                            inner.machine().client_mut().reconnect(now);
                            inner.machine().client_mut().handle_gone(now, attempt, &Progress::default());
                        });
                        Stage::Idle
                    }
                };
                true
            }
            Stage::Open(open) => {
                let (moved, is_gone) = open.poll(&self.desk, cx);
                if is_gone {
                    self.stage = Stage::Idle;
                }
                moved || is_gone
            }
        }
    }

    fn open(&self, attempt: Attempt, dialed: Result<Socket<R>, ConnectError>) -> Stage<R> {
        let wall = self.desk.clock().wall();
        match dialed {
            Ok(mut socket) => {
                let is_websocket = socket.link().is_some_and(|(link, _)| link.connection().is_some());
                let is_wanted = self.desk.with(|inner, now, _| {
                    inner.machine().client_mut().handle_opened(now, wall, attempt, is_websocket)
                });
                if is_wanted { Stage::Open(Open::new(attempt, socket)) } else { Stage::Idle }
            }
            Err(error) => {
                let error = error.into();
                self.desk.with(|inner, now, _| {
                    inner.machine().client_mut().handle_dial_failed(now, wall, attempt, &error)
                });
                Stage::Idle
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let (now, next) = self.desk.with(|inner, now, _| (now, inner.machine().poll_timeout()));
        let Some(next) = next else { return false };
        let alarm = self.alarm.get_or_insert_with(|| Alarm::new(R::timer()));
        if !alarm.poll(cx, now, next, self.desk.clock()) {
            return false;
        }
        if let Stage::Open(open) = &mut self.stage {
            open.look(&self.desk);
        }
        self.desk.with(|inner, now, _| inner.machine().handle_timeout(now));
        true
    }
}

impl<R: Runtime> Open<R> {
    fn new(attempt: Attempt, socket: Socket<R>) -> Box<Self> {
        let progress = Progress::default();
        Box::new(Self { attempt, socket, progress, is_closed: false, is_paused: false, is_given_up: false })
    }

    fn act<I: Carried>(&mut self, desk: &Desk<I>, action: Action) {
        let attempt = self.attempt;
        let failed = |desk: &Desk<I>, sent: Result<(), SendError>| {
            if sent.is_err() {
                desk.with(|inner, now, _| inner.machine().client_mut().handle_heartbeat_failed(now, attempt));
            }
        };
        self.is_given_up |= matches!(action, Action::Close(_) | Action::Abort(_));
        let Some((link, clock)) = self.socket.link() else { return };
        let now = clock.now();
        match action {
            Action::Send { ticket, kind, payload, .. } => {
                let before = link.progress();
                let sent = link.send_bytes(now, kind, payload);
                let extent = Extent::between(&before, &link.progress());
                desk.with(|inner, now, _| match sent {
                    Ok(_) => inner.machine().client_mut().handle_sent(now, ticket, extent),
                    Err(error) => inner.machine().client_mut().handle_not_sent(now, ticket, error),
                });
            }
            Action::Ping(_) => {
                let connection = link.connection_mut();
                failed(desk, connection.map_or(Err(SendError::NotOpen), |connection| connection.ping(now)));
            }
            Action::Greet(_, message) => {
                let sent = link.send(now, message);
                if sent.is_err() {
                    desk.with(|inner, now, _| inner.machine().client_mut().reconnect(now));
                }
            }
            Action::Heartbeat(_, message) => failed(desk, link.send(now, message).map(drop)),
            // One that is closing already is on its way.
            Action::Close(_) => drop(link.close(now, CloseCode::NORMAL, "")),
            Action::Abort(_) => link.abort(now),
            _ => {}
        }
    }

    /// Reads and writes; whether something came of it, and whether the connection is gone.
    fn poll<I: Carried>(&mut self, desk: &Desk<I>, cx: &mut Context<'_>) -> (bool, bool) {
        let is_full = desk.with(|inner, now, _| {
            // Once it ends, what it has read is all that comes.
            let is_full = inner.is_full() && inner.machine().client().state().is_connected;
            match (self.is_paused, is_full) {
                (false, true) => inner.machine().client_mut().pause(now),
                (true, false) => inner.machine().client_mut().resume(now),
                _ => {}
            }
            is_full
        });
        if std::mem::replace(&mut self.is_paused, is_full) != is_full
            && let Some((link, clock)) = self.socket.link()
        {
            // To write is to read as well, and what came would go with the connection if that ended meanwhile.
            if is_full { link.pause(clock.now()) } else { link.resume(clock.now()) }
        }
        let polled = if is_full {
            // What is sent goes out all the same.
            let _ = self.socket.poll_flushed(cx);
            Poll::Pending
        } else {
            self.socket.poll_next_with(cx, &mut |_, _, message| message.into_owned())
        };
        let mut moved = self.look(desk);
        if let (Some(closed), false) = (self.socket.closed(), self.is_closed) {
            (self.is_closed, moved) = (true, true);
            desk.with(|inner, now, _| inner.machine().client_mut().handle_closed(now, self.attempt, closed));
        }
        match polled {
            Poll::Ready(Some(Ok(message))) => {
                // What the socket had read before its end came goes past the bound; it is not much.
                let is_taken = |inner: &I| !(self.is_given_up && inner.is_full());
                desk.with(|inner, now, released| {
                    if is_taken(inner) {
                        inner.take(now, message, released);
                    }
                });
                (true, false)
            }
            Poll::Ready(_) => {
                self.bury(desk);
                (true, true)
            }
            Poll::Pending => (moved, false),
        }
    }

    /// Tells how far it has come, if that has changed.
    fn look<I: Carried>(&mut self, desk: &Desk<I>) -> bool {
        let Some((link, _)) = self.socket.link() else { return false };
        let progress = link.progress();
        let moved = std::mem::replace(&mut self.progress, progress) != progress;
        if moved {
            desk.with(|inner, now, _| {
                inner.machine().client_mut().handle_progress(now, self.attempt, &progress)
            });
        }
        moved
    }

    /// It is gone, or goes now: nothing more leaves it.
    fn bury<I: Carried>(&mut self, desk: &Desk<I>) {
        self.look(desk);
        if let Some((link, clock)) = self.socket.link() {
            // Dropped, a socket would say what it still has.
            link.abort(clock.now());
            let progress = link.progress();
            desk.with(|inner, now, _| inner.machine().client_mut().handle_gone(now, self.attempt, &progress));
        }
    }
}

impl<R: Runtime, I: Carried> Future for Carry<R, I> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.desk.with(|inner, _: Instant, released| inner.register(cx.waker(), released));
        for _ in 0..ROUNDS {
            let mut moved = self.take_events();
            moved |= self.act();
            moved |= self.poll_stage(cx);
            if self.is_over {
                return Poll::Ready(());
            }
            // Behind the rest: what has come is taken before its absence is judged, and the timer knows of all that changed.
            moved |= self.poll_timer(cx);
            if !moved {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<R: Runtime, I: Carried> Drop for Carry<R, I> {
    /// Also when the runtime goes down and drops its tasks: whoever waits is told, and told the truth.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.desk.with(|inner, now, _| inner.stop(now));
        match std::mem::replace(&mut self.stage, Stage::Idle) {
            Stage::Open(mut open) => open.bury(&self.desk),
            Stage::Hooking(attempt, _) => {
                let none = Progress::default();
                self.desk.with(|inner, now, _| inner.machine().client_mut().handle_gone(now, attempt, &none));
            }
            Stage::Dialing(..) | Stage::Idle => {}
        }
        self.take_events();
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests;
