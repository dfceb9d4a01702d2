//! Requests that cannot be sent, carried out or read, on real sockets and on each async runtime: each harms itself alone.

use futures_util::future::{Either, join_all, select};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wharf::base::{CloseCode, Instant, Message, SendError};
use wharf::framed::{Field, Length, Order};
use wharf::link::{Config, Framing};
use wharf::service::requests::{ErrorReply, Received, Requests};
use wharf::sim::Dice;
use wharf_async_std::{Bound, RequestError, connect_with, serve, serve_requests};
use wharf_tests::cell::Spoken;
use wharf_tests::census::Census;
use wharf_tests::desk::{LIMIT, SPOKEN, answering, asking, cell, open};
use wharf_tests::door::{Door, run, task};
use wharf_tests::gate::Gate;

fn what_is_wrong_with_one_is_its_own<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (socket, _server) = open::<D, _, _>(cell, |socket| async move {
                let answer = |what: String| async move {
                    match &*what {
                        "panic" => panic!("as it was asked to"),
                        what => Ok(what.to_owned()),
                    }
                };
                drop(serve_requests(socket, answering(9), answer).await);
            })
            .await;
            let mut config = asking(cell);
            config.max_in_flight = 1;
            let (client, mut driving) = socket.requests(config);
            let refusal = |outcome: Result<String, RequestError>| match outcome {
                Err(RequestError::Refused(error)) => error.code,
                outcome => panic!("{outcome:?}"),
            };
            let asked = async {
                assert_eq!(refusal(client.request("panic").await), ErrorReply::INTERNAL);
                assert_eq!(refusal(client.request(["no text"]).await), ErrorReply::INVALID);
                let shape = client.request::<u8>("text").await;
                assert!(matches!(shape, Err(RequestError::Shape(_))), "{shape:?}");
                let unwritable = client.request::<()>(BTreeMap::from([([1_u8], 1)])).await;
                assert!(matches!(unwritable, Err(RequestError::Unwritable(_))));
                // None of them has a place still.
                let asking = pin!(client.request::<String>("a"));
                let mut asking = asking;
                assert!(asking.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
                let too_many = client.request::<String>("b").await;
                assert!(matches!(too_many, Err(RequestError::TooMany { limit: 1 })));
                assert_eq!(asking.await.unwrap(), "a");
            };
            driving.drive_while(asked).await;
            let stats = client.stats();
            assert_eq!((stats.refused, stats.withdrawn, stats.answered, stats.too_many), (2, 0, 2, 1));
        }
    });
}

/// Frames whose length has two bytes carry no more than 65,535.
fn a_failed_write_does_not_leak<D: Door>() {
    run::<D>(async {
        let cell = cell(Spoken::Length);
        let framed = |mut config: Config| {
            config.framing = Framing::codec(Length::new(Field::U16, Order::Big).unwrap());
            Arc::new(config)
        };
        let bound = Bound::<D>::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let server = serve(bound, framed(cell.server(LIMIT)), |socket| async move {
            let answer = |length: usize| async move { Ok::<_, ErrorReply>("x".repeat(length)) };
            drop(serve_requests(socket, answering(1), answer).await);
        });
        let target = cell.target(server.local_addr());
        let socket = connect_with::<D>(target, &framed(cell.client(LIMIT))).await.unwrap();
        let mut config = asking(cell);
        config.max_in_flight = 1;
        let (client, mut driving) = socket.requests(config);
        let asked = async {
            for _ in 0..3 {
                let too_big = client.request::<String>("x".repeat(1 << 16)).await;
                assert!(matches!(too_big, Err(RequestError::Send(SendError::TooBig { .. }))), "{too_big:?}");
                // Nor does an answer that cannot be sent.
                let too_big = client.request::<String>(1 << 16).await;
                let Err(RequestError::Refused(error)) = too_big else { panic!("{too_big:?}") };
                assert_eq!(error.code, ErrorReply::INTERNAL);
                assert_eq!(client.request::<String>(1 << 15).await.unwrap().len(), 1 << 15);
            }
        };
        driving.drive_while(asked).await;
        assert_eq!((client.stats().withdrawn, client.in_flight()), (3, 0));
    });
}

fn what_is_no_request_is_answered_and_what_is_no_reply_is_yielded<D: Door>() {
    run::<D>(async {
        let cell = cell(Spoken::WebSocket);
        let (mut socket, _server) = open::<D, _, _>(cell, |socket| async move {
            drop(
                serve_requests(socket, answering(9), |what: String| async { Ok::<_, ErrorReply>(what) })
                    .await,
            );
        })
        .await;
        socket.send(r#"{"type":"news"}"#).await.unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        let expected = r#"{"id":null,"error":{"code":"invalid","message":"no request"}}"#;
        assert_eq!(answer, Message::text(expected));
        socket.send("no JSON").await.unwrap();
        let (client, mut driving) = socket.requests(asking(cell));
        // It comes first, and is for the program.
        let mut request = pin!(client.request::<String>("ahoy"));
        let (mut answered, mut yielded) = (None, None);
        poll_fn(|cx| {
            while let Poll::Ready(Some(message)) = pin!(driving.next()).poll(cx) {
                yielded = Some(message);
            }
            if answered.is_none()
                && let Poll::Ready(outcome) = request.as_mut().poll(cx)
            {
                answered = Some(outcome);
            }
            if answered.is_some() && yielded.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        assert_eq!(
            (answered.unwrap().unwrap(), yielded.unwrap().unwrap()),
            ("ahoy".to_owned(), Message::text(expected))
        );
        client.close(CloseCode::NORMAL, "done").unwrap();
        assert!(driving.next().await.is_none());
        assert_eq!(driving.closed().unwrap().code, CloseCode::NORMAL);
        assert!(client.close(CloseCode::ABNORMAL, "").is_err());
    });
}

/// Its answers wait; what its futures hold is free again.
fn a_peer_that_takes_no_answers_holds_nothing_up<D: Door>() {
    const COUNT: usize = 16;
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (census, gate) = (Census::new(), Gate::of(COUNT));
            let counting = census.clone();
            let (mut socket, _server) = open::<D, _, _>(cell, move |socket| {
                let (census, gate) = (counting.clone(), gate.clone());
                async move {
                    let answer = |(size, number): (usize, usize)| {
                        let (counted, gate) = (census.enter(), gate.clone());
                        async move {
                            // The first answer is there only when all are asked, and the others come behind it.
                            gate.pass().await;
                            give_way(10 * number).await;
                            drop(counted);
                            Ok::<_, ErrorReply>("x".repeat(size))
                        }
                    };
                    drop(serve_requests(socket, answering(COUNT), answer).await);
                }
            })
            .await;
            let mut requests = Requests::new(asking(cell));
            for number in 0..COUNT {
                let (_, message) = requests.call(Instant::ORIGIN, &(LIMIT - 1000, number), None).unwrap();
                socket.send(message).await.unwrap();
            }
            socket.flush().await.unwrap();
            // Not one of the answers is read until all are made.
            census.dropped(COUNT).await;
            for _ in 0..COUNT {
                let message = socket.next().await.unwrap().unwrap();
                assert!(matches!(requests.receive(&message), Received::Reply { outcome: Ok(_), .. }));
            }
            assert_eq!(requests.in_flight(), 0);
        }
    });
}

/// Gives way to other tasks, so often.
async fn give_way(times: usize) {
    let mut left = times;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn dropped_at_any_time_it_leaves_the_others_alone<D: Door>() {
    const COUNT: usize = 1000;
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let census = Census::new();
            let counting = census.clone();
            let (socket, server) = open::<D, _, _>(cell, move |socket| {
                let census = counting.clone();
                async move {
                    let answer = |number: usize| {
                        let counted = census.enter();
                        async move {
                            give_way(number % 7).await;
                            drop(counted);
                            Ok::<_, ErrorReply>(number)
                        }
                    };
                    drop(serve_requests(socket, answering(COUNT), answer).await);
                }
            })
            .await;
            let (client, driving) = socket.requests(asking(cell));
            let driving = task::<D, _>(driving.run());
            let mut dice = Dice::seeded(8);
            let patience: Vec<Option<usize>> =
                (0..COUNT).map(|_| (dice.below(2) == 0).then(|| dice.below(40))).collect();
            let asked = patience.into_iter().enumerate().map(|(number, patience)| {
                let client = client.clone();
                async move {
                    let request = pin!(client.request::<usize>(number));
                    let answer = match patience {
                        None => request.await,
                        Some(turns) => match select(request, pin!(give_way(turns))).await {
                            Either::Left((answer, _)) => answer,
                            Either::Right(_) => return 0,
                        },
                    };
                    assert_eq!(answer.unwrap(), number);
                    1
                }
            });
            let answered: u64 = join_all(asked).await.into_iter().sum();
            let stats = client.stats();
            assert_eq!((stats.calls, client.in_flight()), (1000, 0));
            assert_eq!(stats.answered + stats.cancelled + stats.withdrawn, stats.calls);
            // One that is dropped may have its answer already, and not have looked.
            assert!(stats.answered >= answered);
            assert_eq!((stats.duplicates, stats.not_ours), (0, 0));
            drop(client);
            driving.await.unwrap();
            server.drain().await;
            assert_eq!(census.alive(), 0);
        }
    });
}

wharf_tests::on_every_door!({
    a_peer_that_takes_no_answers_holds_nothing_up
    dropped_at_any_time_it_leaves_the_others_alone
    what_is_wrong_with_one_is_its_own
    a_failed_write_does_not_leak
    what_is_no_request_is_answered_and_what_is_no_reply_is_yielded
});
