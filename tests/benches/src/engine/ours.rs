//! Ours, driven as the adapters drive it: buffers of the thread lent for a turn, large messages read into their own.

use super::client_handshake::ClientHandshake;
use super::{Batch, Level, OURS, Payload, Side, Subject};
use bytes::Bytes;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use wharf::base::{Accepted, Engine, Entropy, Event, Input, Instant, Kind, Message, Output, Scratch, Wall};
use wharf::http::Request;
use wharf::link::{self, Link, Target};
use wharf::ws::deflate::{self, Parameters};
use wharf::ws::handshake::{Acceptance, Offer, ServerPolicy};
use wharf::ws::{Config, Connection, Prepared, Role};

const NOW: Instant = Instant::ORIGIN;
/// What the mio adapter reads at once.
const READ: usize = 256 * 1024;
/// Most pieces of one write.
const SLICES: usize = 16;

pub(super) fn receiver(batch: &Batch) -> Subject {
    receive(batch, Connection::server(NOW, &Arc::new(Config::default())))
}

pub(super) fn inflater(batch: &Batch) -> Subject {
    receive(batch, compressing(Role::Server, Level::Default))
}

fn receive(batch: &Batch, mut connection: Connection) -> Subject {
    let (wire, bytes) = (batch.masked.clone(), batch.bytes());
    let (mut scratch, mut buffer) = (Scratch::new(), vec![0; READ]);
    Subject::new(OURS, move || {
        let (mut rest, mut got) = (&wire[..], 0);
        while !rest.is_empty() {
            connection.lend(&mut scratch);
            let mut input = Input::default();
            let came = if let Some(space) = connection.read_space() {
                let came = space.len().min(rest.len());
                space[..came].copy_from_slice(&rest[..came]);
                connection.handle_read(NOW, came);
                came
            } else {
                let came = READ.min(rest.len());
                buffer[..came].copy_from_slice(&rest[..came]);
                input = Input::new(&mut buffer[..came]);
                came
            };
            rest = &rest[came..];
            while let Some(event) = connection.receive(NOW, &mut input) {
                if let Event::Message(message) = event {
                    got += black_box(message.payload()).len();
                }
            }
            connection.reclaim(&mut scratch);
        }
        assert_eq!(got, bytes);
    })
}

pub(super) fn sender(side: Side, payload: Payload, batch: &Batch) -> Subject {
    let mut connection = match side {
        Side::Server => Connection::server(NOW, &Arc::new(Config::default())),
        Side::Client => Connection::client(NOW, &Arc::new(Config::client()), Entropy::from_seed([7; 32])),
    };
    let (mut scratch, bytes, frames) = (Scratch::new(), batch.payload.clone(), batch.frames);
    let expected = batch.wire_len(side == Side::Client);
    Subject::new(OURS, move || {
        connection.lend(&mut scratch);
        for _ in 0..frames {
            let sent = match payload {
                Payload::Lent => connection.send(NOW, Message::binary(&bytes[..])),
                Payload::Given => connection.send_bytes(NOW, Kind::Binary, bytes.clone()),
            };
            black_box(sent.expect("there is room"));
        }
        assert_eq!(write_all(connection.output(NOW)), expected);
        drain(&mut connection);
        connection.reclaim(&mut scratch);
    })
}

/// A turn's events, once what was queued is gone.
fn drain(connection: &mut Connection) {
    while connection.receive(NOW, &mut Input::default()).is_some() {}
}

/// Hands all to a transport that takes everything; how much that was.
fn write_all(mut output: Output<'_>) -> usize {
    let mut all = 0;
    loop {
        let mut slices: [&[u8]; SLICES] = [&[]; SLICES];
        let filled = output.slices(&mut slices);
        let n: usize = slices[..filled].iter().map(|slice| black_box(*slice).len()).sum();
        if n == 0 {
            return all;
        }
        output.advance(n);
        all += n;
    }
}

fn compressing(role: Role, level: Level) -> Connection {
    let (mut config, mut deflate) = (Config::default(), deflate::Config::default());
    if level == Level::Fastest {
        deflate.level = 1;
    }
    config.deflate = Some(deflate);
    // What a server of this configuration answers, and a client of it asks for.
    let mut parameters = Parameters::default();
    parameters.server_no_context_takeover = true;
    parameters.client_no_context_takeover = true;
    let connection = Connection::new(NOW, role, &Arc::new(config), Entropy::from_seed([7; 32]), &[]);
    connection.with_extensions(parameters.into())
}

/// The same messages, compressed by a client.
pub(super) fn compressed(batch: &Batch) -> Batch {
    let (mut client, mut wire) = (compressing(Role::Client, Level::Default), Vec::new());
    let text = std::str::from_utf8(&batch.payload).expect("a text");
    for _ in 0..batch.frames {
        client.send(NOW, Message::text(text)).expect("there is room");
        client.output(NOW).drain_into(&mut wire);
        drain(&mut client);
    }
    Batch { masked: wire.into(), ..batch.clone() }
}

pub(super) fn deflater(level: Level, batch: &Batch) -> Subject {
    let (mut connection, mut scratch) = (compressing(Role::Server, level), Scratch::new());
    let (bytes, frames, plain) = (batch.payload.clone(), batch.frames, batch.bytes());
    Subject::new(OURS, move || {
        connection.lend(&mut scratch);
        let text = std::str::from_utf8(&bytes).expect("a text");
        for _ in 0..frames {
            black_box(connection.send(NOW, Message::text(text)).expect("there is room"));
        }
        assert!(write_all(connection.output(NOW)) < plain);
        drain(&mut connection);
        connection.reclaim(&mut scratch);
    })
}

pub(super) fn broadcaster(members: usize, payload: &Bytes) -> Subject {
    let config = Arc::new(Config::default());
    let mut members: Vec<_> = (0..members).map(|_| Connection::server(NOW, &config)).collect();
    let (mut scratch, payload) = (Scratch::new(), payload.clone());
    Subject::new(OURS, move || {
        let prepared = Prepared::new(Kind::Binary, payload.clone()).expect("it can be sent");
        for member in &mut members {
            member.lend(&mut scratch);
            let sent = member.send_prepared(NOW, &prepared).expect("there is room");
            assert!(write_all(member.output(NOW)) > payload.len());
            if sent == Accepted::Congested {
                drain(member);
            }
            member.reclaim(&mut scratch);
        }
    })
}

/// A whole link from its first byte on, which could as well answer another request.
pub(super) fn server_handshake(request: &Bytes) -> Subject {
    let config = Arc::new(link::Config::default());
    let (request, mut buffer, acceptance) = (request.clone(), vec![0; READ], Acceptance::default());
    let (mut plain, mut scratch) = (Vec::new(), Scratch::new());
    Subject::new(OURS, move || {
        let mut link = Link::server(NOW, Wall::default(), &config);
        link.lend(&mut scratch);
        let bytes = &mut buffer[..request.len()];
        bytes.copy_from_slice(&request);
        let (mut input, mut opened) = (link.input(NOW, bytes, &mut plain), false);
        while let Some(event) = link.receive(NOW, &mut input) {
            match event {
                link::Event::Request(_) => link.accept(NOW, &acceptance).expect("it asks for one"),
                event => opened = matches!(event, link::Event::Opened(_)),
            }
        }
        assert!(opened && write_all(link.output(NOW)) > 100);
        link.reclaim(&mut scratch);
        black_box(&link);
    })
}

/// The handshake by itself, as those use it who have their own connections.
pub(super) fn offer(request: &Bytes) -> Subject {
    let (request, policy, acceptance) = (request.clone(), ServerPolicy::default(), Acceptance::default());
    Subject::new("wharf's Offer", move || {
        let request = Request::parse(&request).expect("a request");
        let offer = Offer::from_request(&request, &policy).expect("it asks for one");
        assert!(black_box(offer.accept(&acceptance).expect("nothing is added")).len() > 100);
    })
}

pub(super) fn client_handshake() -> ClientHandshake {
    let config = Arc::new(link::Config::default());
    let target: Target = "ws://server.example.com/chat".parse().expect("a target");
    let ask = move |streams: Vec<DuplexStream>| {
        let ask = |mut stream: DuplexStream| {
            let entropy = Entropy::from_seed([7; 32]);
            let mut link =
                Link::client(NOW, Wall::default(), &config, &target, entropy).expect("it can be asked");
            let mut output = link.output(NOW);
            let mut slices: [&[u8]; 1] = [&[]];
            output.slices(&mut slices);
            let mut cx = Context::from_waker(Waker::noop());
            let Poll::Ready(Ok(n)) = Pin::new(&mut stream).poll_write(&mut cx, slices[0]) else {
                panic!("there is room")
            };
            output.advance(n);
            (link, stream)
        };
        streams.into_iter().map(ask).collect::<Vec<_>>()
    };
    ClientHandshake::new(OURS, ask, |asked| {
        let mut buffer = [0; 1024];
        for (mut link, mut stream) in asked {
            let mut read = ReadBuf::new(&mut buffer);
            let came = Pin::new(&mut stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut read);
            assert!(came.is_ready());
            let mut input = Input::new(read.filled_mut());
            let opened = link.receive(NOW, &mut input);
            assert!(matches!(opened, Some(link::Event::Opened(_))), "it is accepted");
            black_box(&link);
        }
    })
}
