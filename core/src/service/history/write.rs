//! A write under way.

use super::{Batch, Draft, Key, Session, TokenHash};
use crate::base::{Instant, Wall};
use alloc::vec::Vec;

/// A batch until it is settled: it is asked for once, and again as long as it fails.
#[derive(Debug)]
pub(super) struct Write {
    drafts: Vec<Item>,
    sessions: Vec<Session>,
    withdraw: Vec<Key>,
    expire: Option<Wall>,
    /// It failed, so it may be stored or not.
    was_in_doubt: bool,
}

/// A draft of a write.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) draft: Draft,
    /// When its time is over.
    pub(super) due: Instant,
    /// It was, and it was handed back.
    pub(super) is_given_up: bool,
}

impl Write {
    pub(super) fn new(
        drafts: Vec<(Draft, Instant)>,
        sessions: Vec<Session>,
        withdraw: Vec<Key>,
        expire: Option<Wall>,
    ) -> Self {
        let item = |(draft, due)| Item { draft, due, is_given_up: false };
        let drafts = drafts.into_iter().map(item).collect();
        Self { drafts, sessions, withdraw, expire, was_in_doubt: false }
    }

    /// What to ask for. What was given up since it was asked for last is withdrawn, before anything that may have its reference.
    pub(super) fn batch(&mut self) -> Batch {
        let given_up = self.drafts.extract_if(.., |item| item.is_given_up);
        self.withdraw.extend(given_up.map(|item| item.draft.key));
        Batch {
            withdraw: self.withdraw.clone(),
            drafts: self.drafts.iter().map(|item| item.draft.clone()).collect(),
            sessions: self.sessions.clone(),
            expire: self.expire,
        }
    }

    /// How many drafts were asked for.
    pub(super) fn asked(&self) -> usize {
        self.drafts.len()
    }

    /// How many drafts are not given up.
    pub(super) fn waiting(&self) -> usize {
        self.drafts.iter().filter(|item| !item.is_given_up).count()
    }

    /// When the first one is to be given up.
    pub(super) fn due(&self) -> Option<Instant> {
        self.drafts.iter().find(|item| !item.is_given_up).map(|item| item.due)
    }

    /// A draft whose time is over.
    pub(super) fn give_up(&mut self, now: Instant) -> Option<Draft> {
        let item = self.drafts.iter_mut().find(|item| !item.is_given_up).filter(|item| item.due <= now)?;
        item.is_given_up = true;
        Some(item.draft.clone())
    }

    /// It failed, so it is to be asked for again.
    pub(super) fn doubt(&mut self) {
        self.was_in_doubt = true;
    }

    pub(super) const fn was_in_doubt(&self) -> bool {
        self.was_in_doubt
    }

    pub(super) fn session(&self, token: &TokenHash) -> Option<&Session> {
        self.sessions.iter().find(|session| session.token == *token)
    }

    /// What it was to withdraw.
    pub(super) fn take_withdraw(&mut self) -> Vec<Key> {
        core::mem::take(&mut self.withdraw)
    }

    /// Each draft.
    pub(super) fn into_items(self) -> impl Iterator<Item = Item> {
        self.drafts.into_iter()
    }
}
