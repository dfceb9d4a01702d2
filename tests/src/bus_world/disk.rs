//! The bus's disk: it may be slow, fail, be full, and lose or keep what was on its way when the process died.

use super::{Ledger, Shared};
use wharf::base::{Instant, Wall};
use wharf::link::ConnId;
use wharf::service::bus::Broker;
use wharf::service::bus::{Batch, BusConfig, Memory, Restoring, StoreFailure};
use wharf::sim::Dice;

/// A journal of which a commit may fail, without a word whether it is there.
#[derive(Debug)]
pub struct Disk {
    memory: Memory,
    dice: Dice<'static>,
    ledger: Shared<Ledger>,
    /// The process that writes is there.
    is_served: bool,
    /// A write failed: nothing more is written before the next process.
    is_poisoned: bool,
    /// Nothing can be written.
    pub is_full: bool,
    /// The next write fails.
    pub fails_next: bool,
}

impl Disk {
    /// An empty one.
    #[must_use]
    pub fn new(seed: u64, ledger: Shared<Ledger>) -> Self {
        Self {
            memory: Memory::default(),
            dice: Dice::seeded(seed),
            ledger,
            is_served: true,
            is_poisoned: false,
            is_full: false,
            fails_next: false,
        }
    }

    /// Carries a batch out, or does not.
    ///
    /// # Errors
    /// It failed; what was to be written may be there all the same.
    ///
    /// # Panics
    /// If it is asked to after it failed, or if what is to be written does not fit what is there.
    pub fn carry_out(&mut self, batch: &Batch) -> Result<(), StoreFailure> {
        assert!(!self.is_poisoned, "what failed is tried again");
        let count = |disk: &Self, what| disk.ledger.borrow_mut().tally.count(what);
        if !self.is_served {
            // It was on its way when the process died.
            let is_kept = !self.is_full && self.dice.percent(50);
            count(self, if is_kept { "crash: batch kept" } else { "crash: batch lost" });
            if is_kept {
                self.commit(batch);
            }
            return Ok(());
        }
        let fails = std::mem::take(&mut self.fails_next);
        if fails || self.is_full {
            self.is_poisoned = true;
            let is_kept = !self.is_full && self.dice.percent(50);
            count(
                self,
                match (self.is_full, is_kept) {
                    (true, _) => "store: full",
                    (_, true) => "store: failed, batch kept",
                    (_, false) => "store: failed, batch lost",
                },
            );
            if is_kept {
                self.commit(batch);
            }
            return Err(StoreFailure::new("the disk is broken"));
        }
        self.commit(batch);
        Ok(())
    }

    fn commit(&mut self, batch: &Batch) {
        self.ledger.borrow_mut().commit(batch);
        if let Err(misfit) = self.memory.carry_out(batch) {
            panic!("{misfit}: {batch:?}");
        }
    }

    /// The process that writes has died.
    pub fn abandon(&mut self) {
        self.is_served = false;
    }

    /// A new process reads all that is there.
    ///
    /// # Panics
    /// If that is not to be understood.
    pub fn open(&mut self, config: &BusConfig, now: Instant, wall: Wall) -> Broker<ConnId> {
        (self.is_served, self.is_poisoned, self.fails_next) = (true, false, false);
        let mut restoring = Restoring::new(config.clone());
        for record in self.memory.records() {
            restoring.record(record).expect("a broker wrote it");
        }
        restoring.finish(now, wall)
    }
}
