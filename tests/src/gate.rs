//! Many that wait for each other.

use std::sync::{Arc, Mutex};
use wharf::sim::Dice;

/// Lets futures go in an order of its own, once all have come.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Mutex<(Vec<async_channel::Sender<()>>, usize)>>);

impl Gate {
    /// For so many.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self(Arc::new(Mutex::new((Vec::new(), count))))
    }

    /// Waits until all have come.
    ///
    /// # Panics
    /// One of them was dropped meanwhile.
    pub async fn pass(&self) {
        let (tell, told) = async_channel::bounded(1);
        let all = {
            let mut gate = self.0.lock().unwrap();
            gate.0.push(tell);
            if gate.0.len() == gate.1 { std::mem::take(&mut gate.0) } else { Vec::new() }
        };
        let (mut dice, mut all) = (Dice::seeded(12), all);
        while !all.is_empty() {
            let next = all.swap_remove(dice.below(all.len()));
            next.send(()).await.unwrap();
        }
        told.recv().await.unwrap();
    }
}
