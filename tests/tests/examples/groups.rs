//! The example of groups does what it says, on every runtime and over every wire.

#[allow(dead_code)]
#[path = "../../examples/groups.rs"]
mod groups;

use clap::Parser;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use wharf::service::groups::Announcement;
use wharf_cli::runner::{Control, RuntimeKind};
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::wire::first;

const SUBSCRIBE: &str = r#"{"type":"subscribe","groupId":"news"}"#;
const HELLO: &str = r#"{"type":"broadcast","groupId":"news","data":{"text":"hello"}}"#;

/// Someone who talks to it, over some wire.
trait Client {
    fn say(&mut self, text: &str);
    fn hear(&mut self) -> String;
}

impl Client for Peer {
    fn say(&mut self, text: &str) {
        self.send(first::TEXT, text.as_bytes());
    }

    fn hear(&mut self) -> String {
        String::from_utf8(self.frame().expect("a message").payload).unwrap()
    }
}

struct Lines(BufReader<TcpStream>);

impl Client for Lines {
    fn say(&mut self, text: &str) {
        writeln!(self.0.get_mut(), "{text}").unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().into()
    }
}

struct Typed(TcpStream);

impl Client for Typed {
    fn say(&mut self, text: &str) {
        let len = text.len() as u32 + 1;
        self.0.write_all(&[&len.to_be_bytes()[..], &[2], text.as_bytes()].concat()).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut head = [0; 5];
        self.0.read_exact(&mut head).expect("a frame");
        assert_eq!(head[4], 2);
        let mut text = vec![0; usize::from(head[3]) - 1];
        self.0.read_exact(&mut text).expect("a frame");
        String::from_utf8(text).unwrap()
    }
}

fn stream(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn connect(framing: &str, address: SocketAddr) -> Box<dyn Client> {
    match framing {
        "ws" => Box::new(Peer::open(address)),
        "json" => Box::new(Lines(BufReader::new(stream(address)))),
        _ => Box::new(Typed(stream(address))),
    }
}

fn a_client_subscribes_and_gets_a_broadcast(runtime: RuntimeKind, framing: &str) {
    let mut args = groups::Args::parse_from(["groups", "--listen", "127.0.0.1:0", "--framing", framing]);
    args.runtime = runtime;
    let (control, controls) = async_channel::bounded(16);
    let (tell, told) = mpsc::channel();
    let server =
        thread::spawn(move || groups::serve(&args, &controls, |address| tell.send(address.tcp()).unwrap()));
    let address = told.recv_timeout(PATIENCE).expect("it listens").unwrap();
    let (mut one, mut two) = (connect(framing, address), connect(framing, address));
    for client in [&mut one, &mut two] {
        client.say(SUBSCRIBE);
        client.say("ahoy");
        assert!(client.hear().starts_with(r#"{"type":"error","code":"bad_json""#), "{framing}");
    }
    one.say(HELLO);
    assert_eq!(two.hear(), r#"{"text":"hello"}"#);
    let announcement = Announcement::to_all("from above").unwrap();
    control.send_blocking(Control::Command(announcement)).unwrap();
    assert_eq!((one.hear(), two.hear()), ("\"from above\"".into(), "\"from above\"".into()));
    drop((one, two));
    control.send_blocking(Control::Drain).unwrap();
    server.join().expect("it does not panic").expect("it ran");
}

macro_rules! on_every_runtime {
    ($($test:ident = $runtime:ident)*) => {
        $(#[test]
        fn $test() {
            for framing in ["ws", "json", "typed"] {
                a_client_subscribes_and_gets_a_broadcast(RuntimeKind::$runtime, framing);
            }
        })*
    };
}

on_every_runtime!(on_tokio = Tokio on_async_std = AsyncStd on_smol = Smol on_mio = Mio);
