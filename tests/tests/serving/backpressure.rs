//! A socket as a stream and a sink on each async runtime: backpressure goes both ways, whoever is slow slows its own peer alone, and
//! nothing is buffered without a bound.

use futures_util::future::{join, ready};
use futures_util::{FutureExt, SinkExt, StreamExt, TryStreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wharf::base::Message;
use wharf_async_std::{Error, Socket};
use wharf_tests::cell::{Cell, Spoken};
use wharf_tests::desk::{cell, open};
use wharf_tests::door::{Door, run, task};

const SPOKEN: [Spoken; 2] = [Spoken::WebSocket, Spoken::Typed];

/// So much is sent in all, far more than the kernel's buffers take.
const PIECE: usize = 16 << 10;
const PIECES: usize = 4096;
/// The most that is on its way while nobody takes it: the kernel's buffers on either side, and ours.
const ON_ITS_WAY: usize = PIECES / 2;
/// Round trips of a calm connection in which one that is stuck must not have moved.
const CALM: usize = 300;

fn piece(cell: Cell, number: usize) -> Message<'static> {
    cell.message(&format!("{number:08}{}", "x".repeat(PIECE - 8)))
}

fn number(message: &Message<'_>) -> usize {
    let digits = message.payload().first_chunk::<8>().expect("a number");
    std::str::from_utf8(digits).expect("text").parse().expect("digits")
}

/// Counts what was taken off a stream of pieces.
fn pieces(
    cell: Cell,
    taken: Arc<AtomicUsize>,
) -> impl stream::Stream<Item = Result<Message<'static>, Error>> + Send {
    stream::iter(0..PIECES).map(move |number: usize| {
        taken.fetch_add(1, Ordering::SeqCst);
        Ok(piece(cell, number))
    })
}

/// Takes all pieces, in their order, each once.
async fn take_all<D: Door>(mut socket: Socket<D>) {
    for expected in 0..PIECES {
        let message = StreamExt::next(&mut socket).await.expect("a piece").expect("no end");
        assert_eq!(number(&message), expected);
    }
    assert!(StreamExt::next(&mut socket).await.is_none());
}

/// Says and hears something, until the other one has not moved for a while; how far it had come.
async fn calm_until_stuck<D: Door>(cell: Cell, calm: &mut Socket<D>, taken: &AtomicUsize) -> usize {
    let (mut before, mut still) = (0, 0);
    while still < CALM {
        SinkExt::send(calm, cell.message("ahoy")).await.expect("room");
        assert_eq!(StreamExt::next(calm).await.expect("an answer").expect("no end"), cell.message("ahoy"));
        let now = taken.load(Ordering::SeqCst);
        still = if now == before && now > 0 { still + 1 } else { 0 };
        before = now;
    }
    before
}

async fn echo<D: Door>(mut socket: Socket<D>) {
    while let Some(Ok(message)) = StreamExt::next(&mut socket).await {
        if SinkExt::send(&mut socket, message).await.is_err() {
            return;
        }
    }
}

fn a_slow_consumer_slows_its_sender_and_nobody_else<D: Door>() {
    run::<D>(async {
        for (cell, drives) in SPOKEN.map(cell).into_iter().zip([false, true]) {
            let (release, released) = async_channel::bounded::<()>(1);
            let (tell, told) = async_channel::bounded(1);
            let (calm, server) = open::<D, _, _>(cell, move |mut socket| {
                let (released, tell) = (released.clone(), tell.clone());
                async move {
                    let Some(Ok(first)) = StreamExt::next(&mut socket).await else { return };
                    if first != cell.message("slow") {
                        return echo(socket).await;
                    }
                    if drives {
                        // It answers pings meanwhile: messages wait in a mailbox that is bounded.
                        let _ = socket.drive_while(released.recv()).await;
                    } else {
                        let _ = released.recv().await;
                    }
                    take_all(socket).await;
                    tell.send(()).await.expect("the test waits");
                }
            })
            .await;
            let mut calm = calm;
            SinkExt::send(&mut calm, cell.message("calm")).await.unwrap();
            let target = cell.target(server.local_addr());
            let config = Arc::new(cell.client(1 << 20));
            let mut sender = wharf_async_std::connect_with::<D>(target, &config).await.unwrap();
            SinkExt::send(&mut sender, cell.message("slow")).await.unwrap();
            let taken = Arc::new(AtomicUsize::new(0));
            let sending = {
                let mut pieces = Box::pin(pieces(cell, taken.clone()));
                task::<D, _>(async move {
                    SinkExt::send_all(&mut sender, &mut pieces).await.unwrap();
                    sender.close(1000.into(), "").await.unwrap();
                })
            };
            let stuck = calm_until_stuck(cell, &mut calm, &taken).await;
            assert!(stuck < ON_ITS_WAY, "{stuck} pieces are buffered somewhere");
            release.send(()).await.unwrap();
            join(sending, async { told.recv().await.unwrap() }).await;
            assert_eq!(taken.load(Ordering::SeqCst), PIECES);
        }
    });
}

fn a_client_that_does_not_read_slows_the_server_that_sends_to_it<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let taken = Arc::new(AtomicUsize::new(0));
            let taking = taken.clone();
            let (calm, server) = open::<D, _, _>(cell, move |mut socket| {
                let taken = taking.clone();
                async move {
                    let Some(Ok(first)) = StreamExt::next(&mut socket).await else { return };
                    if first != cell.message("pour") {
                        return echo(socket).await;
                    }
                    let (sink, _stream) = StreamExt::split(socket);
                    let _ = pieces(cell, taken).forward(sink).await;
                }
            })
            .await;
            let mut calm = calm;
            SinkExt::send(&mut calm, cell.message("calm")).await.unwrap();
            let target = cell.target(server.local_addr());
            let mut idle =
                wharf_async_std::connect_with::<D>(target, &Arc::new(cell.client(1 << 20))).await.unwrap();
            SinkExt::send(&mut idle, cell.message("pour")).await.unwrap();
            let stuck = calm_until_stuck(cell, &mut calm, &taken).await;
            assert!(stuck < ON_ITS_WAY, "{stuck} pieces are buffered somewhere");
            take_all(idle).await;
            assert_eq!(taken.load(Ordering::SeqCst), PIECES);
        }
    });
}

/// What a program queues without waiting is refused at the limit, and given back.
fn what_is_queued_is_bounded<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (mut socket, _server) = open::<D, _, _>(cell, |socket| echo(socket)).await;
            let mut queued = 0;
            let failed = loop {
                match socket.queue(piece(cell, queued)) {
                    Ok(_) => queued += 1,
                    Err(failed) => break failed,
                }
                assert!(queued < ON_ITS_WAY, "it has no end");
            };
            assert_eq!((failed.error, number(&failed.message)), (wharf::base::SendError::Full, queued));
            assert!(socket.link().unwrap().0.queued() < 2 * queued * PIECE);
            // All that was taken comes back.
            let echoed = StreamExt::by_ref(&mut socket)
                .take(queued)
                .map_ok(|message: Message<'static>| number(&message));
            let echoed: Vec<usize> = echoed.try_collect().await.unwrap();
            assert!(echoed.into_iter().eq(0..queued));
        }
    });
}

/// Even numbers come back, halved.
fn halves<D: Door>(cell: Cell, socket: Socket<D>) -> impl Future<Output = ()> + Send {
    let (sink, stream) = StreamExt::split(socket);
    let halves = stream.try_filter_map(move |message| {
        let number: usize = std::str::from_utf8(message.payload()).unwrap().parse().unwrap();
        ready(Ok(number.is_multiple_of(2).then(|| cell.message(&(number / 2).to_string()))))
    });
    halves.forward(sink).map(drop)
}

fn combinators_of_futures_are_those_of_a_socket<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (socket, _server) = open::<D, _, _>(cell, move |socket| halves(cell, socket)).await;
            let (stream, mut sink) = socket.split();
            let numbers =
                stream::iter((0..2000).map(move |number: usize| Ok(cell.message(&number.to_string()))));
            let sending = task::<D, _>(async move {
                SinkExt::send_all(&mut sink, &mut { numbers }).await.unwrap();
                sink
            });
            let expected: Vec<Message<'static>> =
                (0..1000).map(|number| cell.message(&number.to_string())).collect();
            let (heard, sink) = join(stream.take(1000).try_collect::<Vec<_>>(), sending).await;
            assert!(heard.unwrap() == expected);
            drop(sink);
        }
    });
}

wharf_tests::on_every_door!({
    a_slow_consumer_slows_its_sender_and_nobody_else
    a_client_that_does_not_read_slows_the_server_that_sends_to_it
    what_is_queued_is_bounded
    combinators_of_futures_are_those_of_a_socket
});
