//! What is written to the disk, change by change: nothing but what was sent, once, and no death without its reason.

use super::{Entry, Key, Ledger, State};
use std::time::Duration;
use wharf::service::bus::{
    Accepted, Batch, BusConfig, Change, DeadReason, Death, End, MAX_BATCH, Progress, Seq,
};

impl Ledger {
    /// A batch is on disk.
    pub fn commit(&mut self, batch: &Batch) {
        assert!((1..=MAX_BATCH).contains(&batch.changes().len()), "a batch of {}", batch.changes().len());
        for change in batch.changes() {
            match change {
                Change::Accept(accepted) => self.accepted(accepted),
                Change::Remove(seq) => self.removed(*seq),
                Change::Bury(seq, death) => self.buried(*seq, death),
                Change::Requeue { dead, seq } => self.requeued(*dead, *seq),
                Change::Progress(seq, progress) => self.progressed(*seq, progress),
                Change::Purge(seq) => drop(self.leave(*seq, State::Purged)),
                _ => {}
            }
            self.check_loads();
        }
    }

    fn accepted(&mut self, accepted: &Accepted) {
        let key = (accepted.from.clone(), accepted.id.clone());
        self.note(format_args!("on disk: {key:?}"));
        let (keeps_order, age) = (self.keeps_order, self.age(&accepted.to));
        let entry = self.entry(&key);
        assert_eq!(entry.state, State::Sent, "{key:?} is accepted twice");
        assert_eq!(entry.to, accepted.to, "{key:?} is for somebody else");
        assert!(!entry.is_denied, "{key:?} was told not to be accepted, and is");
        (entry.state, entry.seq, entry.bytes) = (State::Alive, accepted.seq, accepted.body.len());
        entry.born = age;
        let (to, number) = (entry.to.clone(), entry.number);
        let last = self.last_accepted.insert((key.0.clone(), to.clone()), number);
        assert!(
            !keeps_order || last < Some(number),
            "{key:?} is accepted before one that was sent before it"
        );
        let load = self.loads.entry(to).or_default();
        (load.0, load.1) = (load.0 + 1, load.1 + accepted.body.len());
        assert!(self.by_seq.insert(accepted.seq, key).is_none(), "two have the place {:?}", accepted.seq);
        self.tally.count("accepted");
    }

    /// One that lives has attempts left, and deliveries but those that were refused.
    fn progressed(&mut self, seq: Seq, progress: &Progress) {
        let key = self.by_seq.get(&seq).unwrap_or_else(|| panic!("nothing is at {seq:?}"));
        let Progress { attempts, deliveries, .. } = *progress;
        assert!(attempts < self.limits.attempts, "{key:?} lives after {attempts} attempts");
        assert!(deliveries <= self.limits.max_deliveries + attempts, "{key:?} lives: {progress:?}");
    }

    /// It was acknowledged; so it was applied.
    fn removed(&mut self, seq: Seq) {
        let key = self.leave(seq, State::Acknowledged);
        assert_eq!(self.entry(&key).effects, 1, "{key:?} is acknowledged and has no effect");
        self.tally.count("acknowledged");
    }

    fn buried(&mut self, seq: Seq, death: &Death) {
        let key = self.leave(seq, State::Dead);
        self.note(format_args!("dead: {key:?} {death:?}"));
        let (steady, limits) = (self.has_steady_calendar, self.limits.clone());
        let entry = self.entry(&key);
        entry.deaths.push(death.reason.clone());
        check_reason(&key, death, &limits);
        check_history(&key, entry, death, steady.then_some(limits.ack_timeout));
        let to = entry.to.clone();
        self.loads.entry(to).or_default().2 += 1;
        self.by_seq.insert(seq, key);
        self.tally.count(match death.reason {
            DeadReason::AckTimeout => "dead: ack timeout",
            DeadReason::Nack(_) => "dead: nack",
            DeadReason::MaxDeliveries => "dead: max deliveries",
        });
    }

    fn requeued(&mut self, dead: Seq, seq: Seq) {
        let key = self.leave(dead, State::Alive);
        self.note(format_args!("again: {key:?}"));
        let entry = self.entry(&key);
        (entry.was_requeued, entry.seq) = (true, seq);
        let (to, len) = (entry.to.clone(), entry.bytes);
        let load = self.loads.entry(to).or_default();
        (load.0, load.1) = (load.0 + 1, load.1 + len);
        assert!(self.by_seq.insert(seq, key).is_none(), "two have the place {seq:?}");
        self.tally.count("requeued");
    }

    /// It is no more what it was.
    fn leave(&mut self, seq: Seq, state: State) -> Key {
        let key = self.by_seq.remove(&seq).unwrap_or_else(|| panic!("nothing is at {seq:?}"));
        let entry = self.entry(&key);
        let before = std::mem::replace(&mut entry.state, state);
        let is_dead = matches!(state, State::Alive | State::Purged);
        assert_eq!(before, if is_dead { State::Dead } else { State::Alive }, "{key:?} becomes {state:?}");
        let (to, len) = (entry.to.clone(), entry.bytes);
        let load = self.loads.entry(to).or_default();
        if is_dead {
            load.2 -= 1;
        } else {
            (load.0, load.1) = (load.0 - 1, load.1 - len);
        }
        key
    }

    fn check_loads(&self) {
        let limits = &self.limits;
        for (to, (alive, bytes, dead)) in &self.loads {
            assert!(*alive <= limits.max_pending, "{alive} messages wait for {to}");
            assert!(*bytes <= limits.max_pending_bytes, "{bytes} bytes wait for {to}");
            assert!(*dead <= limits.max_dead + limits.max_pending, "{to} has {dead} dead letters");
        }
    }
}

/// It died of what its last delivery came to, and not before its time.
fn check_reason(key: &Key, death: &Death, limits: &BusConfig) {
    let Progress { attempts, deliveries, ref history, is_out, .. } = death.progress;
    let last = history.last().unwrap_or_else(|| panic!("{key:?} is dead without a history"));
    let is_spent = attempts == limits.attempts;
    let is_it = match &death.reason {
        DeadReason::AckTimeout => is_spent && last.how == End::AckTimeout,
        DeadReason::Nack(reason) => is_spent && last.how == End::Nack(reason.clone()),
        DeadReason::MaxDeliveries => {
            let is_worn = deliveries >= limits.max_deliveries;
            attempts < limits.attempts && is_worn && !matches!(last.how, End::Nack(_))
        }
    };
    assert!(is_it && !is_out && death.at == last.at, "{key:?} died so: {death:?}");
    assert_eq!(history.len(), (deliveries as usize).min(Progress::MAX_HISTORY), "{key:?}: {death:?}");
    let counted = history.iter().filter(|ended| ended.how != End::Lost).count();
    let is_whole = history.len() == deliveries as usize;
    assert!(counted == attempts as usize || !is_whole && counted < attempts as usize, "{key:?}: {death:?}");
}

/// Each end did happen, and in this order.
fn check_history(key: &Key, entry: &Entry, death: &Death, steady: Option<Duration>) {
    let mut nacks = entry.nacks.clone();
    for ended in &death.progress.history {
        let End::Nack(reason) = &ended.how else { continue };
        let at = nacks.iter().position(|nack| **nack == **reason);
        nacks.remove(at.unwrap_or_else(|| panic!("{key:?} was never refused for {reason:?}: {death:?}")));
    }
    let Some(ack_timeout) = steady else { return };
    for pair in death.progress.history.windows(2) {
        let (before, after) = (pair[0].at.as_millis(), pair[1].at.as_millis());
        assert!(before <= after, "{key:?} ended out of order: {death:?}");
        if pair[1].how == End::AckTimeout {
            let waited = Duration::from_millis(after - before + 1);
            assert!(waited >= ack_timeout, "{key:?} was given up after {waited:?}: {death:?}");
        }
    }
}
