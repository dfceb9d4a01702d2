//! What wakes the keeper of a pool, and for which of its sockets.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};
use wharf::service::pool::SlotId;

/// One for each pool.
#[derive(Default)]
pub(super) struct Bell(Mutex<Rung>);

#[derive(Default)]
struct Rung {
    /// Sockets that something has happened to, at most as many as are watched.
    slots: Vec<SlotId>,
    keeper: Option<Waker>,
}

impl Bell {
    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It wakes this one, who hears for which sockets it rang meanwhile.
    pub(super) fn listen(&self, keeper: &Waker) -> Vec<SlotId> {
        let mut rung = self.lock();
        match &mut rung.keeper {
            Some(known) => known.clone_from(keeper),
            none => *none = Some(keeper.clone()),
        }
        take(&mut rung.slots)
    }

    pub(super) fn ring(&self) {
        // Called outside of the lock: it may drop a task.
        let keeper = self.lock().keeper.take();
        keeper.into_iter().for_each(Waker::wake);
    }
}

/// One for each socket that is watched.
pub(super) struct SlotBell {
    slot: SlotId,
    bell: Arc<Bell>,
}

impl SlotBell {
    pub(super) fn waker(slot: SlotId, bell: &Arc<Bell>) -> Waker {
        Arc::new(Self { slot, bell: bell.clone() }).into()
    }
}

impl Wake for SlotBell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut rung = self.bell.lock();
        if !rung.slots.contains(&self.slot) {
            rung.slots.push(self.slot);
        }
        drop(rung);
        self.bell.ring();
    }
}
