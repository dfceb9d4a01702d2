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
//! 4. sleep until [`poll_timeout`](link::Link::poll_timeout), then [`handle_timeout`](link::Link::handle_timeout).
//!
//! There are no other rules ([`guide::embedding`] has it as code). Anything may be called at any time; a step that is
//! left out delays and never corrupts; a time before the last one counts as the last one; an early timeout does nothing. No call
//! waits, and none returns an error that ends the connection: its end is the last event, [`Event::Closed`](link::Event::Closed), told
//! once.
//!
//! ```
//! use wharf::base::{CloseCode, Entropy, Input, Instant, Message, Wall};
//! use wharf::link::{Config, Event, Link};
//!
//! // Two ends of a wire, a made-up time and a constant for randomness: a whole session without a network.
//! let (now, wall, config) = (Instant::ORIGIN, Wall::default(), Config::default().into());
//! let target = "ws://localhost/".parse().unwrap();
//! let mut client = Link::client(now, wall, &config, &target, Entropy::from_seed([7; 32])).unwrap();
//! let mut server = Link::server(now, wall, &config);
//! let mut heard = Vec::new();
//! for _ in 0..4 {
//!     let mut wire = Vec::new();
//!     client.output(now).drain_into(&mut wire);
//!     let mut input = Input::new(&mut wire);
//!     while let Some(event) = server.receive(now, &mut input) {
//!         match event {
//!             Event::Request(_) => server.accept(now, &Default::default()).unwrap(),
//!             Event::Message(message) => drop(server.send(now, message)),
//!             _ => {}
//!         }
//!     }
//!     let mut wire = Vec::new();
//!     server.output(now).drain_into(&mut wire);
//!     let mut input = Input::new(&mut wire);
//!     while let Some(event) = client.receive(now, &mut input) {
//!         match event {
//!             Event::Opened(_) => drop(client.send(now, Message::text("ahoy"))),
//!             Event::Message(message) => {
//!                 heard.push(message.into_owned());
//!                 client.close(now, CloseCode::NORMAL, "").unwrap();
//!             }
//!             Event::Closed(closed) => assert!(closed.is_clean()),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(heard, [Message::text("ahoy")]);
//! ```
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
