//! What users who have gone have used up of their rates.

use crate::chat::Limits;
use crate::chat::user::User;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::Instant;
use wharf::service::limiter::{Bucket, Rate};

/// Users who went a moment ago, until all that they used up has come in again: who comes back finds it as it was.
#[derive(Debug, Default)]
pub(super) struct Spent {
    /// At most [`Limits::max_users`], of too many the first is forgotten.
    users: BTreeMap<Arc<str>, Used>,
    /// In the order of going, and until when. Of who came back and went again only the last one counts.
    gone: VecDeque<(Instant, Arc<str>)>,
}

#[derive(Debug)]
struct Used {
    until: Instant,
    messages: Bucket,
    requests: Bucket,
}

impl Spent {
    pub(super) fn keep(&mut self, now: Instant, user: &User, limits: &Limits) {
        while self.gone.front().is_some_and(|(until, _)| *until <= now) || self.gone.len() >= limits.max_users
        {
            let Some((until, id)) = self.gone.pop_front() else { break };
            if self.users.get(&id).is_some_and(|used| used.until == until) {
                self.users.remove(&id);
            }
        }
        if is_full(user.messages, now, limits.messages) && is_full(user.requests, now, limits.requests) {
            return;
        }
        let until = now + time_of(limits.messages).max(time_of(limits.requests));
        self.gone.push_back((until, user.id.clone()));
        self.users.insert(user.id.clone(), Used { until, messages: user.messages, requests: user.requests });
    }

    /// What a user who comes back has left, messages and requests, if that is not all.
    pub(super) fn take(&mut self, user: &str) -> Option<(Bucket, Bucket)> {
        self.users.remove(user).map(|used| (used.messages, used.requests))
    }
}

fn is_full(mut bucket: Bucket, now: Instant, rate: Rate) -> bool {
    bucket.take_many(now, rate, rate.burst.max(1) as usize).is_ok()
}

/// How long it takes until a bucket is full again, however empty it was.
fn time_of(rate: Rate) -> Duration {
    Duration::from_secs(u64::from(rate.burst.div_ceil(rate.per_second.max(1))))
}
