//! A hub and its clients, wired together without a network.

mod admission;
mod backpressure;
mod broadcast;
mod drain;
mod failures;
mod forwarding;
mod limits;
#[cfg(feature = "tls")]
mod opening;
mod overload;
#[cfg(feature = "tls")]
mod phases;
mod service;
mod silence;
mod transport;
mod turmoil;
#[cfg(feature = "tls")]
mod ways;
#[cfg(feature = "tls")]
mod ways_calls;
#[cfg(feature = "tls")]
mod ways_end;

use super::{
    Address, Config, ConnId, Context, DialError, DialId, Event, Hub, JobToken, Link, Service, Verdict,
};
use crate::base::{CloseCode, Closed, End, Entropy, Extent, Input, Instant, Message, Shutdown, Wall};
use crate::http::{Request, Response};
use crate::ws::handshake::ClientRequest;
use alloc::sync::Arc;
use std::string::{String, ToString};
use std::vec::Vec;

const START: Instant = Instant::ORIGIN;
const WALL: Wall = Wall::from_millis(1_700_000_000_000);

/// Does what a message says, and writes down what it is called with.
#[derive(Default)]
struct Scripted {
    log: Vec<String>,
    later: Vec<ConnId>,
    conns: Vec<ConnId>,
    extent: Option<Extent>,
    dials: Vec<DialId>,
    /// Panics in `closed`.
    fragile: bool,
}

impl Service for Scripted {
    type Job = String;
    type Done = Result<String, String>;
    type Command = String;

    fn request(&mut self, _: &mut Context<'_, Self::Job>, conn: ConnId, request: &Request) -> Verdict {
        match request.path() {
            "/later" => {
                self.later.push(conn);
                Verdict::Later
            }
            "/panic" => panic!("in request"),
            _ if request.is_websocket() => Verdict::accept(),
            path => Verdict::Respond(Response::new(200).body(path.to_string())),
        }
    }

    fn opened(&mut self, _: &mut Context<'_, Self::Job>, conn: ConnId) {
        self.log.push("opened".into());
        self.conns.push(conn);
    }

    fn message(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId, message: Message<'_>) {
        match message.as_text().unwrap_or_default() {
            "panic" => panic!("in message"),
            "close" => cx.close(conn, CloseCode::from(4000), "asked").unwrap(),
            "all" => {
                for other in self.conns.clone() {
                    cx.send(other, message.as_lent()).unwrap();
                }
            }
            "others" => {
                for other in self.conns.iter().filter(|c| **c != conn) {
                    cx.close(*other, CloseCode::NORMAL, "").unwrap();
                }
            }
            "dial" => self.dials.push(cx.dial(ClientRequest::new("ws://nowhere/").unwrap()).unwrap()),
            "ping" => self.log.push(std::format!("{:?}", cx.ping(conn))),
            "tell" => {
                let before = cx.progress(conn).unwrap();
                cx.send(conn, message).unwrap();
                let extent = Extent::between(&before, &cx.progress(conn).unwrap());
                self.log.push(std::format!("{:?}", extent.reach(&cx.progress(conn).unwrap())));
                self.extent = Some(extent);
                cx.tell_written(conn);
            }
            text if text.starts_with("job ") => match cx.submit(text.into()) {
                Ok(_) => self.log.push("submitted".into()),
                Err(back) => self.log.push(std::format!("given back: {}", back.0)),
            },
            _ => drop(cx.send(conn, message)),
        }
    }

    fn written(&mut self, cx: &mut Context<'_, Self::Job>, conn: ConnId) {
        let reach = self.extent.unwrap().reach(&cx.progress(conn).unwrap());
        self.log.push(std::format!("written: {reach:?}"));
    }

    fn pong(&mut self, _: &mut Context<'_, Self::Job>, _: ConnId, rtt: core::time::Duration) {
        self.log.push(std::format!("pong {rtt:?}"));
    }

    fn drained(&mut self, _: &mut Context<'_, Self::Job>, _: ConnId) {
        self.log.push("drained".into());
    }

    fn closed(&mut self, _: &mut Context<'_, Self::Job>, conn: ConnId, closed: &Closed) {
        self.conns.retain(|c| *c != conn);
        assert!(!self.fragile, "in closed");
        self.log.push(std::format!("closed {}", closed.code));
    }

    fn dial_failed(&mut self, _: &mut Context<'_, Self::Job>, _: DialId, error: &DialError) {
        self.log.push(std::format!("dial failed: {error}"));
    }

    fn done(&mut self, _: &mut Context<'_, Self::Job>, _: JobToken, outcome: Self::Done) {
        self.log.push(std::format!("done {outcome:?}"));
    }

    fn job_lost(&mut self, _: &mut Context<'_, Self::Job>, _: JobToken) {
        self.log.push("job lost".into());
    }

    fn command(&mut self, cx: &mut Context<'_, Self::Job>, command: String) {
        if command == "panic" {
            panic!("in command");
        }
        if command == "cancel" {
            self.dials.drain(..).for_each(|dial| cx.cancel_dial(dial));
        }
        for conn in core::mem::take(&mut self.later) {
            if command == "accept" {
                cx.accept(conn, &Default::default());
                continue;
            }
            cx.respond(conn, &Response::new(200).body(command.clone())).unwrap();
        }
    }
}

fn hub(config: Config) -> Hub<Scripted> {
    Hub::new(START, WALL, Scripted::default(), &Arc::new(config), Entropy::from_seed([1; 32]))
}

/// A client on the other end of a wire that takes all at once.
struct Peer {
    conn: ConnId,
    link: Link,
    got: Vec<String>,
    gone: bool,
}

impl Peer {
    fn connect(hub: &mut Hub<Scripted>) -> Self {
        let conn = hub.accept(START, Address::Unix(String::new())).unwrap();
        let request = ClientRequest::new("ws://a/").unwrap();
        let link = Link::client(START, WALL, &Arc::default(), &request.into(), Entropy::from_seed([2; 32]));
        let link = link.unwrap();
        let mut peer = Self { conn, link, got: Vec::new(), gone: false };
        peer.exchange(hub, START);
        assert_eq!(peer.got, ["opened"]);
        peer
    }

    /// Carries bytes both ways until none moves.
    fn exchange(&mut self, hub: &mut Hub<Scripted>, now: Instant) {
        loop {
            let mut up = Vec::new();
            self.link.output(now).drain_into(&mut up);
            if !up.is_empty() {
                hub.receive(now, self.conn, &mut up);
            }
            let mut down = written(hub, now, self.conn);
            let mut input = Input::new(&mut down);
            let quiet = up.is_empty() && input.is_empty();
            while let Some(event) = self.link.receive(now, &mut input) {
                self.got.push(match event {
                    Event::Opened(_) => "opened".into(),
                    Event::Message(message) => message.as_text().unwrap_or("binary").into(),
                    Event::Closed(closed) => std::format!("closed {}", closed.code),
                    other => std::format!("{other:?}"),
                });
            }
            if quiet {
                break;
            }
        }
        self.settle(hub, now);
    }

    /// Ends the wire as both sides want it.
    fn settle(&mut self, hub: &mut Hub<Scripted>, now: Instant) {
        if let Some(Shutdown::Write | Shutdown::Both) = self.link.wants().shutdown {
            hub.receive_end(now, self.conn, End::Eof);
        }
        if let Some(Shutdown::Both | Shutdown::Abort) = hub.wants(self.conn).and_then(|w| w.shutdown) {
            hub.release(now, self.conn);
            self.link.receive_end(now, End::Eof);
            while let Some(event) = self.link.receive(now, &mut Input::new(&mut [])) {
                self.got.push(std::format!("{event:?}").chars().take(6).collect());
            }
            self.gone = true;
        }
    }

    fn say(&mut self, hub: &mut Hub<Scripted>, text: &str) {
        self.link.send(START, Message::text(text)).unwrap();
        self.exchange(hub, START);
    }
}

fn written<S: Service>(hub: &mut Hub<S>, now: Instant, conn: ConnId) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let mut slices: [&[u8]; 8] = [&[]; 8];
        let n = hub.slices(conn, &mut slices);
        let bytes = slices[..n].concat();
        if bytes.is_empty() {
            return out;
        }
        hub.handle_written(now, conn, bytes.len());
        out.extend(bytes);
    }
}

fn get(hub: &mut Hub<Scripted>, conn: ConnId, path: &str) -> String {
    hub.receive(
        START,
        conn,
        std::format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes().to_vec().as_mut_slice(),
    );
    String::from_utf8(written(hub, START, conn)).unwrap()
}
