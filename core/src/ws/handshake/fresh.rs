//! Fields that are made afresh for each attempt.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// A function that makes fields. Two are equal if they are the same one.
#[derive(Clone)]
pub(super) struct Fresh(Arc<dyn Fn() -> Vec<(String, String)> + Send + Sync>);

impl Fresh {
    pub(super) fn new(make: impl Fn() -> Vec<(String, String)> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(super) fn make(&self) -> Vec<(String, String)> {
        (self.0)()
    }
}

impl PartialEq for Fresh {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Fresh {}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fresh")
    }
}
