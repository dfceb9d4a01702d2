//! How time goes on in a world.

use super::Client;
use super::world::{Actor, World};
use crate::base::{Instant, Wall};
use core::time::Duration;

/// Why a world did not come to what was waited for.
///
/// ```
/// use wharf::sim::{Stuck, World};
///
/// // Nobody is there, so nothing will ever happen.
/// assert_eq!(World::new(1).run_until(|_| false), Err(Stuck::AtRest));
/// assert_eq!(World::new(1).run(), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Stuck {
    /// Nothing is left to happen, ever.
    #[error("at rest: nothing is left to happen")]
    AtRest,
    /// It is still at it, so long after all faults were over ([`World::set_patience`]).
    #[error("still at it {0:?} after all faults were over")]
    Late(Duration),
    /// It took all its steps ([`World::set_steps`]).
    #[error("never at rest in {0} steps")]
    Endless(u64),
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Something was done.
    Moved,
    /// Time passed.
    Passed,
    /// Nothing is left to be done up to the end.
    Done,
}

/// A server is told the calendar's time so often at least.
const TELL_WALL: Duration = Duration::from_secs(60);

impl World {
    /// Does all that can be done without time passing.
    ///
    /// # Panics
    /// If that never ends within the steps of a call, as each call that lets time go on and returns nothing.
    pub fn settle(&mut self) {
        self.advance(Duration::ZERO);
    }

    /// Lets time pass, with all that happens in it, each thing at its moment.
    ///
    /// # Panics
    /// If what happens never ends within the steps of a call.
    pub fn advance(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..self.steps {
            if self.step(end) == Step::Done {
                // What a plan did may have taken longer.
                self.now = self.now.max(end);
                return;
            }
        }
        panic!("never at rest in {} steps: {self:?}", self.steps);
    }

    /// Lets time go on until something holds.
    ///
    /// # Errors
    /// [`Stuck`] if it does not come to that.
    pub fn run_until(&mut self, mut holds: impl FnMut(&Self) -> bool) -> Result<(), Stuck> {
        let last = self.heals.max(self.now) + self.patience;
        for _ in 0..self.steps {
            if holds(self) {
                return Ok(());
            }
            if self.now >= last {
                return Err(Stuck::Late(self.patience));
            }
            if self.step(last) == Step::Done {
                if self.next_event().is_none() {
                    return Err(Stuck::AtRest);
                }
                self.now = self.now.max(last);
            }
        }
        Err(Stuck::Endless(self.steps))
    }

    /// Lets time go on until it is all over: every client has ended, every connection is closed, no job, no dial and no plan
    /// is left.
    ///
    /// # Errors
    /// [`Stuck`] if it does not come to that.
    pub fn run(&mut self) -> Result<(), Stuck> {
        self.run_until(Self::is_over)
    }

    /// Whether it is all over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let actors_are_servers = self.actors.len() == self.hosts.len();
        let at_work = self.hosts.iter().any(|host| host.next_job().is_some());
        actors_are_servers && !at_work && self.has_dialed() && self.plans.is_empty()
    }

    /// When something happens next; `None` when nothing ever will.
    pub fn next_event(&mut self) -> Option<Instant> {
        let heals = Some(self.heals).filter(|at| *at > self.now && self.faults.any_at_all());
        let heals = heals.filter(|_| !self.is_over());
        let plan = self.plans.keys().next().map(|(at, _)| *at);
        let mut next = [heals, plan, self.next_dial()].into_iter().flatten().min();
        for i in 0..self.actors.len() {
            let own = match self.actors[i] {
                Actor::Host(host) => {
                    let host = &mut self.hosts[host];
                    [host.poll_timeout(), host.next_job()].into_iter().flatten().min()
                }
                Actor::Client(client) => {
                    let client = &self.clients[client];
                    self.wires.get(client.wire).and_then(|wire| client.next(wire))
                }
                Actor::Socket(key) => self.next_of_socket(key),
            };
            next = [next, own].into_iter().flatten().min();
        }
        next
    }

    /// Does one thing, or lets time pass up to the next one, at most to `end`.
    fn step(&mut self, end: Instant) -> Step {
        if self.now >= self.heals && self.faults.any_at_all() {
            self.faults = self.faults.healed();
        }
        self.turn_clocks();
        if self.faults.spurious && self.dice.percent(2) {
            self.fire_any();
        }
        if self.carry_out_plan() || self.let_any_act() {
            self.spins = 0;
            return Step::Moved;
        }
        self.check_seen();
        let Some(next) = self.next_event().filter(|next| *next <= end) else { return Step::Done };
        if next <= self.now {
            self.spins += 1;
            assert!(self.spins < 100, "something is due for ever: {self:?}");
            return Step::Moved;
        }
        let late = if self.faults.late { self.dice.below(40_000) } else { 0 };
        self.now = (next + Duration::from_micros(late as u64)).min(end);
        Step::Passed
    }

    fn carry_out_plan(&mut self) -> bool {
        let Some(first) = self.plans.first_entry().filter(|plan| plan.key().0 <= self.now) else {
            return false;
        };
        let plan = first.remove();
        plan(self);
        true
    }

    /// Lets any of those act who can; whether one did.
    fn let_any_act(&mut self) -> bool {
        let actors = self.actors.len();
        let first = self.dice.below(actors);
        (0..actors).any(|i| self.let_act(self.actors[(first + i) % actors])) || self.make_dial()
    }

    fn let_act(&mut self, actor: Actor) -> bool {
        match actor {
            Actor::Host(host) if self.do_job(host) => true,
            Actor::Host(host) if self.hosts[host].poll_timeout().is_some_and(|at| at <= self.now) => {
                self.fire(host);
                true
            }
            Actor::Host(_) => false,
            Actor::Socket(key) => self.serve_socket(key),
            Actor::Client(client) => {
                self.with_lent(client, |client, place, scratch| client.step(place, scratch)).unwrap_or(false)
            }
        }
    }

    fn do_job(&mut self, host: usize) -> bool {
        if self.hosts[host].next_job().is_none_or(|at| at > self.now) {
            return false;
        }
        let told = self.told();
        if let Some(token) = self.hosts[host].do_job(self.now, told, &mut self.dice) {
            self.transcript.note(self.now, format_args!("{host}: {token} done"));
        }
        self.look_around(host);
        true
    }

    /// A hub's timer fires, asked for or not.
    fn fire(&mut self, host: usize) {
        self.hosts[host].handle_timeout(self.now);
        self.look_around(host);
    }

    /// A timer fires that nobody set.
    fn fire_any(&mut self) {
        let actors = self.actors.len();
        match self.actors.get(self.dice.below(actors)).copied() {
            Some(Actor::Host(host)) => {
                self.transcript.note(self.now, format_args!("{host}: a timer unasked"));
                self.fire(host);
            }
            Some(Actor::Client(client)) => {
                self.transcript.note(self.now, format_args!("client {client}: a timer unasked"));
                self.with_client(client, Client::handle_timeout);
            }
            _ => {}
        }
    }

    /// Tells the calendar's time, where it was set or a minute has passed.
    fn turn_clocks(&mut self) {
        if self.faults.wall_steps && self.dice.below(256) == 0 {
            let day = 24 * 3600 * 1000;
            let step = self.dice.below(2 * day) as u64;
            let millis = Self::WALL.as_millis() - day as u64 + step;
            self.set_wall(Wall::from_millis(millis));
        } else if self.now - self.wall_told >= TELL_WALL {
            self.tell_wall();
        }
    }

    /// Sets the calendar: what it would say now had it been so from the begin. Deadlines do not hang on it.
    pub fn set_wall(&mut self, at_begin: Wall) {
        self.wall = at_begin;
        self.transcript.note(self.now, format_args!("it is {} s", self.wall().as_secs()));
        self.tell_wall();
    }

    fn tell_wall(&mut self) {
        let (now, wall) = (self.now, self.wall());
        self.wall_told = now;
        self.hosts.iter_mut().for_each(|host| host.handle_wall(now, wall));
        for client in self.clients.iter_mut().filter(|client| !client.is_gone()) {
            client.handle_wall(now, wall);
        }
    }
}
