//! What was said in rooms, and who may come back to them: what a store of a chat is asked, and what it answers.
//!
//! A machine asks by [`Ask`], as a job of its service, and whoever carries jobs out answers by [`Answer`] or [`Failure`]. A [`Draft`] becomes an
//! [`Entry`] with its id when it is stored, and is told to its room only then. [`Memory`] carries all of it out without a
//! disk, and says what carrying out means: stores on disk give the same answers, and theirs last.
//!
//! A [`Desk`] stands between the two: it gathers drafts into batches, asks for one thing at a time, tries again what failed, and
//! bounds what waits for a store that is slow or away.

mod ask;
mod config;
mod desk;
mod entry;
mod memory;
mod session;
mod sessions;
mod stats;
mod write;

pub use ask::{Answer, Ask, Batch, Failure, MAX_BATCH, MAX_PAGE, Page, PageAsk, Span};
pub use config::DeskConfig;
pub use desk::{Action, Desk};
pub use entry::{Draft, Entry, Key, Stored};
pub use memory::Memory;
pub use session::{Session, TokenHash};
pub use stats::DeskStats;

#[cfg(test)]
mod tests;
