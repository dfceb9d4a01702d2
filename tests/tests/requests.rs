//! Requests and their answers on real sockets: the async handle and handlers on each of their runtimes, over a WebSocket, lines of
//! JSON and typed frames.
#![forbid(unsafe_code)]

use futures_util::future::{Either, join_all, select};
use std::collections::BTreeMap;
use std::future::{Future, pending, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use wharf::base::{Cause, CloseCode, End, Message, Origin, SendError};
use wharf::framed::{Field, Length, Order};
use wharf::link::{Config, Framing};
use wharf::service::requests::{AnswersConfig, ErrorReply};
use wharf_async_std::{
    Bound, RequestError, RequestLoop, Requester, ServerHandle, connect_with, serve, serve_requests,
};
use wharf_tests::cell::{Cell, Spoken};
use wharf_tests::census::Census;
use wharf_tests::desk::{LIMIT, SPOKEN, answering, asking, cell, open};
use wharf_tests::door::{Door, run, task};
use wharf_tests::gate::Gate;

fn a_thousand_at_once_are_answered_in_any_order<D: Door>() {
    const COUNT: usize = 1000;
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let gate = Gate::of(COUNT);
            let (socket, _server) = open::<D, _, _>(cell, move |socket| {
                let gate = gate.clone();
                async move {
                    let answer = |number: usize| {
                        let gate = gate.clone();
                        async move {
                            gate.pass().await;
                            if number % 10 == 9 {
                                Err(ErrorReply::new("nine", number.to_string()))
                            } else {
                                Ok(number * 2)
                            }
                        }
                    };
                    drop(serve_requests(socket, answering(COUNT), answer).await);
                }
            })
            .await;
            let (client, driving) = socket.requests(asking(cell));
            let driving = task::<D, _>(driving.run());
            let order = Mutex::new(Vec::new());
            join_all((0..COUNT).map(|number| {
                let (client, order) = (client.clone(), &order);
                async move {
                    match client.request::<usize>(number).await {
                        Ok(answer) => assert_eq!((answer, number % 10 == 9), (number * 2, false)),
                        Err(RequestError::Refused(error)) => {
                            assert_eq!(error.to_string(), format!("nine: {number}"))
                        }
                        Err(error) => panic!("{error}"),
                    }
                    order.lock().unwrap().push(number);
                }
            }))
            .await;
            assert!(!order.into_inner().unwrap().is_sorted());
            let stats = client.stats();
            assert_eq!((stats.calls, stats.answered, stats.refused, client.in_flight()), (1000, 900, 100, 0));
            // With the last handle the connection is closed.
            drop(client);
            driving.await.unwrap();
        }
    });
}

fn a_disconnect_in_the_middle_leaves_nothing_pending<D: Door>() {
    const COUNT: usize = 100;
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (census, gate) = (Census::new(), Gate::of(COUNT));
            let (counting, (stop, stopped)) = (census.clone(), async_channel::bounded::<()>(1));
            let (socket, server) = open::<D, _, _>(cell, move |socket| {
                let (census, gate, stopped) = (counting.clone(), gate.clone(), stopped.clone());
                async move {
                    let answer = |number: usize| {
                        let (counted, gate) = (census.enter(), gate.clone());
                        async move {
                            gate.pass().await;
                            if number >= 40 {
                                pending::<()>().await;
                            }
                            drop(counted);
                            Ok::<_, ErrorReply>(number)
                        }
                    };
                    let serving = pin!(serve_requests(socket, answering(COUNT), answer));
                    select(serving, pin!(stopped.recv())).await;
                }
            })
            .await;
            let (client, driving) = socket.requests(asking(cell));
            let driving = task::<D, _>(driving.run());
            let answered = AtomicUsize::new(0);
            let outcomes = join_all((0..COUNT).map(|number| {
                let (client, answered, stop) = (client.clone(), &answered, stop.clone());
                async move {
                    let outcome = client.request::<usize>(number).await;
                    if outcome.is_ok() && answered.fetch_add(1, Ordering::SeqCst) == 39 {
                        stop.send(()).await.unwrap();
                    }
                    outcome
                }
            }))
            .await;
            let mut failed = 0;
            for (number, outcome) in outcomes.into_iter().enumerate() {
                match outcome {
                    Ok(answer) => assert_eq!(answer, number),
                    Err(RequestError::Closed(closed)) => {
                        failed += 1;
                        assert_eq!(
                            (closed.origin, closed.cause),
                            (Origin::Remote, Cause::Handshake),
                            "{closed:?}"
                        );
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            census.dropped(COUNT).await;
            assert_eq!((failed, census.alive(), client.in_flight()), (60, 0, 0));
            assert!(matches!(client.request::<usize>(1).await, Err(RequestError::Closed(_))));
            let _ = driving.await;
            server.drain().await;
        }
    });
}

fn a_client_that_vanishes_ends_the_work_for_it<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let census = Census::new();
            let (counting, (begun, begins)) = (census.clone(), async_channel::unbounded());
            let (socket, _server) = open::<D, _, _>(cell, move |socket| {
                let (census, begun) = (counting.clone(), begun.clone());
                async move {
                    let answer = |_: usize| {
                        let (counted, begun) = (census.enter(), begun.clone());
                        async move {
                            let _ = begun.send(()).await;
                            pending::<()>().await;
                            drop(counted);
                            Ok::<(), ErrorReply>(())
                        }
                    };
                    drop(serve_requests(socket, answering(9), answer).await);
                }
            })
            .await;
            let (client, mut driving) = socket.requests(asking(cell));
            let asked = join_all((0..9).map(|number| client.request::<()>(number)));
            let all_begun = async {
                for _ in 0..9 {
                    begins.recv().await.unwrap();
                }
            };
            // Whoever waits for the first of both drops the requests that are asked; the loop is dropped before they are.
            let mut asked = Box::pin(asked);
            driving.drive_while(select(&mut asked, pin!(all_begun))).await;
            drop(driving);
            for outcome in asked.await {
                let Err(RequestError::Closed(closed)) = outcome else { panic!("{outcome:?}") };
                assert_eq!(closed.cause, Cause::Transport(End::Dropped));
            }
            census.dropped(9).await;
            assert_eq!(census.alive(), 0);
        }
    });
}

/// A server whose futures never end, and what they count.
async fn endless<D: Door>(
    cell: Cell,
    config: AnswersConfig,
) -> (Requester, RequestLoop<D>, Census, ServerHandle) {
    let census = Census::new();
    let counting = census.clone();
    let (socket, server) = open::<D, _, _>(cell, move |socket| {
        let census = counting.clone();
        async move {
            let answer = |is_endless: bool| {
                let counted = census.enter();
                async move {
                    if is_endless {
                        pending::<()>().await;
                    }
                    drop(counted);
                    Ok::<(), ErrorReply>(())
                }
            };
            drop(serve_requests(socket, config, answer).await);
        }
    })
    .await;
    let (client, driving) = socket.requests(asking(cell));
    (client, driving, census, server)
}

fn a_request_that_is_dropped_is_dropped_on_the_other_side<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (client, driving, census, _server) = endless::<D>(cell, answering(2)).await;
            let driving = task::<D, _>(driving.run());
            let mut request = Box::pin(client.request::<()>(true));
            // The second one is answered behind the first, which has so begun.
            match select(&mut request, pin!(client.request::<()>(false))).await {
                Either::Right((outcome, _)) => outcome.unwrap(),
                Either::Left(_) => panic!("it has no end"),
            }
            census.dropped(1).await;
            assert_eq!((census.alive(), client.in_flight()), (1, 1));
            drop(request);
            census.dropped(1).await;
            assert_eq!((census.alive(), client.in_flight(), client.stats().cancelled), (0, 0, 1));
            // One that was never polled never was.
            drop(client.request::<()>(true));
            assert_eq!(client.stats().calls, 2);
            drop(client);
            driving.await.unwrap();
        }
    });
}

fn one_that_has_no_reply_in_time_fails_alone<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (client, mut driving, census, _server) = endless::<D>(cell, answering(9)).await;
            driving
                .drive_while(async {
                    let soon = Duration::from_millis(20);
                    let timed_out = client.request_within::<()>(soon, true).await;
                    assert!(matches!(timed_out, Err(RequestError::TimedOut)), "{timed_out:?}");
                    client.request::<()>(false).await.unwrap();
                    // The peer was told, and works on it no longer.
                    census.dropped(2).await;
                    assert_eq!((census.alive(), client.stats().timed_out), (0, 1));
                })
                .await;
        }
    });
}

fn the_server_bounds_what_is_in_flight_and_for_how_long<D: Door>() {
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let mut config = answering(2);
            config.timeout = Some(Duration::from_millis(50));
            let (client, mut driving, census, _server) = endless::<D>(cell, config).await;
            let outcomes = join_all((0..3).map(|_| client.request::<()>(true)));
            let codes = driving.drive_while(outcomes).await.into_iter().map(|outcome| match outcome {
                Err(RequestError::Refused(error)) => error.code,
                outcome => panic!("{outcome:?}"),
            });
            let codes: Vec<String> = codes.collect();
            assert_eq!(codes, [ErrorReply::TIMED_OUT, ErrorReply::TIMED_OUT, ErrorReply::TOO_MANY]);
            census.dropped(2).await;
            assert_eq!(census.alive(), 0);
        }
    });
}

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

wharf_tests::on_every_door!({
    a_thousand_at_once_are_answered_in_any_order
    a_disconnect_in_the_middle_leaves_nothing_pending
    a_client_that_vanishes_ends_the_work_for_it
    a_request_that_is_dropped_is_dropped_on_the_other_side
    one_that_has_no_reply_in_time_fails_alone
    the_server_bounds_what_is_in_flight_and_for_how_long
    what_is_wrong_with_one_is_its_own
    a_failed_write_does_not_leak
    what_is_no_request_is_answered_and_what_is_no_reply_is_yielded
});
