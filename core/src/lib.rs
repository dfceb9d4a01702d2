//! Wharf: sans-IO sockets. Bytes, time and calls in; bytes, wishes and events out.
//!
//! Nothing here opens a socket, reads a clock or draws randomness: time and entropy are arguments. So the same program
//! runs on every runtime, in a loop of your own and in a test without a network, and does the same each time.
//!
//! # The loop
//!
//! [`link::Link`] is one connection, a server's or a client's. Whatever drives it does this, in any order and as often
//! as it likes:
//!
//! 1. while [`wants`](link::Link::wants)`().read`: read bytes, offer them to [`receive`](link::Link::receive) until it
//!    returns `None`, and keep what it left in the input for the next time;
//! 2. while `wants().write`: write [`output`](link::Link::output) and `advance` it by what was taken;
//! 3. obey `wants().shutdown`;
//! 4. sleep until [`poll_timeout`](link::Link::poll_timeout), then [`handle_timeout`](link::Link::handle_timeout).
//!
//! ```
//! use wharf::base::{CloseCode, Entropy, Input, Instant, Message, Wall};
//! use wharf::link::{Config, Event, Link};
//!
//! // Two ends of a wire, and a made-up time: a whole session without a network.
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
//! | [`service`] | machines over many connections: clients that stay up, pools, schedules, groups, limits, health, history; with feature `json` typed messages, requests and their answers, a message bus |
//! | `sim` (feature) | a network under virtual time to test servers in, with faults; its `guide` shows how |
//!
//! # Features
//!
//! `http` (default): conversions with the types of the `http` crate, which needs std. `simd`: UTF-8 checks by simdutf8.
//! `tls`: TLS 1.2 and 1.3 by rustls with ring; with rustls's feature `std`, which the adapters bring, sessions resume.
//! `tls-webpki-roots`: the roots that Mozilla trusts, built in.
//! `deflate`: compressed messages (RFC 7692) by zlib-rs, which needs std. `json`: messages of any serde type in JSON
//! (`framed::json`), and reports that serialise.
//! `sim`: a network under virtual time, for tests.
//! Without default features the whole dependency tree is `no_std` with `alloc`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod base;
pub mod framed;
pub mod http;
pub mod link;
pub mod proxy;
pub mod service;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "tls")]
pub mod tls;
pub mod ws;

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
