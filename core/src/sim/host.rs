//! A server of a world: a hub of any service, and who does its jobs.

use super::Dice;
use crate::base::{CloseCode, End, Instant, Wall, Wants};
use crate::link::{Address, Config, ConnId, Dial, DialError, DialId, Hub, JobToken, Refused, Service};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::any::Any;
use core::time::Duration;

/// A hub, whatever its service is.
pub(super) trait Host: Any {
    fn accept(
        &mut self,
        now: Instant,
        peer: Address,
        config: Option<&Arc<Config>>,
    ) -> Result<ConnId, Refused>;
    fn receive(&mut self, now: Instant, conn: ConnId, bytes: &mut [u8]);
    fn receive_end(&mut self, now: Instant, conn: ConnId, end: End);
    fn read_space(&mut self, conn: ConnId) -> Option<&mut [u8]>;
    fn handle_read(&mut self, now: Instant, conn: ConnId, n: usize);
    /// What there is to write, joined, at most so much.
    fn output(&mut self, conn: ConnId, most: usize) -> Vec<u8>;
    fn handle_written(&mut self, now: Instant, conn: ConnId, n: usize);
    fn wants(&self, conn: ConnId) -> Option<Wants>;
    fn poll_dirty(&mut self) -> Option<ConnId>;
    fn poll_dial(&mut self) -> Option<Dial>;
    fn dialed(&mut self, now: Instant, dial: DialId, peer: Address) -> Option<ConnId>;
    fn dial_failed(&mut self, now: Instant, dial: DialId, error: &DialError);
    fn poll_timeout(&mut self) -> Option<Instant>;
    fn handle_timeout(&mut self, now: Instant);
    fn handle_wall(&mut self, now: Instant, wall: Wall);
    fn release(&mut self, now: Instant, conn: ConnId);
    fn drain(&mut self, now: Instant, code: CloseCode);
    /// Takes the jobs that are asked for; each takes any time up to `most`.
    fn take_jobs(&mut self, now: Instant, most: Duration, dice: &mut Dice<'_>);
    fn next_job(&self) -> Option<Instant>;
    /// Does any job that is due, and tells it at `told`.
    fn do_job(&mut self, now: Instant, told: Instant, dice: &mut Dice<'_>) -> Option<JobToken>;
}

/// Does a service's jobs.
type Worker<S> = Box<dyn FnMut(<S as Service>::Job) -> <S as Service>::Done>;

/// The hub of one service.
pub(super) struct HubHost<S: Service> {
    pub(super) hub: Hub<S>,
    worker: Worker<S>,
    /// Those that are out, and when each is done: at most [`Config::max_jobs`].
    jobs: Vec<(Instant, JobToken, S::Job)>,
}

impl<S: Service> HubHost<S> {
    pub(super) fn new(hub: Hub<S>, worker: Worker<S>) -> Self {
        Self { hub, worker, jobs: Vec::new() }
    }
}

impl<S: Service + 'static> Host for HubHost<S> {
    fn accept(
        &mut self,
        now: Instant,
        peer: Address,
        config: Option<&Arc<Config>>,
    ) -> Result<ConnId, Refused> {
        self.hub.accept_as(now, peer, config)
    }

    fn receive(&mut self, now: Instant, conn: ConnId, bytes: &mut [u8]) {
        self.hub.receive(now, conn, bytes);
    }

    fn receive_end(&mut self, now: Instant, conn: ConnId, end: End) {
        self.hub.receive_end(now, conn, end);
    }

    fn read_space(&mut self, conn: ConnId) -> Option<&mut [u8]> {
        self.hub.read_space(conn)
    }

    fn handle_read(&mut self, now: Instant, conn: ConnId, n: usize) {
        self.hub.handle_read(now, conn, n);
    }

    fn output(&mut self, conn: ConnId, most: usize) -> Vec<u8> {
        let mut slices: [&[u8]; 4] = [&[]; 4];
        let filled = self.hub.slices(conn, &mut slices);
        joined(&slices[..filled], most)
    }

    fn handle_written(&mut self, now: Instant, conn: ConnId, n: usize) {
        self.hub.handle_written(now, conn, n);
    }

    fn wants(&self, conn: ConnId) -> Option<Wants> {
        self.hub.wants(conn)
    }

    fn poll_dirty(&mut self) -> Option<ConnId> {
        self.hub.poll_dirty()
    }

    fn poll_dial(&mut self) -> Option<Dial> {
        self.hub.poll_dial()
    }

    fn dialed(&mut self, now: Instant, dial: DialId, peer: Address) -> Option<ConnId> {
        self.hub.dialed(now, dial, peer)
    }

    fn dial_failed(&mut self, now: Instant, dial: DialId, error: &DialError) {
        self.hub.dial_failed(now, dial, error);
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.hub.poll_timeout()
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.hub.handle_timeout(now);
        assert!(self.hub.poll_timeout().is_none_or(|next| next > now), "a timer that does not move");
    }

    fn handle_wall(&mut self, now: Instant, wall: Wall) {
        self.hub.handle_wall(now, wall);
    }

    fn release(&mut self, now: Instant, conn: ConnId) {
        self.hub.release(now, conn);
        assert_eq!(self.hub.wants(conn), None);
        // Late words about it are nobody's.
        self.hub.receive(now, conn, &mut [0x81, 0, 0xff]);
        self.hub.handle_written(now, conn, 7);
    }

    fn drain(&mut self, now: Instant, code: CloseCode) {
        self.hub.drain(now, code);
    }

    fn take_jobs(&mut self, now: Instant, most: Duration, dice: &mut Dice<'_>) {
        while let Some((token, job)) = self.hub.poll_job() {
            let micros = usize::try_from(most.as_micros()).unwrap_or(usize::MAX);
            let due = now + Duration::from_micros(dice.below(micros) as u64);
            self.jobs.push((due, token, job));
        }
    }

    fn next_job(&self) -> Option<Instant> {
        self.jobs.iter().map(|(at, ..)| *at).min()
    }

    fn do_job(&mut self, now: Instant, told: Instant, dice: &mut Dice<'_>) -> Option<JobToken> {
        let due = self.jobs.iter().filter(|(at, ..)| *at <= now).count();
        let which = dice.below(due);
        let at = self.jobs.iter().enumerate().filter(|(_, (at, ..))| *at <= now).nth(which)?.0;
        let (_, token, job) = self.jobs.swap_remove(at);
        let done = (self.worker)(job);
        self.hub.job_done(told, token, done);
        Some(token)
    }
}

/// The front of these slices, at most so much.
pub(super) fn joined(slices: &[&[u8]], most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for slice in slices {
        let left = most.saturating_sub(bytes.len());
        bytes.extend_from_slice(&slice[..slice.len().min(left)]);
    }
    bytes
}
