//! Requests and their answers over one connection: a calculator that takes its time for some. On tokio, async-std and smol a handle
//! asks and a future answers each request; on a bare mio loop the same machines are parts of
//! services, of which one dials the other.
//!
//! `cargo run -p wharf-tests --example requests -- --runtime tokio|async-std|smol|mio`

use clap::Parser;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::error::Error;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use wharf::base::{Accepted, CloseCode, Closed, Instant, Message};
use wharf::link::{ConnId, Context, DialError, DialId, Service, Target};
use wharf::service::requests::{Answers, Asked, CallId, ErrorReply, Failed, Received, ReplyError, Requests};
use wharf_async_std::{Bound, Error as SocketError, RequestError, Runtime, Socket};
use wharf_async_std::{connect, serve, serve_requests};
use wharf_cli::runner::{Portable, RuntimeKind};
use wharf_mio::{Handle, Server};

#[derive(Parser)]
struct Args {
    /// What it runs on.
    #[arg(long, value_enum, default_value = "tokio")]
    runtime: RuntimeKind,
}

/// What is asked, as `{"op": "add", "of": [2, 3]}`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(tag = "op", content = "of", rename_all = "camelCase")]
enum Sum {
    Add(i64, i64),
    Divide(i64, i64),
    /// Whose answer never comes.
    Ponder,
}

/// For how long the last question waits for its answer.
const SOON: Duration = Duration::from_millis(20);
const QUESTIONS: [Sum; 3] = [Sum::Divide(7, 0), Sum::Add(2, 3), Sum::Divide(42, 6)];

/// What the program is about; `None` takes its time.
fn calculate(sum: Sum) -> Option<Result<i64, ErrorReply>> {
    Some(match sum {
        Sum::Add(a, b) => a.checked_add(b).ok_or_else(|| ErrorReply::new("too_large", "it has 64 bits")),
        Sum::Divide(_, 0) => Err(ErrorReply::new("by_zero", "nothing can be divided by 0")),
        Sum::Divide(a, b) => Ok(a.wrapping_div(b)),
        Sum::Ponder => return None,
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    for line in talk(Args::parse().runtime)? {
        println!("{line}");
    }
    Ok(())
}

/// Serves, and asks a few things of it; what came of each.
pub(crate) fn talk(runtime: RuntimeKind) -> Result<Vec<String>, Box<dyn Error>> {
    runtime.run(Talk)?
}

/// The server's part: a connection's requests are answered side by side, each as soon as its future is done.
async fn answer<R: Runtime>(socket: Socket<R>) -> Result<(), SocketError> {
    serve_requests(socket, Default::default(), |sum: Sum| async move {
        match calculate(sum) {
            Some(answer) => answer,
            // It is dropped when nobody waits for it any more.
            None => pending().await,
        }
    })
    .await
}

/// Questions and answers, from the server's beginning to its end.
struct Talk;

impl Portable for Talk {
    type Output = Result<Vec<String>, Box<dyn Error>>;

    async fn run_async<R: Runtime>(self) -> Self::Output {
        let bound = Bound::<R>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let server = serve(bound, Arc::default(), answer::<R>);

        let socket = connect::<R>(&format!("ws://{}/", server.local_addr())).await?;
        let (client, driving) = socket.requests(Default::default());
        // The socket moves in a task of its own, and the handle may be cloned into others.
        R::spawn(driven(driving.run()));
        let mut lines = Vec::new();
        for sum in QUESTIONS {
            let answer = client.request::<i64>(sum).await;
            lines.push(told(sum, answer.map_err(|error| error.to_string())));
        }
        // Its own time is over soon; the other end is told, and drops its future.
        let answer = client.request_within::<i64>(SOON, Sum::Ponder).await;
        assert!(matches!(answer, Err(RequestError::TimedOut)));
        lines.push(told(Sum::Ponder, answer.map_err(|error| error.to_string())));
        // With the last handle the connection is closed.
        drop(client);
        server.drain().await;
        Ok(lines)
    }

    fn run_mio(self) -> Self::Output {
        let service = Calculator { answers: Answers::new(Default::default()) };
        let server = Server::bind(([127, 0, 0, 1], 0), service, Arc::default())?;
        let target = format!("ws://{}/", server.local_addr().ok_or("no address")?).parse()?;
        // It listens nowhere: it has a loop of its own to ask from.
        let client = Server::new(Asker::new(target), Arc::default())?;
        let (asking, answering) = (client.handle(), server.handle());
        let (server, client) = (thread::spawn(|| server.run()), thread::spawn(|| client.run()));

        let mut lines: Vec<String> = QUESTIONS.map(|sum| told(sum, ask(&asking, sum, None))).into();
        lines.push(told(Sum::Ponder, ask(&asking, Sum::Ponder, Some(SOON))));
        asking.drain_with(CloseCode::NORMAL);
        client.join().map_err(|_| "the client panicked")??;
        answering.drain();
        server.join().map_err(|_| "the server panicked")??;
        Ok(lines)
    }
}

/// A connection's end, which is told nobody here.
async fn driven(end: impl Future<Output = Result<(), SocketError>>) {
    if let Err(error) = end.await {
        eprintln!("{error}");
    }
}

fn told(sum: Sum, answer: Result<i64, String>) -> String {
    match answer {
        Ok(answer) => format!("{sum:?} = {answer}"),
        Err(error) => format!("{sum:?}: {error}"),
    }
}

/// The same as a service, which any of the runtimes can run.
struct Calculator {
    answers: Answers<ConnId>,
}

impl Service for Calculator {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let reply = match self.answers.receive(cx.now(), conn, &message) {
            Asked::Request { ticket, data, .. } => match data.decode().map(calculate) {
                Ok(Some(answer)) => self.answers.answer(ticket, &answer),
                // It is in flight, and would be answered by its ticket.
                Ok(None) => None,
                Err(error) => {
                    let error = ErrorReply::new(ErrorReply::INVALID, error.reason());
                    self.answers.answer(ticket, &Err::<i64, _>(error))
                }
            },
            Asked::Refused(reply) => Some(reply),
            // What works on a request is told to stop here.
            _ => None,
        };
        // A peer that takes no answers is read no further, so there is room.
        if reply.is_some_and(|reply| cx.send(conn, reply).is_err()) {
            cx.abort(conn);
        }
        self.owe(cx, conn);
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.answers.handle_closed(conn);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.answers.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.answers.handle_timeout(cx.now());
        while let Some(expired) = self.answers.poll_expired() {
            let _ = cx.send(expired.conn, expired.reply);
            self.owe(cx, expired.conn);
        }
    }
}

impl Calculator {
    /// A peer of framed messages may end its stream and wait for what it has asked.
    fn owe(&self, cx: &mut Context<'_>, conn: ConnId) {
        cx.owe(conn, self.answers.in_flight_of(conn) > 0);
    }
}

/// The side that asks as a service: what a program with a loop of its own has in place of the handle. It dials, sends what waits
/// once it is connected, and tells what comes of each question.
struct Asker {
    target: Target,
    requests: Requests,
    conn: Option<ConnId>,
    is_dialing: bool,
    /// Each is in flight, of which there are so many at most.
    unsent: VecDeque<(CallId, Message<'static>)>,
    asked: BTreeMap<CallId, mpsc::Sender<Answer>>,
}

/// A question, and whoever waits for its answer.
struct Question {
    sum: Sum,
    within: Option<Duration>,
    tell: mpsc::Sender<Answer>,
}

type Answer = Result<i64, String>;

/// Asks, and waits for the answer, as any thread may.
fn ask(asker: &Handle<Asker>, sum: Sum, within: Option<Duration>) -> Answer {
    let (tell, told) = mpsc::channel();
    asker.command_blocking(Question { sum, within, tell }).map_err(|error| error.to_string())?;
    told.recv().map_err(|error| error.to_string())?
}

impl Service for Asker {
    type Job = ();
    type Done = ();
    type Command = Question;

    fn command(&mut self, cx: &mut Context<'_>, Question { sum, within, tell }: Question) {
        match self.requests.call(cx.now(), &sum, within) {
            Ok((id, message)) => {
                self.asked.insert(id, tell);
                self.unsent.push_back((id, message));
                self.send(cx);
            }
            // Whoever asked may wait no longer.
            Err(error) => drop(tell.send(Err(error.to_string()))),
        }
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        (self.conn, self.is_dialing) = (Some(conn), false);
        self.send(cx);
    }

    fn dial_failed(&mut self, _: &mut Context<'_>, _: DialId, error: &DialError) {
        self.is_dialing = false;
        self.withdraw_all(&error.to_string());
    }

    fn message(&mut self, _: &mut Context<'_>, _: ConnId, message: Message<'_>) {
        // Replies that are late, or come twice, are counted.
        if let Received::Reply { id, outcome } = self.requests.receive(&message) {
            let answer = outcome.and_then(|data| data.decode().map_err(|_| ReplyError::Malformed));
            self.tell(id, answer.map_err(|error| error.to_string()));
        }
    }

    fn drained(&mut self, cx: &mut Context<'_>, _: ConnId) {
        self.send(cx);
    }

    fn closed(&mut self, cx: &mut Context<'_>, _: ConnId, closed: &Closed) {
        self.conn = None;
        self.requests.handle_closed(closed);
        self.fail(cx);
        // Another connection has calls of its own.
        self.requests = Requests::new(Default::default());
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.requests.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.requests.handle_timeout(cx.now());
        self.fail(cx);
    }
}

impl Asker {
    fn new(target: Target) -> Self {
        Self {
            target,
            requests: Requests::new(Default::default()),
            conn: None,
            is_dialing: false,
            unsent: VecDeque::new(),
            asked: BTreeMap::new(),
        }
    }

    /// Sends what waits, as long as there is room; where there is no connection it asks for one.
    fn send(&mut self, cx: &mut Context<'_>) {
        let Some(conn) = self.conn else {
            if !self.is_dialing {
                match cx.dial(self.target.clone()) {
                    Ok(_) => self.is_dialing = true,
                    Err(error) => self.withdraw_all(&error.to_string()),
                }
            }
            return;
        };
        while let Some((id, message)) = self.unsent.pop_front() {
            match cx.send(conn, message) {
                Ok(Accepted::Queued) => {}
                Ok(Accepted::Congested) => return,
                Err(error) => {
                    self.requests.withdraw(id);
                    self.tell(id, Err(error.to_string()));
                }
            }
        }
    }

    /// Tells of those that have failed.
    fn fail(&mut self, cx: &mut Context<'_>) {
        while let Some(Failed { id, failure, cancel, .. }) = self.requests.poll_failed() {
            let unsent = self.unsent.iter().position(|(unsent, _)| *unsent == id);
            match (unsent, self.conn, cancel) {
                (Some(at), ..) => drop(self.unsent.remove(at)),
                // Whoever works on it may stop. It matters little whether that arrives.
                (None, Some(conn), Some(cancel)) => drop(cx.send(conn, cancel)),
                _ => {}
            }
            self.tell(id, Err(failure.to_string()));
        }
    }

    fn withdraw_all(&mut self, why: &str) {
        while let Some((id, _)) = self.unsent.pop_front() {
            self.requests.withdraw(id);
            self.tell(id, Err(why.to_owned()));
        }
    }

    fn tell(&mut self, id: CallId, answer: Answer) {
        if let Some(tell) = self.asked.remove(&id) {
            // Whoever asked may wait no longer.
            let _ = tell.send(answer);
        }
    }
}
