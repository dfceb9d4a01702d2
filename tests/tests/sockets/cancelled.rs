//! Each async method dropped at any of its polls: nothing is lost and nothing comes twice, on tokio, async-std and smol.

use futures_util::future::{Either, select};
use std::future::{Future, poll_fn};
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use wharf::base::{CloseCode, Message, SendError};
use wharf::link::{ConnId, Context, Service};
use wharf::sim::Dice;
use wharf_async::{Bound, Sender, WriteHalf, no_jobs, serve_service};
use wharf_async_std::{Error, Socket, connect};
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::door::{Door, end_of, listen, run, task};

const MESSAGES: usize = 300;

/// Polls `future` so often, woken or not, and drops it unless it is done.
async fn polled<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let (mut future, mut left) = (pin!(future), polls);
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        cx.waker().wake_by_ref();
        future.as_mut().poll(cx).map(Some)
    })
    .await
}

/// The `i`th message: it says which it is, and some are more than a socket takes at once.
fn message(i: usize) -> Vec<u8> {
    let mut payload = vec![i as u8; if i.is_multiple_of(7) { 300_000 } else { i * i % 3000 }];
    payload.extend(i.to_be_bytes());
    payload
}

/// A gate that is open.
fn open() -> async_channel::Receiver<()> {
    async_channel::bounded(1).1
}

/// A server that takes the messages, each once and in order, once the gate's sender is gone, and tells how the connection
/// ended.
async fn taking<D: Door>(
    gate: async_channel::Receiver<()>,
) -> (String, wharf_async::ServerHandle, async_channel::Receiver<wharf::base::Closed>) {
    let (tell, told) = async_channel::bounded(1);
    let (url, server) = listen::<D, _, _>(move |mut socket: Socket<D>| {
        let (tell, gate) = (tell.clone(), gate.clone());
        async move {
            let _ = gate.recv().await;
            for i in 0..MESSAGES {
                let came = socket.next().await.unwrap().unwrap();
                assert!(came.payload() == message(i), "{i}: one is lost, or came twice");
            }
            tell.send(end_of(&mut socket).await).await.unwrap();
        }
    })
    .await;
    (url, server, told)
}

async fn sending<D: Door>() -> (String, wharf_async::ServerHandle) {
    listen::<D, _, _>(|mut socket: Socket<D>| async move {
        for i in 0..MESSAGES {
            socket.send(message(i)).await?;
        }
        Ok::<(), Error>(())
    })
    .await
}

fn receiving<D: Door>() {
    run::<D>(async {
        let (url, _server) = sending::<D>().await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let (mut dice, mut cancelled) = (Dice::seeded(1), 0);
        for i in 0..MESSAGES {
            let came = loop {
                let polls = dice.below(4);
                let came = match dice.below(4) {
                    0 => polled(polls, socket.next()).await.flatten().map(Result::unwrap),
                    1 => {
                        let taken = socket.next_with(|_, _, message| message.into_owned());
                        polled(polls, taken).await.flatten().map(Result::unwrap)
                    }
                    2 => polled(polls, socket.drive_while(std::future::pending())).await,
                    _ => {
                        let (mut reader, writer) = socket.split();
                        let came = polled(polls, reader.next()).await.flatten().map(Result::unwrap);
                        socket = reader.reunite(writer).unwrap();
                        came
                    }
                };
                match came {
                    Some(came) => break came,
                    None => cancelled += 1,
                }
            };
            assert!(came.payload() == message(i), "{i}: one is lost, or came twice");
        }
        assert!(cancelled > 0 && end_of(&mut socket).await.is_clean());
    });
}

/// One that is dropped after its first poll has queued its message; one that failed gives it back.
fn sends<D: Door>() {
    run::<D>(async {
        // Nothing is read before a send had to wait, so one has to.
        let (go, gate) = async_channel::bounded(1);
        let mut go = Some(go);
        let (url, _server, told) = taking::<D>(gate).await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let (mut dice, mut cancelled) = (Dice::seeded(2), 0);
        for i in 0..MESSAGES {
            let mut unsent = Message::from(message(i));
            loop {
                let polls = dice.below(4);
                if polls == 0 {
                    // Not polled, it has done nothing; the message went with it.
                    drop(socket.send(unsent.clone()));
                    continue;
                }
                match polled(polls, socket.send(unsent)).await {
                    Some(Err(Error::Send { error: SendError::Full, message: Some(message) })) => {
                        unsent = message;
                        while polled(dice.below(4), socket.ready()).await.is_none() {}
                    }
                    Some(Err(e)) => panic!("{e}"),
                    Some(Ok(())) => break,
                    None => {
                        cancelled += 1;
                        go = None;
                        break;
                    }
                }
            }
        }
        drop(go);
        while polled(dice.below(4), socket.flush()).await.is_none() {}
        assert!(cancelled > 0);
        closes(&mut socket, &mut dice).await;
        assert_eq!(told.recv().await.unwrap().code, CloseCode::from(4005));
    });
}

async fn closes<D: Door>(socket: &mut Socket<D>, dice: &mut Dice<'_>) {
    let mut last = None;
    while last.is_none() {
        last = polled(dice.below(3), socket.close(CloseCode::from(4005), "enough")).await;
    }
    assert_eq!(last, Some(Ok(())));
    assert_eq!(socket.closed().unwrap().code, CloseCode::from(4005));
}

async fn send_or_cancel<D: Door>(writer: &mut WriteHalf<D>, polls: usize, i: usize) -> usize {
    match polled(polls, writer.send(message(i))).await {
        None => 1,
        Some(Ok(())) => 0,
        Some(Err(e)) => {
            let unsent = e.into_message().expect("it is given back");
            assert!(unsent.payload() == message(i));
            writer.ready().await.unwrap();
            writer.send(unsent).await.unwrap();
            0
        }
    }
}

fn sends_of_a_half<D: Door>() {
    run::<D>(async {
        // As above, nothing is read before a send had to wait.
        let (go, gate) = async_channel::bounded(1);
        let mut go = Some(go);
        let (url, _server, told) = taking::<D>(gate).await;
        let (mut reader, mut writer) = connect::<D>(&url).await.unwrap().split();
        let ending = task::<D, _>(async move {
            assert!(reader.next().await.unwrap().is_err(), "4006 is not clean");
            reader.closed().unwrap().code
        });
        let (mut dice, mut cancelled) = (Dice::seeded(3), 0);
        for i in 0..MESSAGES {
            cancelled += send_or_cancel(&mut writer, dice.between(1, 3), i).await;
            if cancelled > 0 {
                go = None;
            }
        }
        assert!(cancelled > 0 && go.is_none());
        while polled(dice.below(2), writer.flush()).await.is_none() {}
        // Queued by its first poll, the close goes on by itself.
        let _ = polled(1, writer.close(CloseCode::from(4006), "")).await;
        assert_eq!(ending.await, CloseCode::from(4006));
        assert_eq!(told.recv().await.unwrap().code, CloseCode::from(4006));
    });
}

async fn send_until_sent(sender: &Sender, dice: &mut Dice<'_>, i: usize) -> usize {
    let mut cancelled = 0;
    loop {
        match polled(dice.below(3), sender.send(message(i))).await {
            None => cancelled += 1,
            Some(sent) => {
                sent.unwrap();
                return cancelled;
            }
        }
    }
}

/// One that was dropped sent nothing, however often it was polled.
fn sends_of_senders<D: Door>() {
    run::<D>(async {
        let (url, _server, told) = taking::<D>(open()).await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let sender = socket.sender(1);
        let sending = task::<D, _>(async move {
            let (mut dice, mut cancelled) = (Dice::seeded(4), 0);
            for i in 0..MESSAGES {
                cancelled += send_until_sent(&sender, &mut dice, i).await;
            }
            let invalid = sender.close(CloseCode::ABNORMAL, "").await;
            assert_eq!(invalid, Err(SendError::InvalidClose));
            while polled(dice.below(3), sender.close(CloseCode::from(4007), "")).await.is_none() {}
            cancelled
        });
        assert_eq!(end_of(&mut socket).await.code, CloseCode::from(4007));
        assert!(sending.await > 0);
        assert_eq!(told.recv().await.unwrap().code, CloseCode::from(4007));
    });
}

fn binds<D: Door>() {
    run::<D>(async {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        assert!(polled(0, Bound::<D>::bind(any)).await.is_none());
        let bound = polled(1, Bound::<D>::bind(any)).await.expect("it never waits").unwrap();
        drop(TcpStream::connect(bound.local_addr().to_string()).unwrap());
    });
}

/// A drain that nobody waits for any more goes on.
fn drains<D: Door>() {
    for polls in 0..6 {
        run::<D>(async move {
            let (url, server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
                end_of(&mut socket).await;
            })
            .await;
            let mut socket = connect::<D>(&url).await.unwrap();
            let drained = polled(polls, server.drain()).await.is_some();
            if polls == 0 {
                assert!(!drained);
                socket.close(CloseCode::NORMAL, "").await.unwrap();
            } else {
                assert_eq!(end_of(&mut socket).await.code, CloseCode::GOING_AWAY);
            }
            server.drain().await;
            assert_eq!(server.connections(), 0);
        });
    }
}

struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        cx.send(conn, message).unwrap();
    }
}

fn drains_of_services<D: Door>() {
    for polls in 1..6 {
        run::<D>(async move {
            let bound = Bound::<D>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
            let url = format!("ws://{}/", bound.local_addr());
            let service = serve_service(vec![bound], Echo, &Arc::default(), no_jobs::<(), ()>).unwrap();
            let mut socket = connect::<D>(&url).await.unwrap();
            socket.send("ahoy").await.unwrap();
            assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some("ahoy"));
            let _ = polled(polls, service.drain_with(CloseCode::SERVICE_RESTART)).await;
            assert_eq!(end_of(&mut socket).await.code, CloseCode::SERVICE_RESTART);
            service.drain_with(CloseCode::SERVICE_RESTART).await;
        });
    }
}

/// Whatever was made of the connection is closed: its peer reads to the end of each.
fn connects<D: Door>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = async_channel::unbounded();
    let peer = thread::spawn(move || {
        loop {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (mut came, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                match stream.read(&mut buffer) {
                    Ok(n) if n > 0 => came.extend_from_slice(&buffer[..n]),
                    Ok(_) => break,
                    Err(e) if e.kind() == ErrorKind::ConnectionReset => break,
                    Err(e) => panic!("it is still open: {e}"),
                }
                if came.ends_with(b"\r\n\r\n") {
                    tell.send_blocking(()).unwrap();
                }
            }
            if came == b"that is all" {
                return;
            }
        }
    });
    run::<D>(async {
        let url = format!("ws://{address}/");
        for polls in 0..40 {
            assert!(polled(polls, connect::<D>(&*url)).await.is_none());
        }
        // And one that had asked.
        while asked.try_recv().is_ok() {}
        let connecting = pin!(connect::<D>(&*url));
        assert!(matches!(select(connecting, pin!(asked.recv())).await, Either::Right(_)));
    });
    std::io::Write::write_all(&mut TcpStream::connect(address).unwrap(), b"that is all").unwrap();
    peer.join().unwrap();
}

/// One whose messages wait for a reader goes to the next task whole.
fn parts<D: Door>() {
    run::<D>(async {
        let (tell, told) = async_channel::bounded(1);
        let (url, _server) = listen::<D, _, _>(move |socket: Socket<D>| {
            let tell = tell.clone();
            async move { tell.send(socket.into_parts()).await.unwrap() }
        })
        .await;
        let address: SocketAddr = url.trim_start_matches("ws://").trim_end_matches('/').parse().unwrap();
        let peer = thread::spawn(move || {
            let mut peer = Peer::open(address);
            for i in 0..MESSAGES {
                let i = i.to_be_bytes();
                peer.send(wharf_tests::wire::first::BINARY, &i);
            }
            assert_eq!(peer.closed(), 1000, "the server let go of it");
            peer.close(1000);
            peer.rest()
        });
        let mut parts = told.recv().await.unwrap();
        let mut dice = Dice::seeded(6);
        for i in 0..MESSAGES {
            let mut socket = Socket::from_parts(parts);
            let _ = polled(dice.below(3), socket.drive_while(std::future::pending::<()>())).await;
            let came = socket.next().await.unwrap().unwrap();
            assert_eq!(came.payload(), i.to_be_bytes());
            parts = socket.into_parts();
        }
        let mut socket = Socket::from_parts(parts);
        let sender = socket.sender(1);
        sender.close(CloseCode::NORMAL, "").await.unwrap();
        let mut socket = Socket::from_parts(socket.into_parts());
        assert!(end_of(&mut socket).await.is_clean());
        assert!(peer.join().unwrap().is_empty());
    });
}

wharf_tests::on_every_door!({
    receiving
    sends
    sends_of_a_half
    sends_of_senders
    binds
    drains
    drains_of_services
    connects
    parts
});
