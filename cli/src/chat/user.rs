//! One user: an id, a name, and what it is in.

use super::protocol::Frame;
use super::token::hash_of;
use std::collections::VecDeque;
use std::sync::Arc;
use uuid::Builder;
use wharf::base::{Entropy, Instant, Wall};
use wharf::service::history::TokenHash;
use wharf::service::limiter::Bucket;

/// What is known of a user.
#[derive(Debug)]
pub(super) struct User {
    /// A UUID of version 4.
    pub(super) id: Arc<str>,
    pub(super) name: Arc<str>,
    pub(super) token: TokenHash,
    /// In the order of joining; at most as many as [`Limits::rooms_per_user`](super::Limits).
    pub(super) places: Vec<Place>,
    /// When it enters the general room by itself.
    pub(super) auto_join: Option<Instant>,
    /// It would, if its token could have been looked up: it may show that again first.
    pub(super) owes_auto_join: bool,
    pub(super) messages: Bucket,
    pub(super) requests: Bucket,
    /// It has said nothing yet, so that it may still come back as another.
    pub(super) is_fresh: bool,
    /// When its session was handed to the store last.
    pub(super) kept_at: Option<Wall>,
    /// It shows a token, and what it is good for is not known yet.
    pub(super) resuming: Option<Resuming>,
    /// Which of those who showed a token here it was, counted from 1; 0 for one that has shown none.
    pub(super) came: u64,
    /// Which of its connections that is, over all nodes: the one with the greatest goes on. 0 for one that has not come back yet.
    pub(super) epoch: u64,
}

/// A room that a user is in.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) room: Arc<str>,
    /// What has a greater id is told to the user; what has not is history. `None` as long as no id is known, and over
    /// several nodes until the history is read.
    pub(super) from: Option<u64>,
    /// The user's own first message there, as long as the above is not known: it is told, and what is older is history.
    pub(super) first: Option<u64>,
    /// When the user came in.
    pub(super) since: Wall,
    /// What it said in the room before it left that and came back, and was stored only then: told, and left out of the history. As many as
    /// messages may wait to be stored.
    pub(super) earlier: Vec<u64>,
    /// When the room was told last that the user writes something.
    pub(super) typed_at: Option<Instant>,
}

/// A token that is being looked up.
#[derive(Debug)]
pub(super) struct Resuming {
    pub(super) token: String,
    pub(super) after: u64,
    /// Whether the user enters the general room by itself if it comes to nothing.
    pub(super) auto_join: bool,
    /// What was said behind it.
    pub(super) held: VecDeque<Frame>,
}

impl User {
    pub(super) fn new(now: Instant, token: &str, entropy: &mut Entropy) -> Self {
        let id: Arc<str> = Builder::from_random_bytes(entropy.bytes()).into_uuid().to_string().into();
        let bucket = Bucket::new(now);
        Self {
            name: default_name(&id),
            id,
            token: hash_of(token),
            places: Vec::new(),
            auto_join: None,
            owes_auto_join: false,
            messages: bucket,
            requests: bucket,
            is_fresh: true,
            kept_at: None,
            resuming: None,
            came: 0,
            epoch: 0,
        }
    }

    /// The room of that name, if the user is in it.
    pub(super) fn room(&self, name: &str) -> Option<&Arc<str>> {
        self.places.iter().map(|place| &place.room).find(|room| &***room == name)
    }

    pub(super) fn rooms(&self) -> impl Iterator<Item = &Arc<str>> {
        self.places.iter().map(|place| &place.room)
    }
}

/// What a user is called that has not said otherwise.
pub(super) fn default_name(id: &str) -> Arc<str> {
    format!("User_{}", id.get(..8).unwrap_or(id)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_4_and_names_are_user_and_their_first_eight_characters() {
        let mut entropy = Entropy::from_seed([7; 32]);
        let mut user = || User::new(Instant::ORIGIN, "t", &mut entropy);
        let (a, b) = (user(), user());
        assert_ne!(a.id, b.id);
        for user in [a, b] {
            assert_eq!((user.id.len(), &user.id[14..15]), (36, "4"));
            assert!("89ab".contains(&user.id[19..20]));
            assert_eq!(&*user.name, format!("User_{}", &user.id[..8]));
        }
    }
}
