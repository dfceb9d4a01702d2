//! How many of something are alive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts those that are alive, and tells each time that one is dropped.
#[derive(Clone, Debug)]
pub struct Census {
    alive: Arc<AtomicUsize>,
    dropped: async_channel::Sender<()>,
    told: async_channel::Receiver<()>,
}

/// One that is alive.
#[derive(Debug)]
pub struct Counted(Census);

impl Census {
    /// Nobody yet.
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        let (dropped, told) = async_channel::unbounded();
        Self { alive: Arc::default(), dropped, told }
    }

    /// One more.
    #[must_use]
    pub fn enter(&self) -> Counted {
        self.alive.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    /// How many there are.
    #[must_use]
    pub fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    /// Waits until `count` more were dropped.
    ///
    /// # Panics
    /// It never ends.
    pub async fn dropped(&self, count: usize) {
        for _ in 0..count {
            self.told.recv().await.unwrap();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
        let _ = self.0.dropped.try_send(());
    }
}
