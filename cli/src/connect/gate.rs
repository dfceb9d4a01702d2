//! Holds the reader of stdin back while the server does not read.

use std::sync::{Condvar, Mutex, PoisonError};

/// Shut until the connection is open, and whenever its output is congested.
///
/// ```
/// use wharf_cli::connect::Gate;
///
/// let gate = Gate::default();
/// gate.open();
/// gate.wait();
/// ```
#[derive(Debug, Default)]
pub struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    /// Lets the reader through.
    pub fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    /// Holds it back.
    pub fn shut(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Waits until it is open.
    pub fn wait(&self) {
        let guard = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(guard, |is_open| !*is_open));
    }
}
