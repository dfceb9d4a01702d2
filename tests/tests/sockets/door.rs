//! The socket as a stream and a sink, in halves and with senders, the same on tokio, async-std and smol.

use futures_util::future::{Either, select};
use futures_util::{SinkExt, StreamExt, stream};
use std::future::{poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wharf::base::{Cause, CloseCode, Message, SendError, Timeout};
use wharf::link::Config;
use wharf::sim::Dice;
use wharf::ws::handshake::ClientRequest;
use wharf_async::ReuniteError;
use wharf_async_std::{Error, Socket, connect, connect_with};
use wharf_tests::adapter::PATIENCE;
use wharf_tests::door::{Door, echo, end_of, listen, run, task};

fn stream_and_sink<D: Door>() {
    run::<D>(async {
        let (url, server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            // Not one word of the socket's own: only what streams and sinks have.
            while let Some(message) = StreamExt::next(&mut socket).await {
                SinkExt::send(&mut socket, message?).await?;
            }
            Ok::<(), Error>(())
        })
        .await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let sent: Vec<Message<'static>> = (0..300).map(|i| Message::text("x".repeat(i * i % 5000))).collect();
        SinkExt::send_all(&mut socket, &mut stream::iter(sent.clone()).map(Ok)).await.unwrap();
        let came: Vec<_> = StreamExt::by_ref(&mut socket).take(300).map(Result::unwrap).collect().await;
        assert!(came == sent);
        SinkExt::close(&mut socket).await.unwrap();
        assert!(StreamExt::next(&mut socket).await.is_none());
        assert_eq!(socket.closed().unwrap().code, CloseCode::NORMAL);
        assert!(matches!(socket.send("late").await, Err(Error::Send { .. })));
        server.drain().await;
        assert_eq!(server.connections(), 0);
    });
}

fn two_halves_in_two_tasks<D: Door>() {
    const MESSAGES: usize = 20_000;
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|socket: Socket<D>| async move {
            let (mut reader, mut writer) = socket.split();
            let (tell, told) = async_channel::bounded(1);
            let acks = task::<D, _>(async move {
                while let Ok(count) = told.recv().await {
                    writer.send(format!("{count}")).await?;
                }
                Ok::<(), Error>(())
            });
            let mut count = 0;
            while let Some(message) = reader.next().await {
                assert_eq!(message?.payload(), format!("message {count}").as_bytes());
                count += 1;
                if count % 100 == 0 {
                    let _ = tell.send(count).await;
                }
            }
            drop(tell);
            acks.await
        })
        .await;
        let (mut reader, mut writer) = connect::<D>(&url).await.unwrap().split();
        let writing = task::<D, _>(async move {
            for i in 0..MESSAGES {
                writer.send(format!("message {i}")).await.unwrap();
            }
            writer
        });
        for ack in 1..=MESSAGES / 100 {
            let message = reader.next().await.unwrap().unwrap();
            assert_eq!(message.as_text(), Some(&*format!("{}", ack * 100)));
        }
        let mut socket = reader.reunite(writing.await).map_err(drop).expect("halves of one");
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(socket.closed().unwrap().is_clean());
    });
}

fn halves_of_two_do_not_unite<D: Door>() {
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(echo).await;
        let (one, other) = (connect::<D>(&url).await.unwrap(), connect::<D>(&url).await.unwrap());
        let ((reader, one_writer), (other_reader, writer)) = (one.split(), other.split());
        let error = reader.reunite(writer).unwrap_err();
        assert_eq!(std::error::Error::source(&error).map(ToString::to_string), None);
        let ReuniteError(reader, writer) = error;
        let mut one = reader.reunite(one_writer).map_err(drop).unwrap();
        one.send("whole").await.unwrap();
        assert_eq!(one.next().await.unwrap().unwrap().as_text(), Some("whole"));

        // A half whose other half is gone is still a half.
        drop(other_reader);
        let mut writer = writer;
        writer.send("unheard").await.unwrap();
        writer.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(matches!(writer.send("late").await, Err(Error::Send { .. })));
    });
}

/// Messages big enough to fill the connection, from tasks that know nothing of each other.
fn senders_in_other_tasks<D: Door>() {
    const TASKS: usize = 8;
    const EACH: usize = 100;
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(echo).await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let sender = socket.sender(4);
        for id in 0..TASKS {
            let sender = sender.clone();
            D::spawn(async move {
                for i in 0..EACH {
                    sender.send(vec![id as u8; 1000 + i * 300]).await.expect("the socket lives");
                }
            });
        }
        let mut counts = [0; TASKS];
        for _ in 0..TASKS * EACH {
            let message = socket.next().await.unwrap().unwrap();
            let id = message.payload()[0] as usize;
            assert_eq!(message.payload().len(), 1000 + counts[id] * 300, "in the order of each task");
            counts[id] += 1;
        }
        // Nobody polls the socket now, so its inbox fills.
        for _ in 0..4 {
            sender.try_send("waits").unwrap();
        }
        assert!(
            matches!(sender.try_send("too many"), Err(f) if f.error == SendError::Full && f.message.as_text() == Some("too many"))
        );
        let closing = sender.clone();
        let closed = task::<D, _>(async move { closing.close(CloseCode::from(4007), "over").await });
        for _ in 0..4 {
            assert_eq!(socket.next().await.unwrap().unwrap().as_text(), Some("waits"));
        }
        closed.await.unwrap();
        assert_eq!(end_of(&mut socket).await.code, CloseCode::from(4007));
        drop(socket);
        assert!(matches!(sender.try_send("late"), Err(f) if f.error == SendError::Closed));
        assert!(sender.send("late").await.is_err());
    });
}

/// The peer says nothing, so only the room that writing makes brings the senders on.
fn senders_to_a_silent_reader<D: Door>() {
    const MESSAGES: usize = 300;
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            for _ in 0..MESSAGES {
                assert_eq!(socket.next().await.unwrap()?.payload().len(), 100_000);
            }
            Ok::<(), Error>(())
        })
        .await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let sender = socket.sender(4);
        let sending = task::<D, _>(async move {
            for _ in 0..MESSAGES {
                sender.send(vec![0; 100_000]).await.expect("the socket lives");
            }
        });
        assert!(end_of(&mut socket).await.is_clean());
        sending.await;
    });
}

/// A ping falls due before the write does; both deadlines count for one who only writes, and the stall is told.
fn a_peer_that_never_reads<D: Door>() {
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|socket: Socket<D>| async move {
            std::future::pending::<()>().await;
            drop(socket);
        })
        .await;
        let mut ws = wharf::ws::Config::client();
        ws.idle_timeout = Some(Duration::from_millis(100));
        ws.pong_timeout = Some(PATIENCE);
        ws.write_timeout = Some(Duration::from_millis(200));
        let mut config = Config::client();
        config.ws = Arc::new(ws);
        let request = ClientRequest::new(&url).unwrap();
        let mut socket = connect_with::<D>(&request, &Arc::new(config)).await.unwrap();
        let error = loop {
            if let Err(error) = socket.send(vec![0; 1 << 20]).await {
                break error;
            }
        };
        let stalled = Cause::Timeout(Timeout::WriteStall);
        assert!(matches!(&error, Error::Closed(closed) if closed.cause == stalled), "{error}");
        assert_eq!(end_of(&mut socket).await.cause, stalled);
    });
}

fn a_cancelled_wait_loses_nothing<D: Door>() {
    const MESSAGES: usize = 2000;
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(|mut socket: Socket<D>| async move {
            socket.next().await.unwrap()?;
            for i in 0..MESSAGES {
                let mut payload = vec![0; i * i % 30_000];
                payload.extend(i.to_be_bytes());
                socket.send(payload).await?;
            }
            Ok::<(), Error>(())
        })
        .await;
        let mut socket = connect::<D>(&url).await.unwrap();
        let mut dice = Dice::seeded(7);
        // One wait is cancelled for certain: nothing comes before it is asked for.
        assert!(matches!(select(pin!(socket.next()), pin!(ready(()))).await, Either::Right(_)));
        socket.send("go").await.unwrap();
        let mut next = 0;
        while next < MESSAGES {
            let mut polls = dice.below(3);
            let give_up = poll_fn(|cx| {
                if polls == 0 {
                    return Poll::Ready(());
                }
                polls -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            });
            match select(pin!(socket.next()), pin!(give_up)).await {
                Either::Left((message, _)) => {
                    let message = message.unwrap().unwrap();
                    assert_eq!(message.payload().len(), next * next % 30_000 + 8);
                    assert!(message.payload().ends_with(&next.to_be_bytes()));
                    next += 1;
                }
                Either::Right(_) => {}
            }
        }
        assert!(end_of(&mut socket).await.is_clean());
    });
}

fn a_large_upload_read_all_along<D: Door>() {
    const CHUNK: usize = 1 << 20;
    const CHUNKS: usize = 64;
    run::<D>(async {
        let (url, _server) = listen::<D, _, _>(echo).await;
        let (mut reader, mut writer) = connect::<D>(&url).await.unwrap().split();
        let writing = task::<D, _>(async move {
            for i in 0..CHUNKS {
                writer.send(vec![i as u8; CHUNK]).await.unwrap();
            }
            writer.close(CloseCode::NORMAL, "").await.unwrap();
        });
        for i in 0..CHUNKS {
            let message = reader.next().await.unwrap().unwrap();
            assert!(message.payload().len() == CHUNK && message.payload()[CHUNK - 1] == i as u8);
        }
        assert!(reader.next().await.is_none());
        writing.await;
        assert!(reader.closed().unwrap().is_clean());
    });
}

wharf_tests::on_every_door!({
    stream_and_sink
    two_halves_in_two_tasks
    halves_of_two_do_not_unite
    senders_in_other_tasks
    senders_to_a_silent_reader
    a_peer_that_never_reads
    a_cancelled_wait_loses_nothing
    a_large_upload_read_all_along
});
