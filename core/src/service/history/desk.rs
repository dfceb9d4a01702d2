//! Between a chat and its store: one ask at a time.

use super::sessions::Sessions;
use super::write::{Item, Write};
use super::{
    Answer, Ask, DeskConfig, DeskStats, Draft, Failure, Key, MAX_BATCH, PageAsk, Session, Span, Stored,
    TokenHash,
};
use crate::base::{Clock, Instant, Wall};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

/// No pause is shorter: one of zero would be due for ever.
const LEAST: Duration = Duration::from_millis(1);
/// Reads that may come before the next write that is due. Most are much quicker than a write.
const READS: u32 = 8;

/// What a [`Desk`] wants done, or what became of a draft.
///
/// ```
/// use wharf::service::history::{Action, Ask, Batch};
///
/// assert!(matches!(Action::Ask(Ask::Write(Batch::default())), Action::Ask(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Ask the store, and tell what it says by [`Desk::handle_answer`]. There is no other until then.
    Ask(Ask),
    /// This draft is stored, and would outlast a crash.
    Stored(Draft, Stored),
    /// This one is not stored and will not be: it waited for too long, or too many did.
    Unavailable(Draft),
    /// This one is not stored and will not be: the store refused it, and why.
    Refused(Draft, Box<str>),
}

/// A desk before a store: drafts wait here while a write is under way and are the next one together, so a group commit finds its
/// own size. A write that fails is tried again and again; whose time is over meanwhile is handed back, and withdrawn from the
/// store should it be there after all.
///
/// Reads take turns with writes, some with each; sessions alone are written when nothing is to be read, or after a while. Since there is
/// one ask at a time, a read knows all that was told to be stored and nothing else: what may be stored without anybody having heard of
/// it is settled first.
///
/// Take actions after each call until there is none. A draft comes back by exactly one of [`Action::Stored`],
/// [`Action::Unavailable`] and [`Action::Refused`]; those that are stored in the order of their ids, which is that of coming but for one
/// whose reference another had that was withdrawn.
///
/// ```
/// use wharf::base::{Instant, Wall};
/// use wharf::service::history::{Action, Desk, DeskConfig, Draft, Key, Memory, Stored};
///
/// let (now, mut memory) = (Instant::ORIGIN, Memory::new(100));
/// let mut desk = Desk::new(now, DeskConfig::default());
/// let draft = Draft::new(Key([7; 16]), "general".into(), "u1".into(), "Ada".into(), "hello".into(), Wall::from_millis(5));
/// desk.push(now, draft.clone()).unwrap();
/// let Some(Action::Ask(ask)) = desk.poll_action() else { panic!() };
/// assert_eq!(desk.handle_answer(now, Ok(memory.carry_out(&ask))), None);
/// assert_eq!(desk.poll_action(), Some(Action::Stored(draft, Stored::New(1))));
/// assert_eq!(desk.poll_action(), None);
/// ```
#[derive(Debug)]
pub struct Desk {
    config: DeskConfig,
    clock: Clock,
    /// With when its time is over. All wait equally long, so the first is the first to go.
    waiting: VecDeque<(Draft, Instant)>,
    sessions: Sessions,
    expire: Option<Wall>,
    /// Handed back, and perhaps stored.
    withdraw: Vec<Key>,
    /// The write that is asked for, or was and is to be asked for again.
    write: Option<Write>,
    out: Option<Out>,
    /// Since when the store is silent: since the ask, or since it last said something.
    silent_since: Instant,
    /// After a failure.
    retry_at: Option<Instant>,
    is_away: bool,
    /// Reads before the next write that is due.
    reads_left: u32,
    wants_probe: bool,
    /// Of each draft at most one.
    told: VecDeque<Action>,
    stats: DeskStats,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Out {
    Write,
    Read,
    Probe,
}

impl Desk {
    /// A desk before a store that is believed to be well.
    #[must_use]
    pub fn new(now: Instant, config: DeskConfig) -> Self {
        Self {
            config,
            clock: Clock::new(now),
            waiting: VecDeque::new(),
            sessions: Sessions::default(),
            expire: None,
            withdraw: Vec::new(),
            write: None,
            out: None,
            silent_since: now,
            retry_at: None,
            is_away: false,
            reads_left: 0,
            wants_probe: false,
            told: VecDeque::new(),
            stats: DeskStats::default(),
        }
    }

    /// A draft that is to be stored.
    ///
    /// # Errors
    /// It, if too many wait; it is counted as unavailable.
    #[allow(clippy::result_large_err)]
    pub fn push(&mut self, now: Instant, draft: Draft) -> Result<(), Draft> {
        let now = self.clock.advance(now);
        let limit = if self.is_away { self.config.max_waiting_away } else { self.config.max_waiting };
        if self.waiting() >= limit {
            self.stats.unavailable += 1;
            return Err(draft);
        }
        self.waiting.push_back((draft, now + self.config.max_wait));
        Ok(())
    }

    /// A session that is to be stored, in the place of what was there for its token.
    pub fn keep(&mut self, session: Session) {
        if !self.sessions.keep(self.clock.last(), session, &self.config) {
            self.stats.sessions_forgotten += 1;
        }
    }

    /// Sessions that expired by then are to go.
    pub fn expire(&mut self, wall: Wall) {
        self.expire = Some(wall);
    }

    /// A session that waits to be stored: what the store says of it is old.
    #[must_use]
    pub fn session(&self, token: &TokenHash) -> Option<&Session> {
        self.sessions.session(token).or_else(|| self.write.as_ref()?.session(token))
    }

    /// Whether something can be [read](Self::read): not before all actions but the next ask are taken.
    #[must_use]
    pub fn takes_reads(&self) -> bool {
        let is_settled = self.write.is_none() && self.withdraw.is_empty() && self.told.is_empty();
        self.is_free() && is_settled && (self.reads_left > 0 || !self.is_write_due())
    }

    /// Asks for something that is no write; [`handle_answer`](Self::handle_answer) returns what came of it.
    ///
    /// # Errors
    /// The ask, if the desk [takes none](Self::takes_reads) now, or if it is a write.
    pub fn read(&mut self, now: Instant, ask: Ask) -> Result<(), Ask> {
        if !self.takes_reads() || matches!(ask, Ask::Write(_)) {
            return Err(ask);
        }
        let now = self.clock.advance(now);
        self.ask(now, Out::Read, ask);
        Ok(())
    }

    /// What the store said to the last [`Action::Ask`]. Returns it if that was a [read](Self::read). An answer to nothing is ignored.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        answer: Result<Answer, Failure>,
    ) -> Option<Result<Answer, Failure>> {
        let now = self.clock.advance(now);
        let out = self.out.take()?;
        let answer = if out == Out::Write { self.doubted(answer) } else { answer };
        self.silent_since = now;
        self.is_away = matches!(answer, Err(Failure::Away(_)));
        if answer.is_err() {
            self.stats.failures += 1;
        }
        if self.is_away {
            self.retry_at = Some(now + self.config.retry.max(LEAST));
            self.hand_back_beyond();
        }
        match out {
            Out::Read => return Some(answer),
            Out::Probe => {}
            Out::Write => self.settle(answer),
        }
        None
    }

    /// What to do next.
    pub fn poll_action(&mut self) -> Option<Action> {
        if let Some(told) = self.told.pop_front() {
            return Some(told);
        }
        if self.is_free() {
            self.ask_next();
        }
        self.told.pop_front()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let first = self.waiting.front().map(|(_, due)| *due);
        let under_way = self.write.as_ref().filter(|_| self.config.withdraws).and_then(Write::due);
        let silent = match self.out {
            Some(_) if self.is_away => None,
            Some(_) => Some(self.silent_since + self.config.slow_after),
            None if self.wants_probe || self.retry_at.is_some() => None,
            None => Some(self.probe_at()),
        };
        [first, under_way, silent, self.retry_at].into_iter().flatten().min()
    }

    /// Acts on what is due. An early or spurious call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.clock.advance(now);
        self.wants_probe |= self.retry_at.take_if(|at| *at <= now).is_some();
        while self.waiting.front().is_some_and(|(_, due)| *due <= now) {
            if let Some((draft, _)) = self.waiting.pop_front() {
                self.hand_back(draft);
            }
        }
        while let Some(draft) =
            self.write.as_mut().filter(|_| self.config.withdraws).and_then(|write| write.give_up(now))
        {
            self.hand_back(draft);
        }
        if self.out.is_some() && !self.is_away && self.silent_since + self.config.slow_after <= now {
            self.is_away = true;
            self.hand_back_beyond();
        }
        self.wants_probe |= self.is_free() && self.probe_at() <= now;
    }

    /// Whether the store failed last, or has been silent for long.
    #[must_use]
    pub const fn is_away(&self) -> bool {
        self.is_away
    }

    /// Whether nothing waits for the store, nor for an answer of it.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.out.is_none() && self.write.is_none() && !self.has_to_write() && self.told.is_empty()
    }

    /// What has happened so far.
    #[must_use]
    pub fn stats(&self) -> DeskStats {
        DeskStats { waiting: self.waiting(), ..self.stats }
    }

    fn waiting(&self) -> usize {
        self.waiting.len() + self.write.as_ref().map_or(0, Write::waiting)
    }

    fn is_free(&self) -> bool {
        self.out.is_none() && self.retry_at.is_none()
    }

    fn has_to_write(&self) -> bool {
        self.is_write_due() || !self.sessions.is_empty()
    }

    /// Whether a write does not wait for those who want to read.
    fn is_write_due(&self) -> bool {
        let has_drafts = !self.waiting.is_empty() || !self.withdraw.is_empty();
        has_drafts || self.sessions.is_due(self.clock.last()) || self.expire.is_some()
    }

    fn probe_at(&self) -> Instant {
        self.silent_since + self.config.probe_after.max(LEAST)
    }

    fn ask_next(&mut self) {
        let now = self.clock.last();
        if self.write.is_none() && self.has_to_write() {
            let drafts = self.waiting.drain(..self.waiting.len().min(MAX_BATCH)).collect();
            let withdraw = self.withdraw.drain(..self.withdraw.len().min(MAX_BATCH)).collect();
            self.write = Some(Write::new(drafts, self.sessions.take(), withdraw, self.expire.take()));
        }
        if let Some(write) = &mut self.write {
            let batch = write.batch();
            self.ask(now, Out::Write, Ask::Write(batch));
        } else if self.wants_probe {
            self.ask(now, Out::Probe, Ask::Page(PageAsk::new(Vec::new(), Span::Newest { below: None }, 1)));
        }
    }

    fn ask(&mut self, now: Instant, out: Out, ask: Ask) {
        self.out = Some(out);
        self.reads_left = if out == Out::Write { READS } else { self.reads_left.saturating_sub(1) };
        self.wants_probe = false;
        self.silent_since = now;
        self.told.push_back(Action::Ask(ask));
    }

    /// A write that may have been carried out before is not refused where others may have read it: whether it was is not known yet.
    fn doubted(&self, answer: Result<Answer, Failure>) -> Result<Answer, Failure> {
        let is_doubtful = !self.config.withdraws && self.write.as_ref().is_some_and(Write::was_in_doubt);
        match answer {
            Err(Failure::Refused(why)) if is_doubtful => Err(Failure::Away(why)),
            answer => answer,
        }
    }

    /// The write under way has an answer.
    fn settle(&mut self, answer: Result<Answer, Failure>) {
        let Some(mut write) = self.write.take() else { return };
        match answer {
            Err(Failure::Away(_)) => {
                write.doubt();
                self.write = Some(write);
            }
            Ok(Answer::Written(stored)) if stored.len() == write.asked() => {
                self.tell(write, stored);
            }
            Ok(_) => self.refuse(write, "the answer is to something else"),
            Err(Failure::Refused(why)) => self.refuse(write, &why),
        }
    }

    /// All of the write is stored: what was given up meanwhile is to go again.
    fn tell(&mut self, write: Write, stored: Vec<Stored>) {
        let (mut gone, mut anew, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for (Item { draft, due, is_given_up }, stored) in write.into_items().zip(stored) {
            match stored {
                Stored::New(id) if is_given_up => {
                    gone.push(id);
                    self.withdraw.push(draft.key);
                }
                _ if is_given_up => {}
                // What was there before it is what goes.
                Stored::Before(entry) if gone.contains(&entry.id) => anew.push((draft, due)),
                stored => told.push((stored.id(), Action::Stored(draft, stored))),
            }
        }
        self.stats.stored += told.len() as u64;
        // One whose reference was withdrawn before it has got its id behind others.
        told.sort_by_key(|(id, _)| *id);
        self.told.extend(told.into_iter().map(|(_, action)| action));
        for item in anew.into_iter().rev() {
            self.waiting.push_front(item);
        }
    }

    fn refuse(&mut self, mut write: Write, why: &str) {
        let was_in_doubt = write.was_in_doubt();
        // It may be for a draft that it was refused. If there was none, it would be refused again.
        if write.asked() > 0 {
            self.withdraw.append(&mut write.take_withdraw());
        }
        for Item { draft, is_given_up, .. } in write.into_items() {
            if was_in_doubt && self.config.withdraws {
                self.withdraw.push(draft.key);
            }
            if !is_given_up {
                self.stats.refused += 1;
                self.told.push_back(Action::Refused(draft, why.into()));
            }
        }
    }

    /// More may wait while the store is well than while it is away.
    fn hand_back_beyond(&mut self) {
        let beyond = self.waiting.len().min(self.config.max_waiting_away);
        for (draft, _) in self.waiting.split_off(beyond) {
            self.hand_back(draft);
        }
    }

    fn hand_back(&mut self, draft: Draft) {
        self.stats.unavailable += 1;
        self.told.push_back(Action::Unavailable(draft));
    }
}
