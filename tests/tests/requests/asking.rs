//! Requests and their answers on real sockets: the async handle and handlers on each of their runtimes, over a WebSocket, lines of
//! JSON and typed frames.

use futures_util::future::{Either, join_all, select};
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;
use wharf::base::{Cause, End, Origin};
use wharf::service::requests::{AnswersConfig, ErrorReply};
use wharf_async_std::{RequestError, RequestLoop, Requester, ServerHandle, serve_requests};
use wharf_tests::cell::Cell;
use wharf_tests::census::Census;
use wharf_tests::desk::{SPOKEN, answering, asking, cell, open};
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
            config.timeout = Some(Duration::from_millis(300));
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

/// A peer that reads nothing makes those wait who ask, and nothing else pile up.
fn what_waits_to_be_sent_is_bounded<D: Door>() {
    const CAP: usize = 8;
    run::<D>(async {
        for cell in SPOKEN.map(cell) {
            let (socket, _server) = open::<D, _, _>(cell, |socket| async move {
                let _socket = socket;
                pending().await
            })
            .await;
            let mut config = asking(cell);
            config.max_in_flight = CAP;
            let (client, mut driving) = socket.requests(config);
            let data = "x".repeat(1 << 19);
            for _ in 0..100 {
                let mut asked = (0..CAP).map(|_| Box::pin(client.request::<()>(&*data))).collect::<Vec<_>>();
                driving
                    .drive_while(poll_fn(|cx| {
                        assert!(asked.iter_mut().all(|asked| asked.as_mut().poll(cx).is_pending()));
                        Poll::Ready(())
                    }))
                    .await;
                assert_eq!(client.in_flight(), CAP);
                drop(asked);
                assert!(client.unsent() <= 2 * CAP && client.in_flight() == 0);
            }
            let stats = client.stats();
            assert_eq!((stats.calls, stats.cancelled + stats.withdrawn), (100 * CAP as u64, stats.calls));
            assert!(stats.withdrawn > stats.cancelled, "what was not sent is taken back: {stats:?}");
            drop(driving);
            assert_eq!(client.unsent(), 0);
        }
    });
}

wharf_tests::on_every_door!({
    what_waits_to_be_sent_is_bounded
    a_thousand_at_once_are_answered_in_any_order
    a_disconnect_in_the_middle_leaves_nothing_pending
    a_client_that_vanishes_ends_the_work_for_it
    a_request_that_is_dropped_is_dropped_on_the_other_side
    one_that_has_no_reply_in_time_fails_alone
    the_server_bounds_what_is_in_flight_and_for_how_long
});
