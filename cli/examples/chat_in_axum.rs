//! The rooms of `wharf chat` in an axum app, beside its own routes.
//!
//! One task has the rooms and their store. Each socket's task hands in what it hears, and sends what it is told.
//!
//! `cargo run -p wharf-cli --example chat_in_axum`, then `wharf connect ws://127.0.0.1:8080/chat`, twice.
#![forbid(unsafe_code)]

use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use wharf::base::{CloseCode, Message};
use wharf::service::history::Memory;
use wharf_cli::chat::{Action, Limits, Rooms};
use wharf_std::Clock;
use wharf_tokio::Socket;
use wharf_tokio::axum::WebSocketUpgrade;

/// Messages that wait for one member. Whoever has more to take is given up.
const OUTBOX: usize = 1024;
/// With so many waiting, what a member has missed is told later.
const MARK: usize = 64;

/// What the sockets hear.
enum Said {
    Opened(u64, Sender<Told>),
    Heard(u64, Message<'static>),
    /// All that it was told is sent.
    Drained(u64),
    Closed(u64),
}

/// What a socket is told.
enum Told {
    Text(Bytes),
    Close(CloseCode, &'static str),
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("ws://{}/chat", listener.local_addr()?);
    axum::serve(listener, app()?).await?;
    Ok(())
}

/// The app, and the task behind it, which ends with it.
pub(crate) fn app() -> Result<Router, Box<dyn Error>> {
    let (said, sayings) = channel(1024);
    let clock = Clock::new();
    let rooms = Rooms::new(clock.now(), Limits::default(), wharf_std::entropy()?);
    tokio::spawn(keep(rooms, clock, sayings));
    let app =
        Router::new().route("/", get(|| async { "a page of the app's own\n" })).route("/chat", get(enter));
    Ok(app.layer(Extension(said)))
}

async fn enter(upgrade: WebSocketUpgrade, Extension(said): Extension<Sender<Said>>) -> Response {
    upgrade.on_upgrade(|socket| member(socket, said))
}

async fn member(mut socket: Socket, said: Sender<Said>) -> Result<(), wharf_tokio::Error> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let conn = NEXT.fetch_add(1, Ordering::Relaxed);
    let (tell, told) = channel(OUTBOX);
    // Where nobody keeps the rooms any more, nothing is told either.
    let _ = said.send(Said::Opened(conn, tell)).await;
    let talked = talk(&mut socket, conn, &said, told).await;
    let _ = said.send(Said::Closed(conn)).await;
    talked
}

async fn talk(
    socket: &mut Socket,
    conn: u64,
    said: &Sender<Said>,
    mut told: Receiver<Told>,
) -> Result<(), wharf_tokio::Error> {
    loop {
        // Whichever is not ready is dropped, and loses nothing.
        tokio::select! {
            message = socket.next() => match message.transpose()? {
                Some(message) => drop(said.send(Said::Heard(conn, message)).await),
                None => return Ok(()),
            },
            next = told.recv() => match next {
                Some(Told::Text(text)) => {
                    socket.send(String::from_utf8_lossy(&text).as_ref()).await?;
                    if told.is_empty() {
                        let _ = said.send(Said::Drained(conn)).await;
                    }
                }
                Some(Told::Close(code, reason)) => return socket.close(code, reason).await,
                None => return socket.close(CloseCode::TRY_AGAIN_LATER, "too slow").await,
            },
        }
    }
}

/// Hands in what is said, and does what the rooms want done.
async fn keep(mut rooms: Rooms<u64>, clock: Clock, mut said: Receiver<Said>) {
    let mut store = Memory::new(10_000);
    let mut members = BTreeMap::new();
    loop {
        let wait = rooms.poll_timeout().map_or(Duration::MAX, |due| due - clock.now());
        let said = tokio::select! {
            said = said.recv() => match said {
                Some(said) => Some(said),
                None => return,
            },
            () = tokio::time::sleep(wait) => None,
        };
        let (now, wall) = (clock.now(), clock.wall());
        match said {
            Some(Said::Opened(conn, tell)) => {
                members.insert(conn, tell);
                rooms.handle_opened(now, wall, conn, true);
            }
            Some(Said::Heard(conn, message)) => {
                let _ = rooms.handle_message(now, wall, conn, &message);
            }
            Some(Said::Drained(conn)) => rooms.handle_drained(now, wall, conn),
            Some(Said::Closed(conn)) => {
                members.remove(&conn);
                rooms.handle_closed(now, wall, conn);
            }
            None => rooms.handle_timeout(now, wall),
        }
        while let Some(action) = rooms.poll_action() {
            match action {
                Action::Send { conn, text } => tell(&mut rooms, &clock, &mut members, conn, Told::Text(text)),
                Action::Broadcast { conns, text } => {
                    for conn in conns {
                        tell(&mut rooms, &clock, &mut members, conn, Told::Text(text.clone()));
                    }
                }
                Action::Close { conn, code, reason } => {
                    tell(&mut rooms, &clock, &mut members, conn, Told::Close(code, reason));
                }
                // A database would be asked on a thread of its own, and its answer come as what is said does.
                Action::Ask(ask) => rooms.handle_answer(clock.now(), clock.wall(), Ok(store.carry_out(&ask))),
                _ => {}
            }
        }
    }
}

/// Tells one member, if it is there, and waits for nobody.
fn tell(
    rooms: &mut Rooms<u64>,
    clock: &Clock,
    members: &mut BTreeMap<u64, Sender<Told>>,
    conn: u64,
    told: Told,
) {
    let Some(tell) = members.get(&conn) else { return };
    if tell.try_send(told).is_err() {
        members.remove(&conn);
        rooms.handle_slow(clock.now(), clock.wall(), conn);
    } else if tell.max_capacity() - tell.capacity() > MARK {
        rooms.handle_congested(conn);
    }
}
