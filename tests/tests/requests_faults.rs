//! Requests that cannot be sent, carried out or read, on real sockets and on each async runtime: each harms itself alone.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use wharf::base::{CloseCode, Message, SendError};
use wharf::framed::{Field, Length, Order};
use wharf::link::{Config, Framing};
use wharf::service::requests::ErrorReply;
use wharf_async_std::{Bound, RequestError, connect_with, serve, serve_requests};
use wharf_tests::cell::Spoken;
use wharf_tests::desk::{LIMIT, SPOKEN, answering, asking, cell, open};
use wharf_tests::door::{Door, run};

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
    what_is_wrong_with_one_is_its_own
    a_failed_write_does_not_leak
    what_is_no_request_is_answered_and_what_is_no_reply_is_yielded
});
