//! What was said in the rooms of a chat, in an SQLite file.

mod error;
mod failing;
mod page;
mod place;
mod schema;
mod store;
mod write;

pub use error::HistoryError;
pub use store::{History, HistoryConfig};
