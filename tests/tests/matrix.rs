//! One echo behind everything that can be combined: each framing, over TCP and over Unix sockets, plain and over TLS, on
//! each runtime. Each cell is a test of its name, and README's table is made from those names.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Cause, CloseCode, Closed, End, Origin, Timeout, Violation};
use wharf::link::Config;
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::Peer;
use wharf_tests::cell::{Cell, Close, Spoken, Stand};

/// What a read brings at most, on every runtime.
const READ: usize = 64 * 1024;

type Check = fn(Cell);

/// All that holds in each cell. What is printed shows where a test failed.
fn all(cell: Cell) {
    let checks: [(&str, Check); 7] = [
        ("messages of all sizes", messages_of_all_sizes),
        ("messages in flight", messages_in_flight),
        ("closes of either side", closes_of_either_side),
        ("a message over the limit", a_message_over_the_limit),
        ("a half-closed peer is answered", a_half_closed_peer_is_answered),
        ("an end without a goodbye", an_end_without_a_goodbye),
        ("a drain closes all", a_drain_closes_all),
    ];
    for (name, check) in checks {
        println!("{name}");
        check(cell);
    }
}

fn messages_of_all_sizes(cell: Cell) {
    let stand = Stand::start(cell);
    let mut client = stand.connect();
    for text in ["ahoy", "", "\"quoted\" and \\ and ümlaut"] {
        stand.echoes(&mut client, text);
    }
    if cell.spoken == Spoken::JsonLines {
        stand.echoes(&mut client, "two\nlines");
    }
    for size in [READ - 1, READ, READ + 1, 1 << 20] {
        let text: String = (0..size).map(|i| char::from(b'a' + (i % 23) as u8)).collect();
        stand.echoes(&mut client, &text);
    }
    client.close(1000, "");
    assert!(client.ended().is_clean() && stand.ended().is_clean());
}

fn messages_in_flight(cell: Cell) {
    let stand = Stand::start(cell);
    let mut client = stand.connect();
    // All of them fit into what a peer that only writes is let keep waiting.
    let text = |i: usize| format!("{i} {}", "x".repeat(i * i % 400));
    (0..300).for_each(|i| client.send(cell.message(&text(i))));
    for i in 0..300 {
        assert_eq!(client.message(), cell.message(&text(i)), "message {i}");
    }
    client.close(1000, "");
    assert!(client.ended().is_clean() && stand.ended().is_clean());
}

/// Origin, code and reason of a report that follows a closing handshake, or its like.
fn said(closed: &Closed) -> (Origin, CloseCode, &str) {
    assert_eq!(closed.cause, Cause::Handshake, "{closed:?}");
    (closed.origin, closed.code, &closed.reason)
}

fn closes_of_either_side(cell: Cell) {
    let stand = Stand::start(cell);
    let reason = |text| if cell.is_websocket() { text } else { "" };
    let mut client = stand.connect();
    stand.echoes(&mut client, "ahoy");
    client.close(4001, "enough");
    let (closed, told) = (client.ended(), stand.ended());
    assert_eq!((said(&closed).0, closed.code.as_u16(), closed.is_clean()), (Origin::Local, 4001, false));
    assert_eq!(said(&told), (Origin::Remote, stand.told(4001), reason("enough")));

    let mut client = stand.connect();
    stand.echoes(&mut client, "ahoy");
    stand.serving.command(Close(4002, "so be it"));
    let (told, closed) = (client.ended(), stand.ended());
    assert_eq!(said(&told), (Origin::Remote, stand.told(4002), reason("so be it")));
    assert_eq!((said(&closed).0, closed.code.as_u16(), closed.is_clean()), (Origin::Local, 4002, false));
    assert_eq!(told.is_clean(), !cell.is_websocket());

    let mut client = stand.connect();
    stand.echoes(&mut client, "ahoy");
    stand.serving.command(Close(1000, ""));
    assert!(client.ended().is_clean() && stand.ended().is_clean());
}

fn a_message_over_the_limit(cell: Cell) {
    const SMALL: usize = 1000;
    let too_big = |closed: &Closed| match closed.cause {
        Cause::Violation(violation) => {
            assert!(closed.origin == Origin::Abnormal && !closed.is_clean(), "{closed:?}");
            assert_eq!(violation.close_code(), CloseCode::MESSAGE_TOO_BIG, "{violation}");
            assert!(matches!(
                violation,
                Violation::MessageTooBig { limit: SMALL } | Violation::FrameTooBig { limit: SMALL }
            ));
        }
        _ => panic!("no violation: {closed:?}"),
    };
    let text = "x".repeat(SMALL + 1);
    let stand = Stand::with(cell, cell.server(SMALL));
    let mut client = stand.connect();
    client.send(cell.message(&text));
    let told = client.ended();
    assert_eq!((told.origin, told.code), (Origin::Remote, stand.told(1009)), "{told:?}");
    too_big(&stand.ended());

    let stand = Stand::start(cell);
    let mut client = stand.connect_with(cell.client(SMALL));
    client.send(cell.message(&text));
    too_big(&client.ended());
    let told = stand.ended();
    assert_eq!((told.origin, told.code), (Origin::Remote, stand.told(1009)), "{told:?}");
}

/// Where the end of a stream is a goodbye, and no TLS says another one.
fn a_half_closed_peer_is_answered(cell: Cell) {
    let Some(codec) = cell.codec().filter(|_| !cell.tls) else { return };
    let stand = Stand::start(cell);
    let mut wire = Vec::new();
    for text in ["one", "", "last words"] {
        let message = cell.message(text);
        codec.encode_head(message.kind(), message.payload(), &mut wire).expect("it can be framed");
        wire.extend_from_slice(message.payload());
        codec.encode_tail(message.kind(), message.payload(), &mut wire);
    }
    let mut peer = Peer::connect(&stand.serving.address);
    peer.write(&wire);
    peer.end();
    assert_eq!(peer.rest(), wire);
    assert_eq!(said(&stand.ended()), (Origin::Remote, CloseCode::NORMAL, ""));

    let mut peer = Peer::connect(&stand.serving.address);
    peer.write(&wire[..wire.len() - 1]);
    peer.end();
    assert!(wire.starts_with(&peer.rest()));
    let cut = stand.ended();
    assert_eq!((cut.origin, cut.cause), (Origin::Abnormal, Cause::Transport(End::Truncated)));
    assert!(!cut.is_clean());
}

fn an_end_without_a_goodbye(cell: Cell) {
    let stand = Stand::start(cell);
    let mut client = stand.connect();
    stand.echoes(&mut client, "ahoy");
    client.vanish();
    let closed = stand.ended();
    let expected = match () {
        () if cell.tls => (Origin::Abnormal, CloseCode::ABNORMAL, Cause::Transport(End::Truncated)),
        () if cell.is_websocket() => (Origin::Abnormal, CloseCode::ABNORMAL, Cause::Transport(End::Eof)),
        // A plain stream that ends between messages has ended well, as far as anybody can tell.
        () => (Origin::Remote, CloseCode::NORMAL, Cause::Handshake),
    };
    assert_eq!((closed.origin, closed.code, closed.cause), expected);
    assert_eq!(closed.is_clean(), !cell.tls && !cell.is_websocket());
}

fn a_drain_closes_all(cell: Cell) {
    let stand = Stand::start(cell);
    let mut clients: Vec<_> = (0..5).map(|_| stand.connect()).collect();
    clients.iter_mut().for_each(|client| stand.echoes(client, "ahoy"));
    stand.serving.drain();
    for client in &mut clients {
        assert_eq!(said(&client.ended()), (Origin::Remote, stand.told(1001), ""));
        let closed = stand.ended();
        assert_eq!((said(&closed).0, closed.code), (Origin::Local, CloseCode::GOING_AWAY));
    }
    stand.serving.wait();
}

/// All ways of one runtime at once, so that their time is waited for once.
fn silence_ends_it(runtime: RuntimeKind) {
    const SILENCE: Option<Duration> = Some(Duration::from_millis(500));
    let spoken =
        [Spoken::WebSocket, Spoken::Deflate, Spoken::Typed, Spoken::Length, Spoken::Lines, Spoken::JsonLines];
    let ways = [(false, false), (false, true), (true, false), (true, true)];
    let cells =
        spoken.into_iter().flat_map(|spoken| ways.map(|(unix, tls)| Cell { spoken, runtime, unix, tls }));
    let started: Vec<_> = cells
        .map(|cell| {
            let mut config: Config = cell.server(Stand::LIMIT);
            let ws = Arc::make_mut(&mut config.ws);
            (ws.idle_timeout, ws.pong_timeout) = (SILENCE, SILENCE);
            Arc::make_mut(&mut config.framed).idle_timeout = SILENCE;
            let stand = Stand::with(cell, config);
            // It does nothing unless it is called.
            let client = stand.connect();
            (stand, client)
        })
        .collect();
    for (stand, mut client) in started {
        let closed = stand.ended();
        let timeout = if stand.cell.is_websocket() { Timeout::Pong } else { Timeout::Idle };
        assert_eq!(
            (closed.origin, closed.cause),
            (Origin::Abnormal, Cause::Timeout(timeout)),
            "{:?}",
            stand.cell
        );
        assert!(!closed.is_clean());
        let told = client.ended();
        // A Unix socket knows no reset, so that only what has a goodbye of its own can tell.
        let can_tell = stand.cell.is_websocket() || stand.cell.tls || !stand.cell.unix;
        assert_eq!(told.is_clean(), !can_tell, "{:?}: {told:?}", stand.cell);
    }
}

/// The cells by the names of their tests.
fn cells() -> BTreeSet<String> {
    let me = std::env::current_exe().expect("a path");
    let listed = Command::new(me).args(["--list", "--format=terse"]).output().expect("it lists its tests");
    let names = String::from_utf8(listed.stdout).expect("names");
    let names = names.lines().filter_map(|line| line.strip_suffix(": test"));
    names.filter(|name| name.matches("::").count() == 2).map(str::to_owned).collect()
}

/// The table for README.
fn table() -> String {
    let cells = cells();
    let runtimes = ["tokio", "async_std", "smol", "mio"];
    let ways = [("tcp", "TCP"), ("tcp_tls", "TCP with TLS"), ("unix", "Unix"), ("unix_tls", "Unix with TLS")];
    let framings = [
        ("websocket", "WebSocket"),
        ("deflate", "WebSocket, compressed"),
        ("typed", "typed frames"),
        ("length", "length-prefixed frames"),
        ("lines", "lines"),
        ("json_lines", "JSON lines"),
    ];
    assert_eq!(cells.len(), framings.len() * ways.len() * runtimes.len());
    let mut table = "| | TCP | TCP with TLS | Unix | Unix with TLS |\n|---|---|---|---|---|\n".to_owned();
    for (framing, name) in framings {
        table += &format!("| {name} |");
        for (way, _) in ways {
            let tested = |runtime: &&str| cells.contains(&format!("{framing}::{runtime}::{way}"));
            let named: Vec<String> =
                runtimes.iter().filter(|r| tested(r)).map(|r| r.replace('_', "-")).collect();
            table += &format!(" {} |", named.join(", "));
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_table_in_the_readme_is_of_these_tests() {
    wharf_tests::readme::has_part("matrix", &table());
}

macro_rules! matrix {
    ($($module:ident = $spoken:ident),*) => { $(
        mod $module {
            matrix!(@ $spoken tokio = Tokio, async_std = AsyncStd, smol = Smol, mio = Mio);
        }
    )* };
    (@ $spoken:ident $($module:ident = $runtime:ident),*) => { $(
        mod $module {
            matrix!(@@ $spoken $runtime tcp false false, tcp_tls false true, unix true false, unix_tls true true);
        }
    )* };
    (@@ $spoken:ident $runtime:ident $($way:ident $unix:literal $tls:literal),*) => { $(
        #[test]
        fn $way() {
            let (spoken, runtime) = (crate::Spoken::$spoken, crate::RuntimeKind::$runtime);
            crate::all(crate::Cell { spoken, runtime, unix: $unix, tls: $tls });
        }
    )* };
}

matrix!(
    websocket = WebSocket,
    deflate = Deflate,
    typed = Typed,
    length = Length,
    lines = Lines,
    json_lines = JsonLines
);

wharf_tests::on_every_runtime!({ silence_ends_it });
