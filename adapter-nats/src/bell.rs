//! What wakes the thread that moves messages.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;

/// Rung from anywhere, it wakes whoever waits: once, until it waits again.
#[derive(Debug, Default)]
pub(crate) struct Bell(Mutex<Option<Waker>>);

impl Bell {
    /// Has the next ring wake this one. What is looked at after it can't change unheard.
    pub(crate) fn listen(&self, waker: &Waker) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    pub(crate) fn ring(&self) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
