//! How the stream of a socket ends, for each close code, each classifier and each side that closes, the same on tokio,
//! async-std and smol.

use futures_util::StreamExt;
use std::net::SocketAddr;
use std::sync::Arc;
use wharf::base::{Cause, Classifier, CloseCode, Closed, End, Origin, When};
use wharf::link::Config;
use wharf_async::{Bound, serve};
use wharf_async_std::{Error, Socket};
use wharf_tests::adapter::Peer;
use wharf_tests::door::{Door, run};
use wharf_tests::wire::first;

/// What a Close frame may say, and 1005: a frame that says nothing.
const CODES: [u16; 16] =
    [1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999];

fn private_is_fine(closed: &Closed) -> bool {
    closed.code.as_u16() >= 4000
}

/// Whether a code is clean.
type Judge = fn(u16) -> bool;

const CLASSIFIERS: [(Classifier, Judge); 4] = [
    (Classifier::OnlyNormal, |code| code == 1000),
    (Classifier::NormalOrAbnormal, |code| code == 1000 || code == 1006),
    (Classifier::EveryCloseIsError, |_| false),
    (Classifier::Function(private_is_fine), |code| code >= 4000),
];

/// How a connection ends.
#[derive(Clone, Copy, Debug)]
enum How {
    /// The peer closes with this code.
    Remote(u16),
    /// This side does.
    Local(u16),
    /// The peer's stream ends without a Close frame.
    Eof,
    /// It is reset.
    Reset,
    /// The peer says what must not be said.
    Violation,
}

/// The peer's part of it. It says one thing first.
fn play(address: SocketAddr, how: How) {
    let mut peer = Peer::open(address);
    peer.send(first::TEXT, b"before");
    match how {
        How::Remote(1005) => peer.send(first::CLOSE, b""),
        How::Remote(code) => peer.close(code),
        How::Local(code) => {
            // Answered in kind.
            let frame = peer.frame().expect("a Close frame");
            assert_eq!(frame.first, first::CLOSE);
            assert_eq!(frame.payload.is_empty(), code == 1005);
            peer.send(first::CLOSE, &frame.payload);
        }
        How::Eof => peer.end(),
        How::Reset => {
            // It reads all that it was sent, so that only it resets.
            assert_eq!(peer.frame().expect("an answer").payload, b"before");
            return peer.reset();
        }
        How::Violation => peer.close(1006),
    }
    peer.rest();
}

/// What the socket's stream yields to its end and beyond, and its report.
async fn ending<D: Door>(mut socket: Socket<D>, how: How) -> (Vec<Result<String, Error>>, Closed) {
    let mut came = Vec::new();
    while let Some(message) = StreamExt::next(&mut socket).await {
        match (&message, how) {
            (Ok(_), How::Local(code)) => socket.begin_close(code.into(), "").unwrap(),
            (Ok(message), How::Reset) => socket.send(message.as_lent()).await.unwrap(),
            _ => {}
        }
        came.push(message.map(|message| message.as_text().unwrap().to_owned()));
    }
    assert!(StreamExt::next(&mut socket).await.is_none() && socket.next().await.is_none(), "None for ever");
    let closed = socket.closed().expect("a report").clone();
    let (mut reader, writer) = socket.split();
    assert!(reader.next().await.is_none());
    assert_eq!((reader.closed().as_ref(), writer.closed().as_ref()), (Some(&closed), Some(&closed)));
    (came, closed)
}

fn ends<D: Door>() {
    let remote = CODES.map(|code| (How::Remote(code), Origin::Remote, code));
    let local = CODES.map(|code| (How::Local(code), Origin::Local, code));
    let lost = [How::Eof, How::Reset, How::Violation].map(|how| (how, Origin::Abnormal, 1006));
    for (classifier, is_clean) in CLASSIFIERS {
        run::<D>(async {
            let mut ws = wharf::ws::Config::default();
            ws.classifier = classifier;
            let mut config = Config::default();
            config.ws = Arc::new(ws);
            let (tell, told) = async_channel::bounded(1);
            let (plan, planned) = async_channel::bounded(1);
            let bound = Bound::<D>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let wharf::link::Address::Tcp(address) = *bound.local_addr() else { panic!("it is TCP") };
            let _server = serve(bound, Arc::new(config), move |socket: Socket<D>| {
                let (tell, planned) = (tell.clone(), planned.clone());
                async move { tell.send(ending(socket, planned.recv().await.unwrap()).await).await.unwrap() }
            });
            for (how, origin, code) in remote.iter().chain(&local).chain(&lost).copied() {
                plan.send(how).await.unwrap();
                let playing = std::thread::spawn(move || play(address, how));
                let (came, closed) = told.recv().await.unwrap();
                playing.join().unwrap();
                assert_eq!((closed.origin, closed.code.as_u16()), (origin, code), "{how:?}");
                assert_eq!(closed.is_clean(), is_clean(code), "{how:?} {classifier:?}");
                let mut expected = vec![Ok("before".to_owned())];
                if !is_clean(code) {
                    expected.push(Err(Error::Closed(Box::new(closed.clone()))));
                }
                assert_eq!(came, expected, "{how:?} {classifier:?}");
                judged(how, &closed);
            }
        });
    }
}

/// When it failed, and whether to retry.
fn judged(how: How, closed: &Closed) {
    let error = Error::Closed(Box::new(closed.clone()));
    let (when, is_retryable) = match how {
        How::Local(_) => (When::Close, false),
        How::Remote(code) => (When::Close, CloseCode::from(code).is_retryable()),
        How::Violation => (When::Read, false),
        How::Eof | How::Reset => (When::Read, true),
    };
    assert_eq!((error.when(), error.is_retryable()), (when, is_retryable), "{how:?}");
    if let How::Eof | How::Reset = how {
        let end = if matches!(how, How::Eof) { End::Eof } else { End::Reset };
        assert_eq!(closed.cause, Cause::Transport(end));
    }
}

wharf_tests::on_every_door!({ ends });
