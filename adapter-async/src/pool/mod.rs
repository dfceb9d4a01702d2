//! Sockets that are kept open and lent to one user at a time.

mod bell;
mod checkout;
mod error;
mod keeper;
mod lent;
mod pool;
mod shared;
#[cfg(all(test, feature = "sim"))]
mod tests;

pub use error::PoolError;
pub use lent::Pooled;
pub use pool::Pool;
