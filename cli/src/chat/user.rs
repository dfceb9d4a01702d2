//! One user: an id, a name, and what it is in.

use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Builder;
use wharf::base::{Entropy, Instant};
use wharf::service::limiter::Bucket;

/// What is known of a user.
#[derive(Debug)]
pub(super) struct User {
    /// A UUID of version 4.
    pub(super) id: String,
    pub(super) name: String,
    /// At most as many as [`Limits::rooms_per_user`](super::Limits).
    pub(super) rooms: BTreeSet<Arc<str>>,
    /// When it enters the general room by itself.
    pub(super) auto_join: Option<Instant>,
    pub(super) messages: Bucket,
    pub(super) requests: Bucket,
}

impl User {
    pub(super) fn new(now: Instant, entropy: &mut Entropy) -> Self {
        let id = Builder::from_random_bytes(entropy.bytes()).into_uuid().to_string();
        let name = format!("User_{}", &id[..8]);
        let bucket = Bucket::new(now);
        Self { id, name, rooms: BTreeSet::new(), auto_join: None, messages: bucket, requests: bucket }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_and_names_begin_with_them() {
        let mut entropy = Entropy::from_seed([7; 32]);
        let (a, b) = (User::new(Instant::ORIGIN, &mut entropy), User::new(Instant::ORIGIN, &mut entropy));
        assert_ne!(a.id, b.id);
        for user in [a, b] {
            assert_eq!((user.id.len(), &user.id[14..15]), (36, "4"));
            assert!("89ab".contains(&user.id[19..20]));
            assert_eq!(user.name, format!("User_{}", &user.id[..8]));
        }
    }
}
