//! A world to try the bus in: its process with a disk, services that send and apply, and peers that are no good, in a
//! [`wharf::sim::World`], all from one seed. A [`Ledger`] sees all of it, and panics where a promise is broken.

mod books;
mod deaths;
mod disk;
mod hand;
mod ledger;
mod manners;
mod party;
mod plot;
mod post;
mod report;
mod rogue;
mod setup;
mod station;
mod tally;
mod trial;
pub(crate) mod waits;
mod work;

use std::cell::RefCell;
use std::rc::Rc;

pub use books::Books;
pub use disk::Disk;
pub use hand::Hand;
pub use ledger::{Entry, Key, Ledger, State};
pub use manners::Manner;
pub use party::{Ask, Party, Say};
pub(crate) use plot::letters;
pub use report::Report;
pub use rogue::{Rogue, Sink};
pub use setup::{Limits, Setup};
pub use station::{Order, Station};
pub use tally::Tally;
pub use trial::Trial;

/// What several parts of a world look at.
pub type Shared<T> = Rc<RefCell<T>>;

/// It, to be looked at.
pub fn shared<T>(it: T) -> Shared<T> {
    Rc::new(RefCell::new(it))
}
