//! Wharf: sans-IO sockets. Bytes, time and calls in; bytes, wishes and events out.
//!
//! Nothing here opens a socket, reads a clock or draws randomness: time and entropy are arguments. So the same program
//! runs on every runtime, in a loop of your own and in a test without a network, and does the same each time.
//!
//! # The idea
//!
//! A protocol is a machine: what came goes in, what to do comes out, and it decides everything in between. Reading and writing is
//! somebody else's affair, an adapter's (`wharf-tokio`, `wharf-async-std`, `wharf-mio`) or yours. So no choice of a runtime is
//! built in, a test needs neither network nor clock, and what happened once can be made to happen again, byte for byte.
//!
//! # The loop
//!
//! [`link::Link`] is one connection, a server's or a client's. Whatever drives it does this, in any order and as often
//! as it likes:
//!
//! 1. while [`wants`](link::Link::wants)`().read`: read bytes, make them ready by [`input`](link::Link::input), offer that to
//!    [`receive`](link::Link::receive) until it returns `None`, and keep what it left for the next time; at the end of the stream or
//!    when reading or writing failed, [`receive_end`](link::Link::receive_end);
//! 2. while `wants().write`: write [`output`](link::Link::output) and `advance` it by what was taken;
//! 3. obey `wants().shutdown`;
//! 4. sleep until [`poll_timeout`](link::Link::poll_timeout), then [`handle_timeout`](link::Link::handle_timeout);
//! 5. once a minute tell the calendar time, by [`handle_wall`](link::Link::handle_wall): it goes on with `now` by itself, so that
//!    all that is missed without is a clock that was set.
//!
//! There are no other rules; below all but the last are code for a stream that blocks, in [`guide::embedding`] for one that does
//! not. Anything may be called at any time; a step that is left out delays and never corrupts; a time before the last one counts as
//! the last one; an early timeout does nothing. No call waits, and none returns an error that ends the connection: its end is the
//! last event, [`Event::Closed`](link::Event::Closed), told once.
//!
//! ```
//! use std::io::{Error, ErrorKind, Read, Write};
//! use std::net::{TcpListener, TcpStream};
//! use std::{thread, time::Duration};
//! use wharf::base::{CloseCode, End, Entropy, Input, Instant, Message, Shutdown, Wall};
//! use wharf::link::{Config, Event, Link};
//!
//! /// One connection on a stream that blocks: a thread for each. `handle` has its events, and `None` where the connection waited
//! /// for the program, which may have an answer by now or `resume` what it paused; who unparks the thread ends that wait.
//! fn drive<H>(mut link: Link, mut stream: TcpStream, now: impl Fn() -> Instant, mut handle: H)
//! where
//!     H: FnMut(&mut Link, Instant, Option<Event<'_>>),
//! {
//!     let (mut bytes, mut plain, mut input) = ([0; 65536], Vec::new(), Input::default());
//!     let failed = |link: &mut Link, error: Error, end| match error.kind() {
//!         ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => {}
//!         _ => link.receive_end(now(), end),
//!     };
//!     loop {
//!         link.handle_timeout(now());
//!         while let Some(event) = link.receive(now(), &mut input) {
//!             handle(&mut link, now(), Some(event));
//!         }
//!         let (wants, due) = (link.wants(), link.poll_timeout());
//!         let patience = due.map(|at| (at - now()).max(Duration::from_millis(1)));
//!         if let Some(how) = wants.shutdown {
//!             drop(stream.shutdown(std::net::Shutdown::Write)); // the peer may have reset it already
//!             if how != Shutdown::Write {
//!                 return;
//!             }
//!         }
//!         if wants.write {
//!             let (mut output, mut slices) = (link.output(now()), [&[][..]]);
//!             output.slices(&mut slices);
//!             match stream.set_write_timeout(patience).and_then(|()| stream.write(slices[0])) {
//!                 Ok(n) => output.advance(n),
//!                 Err(error) => failed(&mut link, error, End::WriteFailed),
//!             }
//!         } else if !wants.read {
//!             patience.map_or_else(thread::park, thread::park_timeout); // `input` waits as well
//!             handle(&mut link, now(), None);
//!         } else if input.is_empty() {
//!             input = Input::default(); // lets go of `bytes`
//!             match stream.set_read_timeout(patience).and_then(|()| stream.read(&mut bytes)) {
//!                 Ok(0) => link.receive_end(now(), End::Eof),
//!                 Ok(n) => input = link.input(now(), &mut bytes[..n], &mut plain),
//!                 Err(error) => failed(&mut link, error, End::ReadFailed),
//!             }
//!         }
//!     }
//! }
//!
//! let (wall, config) = (Wall::default(), Config::default().into());
//! let start = std::time::Instant::now();
//! let now = move || Instant::ORIGIN + start.elapsed();
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = Link::server(now(), wall, &config);
//! let serving = thread::spawn(move || {
//!     let (stream, _) = listener.accept()?;
//!     drive(server, stream, now, |link, now, event| match event {
//!         Some(Event::Request(_)) => link.accept(now, &Default::default()).unwrap(),
//!         Some(Event::Message(message)) => drop(link.send(now, message)),
//!         _ => {}
//!     });
//!     Ok::<(), Error>(())
//! });
//!
//! // A constant in tests alone: masks and keys come of these 32 bytes, so they have to be the operating system's.
//! let entropy = Entropy::from_seed([7; 32]);
//! let target = format!("ws://{address}/").parse().unwrap();
//! let client = Link::client(now(), wall, &config, &target, entropy).unwrap();
//! let mut told = Vec::new();
//! drive(client, TcpStream::connect(address)?, now, |link, now, event| match event {
//!     Some(Event::Opened(_)) => drop(link.send(now, Message::text("ahoy"))),
//!     Some(Event::Message(message)) => {
//!         told.push(message.as_text().unwrap().to_owned());
//!         link.close(now, CloseCode::NORMAL, "").unwrap();
//!     }
//!     Some(Event::Closed(closed)) => told.push(closed.code.to_string()),
//!     _ => {}
//! });
//! assert_eq!(told, ["ahoy", "1000"]);
//! serving.join().unwrap()?;
//! #
//! # // Where the link waits for the program, with input left, the loop does not turn in circles: its turns are counted here.
//! # use std::cell::Cell;
//! # let (turns, late) = (Cell::new(0), Cell::new(Duration::ZERO));
//! # let counted = || {
//! #     turns.set(turns.get() + 1);
//! #     assert!(turns.get() < 500, "it turns in circles");
//! #     Instant::ORIGIN + late.get()
//! # };
//! # let listener = TcpListener::bind("127.0.0.1:0")?;
//! # let told_all = |bytes: &[u8]| -> Result<(TcpStream, TcpStream), Error> {
//! #     let mut peer = TcpStream::connect(listener.local_addr()?)?;
//! #     peer.write_all(bytes)?;
//! #     peer.shutdown(std::net::Shutdown::Write)?;
//! #     Ok((peer, listener.accept()?.0))
//! # };
//! # // A request that nobody answers, and another behind it: the deadline strikes.
//! # let (mut peer, stream) = told_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
//! # drive(Link::server(Instant::ORIGIN, wall, &config), stream, &counted, |_, _, event| match event {
//! #     Some(Event::Request(_)) => late.set(Duration::from_secs(30)),
//! #     _ => {}
//! # });
//! # let mut answer = String::new();
//! # peer.read_to_string(&mut answer)?;
//! # assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
//! # // One that is paused at each message, and resumed without anything to write.
//! # let (_peer, stream) = told_all(
//! #     b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
//! #       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x81\x81\0\0\0\0a\x81\x81\0\0\0\0b\x88\x80\0\0\0\0",
//! # )?;
//! # let mut told = Vec::new();
//! # drive(Link::server(counted(), wall, &config), stream, &counted, |link, now, event| match event {
//! #     Some(Event::Request(_)) => link.accept(now, &Default::default()).unwrap(),
//! #     Some(Event::Message(message)) => {
//! #         told.push(message.as_text().unwrap().to_owned());
//! #         link.pause(now);
//! #         thread::current().unpark();
//! #     }
//! #     Some(Event::Closed(closed)) => told.push(closed.code.to_string()),
//! #     None => link.resume(now),
//! #     _ => {}
//! # });
//! # assert_eq!(told, ["a", "b", "1005"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing grows without a limit: a message has at most 16 MiB, what waits to be written 17 MiB; opening has 10 s, silence 30 s
//! until a ping and as long for its answer, a close 5 s ([`ws::Config`], [`link::Config`]; [`guide::memory`] adds them up). However
//! a connection ends, one [`Closed`](base::Closed) says who ended it, with which code and why: violations, deadlines and lost
//! streams are told there and nowhere else ([`guide::errors`]). A test needs no stream at all ([`guide::services`], feature `sim`).
//!
//! # The map
//!
//! | module | what is in it |
//! |---|---|
//! | [`base`] | time, input and output, messages and events, close codes and reports, the [`Engine`](base::Engine) contract |
//! | [`http`] | heads of requests and answers, the [`Responder`](http::Responder) that shares a port with the WebSocket |
//! | [`ws`] | the [`Connection`](ws::Connection) of RFC 6455, its [`handshake`](ws::handshake), prepared messages, URLs |
//! | [`proxy`] | ways out: a [`Tunnel`](proxy::Tunnel) by CONNECT or SOCKS5, and which [`Proxies`](proxy::Proxies) a target is reached by |
//! | [`framed`] | messages over a byte stream without a WebSocket: the [`Codec`](framed::Codec) trait, typed frames, lengths, lines, raw |
//! | `tls` (feature) | a TLS `Session` as a stage on slices, and its configurations |
//! | [`link`] | one connection from first byte to last, many of them ([`Hub`](link::Hub)), and what an application writes ([`Service`](link::Service)) |
//! | [`service`] | machines over many connections: clients that stay up, pools, schedules, groups, a mesh of nodes, limits, health, history; with feature `json` typed messages, requests and their answers, a message bus |
//! | `sim` (feature) | a network under virtual time to test servers in, with faults; its `guide` shows how |
//! | [`guide`] | nothing but text: how to embed, write, test, bound, secure and deploy it |
//!
//! [`guide`] has a page for each thing that you may want to do.
//!
//! # Features
//!
//! | feature | what it adds | std |
//! |---|---|---|
//! | `http` (default) | conversions from and to the types of the crate `http` | needed |
//! | `deflate` | compressed messages (RFC 7692) by zlib-rs; nothing is paid where it is not negotiated | needed |
//! | `json` | messages of any serde type (`framed::json`, `service::messages`), requests, the message bus; reports and counters that serialise | |
//! | `sim` | a network under virtual time with seeded faults, for tests | |
//! | `simd` | UTF-8 checks, masking, masks, SHA-1 and HTTP heads by what the processor is found to have | needed |
//! | `tls` | TLS 1.2 and 1.3 by rustls with ring; sessions resume with rustls's feature `std`, which the adapters bring | |
//! | `tls-webpki-roots` | `tls`, and the roots that Mozilla trusts, built in | |
//!
//! Without default features the whole dependency tree is `no_std` with `alloc`. A feature adds and never changes what is there.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod base;
pub mod framed;
pub mod guide;
pub mod http;
pub mod link;
pub mod proxy;
pub mod service;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "tls")]
pub mod tls;
pub mod ws;
