//! The service of the world: an echo that also puts off requests, hands out jobs and slows peers down.

use std::collections::{BTreeMap, BTreeSet};
use wharf::base::{Closed, Message};
use wharf::http::Request;
use wharf::link::{ConnId, Context, JobToken, Service, Verdict};

/// What the echo has others do for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// See whether a request may become a WebSocket: it may.
    Admit(ConnId),
    /// Wait, and read on from a connection.
    Rest(ConnId),
}

/// An echo. It checks what it is told by the contract of [`Service`] as it goes.
#[derive(Debug, Default)]
pub struct Echo {
    /// Requests wait for a job before they are accepted.
    pub slow_to_admit: bool,
    /// After each so many messages of a connection it is read no more until a job is done.
    pub rest_after: Option<usize>,
    /// Those that were opened and not closed.
    pub open: BTreeSet<ConnId>,
    /// All that were ever opened, with what they said.
    pub heard: BTreeMap<ConnId, Vec<Message<'static>>>,
    /// How each ended.
    pub closed: BTreeMap<ConnId, Closed>,
    /// Jobs that are out.
    pub jobs: BTreeSet<JobToken>,
    /// Most bytes that were ever queued for one connection.
    pub most_queued: usize,
}

impl Echo {
    fn submit(&mut self, cx: &mut Context<'_, Job>, job: Job) {
        let token = cx.submit(job).expect("a job is refused below the limit");
        assert!(self.jobs.insert(token), "a token is given out twice");
    }
}

impl Service for Echo {
    type Job = Job;
    type Done = Job;
    type Command = ();

    fn request(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, _: &Request) -> Verdict {
        if !self.slow_to_admit {
            return Verdict::accept();
        }
        self.submit(cx, Job::Admit(conn));
        Verdict::Later
    }

    fn opened(&mut self, _: &mut Context<'_, Self::Job>, conn: ConnId) {
        assert!(self.heard.insert(conn, Vec::new()).is_none(), "{conn} is opened twice");
        self.open.insert(conn);
    }

    fn message(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, message: Message<'_>) {
        assert!(self.open.contains(&conn), "a message outside of opened and closed");
        let heard = self.heard.get_mut(&conn).expect("it was opened");
        heard.push(message.as_lent().into_owned());
        let rests = self.rest_after.is_some_and(|after| heard.len().is_multiple_of(after));
        // A connection that was closed from the other side takes no answer any more; another one always fits.
        match cx.send(conn, message) {
            Ok(_) | Err(wharf::base::SendError::Closing | wharf::base::SendError::Closed) => {}
            Err(e) => panic!("an answer to {conn} is refused: {e}"),
        }
        self.most_queued = self.most_queued.max(cx.info(conn).map_or(0, |info| info.queued));
        if rests {
            cx.pause(conn);
            self.submit(cx, Job::Rest(conn));
        }
    }

    fn drained(&mut self, _: &mut Context<'_, Self::Job>, conn: ConnId) {
        assert!(self.open.contains(&conn), "drained outside of opened and closed");
    }

    fn closed(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, closed: &Closed) {
        assert!(self.open.remove(&conn), "{conn} is closed without being open");
        assert!(cx.send(conn, Message::text("late")).is_err(), "a closed connection takes a message");
        self.closed.insert(conn, closed.clone());
    }

    fn done(&mut self, cx: &mut Context<'_, Self::Job>, job: JobToken, outcome: Job) {
        assert!(self.jobs.remove(&job), "a job is done twice");
        match outcome {
            Job::Admit(conn) => cx.accept(conn, &Default::default()),
            Job::Rest(conn) => cx.resume(conn),
        }
    }
}
