//! What holds for every order of calls.

use super::laws::{AnyCodec, any_codec, as_read, message};
use super::*;
use crate::base::{Accepted, CloseCode, End, Origin, SendError, Shutdown};
use crate::framed::{Keepalive, Typed};
use proptest::prelude::*;
use std::vec;

#[derive(Clone, Debug)]
enum Step {
    Send(usize),
    /// So many bytes go from the output to the peer.
    Write(usize),
    Feed(usize),
    Wait(u64),
    /// To the next deadline, and this much beyond.
    Fire(u64),
    Pause,
    Resume,
    Owe(bool),
    Close,
    Fail,
    End(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..300usize).prop_map(Step::Send),
        6 => (0..500usize).prop_map(Step::Write),
        6 => (0..500usize).prop_map(Step::Feed),
        3 => (0..60_u64).prop_map(Step::Wait),
        3 => (0..5_u64).prop_map(Step::Fire),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => any::<bool>().prop_map(Step::Owe),
        1 => Just(Step::Close),
        1 => Just(Step::Fail),
        1 => any::<bool>().prop_map(Step::End),
    ];
    prop::collection::vec(step, 0..80)
}

/// A connection, what its peer sends, and what has to hold for it after every step.
struct Subject {
    connection: Connection<Typed>,
    limit: usize,
    now: Instant,
    stream: Vec<u8>,
    got: Vec<Got>,
    congested: bool,
    ended: bool,
}

impl Subject {
    fn new(pause: bool, keepalive: bool) -> Self {
        let mut config = Config {
            max_message: 300,
            high_mark: 400,
            low_mark: 100,
            queue_limit: 0,
            pause_reading_when_congested: pause,
            idle_timeout: Some(Duration::from_millis(100)),
            pong_timeout: Some(Duration::from_millis(20)),
            write_timeout: Some(Duration::from_millis(40)),
            close_timeout: Duration::from_millis(30),
            ..Config::default()
        };
        if keepalive {
            config.keepalive = Keepalive::Frames { ping: 1, payload: b"?"[..].into(), pong: 3 };
        }
        let limit = config.queue_limit();
        let stream = (0..200_u32).flat_map(|i| [&[0, 0, 0, 9, i as u8 % 5][..], &[7; 8]].concat()).collect();
        let connection = open(Typed, config);
        Self { connection, limit, now: START, stream, got: vec![], congested: false, ended: false }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Send(len) => match self.connection.send(self.now, Message::typed(9, vec![5; *len])) {
                Ok(Accepted::Congested) | Err(SendError::Full) => self.congested = true,
                Ok(_) | Err(SendError::Closing | SendError::Closed) => {}
                Err(other) => panic!("{other:?}"),
            },
            Step::Write(n) if self.connection.wants().write => self.connection.output(self.now).advance(*n),
            Step::Feed(n) if self.connection.wants().read && !self.ended => {
                let mut piece: Vec<u8> = self.stream.drain(..(*n).min(self.stream.len())).collect();
                let mut input = Input::new(&mut piece);
                let mut got = Vec::new();
                while let Some(event) = self.connection.receive(self.now, &mut input) {
                    got.push(match event {
                        Event::Message(message) => Got::Message(message.into_owned()),
                        Event::Closed(closed) => Got::Closed(closed),
                        Event::Drained => Got::Drained,
                        _ => continue,
                    });
                }
                assert!(input.is_empty() || !self.connection.wants().read);
                let rest = input.as_slice().to_vec();
                self.stream.splice(..0, rest);
                self.got.extend(got);
            }
            Step::Wait(millis) => self.now += Duration::from_millis(*millis),
            Step::Fire(beyond) => {
                if let Some(due) = self.connection.poll_timeout() {
                    self.now = self.now.max(due + Duration::from_millis(*beyond));
                }
                self.connection.handle_timeout(self.now);
                let next = self.connection.poll_timeout();
                assert!(next.is_none_or(|next| next > self.now), "{next:?} at {:?}", self.now);
            }
            Step::Pause => self.connection.pause(self.now),
            Step::Resume => self.connection.resume(self.now),
            Step::Owe(owes) => self.connection.owe(self.now, *owes),
            Step::Close => drop(self.connection.close(self.now, CloseCode::NORMAL, "")),
            Step::Fail => self.connection.fail(self.now, CloseCode::INTERNAL_ERROR),
            Step::End(eof) => {
                self.connection.receive_end(self.now, if *eof { End::Eof } else { End::Reset });
                self.ended = true;
            }
            _ => {}
        }
        self.got.extend(feed(&mut self.connection, self.now, b""));
        self.check();
    }

    fn check(&mut self) {
        assert!(self.connection.queued() <= self.limit);
        let reports = self.got.iter().filter(|got| matches!(got, Got::Closed(_))).count();
        assert!(reports <= 1);
        assert!(reports == 0 || matches!(self.got.last(), Some(Got::Closed(_))), "not the last");
        assert!(!self.connection.is_finished() || reports == 1, "no report");
        if let Some(at) = self.got.iter().position(|got| matches!(got, Got::Drained)) {
            assert!(self.congested, "drained and was not congested");
            self.congested = false;
            self.got.remove(at);
        }
        assert_eq!(
            self.connection.is_finished(),
            self.connection.wants().shutdown.is_some_and(|how| { how != Shutdown::Write })
        );
        assert!(!self.connection.is_finished() || self.connection.poll_timeout().is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_in_any_order(steps in steps(), pause in any::<bool>(), keepalive in any::<bool>()) {
        let mut subject = Subject::new(pause, keepalive);
        for step in &steps {
            subject.step(step);
        }
        // Whatever happened, from a close on it ends by its deadlines alone.
        subject.step(&Step::Resume);
        subject.step(&Step::Close);
        for _ in 0..50 {
            subject.step(&Step::Fire(0));
        }
        prop_assert!(subject.connection.is_finished(), "{:?}", subject.connection);
    }

    #[test]
    fn any_schedule_the_same_messages_and_reports(
        messages in prop::collection::vec(message(), 0..12),
        codec in any_codec(),
        schedule in prop::collection::vec((0..3u8, 1..3000usize), 1..40),
    ) {
        let (sent, sides) = talk(&codec, &messages, &schedule);
        let [mut ours, mut theirs] = sides.map(|side| side.got);
        let (our_end, their_end) =
            (closed(vec![ours.pop().unwrap()]), closed(vec![theirs.pop().unwrap()]));
        prop_assert_eq!((their_end.origin, their_end.code), (Origin::Remote, CloseCode::NORMAL));
        prop_assert_eq!((our_end.origin, our_end.code), (Origin::Local, CloseCode::GOING_AWAY));
        prop_assert_eq!(&*our_end.reason, "done");
        prop_assert_eq!(&theirs, &sent);
        prop_assert_eq!(&ours, &sent);
    }
}

/// One end, and the bytes on their way to it.
struct Side {
    connection: Connection<AnyCodec>,
    wire: Vec<u8>,
    got: Vec<Got>,
}

/// The first side sends each message, the second one echoes; the first closes when it has all of them back.
fn talk(codec: &AnyCodec, messages: &[Message<'_>], schedule: &[(u8, usize)]) -> (Vec<Got>, [Side; 2]) {
    let marks = Config { high_mark: 500, low_mark: 100, max_message: 6000, ..Config::default() };
    let client = Config { pause_reading_when_congested: false, ..marks.clone() };
    let mut sides = [client, marks].map(|config| Side {
        connection: open(codec.clone(), config),
        wire: vec![],
        got: vec![],
    });
    let (mut sent, mut waiting) = (Vec::new(), messages.iter().peekable());
    let turns = [(0, usize::MAX), (1, usize::MAX), (2, usize::MAX)];
    let mut turns = schedule.iter().chain(&turns).cycle();
    for _ in 0..100_000 {
        let &(what, n) = turns.next().unwrap();
        match what {
            0 => {
                let Some(message) = waiting.peek() else { continue };
                match sides[0].connection.send(START, message.as_lent()) {
                    Err(SendError::Full) => continue,
                    Ok(_) => sent.push(Got::Message(as_read(codec, message))),
                    Err(_) => {}
                }
                waiting.next();
            }
            from => carry(&mut sides, usize::from(from - 1), n),
        }
        let [a, b] = &mut sides;
        if waiting.peek().is_none() && a.got.len() == sent.len() {
            let _ = a.connection.close(START, CloseCode::GOING_AWAY, "done");
        }
        if a.connection.is_finished() && b.connection.is_finished() {
            return (sent, sides);
        }
    }
    panic!("it does not end: {:?} {:?}", sides[0].connection, sides[1].connection);
}

/// Up to `n` bytes of what this side wrote go to the other one, and its end when it is shut.
fn carry(sides: &mut [Side; 2], from: usize, n: usize) {
    let mut output = sides[from].connection.output(START);
    let mut slices = [&[][..]; 3];
    let filled = output.slices(&mut slices);
    let mut bytes = slices[..filled].concat();
    bytes.truncate(n);
    output.advance(bytes.len());
    let shut = sides[from].connection.wants().shutdown.is_some();
    let to = &mut sides[1 - from];
    to.wire.extend_from_slice(&bytes);
    let mut wire = core::mem::take(&mut to.wire);
    let mut input = Input::new(&mut wire);
    while let Some(event) = to.connection.receive(START, &mut input) {
        match event {
            Event::Message(message) => {
                if from == 0 {
                    to.connection.send(START, message.as_lent()).expect("one answer a message fits");
                }
                to.got.push(Got::Message(message.into_owned()));
            }
            Event::Closed(closed) => to.got.push(Got::Closed(closed)),
            _ => {}
        }
    }
    to.wire = input.as_slice().to_vec();
    if shut && to.wire.is_empty() {
        to.connection.receive_end(START, End::Eof);
        to.got.extend(feed(&mut to.connection, START, b""));
    }
}
