//! A framing of one's own, RESP of `tests/examples/resp.rs`, by the client sockets of every runtime against a real Redis: over
//! TCP, over its Unix socket, and over its TLS, which is OpenSSL's. Without redis-server it is skipped.

use crate::resp::{self, Reply, Resp};
use std::net::TcpListener;
use std::sync::Arc;
use wharf::link::{Framing, Target};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::certificates::{ROOT, SERVER, trusting};
use wharf_tests::client::{self, Client};
use wharf_tests::daemon::{Daemon, are_installed};

/// Redis, and where it is by other ways than its port.
struct Redis {
    daemon: Daemon,
    tls_port: u16,
}

impl Redis {
    fn start() -> Self {
        // Somebody else may take it before Redis does, which ends then.
        let tls_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let daemon = Daemon::start("redis-server", |port, folder| {
            let pem = |name: &str, pem: &[u8]| Daemon::file(folder, name, str::from_utf8(pem).unwrap());
            let options = [
                ("--port", port.to_string()),
                ("--bind", "127.0.0.1".into()),
                ("--save", "".into()),
                ("--dir", folder.path("")),
                ("--unixsocket", folder.path("socket")),
                ("--tls-port", tls_port.to_string()),
                ("--tls-cert-file", pem("chain", SERVER.0)),
                ("--tls-key-file", pem("key", SERVER.1)),
                ("--tls-ca-cert-file", pem("root", ROOT)),
                ("--tls-auth-clients", "no".into()),
            ];
            options.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
        });
        Self { daemon, tls_port }
    }

    fn targets(&self) -> [Target; 3] {
        let texts = [
            format!("tcp://{}", self.daemon.address),
            self.daemon.folder.socket("socket").to_string(),
            format!("tls://127.0.0.1:{}", self.tls_port),
        ];
        texts.map(|text| text.parse().unwrap())
    }
}

/// A connection with its client machine.
struct Session {
    client: Client,
    machine: resp::Client,
}

impl Session {
    fn open(runtime: RuntimeKind, target: &Target) -> Self {
        let mut config = client::config();
        config.framing = Framing::codec(Resp);
        config.client_tls = Some(trusting().build().unwrap());
        let client = Client::connect(runtime, target, &Arc::new(config)).unwrap();
        Self { client, machine: resp::Client::default() }
    }

    fn send(&mut self, words: &[&[u8]]) -> u64 {
        let (number, messages) = self.machine.command(words);
        messages.into_iter().for_each(|message| self.client.send(message));
        number
    }

    fn reply(&mut self) -> (u64, Reply) {
        loop {
            let element = self.client.message();
            if let Some(reply) = self.machine.element(&element).unwrap() {
                return reply;
            }
        }
    }

    fn ask(&mut self, words: &[&[u8]]) -> Reply {
        let number = self.send(words);
        let (of, reply) = self.reply();
        assert_eq!(of, number);
        reply
    }
}

fn a_real_redis_answers(runtime: RuntimeKind) {
    if !are_installed("redis", &["redis-server"]) {
        return;
    }
    let redis = Redis::start();
    for target in redis.targets() {
        let mut session = Session::open(runtime, &target);
        let ok = Reply::Text("OK".into());
        assert_eq!(session.ask(&[b"PING"]), Reply::Text("PONG".into()), "{target}");

        let binary: Vec<u8> = (0..=255).chain(*b"\r\n$-1\r\n").collect();
        assert_eq!(session.ask(&[b"SET", b"binary", &binary]), ok);
        assert_eq!(session.ask(&[b"GET", b"binary"]), Reply::Bytes(binary));
        assert_eq!(session.ask(&[b"GET", b"nothing"]), Reply::Nothing);
        match session.ask(&[b"INCR", b"binary"]) {
            Reply::Error(text) => assert!(text.starts_with("ERR "), "{text}"),
            other => panic!("{other}"),
        }

        let large = vec![0xab; 5 << 20];
        assert_eq!(session.ask(&[b"SET", b"large", &large]), ok);
        assert!(session.ask(&[b"GET", b"large"]) == Reply::Bytes(large));

        session.ask(&[b"DEL", b"count", b"list"]);
        let numbers: Vec<u64> = (0..500).map(|_| session.send(&[b"INCR", b"count"])).collect();
        for (i, number) in numbers.into_iter().enumerate() {
            assert_eq!(session.reply(), (number, Reply::Number(i as i64 + 1)));
        }

        assert_eq!(session.ask(&[b"RPUSH", b"list", b"a", b""]), Reply::Number(2));
        let list = [&b"a"[..], b""].map(|bytes| Reply::Bytes(bytes.to_vec()));
        assert_eq!(session.ask(&[b"LRANGE", b"list", b"0", b"-1"]), Reply::List(list.into()));

        assert_eq!(session.ask(&[b"QUIT"]), ok);
        let closed = session.client.ended();
        assert!(closed.is_clean(), "{target}: {closed:?}");
    }
}

wharf_tests::on_every_runtime!({ a_real_redis_answers });
