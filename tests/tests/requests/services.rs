//! Requests answered by a service, and asked by a machine beside a socket that blocks: the same on all four runtimes, over a
//! WebSocket, lines of JSON and typed frames.

use std::collections::BTreeMap;
use std::io::Write;
use std::iter::from_fn;
use std::sync::mpsc;
use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Message, Origin};
use wharf::link::{ConnId, Context, Service};
use wharf::service::requests::{Answers, Asked, CallId, Failure, Received, Requests, Ticket};
use wharf::sim::Dice;
use wharf_cli::runner::RuntimeKind;
use wharf_tests::adapter::{PATIENCE, Peer, Serving};
use wharf_tests::cell::{Cell, Spoken};
use wharf_tests::client::Client;
use wharf_tests::desk::{LIMIT, SPOKEN, answering, asking};

/// Doubles numbers: it answers so many at once, in an order of its own, and then does as it was told.
struct Office {
    answers: Answers<ConnId>,
    work: BTreeMap<Ticket, (ConnId, u64)>,
    waits_for: usize,
    answers_then: usize,
    then_closes: bool,
    /// Answers one that has ended its stream too.
    owes: bool,
    /// How many requests the end of a connection ended.
    tell: mpsc::Sender<usize>,
}

impl Office {
    fn answer(&mut self, cx: &mut Context<'_>) {
        let mut dice = Dice::seeded(4);
        for _ in 0..self.answers_then {
            let at = dice.below(self.work.len());
            let ticket = *self.work.keys().nth(at).expect("so many");
            let (conn, number) = self.work.remove(&ticket).expect("one of them");
            let reply = self.answers.answer(ticket, &Ok(number * 2)).expect("it is in flight");
            cx.send(conn, reply).expect("there is room");
            self.owe(cx, conn);
        }
        if self.then_closes {
            let all: Vec<ConnId> = cx.connections().collect();
            all.into_iter().for_each(|conn| cx.close(conn, CloseCode::GOING_AWAY, "").expect("it is open"));
        }
    }

    fn owe(&self, cx: &mut Context<'_>, conn: ConnId) {
        cx.owe(conn, self.owes && self.answers.in_flight_of(conn) > 0);
    }
}

impl Service for Office {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match self.answers.receive(cx.now(), conn, &message) {
            Asked::Request { ticket, data, .. } => {
                self.work.insert(ticket, (conn, data.decode().expect("a number")));
                self.owe(cx, conn);
                if self.work.len() == self.waits_for {
                    self.answer(cx);
                }
            }
            Asked::Cancelled(ticket) => assert!(self.work.remove(&ticket).is_some(), "it was worked on"),
            Asked::Refused(reply) => assert!(cx.send(conn, reply).is_ok(), "there is room"),
            other => panic!("{other:?}"),
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        let ended = self.answers.handle_closed(conn);
        assert!(ended.iter().all(|ticket| self.work.remove(ticket).is_some()), "each was worked on");
        assert!(self.work.values().all(|work| work.0 != conn));
        let _ = self.tell.send(ended.len());
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.answers.poll_timeout()
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.answers.handle_timeout(cx.now());
        while let Some(expired) = self.answers.poll_expired() {
            self.work.remove(&expired.ticket);
            cx.send(expired.conn, expired.reply).expect("it is open");
            self.owe(cx, expired.conn);
        }
    }
}

/// The service of a cell, a client that has asked so many, and the calls by their numbers.
struct Stand {
    _serving: Serving<()>,
    client: Client,
    requests: Requests,
    calls: BTreeMap<CallId, u64>,
    told: mpsc::Receiver<usize>,
}

impl Stand {
    fn asked(
        runtime: RuntimeKind,
        spoken: Spoken,
        count: usize,
        answers_then: usize,
        then_closes: bool,
    ) -> Self {
        let cell = Cell { spoken, runtime, unix: false, tls: false };
        let (tell, told) = mpsc::channel();
        let answers = Answers::new(answering(count));
        let work = BTreeMap::new();
        let office = Office { answers, work, waits_for: count, answers_then, then_closes, owes: false, tell };
        let serving = Serving::start(runtime, office, cell.server(LIMIT));
        let config = cell.client(LIMIT).into();
        let mut client = Client::connect(runtime, &cell.target(&serving.address), &config).expect("it opens");
        let mut requests = Requests::new(asking(cell));
        let mut calls = BTreeMap::new();
        for number in 0..count as u64 {
            let (id, message) = requests.call(Instant::ORIGIN, &number, None).expect("there is room");
            client.send(message);
            calls.insert(id, number);
        }
        Self { _serving: serving, client, requests, calls, told }
    }

    /// Reads so many answers; the numbers in the order of their answers.
    fn answers(&mut self, count: usize) -> Vec<u64> {
        let answers = (0..count).map(|_| {
            let message = self.client.message();
            let Received::Reply { id, outcome: Ok(data) } = self.requests.receive(&message) else {
                panic!("no answer: {message:?}")
            };
            let number = self.calls.remove(&id).expect("a call that had none");
            assert_eq!(data.decode::<u64>().expect("a number"), number * 2);
            number
        });
        answers.collect()
    }

    fn told(&self) -> usize {
        self.told.recv_timeout(PATIENCE).expect("it is told")
    }
}

fn a_thousand_at_once_are_answered_in_any_order(runtime: RuntimeKind) {
    for spoken in SPOKEN {
        let mut stand = Stand::asked(runtime, spoken, 1000, 1000, false);
        let order = stand.answers(1000);
        assert!(stand.calls.is_empty() && !order.is_sorted());
        assert_eq!((stand.requests.in_flight(), stand.requests.stats().answered), (0, 1000));
        stand.client.close(1000, "");
        assert!(stand.client.ended().is_clean());
        assert_eq!(stand.told(), 0);
    }
}

fn a_disconnect_in_the_middle_leaves_nothing_pending(runtime: RuntimeKind) {
    for spoken in SPOKEN {
        let mut stand = Stand::asked(runtime, spoken, 100, 40, true);
        stand.answers(40);
        let closed = stand.client.ended();
        stand.requests.handle_closed(&closed);
        let failed: Vec<CallId> = from_fn(|| stand.requests.poll_failed())
            .map(|failed| match failed.failure {
                Failure::Closed(cause) if *cause == closed && cause.origin == Origin::Remote => failed.id,
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(failed, stand.calls.keys().copied().collect::<Vec<_>>());
        assert_eq!((stand.requests.in_flight(), stand.told()), (0, 60));
    }
}

fn a_client_that_vanishes_ends_the_work_for_it(runtime: RuntimeKind) {
    for spoken in SPOKEN {
        let mut stand = Stand::asked(runtime, spoken, 10, 3, false);
        stand.answers(3);
        let Stand { client, told, _serving, .. } = stand;
        client.vanish();
        assert_eq!(told.recv_timeout(PATIENCE), Ok(7));
    }
}

/// The answer comes long after the end: it says that the time for another one is over.
fn a_peer_that_ends_its_stream_gets_an_answer_that_comes_later(runtime: RuntimeKind) {
    let cell = Cell { spoken: Spoken::JsonLines, runtime, unix: false, tls: false };
    let (tell, told) = mpsc::channel();
    let mut config = answering(1);
    config.timeout = Some(Duration::from_millis(200));
    let (answers, work) = (Answers::new(config), BTreeMap::new());
    let office =
        Office { answers, work, waits_for: 2, answers_then: 0, then_closes: false, owes: true, tell };
    let serving = Serving::start(runtime, office, cell.server(LIMIT));
    let mut peer = Peer::connect(&serving.address);
    peer.stream.write_all(b"{\"id\":1,\"data\":4}\n").unwrap();
    peer.end();
    let expected = r#"{"id":1,"error":{"code":"timed_out","message":"it took too long"}}"#;
    assert_eq!(String::from_utf8(peer.rest()).unwrap(), format!("{expected}\n"));
    assert_eq!(told.recv_timeout(PATIENCE), Ok(0), "what is answered is not ended with the connection");
}

wharf_tests::on_every_runtime!({
    a_thousand_at_once_are_answered_in_any_order
    a_disconnect_in_the_middle_leaves_nothing_pending
    a_client_that_vanishes_ends_the_work_for_it
    a_peer_that_ends_its_stream_gets_an_answer_that_comes_later
});
