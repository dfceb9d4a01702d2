//! Compression against Python: its zlib inflates what we compress and the other way round, and the module websockets
//! agrees with us on parameters. Needs python3, for the second part with websockets (in `WHARF_PYTHON` or
//! ~/.cache/wharf-python); without them it says so and passes, but fails where `WHARF_REQUIRE=all` promises that they are
//! there.
#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Engine, Entropy, Event, Input, Instant, Message};
use wharf::http::Request;
use wharf::sim::Dice;
use wharf::ws::deflate::{self, Parameters};
use wharf::ws::handshake::{Acceptance, Client, ClientRequest, Offer, ServerPolicy};
use wharf::ws::{Config, Connection, Role};
use wharf_tests::wire::{first, frame, frames};

const NOW: Instant = Instant::ORIGIN;

struct Python {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Python with the script, and with `module` if one is named.
    fn start(module: Option<&str>) -> Option<Self> {
        let given = std::env::var_os("WHARF_PYTHON").map(PathBuf::from);
        let home = std::env::var_os("HOME").unwrap_or_default();
        let cached = Path::new(&home).join(".cache/wharf-python/bin/python");
        let python = given.or(Some(cached).filter(|path| path.is_file())).unwrap_or("python3".into());
        let import = format!("import zlib, sys, {}", module.unwrap_or("os"));
        let has = Command::new(&python).args(["-c", &import]).stderr(Stdio::null()).status();
        if !has.is_ok_and(|status| status.success()) {
            let missing = module.unwrap_or("python3");
            assert!(
                std::env::var("WHARF_REQUIRE").as_deref() != Ok("all"),
                "deflate_python: needs {missing}"
            );
            println!("SKIPPED deflate_python: needs {missing}");
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/deflate_peer.py");
        let mut python = Command::new(&python);
        let mut child = python.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (asks, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self { child, asks, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, words: &[&str]) -> String {
        writeln!(self.asks, "{}", words.join("\t")).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "the script ended, asked for {:?}", &words[..words.len() - 1]);
        answer.trim_end().to_owned()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |d: u8| (d as char).to_digit(16).unwrap() as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// Payloads from noise to a single byte over and over, of sizes around every edge.
fn payload(dice: &mut Dice<'_>) -> Vec<u8> {
    let len = dice.pick(&[1, 2, 100, 127, 300, 1000, 8191, 8192, 8193, 33_000, 70_000, 150_000]);
    match dice.below(4) {
        0 => dice.bytes(len),
        1 => vec![dice.below(256) as u8; len],
        2 => {
            let words = ["tide ", "crane ", "harbour ", "näher ", "€ ", "0123"];
            let mut text = String::new();
            while text.len() < len {
                text.push_str(dice.pick(&words));
            }
            text.into_bytes()
        }
        _ => {
            let word = dice.bytes(len / 7 + 1);
            word.repeat(7)[..len].to_vec()
        }
    }
}

fn side(role: Role, deflate: deflate::Config) -> Connection {
    let mut config = Config::default();
    config.deflate = Some(deflate);
    let entropy = Entropy::from_seed([2; 32]);
    Connection::new(NOW, role, &Arc::new(config), entropy, &[]).with_extensions(Parameters::default().into())
}

#[test]
fn python_inflates_what_we_compress() {
    let Some(mut python) = Python::start(None) else { return };
    let mut compressed = 0;
    for seed in 0..60 {
        let mut dice = Dice::seeded(seed);
        let mut config = deflate::Config::default();
        config.level = dice.between(1, 9) as u8;
        config.window_bits = dice.between(9, 15) as u8;
        config.threshold = 0;
        config.takeover = dice.percent(50);
        let mut connection = side(Role::Server, config);
        // A context of Python's own goes on while ours does, and it may go on behind one that was reset.
        for i in 0..6 {
            let payload = payload(&mut dice);
            connection.send(NOW, Message::binary(&payload[..])).unwrap();
            let mut bytes = Vec::new();
            connection.output(NOW).drain_into(&mut bytes);
            let [frame] = &frames(&bytes)[..] else { panic!("one frame") };
            if frame.first != 0xc2 {
                assert!(frame.first == first::BINARY && frame.payload == payload);
                continue;
            }
            compressed += 1;
            let takeover = if i > 0 && config.takeover { "1" } else { "0" };
            assert!(
                unhex(&python.ask(&["inflate", takeover, &hex(&frame.payload)])) == payload,
                "seed {seed}"
            );
        }
    }
    assert!(compressed > 200, "only {compressed} were compressed");
}

#[test]
fn we_inflate_what_python_compresses() {
    let Some(mut python) = Python::start(None) else { return };
    for seed in 0..60 {
        let mut dice = Dice::seeded(seed);
        let takeover = dice.percent(50);
        let mut config = deflate::Config::default();
        config.peer_takeover = true;
        let mut connection = side(Role::Server, config);
        let (level, bits, mem) = (dice.between(0, 9), dice.between(9, 15), dice.between(1, 9));
        // Z_DEFAULT_STRATEGY to Z_FIXED; Z_SYNC_FLUSH and Z_FULL_FLUSH.
        let (strategy, flush) = (dice.between(0, 4), dice.between(2, 3));
        for i in 0..6 {
            let payload = payload(&mut dice);
            let again = if i > 0 && takeover { "1" } else { "0" };
            let settings = [level, bits, mem, strategy, flush].map(|n| n.to_string());
            let [level, bits, mem, strategy, flush] = &settings;
            let packed = python.ask(&["deflate", level, bits, mem, strategy, flush, again, &hex(&payload)]);
            let mut bytes = frame(0xc2, &unhex(&packed), Some([5, 6, 7, 8]));
            match connection.receive(NOW, &mut Input::new(&mut bytes)) {
                Some(Event::Message(message)) => {
                    assert!(message.payload() == payload, "seed {seed}: another message")
                }
                other => panic!("seed {seed}: no message but {other:?}"),
            }
        }
    }
}

fn configs() -> impl Iterator<Item = deflate::Config> {
    (0..36_u8).map(|i| {
        let mut config = deflate::Config::default();
        config.takeover = i & 1 == 1;
        config.peer_takeover = i & 2 == 2;
        config.window_bits = [9, 12, 15][usize::from(i / 4 % 3)];
        config.peer_window_bits = [9, 10, 15][usize::from(i / 12)];
        config
    })
}

/// The value of the field in a head that we wrote.
fn field(head: &[u8]) -> Option<String> {
    let head = String::from_utf8(head.to_vec()).unwrap();
    head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: ")).map(str::to_owned)
}

#[test]
fn our_client_and_their_server_agree() {
    let Some(mut python) = Python::start(Some("websockets")) else { return };
    for deflate in configs() {
        let mut config = Config::default();
        config.deflate = Some(deflate);
        let request = ClientRequest::new("ws://a/").and_then(|r| r.header("Sec-WebSocket-Key", KEY)).unwrap();
        let mut entropy = Entropy::from_seed([1; 32]);
        let mut client =
            Client::with_extensions(NOW, &request, &mut entropy, Duration::from_secs(1), &config);
        let mut head = Vec::new();
        client.output(NOW).drain_into(&mut head);
        let answer = python.ask(&["answer", &field(&head).unwrap()]);
        assert_ne!(answer, "none");
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: {answer}\r\n\r\n"
        )
        .into_bytes();
        let opened = client.receive(NOW, &mut Input::new(&mut answer)).unwrap().unwrap();
        assert!(opened.agreed.compresses());
    }
}

#[test]
fn their_client_and_our_server_agree() {
    let Some(mut python) = Python::start(Some("websockets")) else { return };
    for deflate in configs() {
        let mut config = Config::default();
        config.deflate = Some(deflate);
        for i in 0.. {
            let offer = python.ask(&["offer", &i.to_string()]);
            if offer == "none" {
                assert_eq!(i, 48);
                break;
            }
            let request = format!(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: {offer}\r\n\r\n"
            );
            let request = Request::parse(request.as_bytes()).unwrap();
            let offer = Offer::from_request(&request, &ServerPolicy::default()).unwrap();
            let offer = offer.with_extensions(&config);
            let answer = field(&offer.accept(&Acceptance::default()).unwrap()).expect("it can be met");
            let verdict = python.ask(&["check", &i.to_string(), &answer]);
            assert_eq!(verdict, "True", "{i}: {answer}");
        }
    }
}

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
