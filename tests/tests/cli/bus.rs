//! `wharf bus` as a person or a script runs it.

use super::{RUNTIMES, complains};
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use wharf::link::Address;
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::folder::Folder;
use wharf_tests::program::{Ended, Running, run};

/// A service that speaks lines.
pub(super) struct Service {
    pub(super) lines: BufReader<TcpStream>,
}

impl Service {
    pub(super) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { lines: BufReader::new(stream) }
    }

    pub(super) fn registered(address: &str, id: &str, pending: u32) -> Self {
        let mut service = Self::connect(address);
        service.say(&format!(r#"{{"type":"register","serviceId":"{id}"}}"#));
        let registered = format!(r#"{{"type":"registered","serviceId":"{id}","pending":{pending}}}"#);
        assert_eq!(service.hear(), registered);
        service
    }

    pub(super) fn say(&mut self, line: &str) {
        writeln!(self.lines.get_mut(), "{line}").unwrap();
    }

    /// The next line that is no heartbeat; empty at the end.
    pub(super) fn hear(&mut self) -> String {
        self.try_hear().unwrap()
    }

    /// The same of a connection that may be reset.
    pub(super) fn try_hear(&mut self) -> std::io::Result<String> {
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line)?;
            if line.trim_end() != r#"{"type":"heartbeat"}"# {
                return Ok(line.trim_end().to_owned());
            }
        }
    }

    fn send_as(&mut self, from: &str, id: &str, to: &str) {
        self.say(&format!(
            r#"{{"type":"message","message":{{"id":"{id}","from":"{from}","to":"{to}","type":"sold","payload":7,"timestamp":0}}}}"#
        ));
    }

    /// Sends and is told that it is on disk.
    pub(super) fn sell(&mut self, id: &str, to: &str) {
        self.sell_as("shop", id, to);
    }

    /// The same of another one than the shop.
    pub(super) fn sell_as(&mut self, from: &str, id: &str, to: &str) {
        self.send_as(from, id, to);
        assert_eq!(self.hear(), format!(r#"{{"type":"accepted","messageId":"{id}"}}"#));
    }
}

/// What is handed over.
pub(super) fn sold(id: &str, to: &str, retries: u32) -> String {
    format!(
        r#"{{"type":"message","message":{{"id":"{id}","from":"shop","to":"{to}","type":"sold","payload":7,"timestamp":0,"retryCount":{retries}}}}}"#
    )
}

/// A bus on a journal, and where it listens with lines and with WebSockets.
pub(super) fn start(journal: &str, flags: &[&str]) -> (Running, [String; 2]) {
    let listen =
        ["bus", "--listen", "tcp://127.0.0.1:0", "--listen", "ws://127.0.0.1:0", "--journal", journal];
    let bus = Running::start(listen.into_iter().chain(flags.iter().copied()));
    let addresses = ["tcp", "ws"].map(|scheme| {
        let (line, prefix) = (bus.line(), format!("listening on {scheme}://"));
        line.strip_prefix(&prefix).unwrap_or_else(|| panic!("it says: {line}")).to_owned()
    });
    (bus, addresses)
}

pub(super) fn dead(journal: &str, args: &[&str]) -> Ended {
    run(["bus", "dead"].into_iter().chain(args.iter().copied()).chain(["--journal", journal]))
}

#[test]
fn what_was_accepted_waits_over_a_restart() {
    for runtime in RUNTIMES {
        let folder = Folder::new();
        let journal = folder.path("bus.db");
        let (bus, [tcp, _]) = start(&journal, &["--runtime", runtime]);
        let mut shop = Service::registered(&tcp, "shop", 0);
        shop.sell("m-1", "mail");
        shop.sell("m-2", "mail");
        bus.signal("TERM");
        assert_eq!(shop.hear(), "", "{runtime}");
        drop(shop);
        let ended = bus.wait();
        assert_eq!(ended.code, Some(0), "{runtime} {ended:?}");
        let (bus, [tcp, ws]) = start(&journal, &["--runtime", runtime]);
        let mut mail = Service::registered(&tcp, "mail", 2);
        assert_eq!(mail.hear(), sold("m-1", "mail", 0));
        assert_eq!(mail.hear(), sold("m-2", "mail", 0));
        mail.say(r#"{"type":"ack","messageId":"m-1"}"#);
        mail.say(r#"{"type":"ack","messageId":"m-2"}"#);
        // What is answered behind them tells that they were heard.
        mail.say(r#"{"type":"ack","messageId":"m-3"}"#);
        assert!(mail.hear().contains("unknown message"), "{runtime}");
        // The same again is no other.
        let mut shop = Service::registered(&tcp, "shop", 0);
        shop.sell("m-1", "mail");
        let mut peer = Peer::connect(ws.parse::<Address>().unwrap());
        peer.ask("/status", false);
        let (status, body) = peer.answer();
        assert!(status == 200 && body.contains(r#""acknowledged":2"#), "{runtime} {body}");
        assert!(body.contains(r#""deduplicated":1"#) && body.contains(r#""pending":0"#), "{runtime} {body}");
        let mut peer = Peer::connect(ws.parse::<Address>().unwrap());
        peer.ask("/metrics", false);
        let (status, body) = peer.answer();
        assert!(status == 200 && body.contains("wharf_bus_acknowledged_total 2"), "{runtime} {body}");
        // Two services and two that ask.
        assert!(body.contains("\nwharf_connections_accepted_total 4\n"), "{runtime} {body}");
        drop(bus);
    }
}

#[test]
fn lines_and_websockets_speak_with_each_other() {
    for runtime in RUNTIMES {
        let (_bus, [tcp, ws]) = start("none", &["--runtime", runtime]);
        let mut shop = Service::registered(&tcp, "shop", 0);
        let mut mail = Peer::connect(ws.parse::<Address>().unwrap());
        mail.ask("/whatever", true);
        assert!(mail.head().starts_with("HTTP/1.1 101 "), "{runtime}");
        mail.send(0x81, br#"{"type":"register","serviceId":"mail"}"#);
        shop.sell("m-1", "mail");
        let texts: Vec<_> =
            (0..2).map(|_| String::from_utf8(mail.frame().expect("a frame").payload).unwrap()).collect();
        assert_eq!(texts[1], sold("m-1", "mail", 0), "{runtime}");
    }
}

#[test]
fn dead_letters_are_listed_shown_requeued_and_purged() {
    let folder = Folder::new();
    dead_letters(&folder.path("bus.db"));
    complains(&dead(&folder.path("none.db"), &["list"]), 1, &["none.db"]);
    complains(&dead(&folder.path("none.db"), &["purge", "--all"]), 1, &["none.db"]);
    complains(&dead("none", &["list"]), 1, &["nothing is kept"]);
}

/// What becomes of them, wherever they are kept.
pub(super) fn dead_letters(journal: &str) {
    let (bus, [tcp, _]) = start(journal, &["--attempts", "1", "--heartbeat", "0.5"]);
    let mut shop = Service::registered(&tcp, "shop", 0);
    let mut mail = Service::registered(&tcp, "mail", 0);
    for id in ["m-1", "m-2", "m-3"] {
        shop.sell(id, "mail");
        assert_eq!(mail.hear(), sold(id, "mail", 0));
        mail.say(&format!(r#"{{"type":"nack","messageId":"{id}","reason":"no stamps"}}"#));
        assert_eq!(
            shop.hear(),
            format!(r#"{{"type":"dead","messageId":"{id}","reason":"nack: no stamps"}}"#)
        );
    }
    let list = dead(journal, &["list"]);
    assert!(list.code == Some(0) && list.out.len() == 3, "{list:?}");
    let of = r#"{"from":"shop","id":"m-1","to":"mail","type":"sold","reason":"nack: no stamps","attempts":1,"diedAt":"#;
    assert!(list.out[0].starts_with(of), "{list:?}");
    let shown = dead(journal, &["show", "shop/m-1"]);
    assert!(shown.out[0].contains(r#""message":{"id":"m-1","from":"shop""#), "{shown:?}");
    complains(&dead(journal, &["show", "m-9"]), 1, &["m-9", "no such dead letter"]);
    // Through the bus that runs.
    let requeued = dead(journal, &["requeue", "m-1"]);
    assert_eq!((requeued.code, &requeued.out[..]), (Some(0), &["1".to_owned()][..]), "{requeued:?}");
    assert_eq!(mail.hear(), sold("m-1", "mail", 0));
    mail.say(r#"{"type":"ack","messageId":"m-1"}"#);
    complains(&dead(journal, &["requeue", "m-1"]), 1, &["no such dead letter"]);
    bus.signal("TERM");
    assert_eq!((shop.hear(), mail.hear()), Default::default());
    drop((shop, mail));
    let ended = bus.wait();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    // With none that runs.
    let requeued = dead(journal, &["requeue", "m-2"]);
    assert_eq!((requeued.code, &requeued.out[..]), (Some(0), &["1".to_owned()][..]), "{requeued:?}");
    let purged = dead(journal, &["purge", "--all"]);
    assert_eq!((purged.code, &purged.out[..]), (Some(0), &["1".to_owned()][..]), "{purged:?}");
    assert!(dead(journal, &["list"]).out.is_empty());
    complains(&dead(journal, &["purge", "shop/m-3"]), 1, &["no such dead letter"]);
    let (_bus, [tcp, _]) = start(journal, &[]);
    let mut mail = Service::registered(&tcp, "mail", 1);
    assert_eq!(mail.hear(), sold("m-2", "mail", 0));
    complains(&dead(journal, &["purge"]), 2, &["ID"]);
}

#[test]
fn a_bus_that_was_killed_answers_no_commands_and_keeps_its_letters() {
    let folder = Folder::new();
    let journal = folder.path("bus.db");
    let (bus, [tcp, _]) = start(&journal, &["--attempts", "1", "--ack-timeout", "0.05"]);
    let mut shop = Service::registered(&tcp, "shop", 0);
    let mut mail = Service::registered(&tcp, "mail", 0);
    shop.sell("m-1", "mail");
    assert_eq!(mail.hear(), sold("m-1", "mail", 0));
    assert_eq!(shop.hear(), r#"{"type":"dead","messageId":"m-1","reason":"ack timeout"}"#);
    bus.signal("KILL");
    assert_eq!(bus.wait().code, None);
    assert_eq!(dead(&journal, &["purge", "m-1"]).code, Some(0));
    assert!(dead(&journal, &["list"]).out.is_empty());
}

#[test]
fn tokens_are_asked_for() {
    let folder = Folder::new();
    let tokens = folder.path("tokens");
    std::fs::write(&tokens, "# who may\nmail secret\n* anybody\n").unwrap();
    let (_bus, [tcp, _]) = start("none", &["--token-file", &tokens]);
    for (id, token, is_in) in [
        ("mail", "secret", true),
        ("mail", "anybody", false),
        ("shop", "anybody", true),
        ("shop", "x", false),
    ] {
        let mut service = Service::connect(&tcp);
        service.say(&format!(r#"{{"type":"register","serviceId":"{id}","token":"{token}"}}"#));
        let said = service.hear();
        assert_eq!(said.contains("registered"), is_in, "{said}");
        if !is_in {
            assert!(said.contains(r#""reason":"token""#), "{said}");
            service.lines.get_ref().shutdown(Shutdown::Write).unwrap();
            assert_eq!(service.hear(), "");
        }
    }
}

#[test]
fn a_journal_in_use_damaged_or_foreign_is_exit_code_1() {
    let folder = Folder::new();
    let journal = folder.path("bus.db");
    let (bus, [tcp, _]) = start(&journal, &[]);
    let other = ["bus", "--listen", "tcp://127.0.0.1:0", "--journal", &journal];
    complains(&run(other), 1, &["bus.db", "open in another bus"]);
    let mut shop = Service::registered(&tcp, "shop", 0);
    ["m-1", "m-2", "m-3"].into_iter().for_each(|id| shop.sell(id, "mail"));
    drop(bus);
    let foreign = folder.path("letter.txt");
    std::fs::write(&foreign, "Dear Sir or Madam, this is no database. ".repeat(200)).unwrap();
    complains(&run(["bus", "--journal", &foreign]), 1, &["letter.txt"]);
    assert!(std::fs::read_to_string(&foreign).unwrap().starts_with("Dear"));
    // One bit of what was accepted.
    let log = folder.path("bus.db-wal");
    let mut bytes = std::fs::read(&log).unwrap();
    let at = bytes.windows(4).position(|four| four == b"sold").expect("the message lies in the log");
    bytes[at] ^= 1;
    std::fs::write(&log, &bytes).unwrap();
    complains(&run(other), 1, &["bus.db-wal"]);
    assert_eq!(std::fs::read(&log).unwrap(), bytes, "it is as it was");
}

#[test]
fn bad_use_is_one_line_and_exit_code_2() {
    let folder = Folder::new();
    let journal = folder.path("bus.db");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp://{}", taken.local_addr().unwrap());
    for (flags, words) in [
        (vec!["--listen", "http://127.0.0.1:0"], "tcp://ADDR"),
        (vec!["--listen", &taken], "cannot listen on"),
        (vec!["--ack-timeout", "0"], "--ack-timeout"),
        (vec!["--heartbeat=-1"], "--heartbeat"),
        (vec!["--gone-after", "soon"], "--gone-after"),
        (vec!["--attempts", "0"], "--attempts"),
        (vec!["--token-file", "/nowhere/at/all"], "/nowhere/at/all"),
        (vec!["--unknown"], "--unknown"),
    ] {
        complains(&run(["bus", "--journal", &journal].into_iter().chain(flags)), 2, &[words]);
    }
}
