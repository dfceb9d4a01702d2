//! The requests of a connection that are worked on, and the answers that wait for room.

use crate::SendFailed;
use crate::runtime::Runtime;
use crate::socket::Socket;
use crate::trace::Name;
use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable, Aborted, CatchUnwind, Join, Ready, join, ready};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};
use wharf::base::{Instant, Message, SendError};
use wharf::service::requests::{Answers, AnswersConfig, Asked, ErrorReply, RequestId, Ticket};
use wharf_std::text_of_panic;

/// What a future came to: an error is a panic, or the end of one that was dropped.
type Done<A> = Result<std::thread::Result<Result<A, ErrorReply>>, Aborted>;
type Job<J> = Join<Ready<Ticket>, Abortable<CatchUnwind<AssertUnwindSafe<J>>>>;

/// The requests in flight.
pub(super) struct Work<A, J: Future> {
    answers: Answers,
    running: FuturesUnordered<Job<J>>,
    /// How to end each, and what its peer calls it.
    jobs: BTreeMap<Ticket, (AbortHandle, RequestId)>,
    /// What is done and waits for room: its request counts as in flight still.
    done: VecDeque<(Ticket, Result<A, ErrorReply>)>,
    /// What found no room: at most one for each that was in flight, and a refusal, since nothing is read meanwhile.
    unsent: VecDeque<Reply>,
    name: Name,
}

struct Reply {
    /// What it answers, to be told if it cannot be sent.
    id: Option<RequestId>,
    message: Message<'static>,
}

impl<A: Serialize, J: Future<Output = Result<A, ErrorReply>>> Work<A, J> {
    pub(super) fn new(config: AnswersConfig, name: Name) -> Self {
        Self {
            answers: Answers::new(config),
            running: FuturesUnordered::new(),
            jobs: BTreeMap::new(),
            done: VecDeque::new(),
            unsent: VecDeque::new(),
            name,
        }
    }

    pub(super) fn receive<Q: DeserializeOwned>(
        &mut self,
        now: Instant,
        message: &Message<'_>,
        handler: &mut impl FnMut(Q) -> J,
    ) {
        match self.answers.receive(now, (), message) {
            Asked::Request { ticket, id, data } => match data.decode() {
                Ok(question) => self.start(ticket, id, question, handler),
                Err(error) => {
                    let error = ErrorReply::new(ErrorReply::INVALID, error.reason());
                    self.done.push_back((ticket, Err(error)));
                }
            },
            Asked::Cancelled(ticket) => self.drop_job(ticket),
            Asked::Refused(message) => self.unsent.push_back(Reply { id: None, message }),
            Asked::NotOurs => {
                let error = ErrorReply::new(ErrorReply::INVALID, "no request");
                self.unsent.push_back(Reply { id: None, message: error.encode(message.kind(), None) });
            }
            _ => {}
        }
    }

    fn start<Q>(&mut self, ticket: Ticket, id: RequestId, question: Q, handler: &mut impl FnMut(Q) -> J) {
        match catch_unwind(AssertUnwindSafe(|| handler(question))) {
            Ok(future) => {
                let (handle, registration) = AbortHandle::new_pair();
                let future = AssertUnwindSafe(future).catch_unwind();
                self.running.push(join(ready(ticket), Abortable::new(future, registration)));
                self.jobs.insert(ticket, (handle, id));
            }
            Err(panic) => {
                let error = self.panicked(&*panic);
                self.done.push_back((ticket, Err(error)));
            }
        }
    }

    fn panicked(&self, panic: &(dyn Any + Send)) -> ErrorReply {
        self.name.handler_failed(text_of_panic(panic));
        ErrorReply::new(ErrorReply::INTERNAL, "the request could not be carried out")
    }

    /// Drops a future, by its next poll.
    fn drop_job(&mut self, ticket: Ticket) {
        if let Some((handle, _)) = self.jobs.remove(&ticket) {
            handle.abort();
        }
    }

    /// Runs the futures.
    pub(super) fn poll_done(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some((ticket, done))) = self.running.poll_next_unpin(cx) {
            let done: Done<A> = done;
            match done {
                Ok(Ok(outcome)) => self.done.push_back((ticket, outcome)),
                Ok(Err(panic)) => {
                    let error = self.panicked(&*panic);
                    self.done.push_back((ticket, Err(error)));
                }
                Err(Aborted) => {}
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.answers.handle_timeout(now);
        while let Some(expired) = self.answers.poll_expired() {
            self.drop_job(expired.ticket);
            self.unsent.push_back(Reply { id: None, message: expired.reply });
        }
    }

    /// Hands the socket what it has room for; whether one found none.
    pub(super) fn send<R: Runtime>(&mut self, socket: &mut Socket<R>) -> bool {
        while !socket.is_congested() {
            let Some(Reply { id, message }) = self.next_reply() else { break };
            let Err(SendFailed { error, message }) = socket.queue(message) else { continue };
            match error {
                SendError::Full => {
                    self.unsent.push_front(Reply { id, message });
                    return true;
                }
                SendError::Closing | SendError::Closed => {}
                error => {
                    // Only what the handler made is too big, or of a kind that does not fit.
                    let Some(id) = id else { continue };
                    let error = ErrorReply::new(ErrorReply::INTERNAL, error.to_string());
                    let message = error.encode(message.kind(), Some(&id));
                    self.unsent.push_front(Reply { id: None, message });
                }
            }
        }
        false
    }

    fn next_reply(&mut self) -> Option<Reply> {
        if let Some(reply) = self.unsent.pop_front() {
            return Some(reply);
        }
        loop {
            let (ticket, outcome) = self.done.pop_front()?;
            let id = self.jobs.remove(&ticket).map(|(_, id)| id);
            // One that was given up meanwhile has no answer.
            if let Some(message) = self.answers.answer(ticket, &outcome) {
                return Some(Reply { id, message });
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.answers.poll_timeout()
    }

    /// Whether something waits for room.
    pub(super) fn has_more(&self) -> bool {
        !self.unsent.is_empty() || !self.done.is_empty()
    }

    /// Whether something is worked on, or waits for room.
    pub(super) fn is_owed(&self) -> bool {
        self.has_more() || !self.jobs.is_empty()
    }

    /// The connection has ended: all is dropped.
    pub(super) fn end(&mut self) {
        self.answers.handle_closed(());
        self.running.clear();
        self.jobs.clear();
        self.done.clear();
        self.unsent.clear();
    }
}
