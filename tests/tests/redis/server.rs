//! A framing written outside of the crate, against a real peer: Redis, by a blocking stream and by a service on every
//! runtime. Needs redis-server; without it the tests say so and pass, but fail where `WHARF_REQUIRE=all` promises it.

use crate::resp::{Client, Reply, Resp, ask};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Instant;
use wharf::base::{CloseCode, Closed, Message, Origin};
use wharf::link::{Config, ConnId, Context, Framing, Service, Target};
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Serving};
use wharf_tests::folder::Folder;

/// A Redis of a test's own, on a Unix socket. Dropped, it is killed.
struct Redis {
    child: Child,
    folder: Folder,
}

impl Redis {
    fn start() -> Option<Self> {
        let folder = Folder::new();
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--save", "", "--unixsocket", &folder.path("redis")]);
        command.args(["--dir", &folder.path(".")]);
        let Ok(child) = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn() else {
            assert!(std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"), "redis: needs redis-server");
            println!("SKIPPED redis: needs redis-server");
            return None;
        };
        let redis = Self { child, folder };
        let start = Instant::now();
        while redis.connect().is_err() {
            assert!(start.elapsed() < PATIENCE, "it does not listen");
            std::thread::yield_now();
        }
        Some(redis)
    }

    fn connect(&self) -> std::io::Result<UnixStream> {
        UnixStream::connect(self.folder.path("redis"))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Commands, and what Redis says to them.
fn script() -> (Vec<Vec<Vec<u8>>>, Vec<Reply>) {
    let big: Vec<u8> = (0..300_000_u32).map(|i| (i >> 3) as u8).collect();
    let ok = || Reply::Text("OK".into());
    let script: [(&[&[u8]], Reply); 9] = [
        (&[b"PING"], Reply::Text("PONG".into())),
        (&[b"SET", b"key", b"a\r\nb\0"], ok()),
        (&[b"GET", b"key"], Reply::Bytes(b"a\r\nb\0".to_vec())),
        (&[b"GET", b"none"], Reply::Nothing),
        (&[b"SET", b"big", &big], ok()),
        (&[b"GET", b"big"], Reply::Bytes(big.clone())),
        (&[b"RPUSH", b"list", b"1", b"", b"3"], Reply::Number(3)),
        (&[b"LRANGE", b"list", b"0", b"-1"], {
            Reply::List([&b"1"[..], b"", b"3"].map(|item| Reply::Bytes(item.to_vec())).into())
        }),
        (&[b"GET"], Reply::Error("ERR wrong number of arguments for 'get' command".into())),
    ];
    let (mut commands, mut replies) = (Vec::new(), Vec::new());
    for (words, reply) in script {
        commands.push(words.iter().map(|word| word.to_vec()).collect());
        replies.push(reply);
    }
    // Many small ones behind each other, so that a read holds hundreds.
    for i in 1..=5000 {
        commands.push(vec![b"INCR".to_vec(), b"counter".to_vec()]);
        replies.push(Reply::Number(i));
    }
    (commands, replies)
}

#[test]
fn a_blocking_stream_asks_redis() {
    let Some(redis) = Redis::start() else { return };
    let (commands, want) = script();
    let commands: Vec<Vec<&[u8]>> =
        commands.iter().map(|words| words.iter().map(Vec::as_slice).collect()).collect();
    // All at once: what Redis answers meanwhile fits into the buffers of a Unix socket, but for the big values.
    for (commands, want) in commands.chunks(100).zip(want.chunks(100)) {
        assert!(ask(redis.connect().unwrap(), commands).unwrap() == want);
    }
}

/// Dials Redis, sends all commands as there is room, tells the replies, and closes.
struct Asking {
    target: Target,
    client: Client,
    commands: std::vec::IntoIter<Vec<Vec<u8>>>,
    lacks: usize,
    /// Messages of a command that there was no room for.
    unsent: std::vec::IntoIter<Message<'static>>,
    tell: mpsc::Sender<Result<Reply, Closed>>,
}

impl Asking {
    fn send(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        loop {
            while let Some(message) = self.unsent.as_slice().first() {
                if cx.send(conn, message.as_lent()).is_err() {
                    return;
                }
                self.unsent.next();
            }
            let Some(words) = self.commands.next() else { return };
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            self.unsent = self.client.command(&words).1.into_iter();
        }
    }
}

impl Service for Asking {
    type Job = ();
    type Done = ();
    type Command = ();

    fn command(&mut self, cx: &mut Context<'_>, (): ()) {
        cx.dial(self.target.clone()).expect("room for a dial");
    }

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.send(cx, conn);
    }

    fn drained(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.send(cx, conn);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        if let Some((_, reply)) = self.client.element(&message).expect("an element") {
            let _ = self.tell.send(Ok(reply));
            self.lacks -= 1;
            if self.lacks == 0 {
                cx.close(conn, CloseCode::NORMAL, "done").expect("it is open");
            }
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, _: ConnId, closed: &Closed) {
        let _ = self.tell.send(Err(closed.clone()));
    }
}

#[test]
fn a_service_asks_redis_on_every_runtime() {
    for runtime in RuntimeKind::ALL {
        let Some(redis) = Redis::start() else { return };
        let (commands, want) = script();
        let (tell, told) = mpsc::channel();
        let service = Asking {
            target: format!("unix:{}", redis.folder.path("redis")).parse().expect("a target"),
            client: Client::default(),
            lacks: commands.len(),
            commands: commands.into_iter(),
            unsent: Vec::new().into_iter(),
            tell,
        };
        let mut config = Config::default();
        config.framing = Framing::codec(Resp);
        let serving = Serving::start(runtime, service, config);
        serving.command(());
        for want in want {
            let got = told.recv_timeout(PATIENCE).expect("a reply").expect("it is open");
            assert!(got == want, "{runtime:?}: {got:?}");
        }
        let closed = told.recv_timeout(PATIENCE).expect("an end").expect_err("no more replies");
        assert_eq!((closed.origin, &*closed.reason), (Origin::Local, "done"), "{runtime:?}");
        assert!(closed.is_clean());
        serving.drain();
        serving.wait();
    }
}
