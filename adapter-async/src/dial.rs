//! Making a connection: the name looked up, its addresses raced.

use crate::accept::within;
use crate::carrier::Carrier;
use crate::runtime::{Runtime, Timer};
use crate::{Clock, ConnectError, trace};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use wharf::base::Instant;
use wharf::link::{Action, Address, Eyeballs, Hop};
use wharf_std::{lookup_timed_out, tell_failed};

/// Connects to the first address of a hop that answers; which one it was comes with the stream.
///
/// # Cancel safety
/// Dropped before it is done, whatever was begun is closed.
pub(crate) async fn dial<R: Runtime>(
    clock: &Clock,
    hop: Hop,
    deadline: Instant,
    attempt_delay: Duration,
) -> Result<(Carrier<R>, Address), ConnectError> {
    let addresses = match hop {
        Hop::Address(address) => vec![address],
        Hop::Addresses(addresses) => addresses,
        Hop::Host(host, port) => {
            let found = within::<R, _>(deadline - clock.now(), R::resolve(host, port)).await;
            let found = found.ok_or_else(lookup_timed_out)?.map_err(ConnectError::Lookup)?;
            found.into_iter().map(Address::from).collect()
        }
    };
    let eyeballs = Eyeballs::new(clock.now(), addresses, deadline, attempt_delay);
    let (attempts, timer) = (BTreeMap::new(), R::timer());
    let mut race = Race::<R> { clock, eyeballs, attempts, winner: None, timer, set: None };
    poll_fn(|cx| race.poll(cx)).await
}

type Attempt<R> = Pin<Box<dyn Future<Output = io::Result<Carrier<R>>> + Send>>;

/// The attempts that are under way, as their machine wants them.
struct Race<'a, R: Runtime> {
    clock: &'a Clock,
    eyeballs: Eyeballs<io::Error>,
    attempts: BTreeMap<usize, (Address, Attempt<R>)>,
    winner: Option<(Carrier<R>, Address)>,
    timer: R::Timer,
    /// What the timer is set to.
    set: Option<Instant>,
}

impl<R: Runtime> Race<'_, R> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Carrier<R>, Address), ConnectError>> {
        loop {
            while let Some(action) = self.eyeballs.poll_action() {
                match action {
                    Action::Connect(attempt, address) => {
                        self.attempts.insert(attempt, (address.clone(), begin::<R>(address)));
                    }
                    Action::Cancel(attempt) => drop(self.attempts.remove(&attempt)),
                    _ => {}
                }
            }
            match (self.eyeballs.poll_outcome(), self.winner.take()) {
                (Some(Err(unconnected)), _) => return Poll::Ready(Err(unconnected.into())),
                (Some(Ok(_)), Some(winner)) => return Poll::Ready(Ok(winner)),
                _ => {}
            }
            if !self.poll_attempts(cx) && self.poll_timer(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Tells the machine of one attempt that came to something; whether there was one.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> bool {
        let came = self.attempts.iter_mut().find_map(|(attempt, (_, connecting))| {
            match connecting.as_mut().poll(cx) {
                Poll::Ready(came) => Some((*attempt, came)),
                Poll::Pending => None,
            }
        });
        let Some((attempt, came)) = came else { return false };
        let Some((address, _)) = self.attempts.remove(&attempt) else { return false };
        let now = self.clock.now();
        match came {
            Ok(stream) if self.eyeballs.handle_connected(now, attempt) => {
                self.winner = Some((stream, address))
            }
            Ok(_late) => {}
            Err(error) => {
                trace::address_failed(&address, &error);
                tell_failed(&mut self.eyeballs, now, attempt, error);
            }
        }
        true
    }

    /// Tells the machine that its time has come, once it has.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.eyeballs.poll_timeout() else { return Poll::Ready(()) };
        if self.set != Some(at) {
            self.set = Some(at);
            self.timer.set(self.clock.std(at));
        }
        if self.timer.poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.set = None;
        self.eyeballs.handle_timeout(self.clock.now().max(at));
        Poll::Ready(())
    }
}

fn begin<R: Runtime>(address: Address) -> Attempt<R> {
    Box::pin(async move {
        match address {
            Address::Tcp(address) => R::connect(address).await.map(Carrier::Tcp),
            Address::Unix(path) => R::unix(wharf_std::connect_unix(&path)?).map(Carrier::Unix),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    })
}

#[cfg(test)]
mod tests;
