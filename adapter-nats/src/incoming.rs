//! What waits to be taken by the application.

use crate::notice::Notice;
use crate::stats::Stats;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// More that is no message waits only for one who sleeps; it is told in brief then.
const NEWS_MAX: usize = 64;

/// The queue between the thread and the application. Its bounds are those of the configuration; what comes beyond them is dropped, counted,
/// and told in its place.
#[derive(Debug)]
pub(crate) struct Incoming {
    waiting: Mutex<Waiting>,
    come: Condvar,
    max: usize,
    max_bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: VecDeque<Notice>,
    /// How many of them are messages, and their bytes.
    messages: usize,
    bytes: usize,
    received: u64,
    dropped: u64,
    is_over: bool,
    /// Nobody will ever take anything.
    is_abandoned: bool,
    is_slept_for: bool,
    waker: Option<Waker>,
}

impl Incoming {
    pub(crate) fn new(max: usize, max_bytes: usize) -> Self {
        Self { waiting: Mutex::default(), come: Condvar::new(), max, max_bytes }
    }

    /// A message came.
    pub(crate) fn message(&self, subject: &Arc<str>, bytes: Bytes) {
        let mut waiting = self.lock();
        let is_room = waiting.messages < self.max && waiting.bytes + bytes.len() <= self.max_bytes;
        if !is_room && waiting.messages > 0 {
            return self.slow(waiting, 1);
        }
        waiting.received += 1;
        waiting.messages += 1;
        waiting.bytes += bytes.len();
        self.push(waiting, Notice::Delivered { subject: subject.clone(), bytes });
    }

    /// So many were dropped before they came here, or one knows not how many.
    pub(crate) fn dropped(&self, count: u64) {
        self.slow(self.lock(), count);
    }

    /// Anything but a message came.
    pub(crate) fn tell(&self, notice: Notice) {
        let mut waiting = self.lock();
        if waiting.queue.len() - waiting.messages >= NEWS_MAX {
            waiting.abridge();
        }
        self.push(waiting, notice);
    }

    /// Nothing comes any more.
    pub(crate) fn end(&self) {
        let mut waiting = self.lock();
        waiting.is_over = true;
        self.wake(waiting);
    }

    /// Nobody takes anything any more.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.is_abandoned = true;
        waiting.queue.clear();
        (waiting.messages, waiting.bytes) = (0, 0);
    }

    /// The next one, if there is one.
    pub(crate) fn take(&self) -> Option<Notice> {
        self.lock().take()
    }

    /// The next one, waited for until `until`; `None` then, or where nothing comes any more.
    pub(crate) fn wait(&self, until: Option<Instant>) -> Option<Notice> {
        let mut waiting = self.lock();
        loop {
            if let Some(notice) = waiting.take() {
                return Some(notice);
            }
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if waiting.is_over || left == Some(Duration::ZERO) {
                return None;
            }
            waiting.is_slept_for = true;
            waiting = match left {
                None => self.come.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.come.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    /// The next one, or `None` at the end.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<Notice>> {
        let mut waiting = self.lock();
        match waiting.take() {
            Some(notice) => Poll::Ready(Some(notice)),
            None if waiting.is_over => Poll::Ready(None),
            None => {
                waiting.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }

    pub(crate) fn count(&self, stats: &mut Stats) {
        let waiting = self.lock();
        stats.received = waiting.received;
        stats.dropped_slow = waiting.dropped;
        stats.incoming = waiting.messages;
    }

    fn slow(&self, mut waiting: MutexGuard<'_, Waiting>, count: u64) {
        waiting.dropped += count;
        if let Some(Notice::Slow { dropped }) = waiting.queue.back_mut() {
            *dropped += count;
            return;
        }
        drop(waiting);
        self.tell(Notice::Slow { dropped: count });
    }

    fn push(&self, mut waiting: MutexGuard<'_, Waiting>, notice: Notice) {
        if waiting.is_abandoned {
            (waiting.messages, waiting.bytes) = (0, 0);
            return;
        }
        waiting.queue.push_back(notice);
        self.wake(waiting);
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let (waker, is_slept_for) = (waiting.waker.take(), std::mem::take(&mut waiting.is_slept_for));
        drop(waiting);
        if is_slept_for {
            self.come.notify_all();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self) -> Option<Notice> {
        let notice = self.queue.pop_front()?;
        if let Notice::Delivered { bytes, .. } = &notice {
            self.messages -= 1;
            self.bytes -= bytes.len();
        }
        Some(notice)
    }

    /// Of all that is no message keeps what it comes to: what was dropped, how it stands, and the last trouble.
    fn abridge(&mut self) {
        let mut news = VecDeque::new();
        let is_message = |notice: &Notice| matches!(notice, Notice::Delivered { .. });
        self.queue.retain(|notice| {
            if !is_message(notice) {
                news.push_back(notice.clone());
            }
            is_message(notice)
        });
        let is_state = |notice: &&Notice| matches!(notice, Notice::Up | Notice::Down);
        let states = (news.iter().find(is_state), news.iter().rfind(is_state));
        let states = match states {
            // It has been gone meanwhile.
            (Some(Notice::Down), Some(Notice::Up)) => vec![Notice::Down, Notice::Up],
            (Some(Notice::Up), Some(Notice::Down)) => vec![],
            (_, last) => last.cloned().into_iter().collect(),
        };
        let lost = news.iter().filter_map(|notice| match notice {
            Notice::Slow { dropped } => Some(*dropped),
            _ => None,
        });
        let lost = lost.reduce(|sum, dropped| sum + dropped).map(|dropped| Notice::Slow { dropped });
        let trouble = news.iter().rfind(|notice| matches!(notice, Notice::Trouble { .. })).cloned();
        self.queue.extend(lost.into_iter().chain(states).chain(trouble));
    }
}

#[cfg(test)]
mod tests;
