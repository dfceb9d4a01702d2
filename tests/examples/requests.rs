//! Requests and their answers over one connection: a calculator that takes its time for some. On tokio, async-std and smol a handle
//! asks and a future answers each request; on a bare mio loop the same machines are a part of a service and stand beside a socket.
//!
//! `cargo run -p wharf-tests --example requests -- --runtime tokio|async-std|smol|mio`

use clap::Parser;
use serde::{Deserialize, Serialize};
use std::error::Error;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message};
use wharf::link::{Config, ConnId, Context, Service, Target};
use wharf::service::requests::{Answers, Asked, ErrorReply, Received, ReplyError, Requests};
use wharf_async_std::{AsyncStd, Bound, Error as SocketError, RequestError, Runtime, Smol, Socket};
use wharf_async_std::{connect, serve, serve_requests};
use wharf_cli::runner::RuntimeKind;
use wharf_tokio::Tokio;

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
    match runtime {
        RuntimeKind::Tokio => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(talk_async::<Tokio>())
        }
        RuntimeKind::AsyncStd => async_std::task::block_on(talk_async::<AsyncStd>()),
        RuntimeKind::Smol => smol::block_on(talk_async::<Smol>()),
        RuntimeKind::Mio => talk_mio(),
    }
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

async fn talk_async<R: Runtime>() -> Result<Vec<String>, Box<dyn Error>> {
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
    let answer = client.request_within::<i64>(Duration::from_millis(20), Sum::Ponder).await;
    assert!(matches!(answer, Err(RequestError::TimedOut)));
    lines.push(told(Sum::Ponder, answer.map_err(|error| error.to_string())));
    // With the last handle the connection is closed.
    drop(client);
    server.drain().await;
    Ok(lines)
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
        }
    }
}

fn talk_mio() -> Result<Vec<String>, Box<dyn Error>> {
    let service = Calculator { answers: Answers::new(Default::default()) };
    let server = wharf_mio::Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), service, Arc::default())?;
    let target: Target = format!("ws://{}/", server.local_addr().ok_or("no address")?).parse()?;
    let handle = server.handle();
    let server = std::thread::spawn(move || server.run());

    let mut socket = wharf_mio::connect(target, &Arc::new(Config::client()))?;
    let mut requests = Requests::new(Default::default());
    let (clock, mut lines) = (wharf_mio::Clock::new(), Vec::new());
    for sum in QUESTIONS {
        let (id, message) = requests.call(clock.now(), &sum, None)?;
        if let Err(error) = socket.send(message) {
            requests.withdraw(id);
            return Err(error.into());
        }
        let message = socket.next().ok_or("the end was told")?.map_err(|closed| closed.to_string())?;
        let Received::Reply { outcome, .. } = requests.receive(&message) else { continue };
        let answer = outcome.and_then(|data| data.decode().map_err(|_| ReplyError::Malformed));
        lines.push(told(sum, answer.map_err(|error| error.to_string())));
    }
    // Whoever owns the loop owns the time: here half a minute has passed at once.
    requests.call(clock.now(), &Sum::Ponder, None)?;
    requests.handle_timeout(clock.now() + Duration::from_secs(30));
    while let Some(failed) = requests.poll_failed() {
        lines.push(told(Sum::Ponder, Err(failed.failure.to_string())));
        failed.cancel.map(|cancel| socket.send(cancel)).transpose()?;
    }
    socket.close(CloseCode::NORMAL, "")?;
    while let Some(Ok(_)) = socket.next() {}
    handle.drain(CloseCode::GOING_AWAY);
    server.join().map_err(|_| "the server panicked")??;
    Ok(lines)
}
