//! What a server says that a real one can hardly be brought to: by one of a few lines.

use crate::node::Node;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use wharf_nats::{NatsConfig, Notice};
use wharf_tests::adapter::PATIENCE;

/// Lets the next client in, and reads what it says next.
fn let_in(listener: &TcpListener) -> BufReader<TcpStream> {
    let (mut stream, _) = listener.accept().expect("it dials");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"INFO {\"max_payload\":1000,\"headers\":true}\r\n").expect("it reads");
    let mut lines = BufReader::new(stream);
    line(&mut lines, "CONNECT ");
    line(&mut lines, "PING");
    lines.get_mut().write_all(b"PONG\r\n").expect("it reads");
    lines
}

/// A connection to it that waits long for answers to pings, of which it gives none.
fn connect(listener: &TcpListener) -> Node {
    let url = format!("nats://{}/chat", listener.local_addr().expect("an address"));
    let mut config = NatsConfig::default();
    config.ping_interval = PATIENCE;
    Node::begin(&url, &config)
}

/// Reads the line that is next, but for pings.
fn line(lines: &mut BufReader<TcpStream>, begin: &str) -> String {
    loop {
        let mut line = String::new();
        lines.read_line(&mut line).expect("a line");
        if line != "PING\r\n" || begin == "PING" {
            assert!(line.starts_with(begin), "{line}");
            return line.trim_end().into();
        }
    }
}

fn say(lines: &mut BufReader<TcpStream>, text: &str) {
    lines.get_mut().write_all(text.as_bytes()).expect("it reads");
}

#[test]
fn a_server_that_drops_messages_is_told_as_slow() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut node = connect(&listener);
    let mut server = let_in(&listener);
    assert_eq!(node.next(), Notice::Up);
    say(&mut server, "-ERR 'Slow Consumer'\r\n");
    assert_eq!(node.next(), Notice::Slow { dropped: 0 });
    for _ in 0..2 {
        say(&mut server, "-ERR 'Stale Connection'\r\n");
    }
    assert_eq!(node.next(), Notice::Trouble { what: "Stale Connection".into() });
    drop(server);
    assert_eq!(node.next(), Notice::Down);
    // It dials again at once, and the same is worth telling again.
    let mut server = let_in(&listener);
    assert_eq!(node.next_but_trouble(), Notice::Up);
    say(&mut server, "-ERR 'Stale Connection'\r\n");
    assert_eq!(node.next(), Notice::Trouble { what: "Stale Connection".into() });
}

#[test]
fn what_arrived_before_the_end_is_told_before_it() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut node = connect(&listener);
    node.nats.subscribe("a").expect("a subject");
    let mut server = let_in(&listener);
    assert_eq!(line(&mut server, "SUB "), "SUB wharf.chat.a 1");
    let messages: String = (0..1_000).map(|i| format!("MSG wharf.chat.a 1 4\r\n{i:04}\r\n")).collect();
    say(&mut server, &messages);
    drop(server);
    assert_eq!(node.next(), Notice::Up);
    for i in 0..1_000 {
        assert_eq!(node.delivered().1, format!("{i:04}"));
    }
    assert_eq!(node.next(), Notice::Down);
    // Of the next connection the subscription comes first, before anything is published that others may answer.
    let mut server = let_in(&listener);
    assert_eq!(node.next_but_trouble(), Notice::Up);
    node.nats.subscribe("b").expect("a subject");
    node.publish("a", "question");
    assert_eq!(line(&mut server, ""), "SUB wharf.chat.a 1");
    assert_eq!(line(&mut server, ""), "SUB wharf.chat.b 2");
    assert_eq!(line(&mut server, ""), "PUB wharf.chat.a 8");
}

#[test]
fn a_server_that_says_nonsense_is_left_and_dialed_again() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut node = connect(&listener);
    let mut server = let_in(&listener);
    assert_eq!(node.next(), Notice::Up);
    say(&mut server, "HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(node.next_but_trouble(), Notice::Down);
    let _server = let_in(&listener);
    assert_eq!(node.next_but_trouble(), Notice::Up);
}
