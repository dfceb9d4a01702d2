//! The chat behind a limiter.

use super::*;
use crate::args::{Cli, Command};
use clap::Parser;
use wharf::service::limiter::Limited;

fn hub(flags: &str) -> Hub<Limited<ChatService>> {
    let args = ["wharf", "chat"].into_iter().chain(flags.split_whitespace());
    let Command::Chat(args) = Cli::parse_from(args).command else { panic!("no chat") };
    let access = Access { loopback: true, ..Access::default() };
    let chat = ChatService::new(access, Limits::default(), Entropy::from_seed([7; 32]));
    let config = ChatService::config(&Limits::default(), None).into();
    let chat = chat.within(&args.common.limits);
    Hub::new(Instant::ORIGIN, Wall::default(), chat, &config, Entropy::from_seed([8; 32]))
}

/// The status that a request for a WebSocket gets.
fn status(hub: &mut Hub<Limited<ChatService>>, path: &str, host: &str, origin: &str) -> String {
    let now = Instant::ORIGIN;
    let conn = hub.accept(now, ([127, 0, 0, 1], 1).into()).expect("room for one more");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    hub.receive(now, conn, &mut request.into_bytes());
    let mut slices = [&[][..]; 4];
    let filled = hub.slices(conn, &mut slices);
    let answer = String::from_utf8_lossy(&slices[..filled].concat()).into_owned();
    hub.release(now, conn);
    answer.get(9..12).unwrap_or_default().to_owned()
}

/// A page that somebody looks at could have the browser ask for one WebSocket after the other.
#[test]
fn a_foreign_page_has_nobody_blocked() {
    let mut hub = hub("--rate-limit 2/60s --block 300s");
    for _ in 0..5 {
        assert_eq!(status(&mut hub, "/ws", "localhost:80", "http://evil.example"), "403");
        assert_eq!(status(&mut hub, "/ws", "evil.example", "http://evil.example"), "403");
        assert_eq!(status(&mut hub, "/other", "localhost:80", "http://evil.example"), "404");
    }
    for expected in ["101", "101", "429", "429"] {
        assert_eq!(status(&mut hub, "/ws", "localhost:80", "http://localhost:80"), expected);
    }
    // Of those that do not count, either.
    assert_eq!(status(&mut hub, "/ws", "localhost:80", "http://evil.example"), "403");
}
