//! What holds for every sequence of bytes, cuts, calls and times.

use super::*;
use alloc::string::String;
use core::time::Duration;
use proptest::prelude::*;

const START: Instant = Instant::ORIGIN;
const WALL: Wall = Wall::from_millis(784_111_777_000);

/// Requests and what is none; most are fine, so that runs get far.
const PIECES: [&str; 14] = [
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /2?q HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
    "HEAD /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nGET http://b/4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /5 HTTP/1.1\r\nHost: a\r\nX: y\r\nz:\r\n\r\n",
    "GET /6 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /7 HTTP/1.0\r\n\r\n",
    "POST /8 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
    "GET /9 HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "GET /a HTTP/1.1\nHost: a\n\n",
    "GET /b HTTP/1.1\r\nHost: a",
    "\r\n",
    "\0",
    "garbage",
];

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![9 => 0..5usize, 2 => 5..PIECES.len()];
    prop::collection::vec(piece, 0..7)
        .prop_map(|chosen| chosen.into_iter().flat_map(|i| PIECES[i].bytes()).collect())
}

fn responder() -> Responder {
    Responder::new(START, &Arc::new(Config::default()))
}

fn answer(request: &Request) -> Response {
    Response::new(200).body(String::from(request.path()))
}

/// All that was handed up and written, for `bytes` cut into `pieces` of the lengths given, in turn.
fn run(bytes: &[u8], lengths: &[usize]) -> (Vec<String>, Vec<u8>, Wants) {
    let (mut responder, mut log, mut out) = (responder(), Vec::new(), Vec::new());
    let mut lengths = lengths.iter().cycle();
    let mut rest = bytes.to_vec();
    let mut rest = &mut rest[..];
    while !rest.is_empty() {
        let n = lengths.next().map_or(rest.len(), |n| (*n).clamp(1, rest.len()));
        let (piece, after) = rest.split_at_mut(n);
        rest = after;
        let mut input = Input::new(piece);
        while let Some(event) = responder.receive(START, WALL, &mut input) {
            log.push(match &event {
                Event::Request(request) => alloc::format!("{request:?}"),
                Event::Closed(closed) => alloc::format!("{closed:?}"),
            });
            if let Event::Request(request) = event {
                responder.respond(START, WALL, &answer(&request)).unwrap();
            }
        }
        assert!(input.is_empty());
        responder.output(START).drain_into(&mut out);
    }
    (log, out, responder.wants())
}

#[derive(Clone, Debug)]
enum Step {
    Bytes(Vec<u8>),
    Respond,
    Write(usize),
    Wait(Duration),
    /// To the deadline, and this much beyond.
    Fire(u64),
    Eof,
    Fail,
    Close,
    Reset,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => stream().prop_map(Step::Bytes),
        2 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Step::Bytes),
        4 => Just(Step::Respond),
        3 => (0..300usize).prop_map(Step::Write),
        2 => (0..40_000u64).prop_map(|ms| Step::Wait(Duration::from_millis(ms))),
        3 => prop_oneof![Just(0), 0..1_000_000_000u64].prop_map(Step::Fire),
        1 => Just(Step::Eof),
        1 => Just(Step::Fail),
        1 => Just(Step::Close),
        1 => Just(Step::Reset),
    ]
}

/// A connection under random steps, with what must always hold.
struct Run {
    responder: Responder,
    now: Instant,
    held: Vec<u8>,
    owed: bool,
    closed: bool,
}

impl Run {
    fn new(config: Config) -> Self {
        let responder = Responder::new(START, &Arc::new(config));
        Self { responder, now: START, held: Vec::new(), owed: false, closed: false }
    }

    fn apply(&mut self, step: Step) {
        match step {
            Step::Bytes(bytes) => self.held.extend(bytes),
            Step::Respond => {
                let result = self.responder.respond(self.now, WALL, &Response::plain(200));
                assert_eq!(result.is_ok(), core::mem::replace(&mut self.owed, false));
            }
            Step::Write(n) => self.responder.output(self.now).advance(n),
            Step::Wait(by) => self.now += by,
            Step::Fire(beyond) => {
                if let Some(due) = self.responder.poll_timeout() {
                    self.now = self.now.max(due) + Duration::from_nanos(beyond);
                }
                self.fire();
            }
            Step::Eof => self.responder.receive_end(self.now, End::Eof),
            Step::Fail => self.responder.fail(self.now, WALL),
            Step::Close => self.responder.close(self.now),
            Step::Reset => self.responder.receive_end(self.now, End::Reset),
        }
        self.owed &= self.responder.owes_answer();
        self.drain();
    }

    /// Timers move forward.
    fn fire(&mut self) {
        self.responder.handle_timeout(self.now, WALL);
        assert!(self.responder.poll_timeout().is_none_or(|due| due > self.now));
    }

    /// One request at a time, one outcome, nothing after it.
    fn drain(&mut self) {
        self.owed &= self.responder.owes_answer();
        let mut held = core::mem::take(&mut self.held);
        let mut input = Input::new(&mut held);
        while let Some(event) = self.responder.receive(self.now, WALL, &mut input) {
            assert!(!self.owed && !self.closed);
            match event {
                Event::Request(_) => self.owed = true,
                Event::Closed(_) => self.closed = true,
            }
        }
        assert!(input.is_empty() || !self.responder.wants().read);
        self.held = input.as_slice().to_vec();
        assert_eq!(self.owed, self.responder.owes_answer());
    }
}

proptest! {
    #[test]
    fn any_split_gives_the_same(bytes in stream(), lengths in prop::collection::vec(1..60usize, 1..6)) {
        let whole = run(&bytes, &[]);
        prop_assert_eq!(&run(&bytes, &lengths), &whole);
        prop_assert_eq!(&run(&bytes, &[1]), &whole);
    }

    #[test]
    fn answers_are_in_order_whenever_they_are_given(
        count in 1..12usize, length in 1..80usize, patience in 0..4usize,
    ) {
        let mut held = Vec::new();
        let bytes: String = (0..count).map(|i| alloc::format!("GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n")).collect();
        let (mut responder, mut waiting, mut out) = (responder(), None, Vec::new());
        let mut pieces = bytes.as_bytes().chunks(length);
        let mut idle = 0;
        loop {
            held.extend_from_slice(pieces.next().unwrap_or_default());
            let mut input = Input::new(&mut held);
            while let Some(event) = responder.receive(START, WALL, &mut input) {
                let Event::Request(request) = event else { panic!("no end was asked for") };
                prop_assert!(waiting.replace((answer(&request), patience)).is_none());
            }
            held = input.as_slice().to_vec();
            match waiting.take() {
                Some((response, 0)) => responder.respond(START, WALL, &response).unwrap(),
                Some((response, left)) => waiting = Some((response, left - 1)),
                None if held.is_empty() => idle += 1,
                None => {}
            }
            if idle > bytes.len() {
                break;
            }
        }
        responder.output(START).drain_into(&mut out);
        let text = String::from_utf8(out).unwrap();
        let bodies: Vec<&str> = text.split("\r\n\r\n").skip(1).map(|part| part.split("HTTP").next().unwrap()).collect();
        let want: Vec<String> = (0..count).map(|i| alloc::format!("/{i}")).collect();
        prop_assert_eq!(bodies, want);
    }

    #[test]
    fn any_schedule_keeps_the_rules_and_comes_to_its_end(
        steps in prop::collection::vec(step(), 0..40),
        zero in prop::bool::weighted(0.2),
    ) {
        let mut config = Config::default();
        if zero {
            (config.open_timeout, config.keep_alive_timeout) = (Duration::ZERO, Duration::ZERO);
            (config.answer_timeout, config.write_timeout) = (Duration::ZERO, Duration::ZERO);
            config.close_timeout = Duration::ZERO;
        }
        let mut run = Run::new(config);
        for step in steps {
            run.apply(step);
        }
        // A peer that neither writes nor reads any more is gone within its deadlines.
        let limit = run.now + Duration::from_secs(120);
        while let Some(due) = run.responder.poll_timeout() {
            run.now = run.now.max(due);
            prop_assert!(run.now <= limit);
            run.fire();
            run.drain();
        }
        prop_assert!(matches!(run.responder.wants().shutdown, Some(Shutdown::Both | Shutdown::Abort)));
        prop_assert!(run.closed && !run.owed);
    }
}
