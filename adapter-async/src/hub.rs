//! A service over a hub, shared by the tasks of its connections.

use crate::accept::{self, Gong, Loss};
use crate::bound::Bound;
use crate::connection;
use crate::dial::dial;
use crate::handle::ServiceHandle;
use crate::jobs::spawn_job;
use crate::runtime::{Runtime, Timer};
use crate::trace;
use crate::wakers::Wakers;
use crate::{Clock, entropy};
use std::any::Any;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::base::Instant;
use wharf::link::{Address, Config, ConnId, Dial, DialError, Hub, JobToken, Service};
use wharf_std::{Drained, for_service, text_of_panic};

/// Rounds of the timer in one poll, after which other tasks get their turn.
const ROUNDS: usize = 16;

/// How often the hub is told the calendar time.
const WALL: Duration = Duration::from_secs(60);

/// The hub and who waits for it. Locked once a poll and never across an await.
pub(crate) struct Shared<S: Service> {
    state: Mutex<State<S>>,
    pub(crate) clock: Clock,
    /// Struck when a drain begins.
    pub(crate) stop: Arc<Gong>,
    /// Struck when it is over.
    pub(crate) drained: Gong,
    /// That it is over was told.
    told_drained: AtomicBool,
    pub(crate) loss: Arc<Loss>,
    first: Option<Address>,
    /// Carries out what the hub asks for outside of the lock.
    work: Worker<S>,
}

type Worker<S> = Box<dyn Fn(&Arc<Shared<S>>, Work<<S as Service>::Job>) + Send + Sync>;

pub(crate) struct State<S: Service> {
    pub(crate) hub: Hub<S>,
    pub(crate) wakers: Wakers,
    timer: Option<Waker>,
    /// When the timer task will look next.
    timer_at: Instant,
}

/// What leaves the hub.
pub(crate) enum Work<J> {
    Job(JobToken, J),
    Dial(Box<Dial>),
}

/// Runs `service` behind the listeners, a task a connection. `jobs` carries out what the service submits.
///
/// ```
/// # mod own { include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/local.rs")); }
/// # use own::{Local as R, block_on};
/// use std::sync::Arc;
/// use wharf::base::Message;
/// use wharf::link::{Config, ConnId, Context, JobToken, Service};
/// use wharf_async::{Bound, connect, serve_service};
///
/// /// Has each message looked up, and answers with what was found.
/// struct Lookup;
///
/// impl Service for Lookup {
///     type Job = (ConnId, String);
///     type Done = (ConnId, Option<u32>);
///     type Command = ();
///
///     fn message(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, message: Message<'_>) {
///         let asked = message.as_text().unwrap_or_default().to_owned();
///         if cx.submit((conn, asked)).is_err() {
///             let _ = cx.send(conn, Message::text("too many ask"));
///         }
///     }
///
///     fn done(&mut self, cx: &mut Context<'_, Self::Job>, _: JobToken, (conn, found): Self::Done) {
///         let answer = found.map_or("unknown".to_owned(), |found| found.to_string());
///         // Who has left has no need of it.
///         let _ = cx.send(conn, Message::text(&*answer));
///     }
/// }
///
/// # block_on(async {
/// let bound = Bound::<R>::bind(([127, 0, 0, 1], 0)).await?;
/// let url = format!("ws://{}/", bound.local_addr());
/// let service = serve_service(vec![bound], Lookup, &Arc::default(), |(conn, asked)| async move {
///     // A database is asked here: no other connection waits for it.
///     (conn, (asked == "the ferry").then_some(9))
/// })?;
///
/// let mut socket = connect::<R>(&url, &Arc::new(Config::client())).await?;
/// for (asked, found) in [("the ferry", "9"), ("the bus", "unknown")] {
///     socket.send(asked).await?;
///     assert_eq!(socket.next().await.unwrap()?.as_text(), Some(found));
/// }
/// drop(socket);
/// service.drain().await;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Errors
/// `InvalidInput` for a configuration that contradicts itself, also that of a listener that speaks otherwise; if the operating system
/// has no randomness, or a variable of the environment names no proxy where the configuration leaves proxies to it.
pub fn serve_service<R, S, J, Fut>(
    bound: Vec<Bound<R>>,
    service: S,
    config: &Arc<Config>,
    jobs: J,
) -> io::Result<ServiceHandle<S>>
where
    R: Runtime,
    S: Service + Send + 'static,
    S::Job: Send + 'static,
    S::Done: Send + 'static,
    S::Command: Send + 'static,
    J: Fn(S::Job) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = S::Done> + Send + 'static,
{
    for config in bound.iter().filter_map(Bound::config).chain([config]) {
        config.check().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    }
    let clock = Clock::new();
    let config = &for_service(config).map_err(io::Error::other)?;
    let hub = Hub::new(clock.now(), clock.wall(), service, config, entropy()?);
    let addresses: Vec<Address> = bound.iter().map(|bound| bound.local_addr().clone()).collect();
    let jobs = Arc::new(jobs);
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            hub,
            wakers: Wakers::default(),
            timer: None,
            timer_at: Instant::from_nanos(u64::MAX),
        }),
        clock,
        stop: Arc::default(),
        drained: Gong::default(),
        told_drained: AtomicBool::new(false),
        loss: Arc::default(),
        first: addresses.first().cloned(),
        work: Box::new(move |shared, work| match work {
            Work::Job(token, job) => {
                let jobs = jobs.clone();
                spawn_job::<R, S, _>(shared.clone(), token, move || jobs(job));
            }
            Work::Dial(dial) => R::spawn(make_dial::<R, S>(shared.clone(), *dial)),
        }),
    });
    R::spawn(timer::<R, S>(shared.clone()));
    let mut closed = Vec::new();
    for listener in bound {
        let (shared, stop, own) = (shared.clone(), shared.stop.clone(), listener.config().cloned());
        let loss = shared.loss.clone();
        closed.push(accept::spawn(listener, stop, loss, move |stream, peer| {
            let accepted = shared.with(|state, now| {
                let accepted = state.hub.accept_as(now, peer.clone(), own.as_ref());
                accepted.map(|conn| (conn, state.hub.refusal(conn)))
            });
            let Some(accepted) = accepted else { return };
            if let Ok((_, Some(refused))) | Err(refused) = accepted {
                trace::refused(Some(&peer), refused);
            }
            if let Ok((conn, _)) = accepted {
                R::spawn(connection::run::<R, S>(shared.clone(), conn, &peer, stream));
            }
        }));
    }
    Ok(ServiceHandle::new(shared, addresses, closed))
}

impl<S: Service> Shared<S> {
    /// Calls the hub, then wakes whom it concerns and starts what it asks for. `None`: the service panicked, and the
    /// hub has dealt with it.
    pub(crate) fn with<T>(self: &Arc<Self>, act: impl FnOnce(&mut State<S>, Instant) -> T) -> Option<T> {
        self.with_own(None, act)
    }

    /// As [`with`](Self::with), by the task of the connection `own`, which looks at it before `act` ends: what the hub
    /// has to say of that one is known already, and wakes nobody.
    pub(crate) fn with_own<T>(
        self: &Arc<Self>,
        own: Option<ConnId>,
        act: impl FnOnce(&mut State<S>, Instant) -> T,
    ) -> Option<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let out = match catch_unwind(AssertUnwindSafe(|| act(&mut state, now))) {
            Ok(out) => Some(out),
            Err(panic) => {
                state.recover(now, &*panic);
                None
            }
        };
        let errands = state.errands(own.filter(|_| out.is_some()));
        drop(state);
        if !errands.is_empty() {
            errands.run(self);
        }
        out
    }
}

impl<S: Service> State<S> {
    #[cold]
    fn recover(&mut self, now: Instant, panic: &(dyn Any + Send)) {
        // Should the service's `closed` panic too, the next call of the hub deals with that.
        let failed = catch_unwind(AssertUnwindSafe(|| self.hub.recover(now))).ok().flatten();
        let peer = failed.and_then(|conn| self.hub.peer(conn));
        let cause = text_of_panic(panic);
        trace::handler_failed(failed.as_ref().map(|conn| conn as _), peer.map(|peer| peer as _), cause);
    }

    /// What a call of the hub brought about for others than `own`.
    fn errands(&mut self, own: Option<ConnId>) -> Errands<S::Job> {
        let drained = self.hub.is_drained().then(|| self.hub.stats().into());
        let mut errands = Errands { wake: Vec::new(), work: Vec::new(), drained };
        while let Some(conn) = self.hub.poll_dirty() {
            if Some(conn) != own {
                errands.wake.extend(self.wakers.of(conn).cloned());
            }
        }
        while let Some((token, job)) = self.hub.poll_job() {
            errands.work.push(Work::Job(token, job));
        }
        while let Some(dial) = self.hub.poll_dial() {
            errands.work.push(Work::Dial(Box::new(dial)));
        }
        if self.hub.poll_timeout().is_some_and(|at| at < self.timer_at) {
            errands.wake.extend(self.timer.clone());
        }
        if errands.drained.is_some() {
            // It ends now, not at its next deadline.
            errands.wake.extend(self.timer.take());
        }
        errands
    }
}

/// What is done once the lock is released: a waker may run foreign code.
struct Errands<J> {
    wake: Vec<Waker>,
    work: Vec<Work<J>>,
    drained: Option<Drained>,
}

impl<J> Errands<J> {
    fn is_empty(&self) -> bool {
        self.wake.is_empty() && self.work.is_empty() && self.drained.is_none()
    }

    fn run<S: Service<Job = J>>(self, shared: &Arc<Shared<S>>) {
        if let Some(drained) = self.drained {
            if !shared.told_drained.swap(true, Ordering::SeqCst) {
                trace::drained(shared.first.as_ref(), drained);
            }
            shared.drained.strike();
        }
        self.wake.into_iter().for_each(Waker::wake);
        for item in self.work {
            (shared.work)(shared, item);
        }
    }
}

/// The hub's one timer. It ends when the hub is drained.
async fn timer<R, S>(shared: Arc<Shared<S>>)
where
    R: Runtime,
    S: Service + Send + 'static,
    S::Job: Send,
    S::Command: Send,
{
    let mut timer = R::timer();
    let mut wall_at = shared.clock.now() + WALL;
    let mut set = None;
    poll_fn(|cx: &mut Context<'_>| {
        for _ in 0..ROUNDS {
            if shared.drained.is_struck() {
                return Poll::Ready(());
            }
            let next = shared.with(|state, now| {
                if now >= wall_at {
                    wall_at = now + WALL;
                    state.hub.handle_wall(now, shared.clock.wall());
                }
                if state.hub.poll_timeout().is_some_and(|at| at <= now) {
                    state.hub.handle_timeout(now);
                }
                state.timer = Some(cx.waker().clone());
                let next = state.hub.poll_timeout().map_or(wall_at, |at| at.min(wall_at));
                state.timer_at = next;
                next
            });
            // After a panic it is simply asked again.
            let Some(next) = next else { continue };
            if set != Some(next) {
                set = Some(next);
                timer.set(shared.clock.std(next));
            }
            match timer.poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => set = None,
            }
        }
        // A service whose deadline never moves on, or whose `timeout` always panics, must not have the thread alone.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn make_dial<R, S>(shared: Arc<Shared<S>>, wanted: Dial)
where
    R: Runtime,
    S: Service + Send + 'static,
    S::Job: Send + 'static,
    S::Command: Send + 'static,
{
    let failed = |error: DialError| {
        shared.with(|state, now| state.hub.dial_failed(now, wanted.id, &error));
    };
    let dialing = dial::<R>(&shared.clock, wanted.hop, wanted.deadline, wanted.attempt_delay);
    let (host, port) = (wanted.target.host(), wanted.target.port());
    let (stream, peer) = match trace::in_dial(host, port, dialing).await {
        Ok(dialed) => dialed,
        Err(error) => return failed(error.into()),
    };
    if let Some(Some(conn)) = shared.with(|state, now| state.hub.dialed(now, wanted.id, peer.clone())) {
        connection::run::<R, S>(shared, conn, &peer, stream).await;
    }
}
