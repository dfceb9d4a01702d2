//! Requests on mocks: their deadlines pass by the mock's time, and no runtime is there to keep them.

use super::{RequestError, serve_requests};
use crate::driver::tests::Scripted;
use crate::mock::tests::{all_of, let_time_pass};
use crate::{Error, Scene, mock, mock_with};
use futures_util::FutureExt;
use futures_util::future::join3;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;
use wharf::base::CloseCode;
use wharf::framed::Lines;
use wharf::link::{Config, Framing};
use wharf::service::requests::{AnswersConfig, ErrorReply, RequestsConfig};

const SECOND: Duration = Duration::from_secs(1);
const REQUEST: &str = r#"{"id":1,"data":"ahoy"}"#;
const TIMED_OUT: &str = r#"{"id":1,"error":{"code":"timed_out","message":"it took too long"}}"#;

/// What a handler works on until it is let go, and whether its future is still there.
#[derive(Clone, Default)]
struct Toil {
    is_done: Rc<Cell<bool>>,
    waker: Rc<RefCell<Option<Waker>>>,
    held: Rc<()>,
}

impl Toil {
    async fn wait(self) -> Result<String, ErrorReply> {
        poll_fn(|cx| {
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            if self.is_done.get() { Poll::Ready(Ok("done".into())) } else { Poll::Pending }
        })
        .await
    }

    fn finish(&self) {
        self.is_done.set(true);
        self.waker.take().into_iter().for_each(Waker::wake);
    }

    fn is_worked_on(&self) -> bool {
        Rc::strong_count(&self.held) > 1
    }
}

fn five_seconds() -> AnswersConfig {
    let mut config = AnswersConfig::default();
    config.timeout = Some(5 * SECOND);
    config
}

#[test]
fn an_answer_after_its_deadline_is_dropped() {
    let (socket, peer) = mock::<Scripted>([REQUEST]);
    let toil = Toil::default();
    // Nobody holds it but the handler's future.
    let mut work = Some(toil.clone());
    let mut serving = pin!(serve_requests(socket, five_seconds(), |_: String| work.take().unwrap().wait()));
    assert!(peer.run_for(5 * SECOND - Duration::from_nanos(1), serving.as_mut()).is_pending());
    assert!(peer.texts().is_empty() && toil.is_worked_on());
    assert!(peer.run_for(Duration::from_nanos(1), serving.as_mut()).is_pending());
    assert_eq!(peer.texts(), [TIMED_OUT]);
    assert!(!toil.is_worked_on(), "its future is gone");
    toil.finish();
    assert!(peer.run_for(60 * SECOND, serving.as_mut()).is_pending());
    assert_eq!(peer.texts(), [TIMED_OUT]);
}

/// Both are there when the socket is polled: the deadline was first.
#[test]
fn an_answer_that_is_done_behind_its_deadline_is_dropped() {
    let (socket, peer) = mock::<Scripted>([REQUEST]);
    let toil = Toil::default();
    let work = toil.clone();
    let mut serving = pin!(serve_requests(socket, five_seconds(), |_: String| work.clone().wait()));
    assert!(peer.run(serving.as_mut()).is_pending());
    peer.advance(6 * SECOND);
    toil.finish();
    assert!(peer.run(serving.as_mut()).is_pending());
    assert_eq!(peer.texts(), [TIMED_OUT]);
    // One that is done in time is answered, whatever the clock says of the one before.
    peer.send(REQUEST).unwrap();
    assert!(peer.run(serving.as_mut()).is_pending());
    assert_eq!(peer.texts(), [TIMED_OUT, r#"{"id":1,"data":"done"}"#]);
}

/// Each task is polled only where it was woken.
#[test]
fn a_deadline_of_an_answer_wakes_who_serves() {
    let (socket, peer) = mock::<Scripted>([REQUEST]);
    let serving = async move {
        let handler = |_: String| Toil::default().wait();
        assert!(serve_requests(socket, five_seconds(), handler).await.is_ok());
    };
    let client = peer.clone();
    let time = async move {
        let begin = client.now();
        let_time_pass(client.clone(), 6 * SECOND).await;
        assert_eq!((client.texts(), client.now() - begin), (vec![TIMED_OUT.into()], 5 * SECOND));
        client.close(CloseCode::NORMAL, "").unwrap();
    };
    all_of(vec![Box::pin(serving), Box::pin(time)]);
}

#[test]
fn each_request_has_its_own_deadline_by_the_mocks_time() {
    let (socket, peer) = mock::<Scripted>([""; 0]);
    let (requester, mut requests) = socket.requests(RequestsConfig::default());
    let begin = peer.now();
    let clock = peer.clone();
    let ask = |timeout: Option<u64>| {
        let (requester, clock) = (requester.clone(), clock.clone());
        async move {
            let asked = match timeout {
                Some(seconds) => requester.request_within::<()>(SECOND * seconds as u32, "ahoy").await,
                None => requester.request::<()>("ahoy").await,
            };
            assert!(matches!(asked, Err(RequestError::TimedOut)), "{asked:?}");
            clock.now() - begin
        }
    };
    let (long, short, none) = (ask(None), ask(Some(7)), ask(Some(0)));
    let all = join3(long, short, none);
    let mut driven = pin!(requests.drive_while(all));
    let Poll::Ready(at) = peer.run_for(60 * SECOND, driven.as_mut()) else { panic!("they wait for ever") };
    assert_eq!(at, (30 * SECOND, 7 * SECOND, Duration::ZERO));
    // Each that was sent is given up.
    assert!(peer.texts().contains(&r#"{"id":1,"cancel":true}"#.into()), "{:?}", peer.texts());
    assert!(peer.texts().contains(&r#"{"id":2,"cancel":true}"#.into()), "{:?}", peer.texts());
    assert_eq!((requester.in_flight(), requester.unsent(), requester.stats().timed_out), (0, 0, 3));
}

/// Another task asks, in whose time the loop has not been polled for long.
#[test]
fn a_request_waits_from_the_time_that_it_is_made() {
    let (socket, peer) = mock::<Scripted>([""; 0]);
    let (requester, requests) = socket.requests(RequestsConfig::default());
    let client = peer.clone();
    let asking = async move {
        client.advance(3600 * SECOND);
        let begin = client.now();
        let asked = requester.request::<()>("ahoy").await;
        assert!(matches!(asked, Err(RequestError::TimedOut)), "{asked:?}");
        assert_eq!(client.now() - begin, 30 * SECOND);
        client.close(CloseCode::NORMAL, "").unwrap();
    };
    let driving = async move { assert!(requests.run().await.is_ok()) };
    let time = let_time_pass(peer, 7200 * SECOND);
    all_of(vec![Box::pin(driving), Box::pin(asking), Box::pin(time)]);
}

/// The time stands still where one has just failed.
#[test]
fn a_request_that_may_take_no_time_fails_at_once() {
    let (socket, peer) = mock::<Scripted>([""; 0]);
    let (requester, mut requests) = socket.requests(RequestsConfig::default());
    for _ in 0..3 {
        let asking = requester.request_within::<()>(Duration::ZERO, "ahoy");
        let mut driven = pin!(requests.drive_while(asking));
        assert!(matches!(peer.run(driven.as_mut()), Poll::Ready(Err(RequestError::TimedOut))));
    }
}

/// Lines, whose end of stream is all the goodbye that there is.
fn lines() -> Scene {
    let mut config = Config::default();
    config.framing = Framing::codec(Lines::new());
    Scene::new(&config.into())
}

/// `printf '{"id":1,"data":"ahoy"}\n' | nc -N`, and a handler that takes its time.
#[test]
fn a_peer_that_ends_its_stream_gets_the_answers_it_is_owed() {
    let (socket, peer) = mock_with::<Scripted>(lines(), [REQUEST]).unwrap();
    let toil = Toil::default();
    let work = toil.clone();
    let mut serving = pin!(serve_requests(socket, five_seconds(), |_: String| work.clone().wait()));
    peer.close(CloseCode::NORMAL, "").unwrap();
    assert!(peer.run_for(4 * SECOND, serving.as_mut()).is_pending());
    assert!(peer.texts().is_empty() && toil.is_worked_on());
    toil.finish();
    assert_eq!(peer.run(serving.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(peer.texts(), [r#"{"id":1,"data":"done"}"#]);
}

#[test]
fn an_answer_that_takes_longer_than_a_close_may_is_dropped_with_its_future() {
    let (socket, peer) = mock_with::<Scripted>(lines(), [REQUEST]).unwrap();
    let toil = Toil::default();
    let mut work = Some(toil.clone());
    let mut serving =
        pin!(serve_requests(socket, AnswersConfig::default(), |_: String| work.take().unwrap().wait()));
    peer.close(CloseCode::NORMAL, "").unwrap();
    assert!(peer.run(serving.as_mut()).is_pending());
    assert_eq!(peer.run_for(5 * SECOND, serving.as_mut()), Poll::Ready(Ok(())));
    assert!(peer.texts().is_empty() && !toil.is_worked_on());
}

/// A handler that works on one message at a time need not say that it owes an answer.
#[test]
fn what_a_handler_works_on_while_the_socket_is_driven_is_answered_to_a_peer_that_ended_its_stream() {
    let (mut socket, peer) = mock_with::<Scripted>(lines(), ["one", "two"]).unwrap();
    let toil = Toil::default();
    let work = toil.clone();
    let mut handler = pin!(async move {
        while let Some(message) = socket.next().await {
            let text = message?.as_text().unwrap_or_default().to_owned();
            let answer = socket.drive_while(work.clone().wait()).await.unwrap();
            socket.send(format!("{text} {answer}")).await?;
        }
        Ok::<_, Error>(())
    });
    peer.close(CloseCode::NORMAL, "").unwrap();
    assert!(peer.run_for(SECOND, handler.as_mut()).is_pending());
    toil.finish();
    assert_eq!(peer.run(handler.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(peer.texts(), ["one done", "two done"]);
}

/// Whoever gives up before his request was sent takes it back, from among those of the others.
#[test]
fn a_request_that_is_given_up_unsent_is_taken_back_and_the_others_keep_their_order() {
    let (socket, peer) = mock::<Scripted>([""; 0]);
    let (requester, mut requests) = socket.requests(RequestsConfig::default());
    let ask = |data: u8| Box::pin(requester.request::<()>(data));
    let mut asking: Vec<_> = (1..=5).map(ask).collect();
    assert!(asking.iter_mut().all(|asking| asking.now_or_never().is_none()));
    drop((asking.remove(3), asking.remove(1)));
    assert_eq!((requester.unsent(), requester.stats().withdrawn), (3, 2));
    let mut driven = pin!(requests.drive_while(std::future::pending::<()>()));
    assert!(peer.run(driven.as_mut()).is_pending());
    assert_eq!(peer.texts(), [1, 3, 5].map(|id| format!(r#"{{"id":{id},"data":{id}}}"#)));
    // What was sent is given up by a message.
    drop(asking);
    assert!(peer.run(driven.as_mut()).is_pending());
    assert_eq!((peer.texts().len(), requester.unsent()), (6, 0));
}
