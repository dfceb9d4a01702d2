//! At the edges: calls within calls, faults upon faults, ends that are gone.

use super::*;
use crate::link::Link;

/// Notes when its timer fires, once a second.
#[derive(Default)]
struct Ticker(Option<Instant>, Vec<Instant>);

impl Script for Ticker {
    fn opened(&mut self, act: &mut Act<'_>) {
        let _ = act.send("unread");
        self.0 = Some(act.now() + SECOND);
    }
    fn poll_timeout(&self, _: &Link) -> Option<Instant> {
        self.0
    }
    fn timeout(&mut self, act: &mut Act<'_>) {
        self.1.push(act.now());
        self.0 = Some(act.now() + SECOND);
    }
}

#[test]
fn what_nobody_reads_at_the_other_end_makes_no_deadline_late() {
    let mut own = Config::client();
    own.framing = crate::link::Framing::codec(crate::framed::Lines::new());
    let mut visit = Visit::by(Ticker::default());
    visit.config = Arc::new(own);
    let mut line = Line::new(1, &"tcp://mock:7".parse().unwrap(), visit).unwrap();
    line.settle();
    let begin = line.now();
    assert!(line.is_readable());
    assert_eq!(line.next_event(), Some(begin + SECOND), "what has happened already happens no more");
    line.advance(5 * SECOND);
    let ticks = &line.client().script::<Ticker>().unwrap().1;
    assert_eq!(*ticks, (1..=5).map(|n| begin + n * SECOND).collect::<Vec<_>>());
}

#[test]
fn a_plan_that_lets_time_pass_does_not_turn_it_back() {
    let mut world = World::new(1);
    let begin = world.now();
    world.at(begin + SECOND, |world| world.advance(10 * SECOND));
    world.advance(2 * SECOND);
    assert_eq!(world.now(), begin + 11 * SECOND);
    world.at(begin + 12 * SECOND, |world| world.advance(3600 * SECOND));
    assert_eq!(world.run(), Ok(()));
    assert_eq!(world.now(), begin + 3612 * SECOND);
}

#[test]
fn a_wire_between_two_that_are_isolated_takes_both_to_come_back() {
    let mut world = World::new(1);
    let bus = world.serve("bus", Relay::default(), &config());
    let front = world.serve("front", relay("ws://bus/"), &config());
    let (listener, speaker) = (world.connect("ws://bus/").unwrap(), world.connect("ws://front/").unwrap());
    world.settle();
    world.send(speaker, ">one").unwrap();
    world.settle();
    let bridge = world.sockets.iter().find(|(_, socket)| socket.server == front.index && socket.side == 0);
    let wire = bridge.unwrap().1.wire;
    world.isolate(bus);
    world.isolate(front);
    world.isolate(front);
    world.reunite(bus);
    assert!(world.wires[wire].is_parted());
    world.reunite(front);
    assert!(!world.wires[wire].is_parted());

    // One client's own partition outlasts its server's.
    world.partition(listener);
    world.isolate(bus);
    world.reunite(bus);
    world.command(bus, "hello");
    world.advance(SECOND);
    assert_eq!(world.texts(listener), ["one"]);
    world.heal();
    world.settle();
    assert_eq!(world.texts(listener), ["one", "hello"]);
}

#[test]
fn who_has_vanished_is_told_that_it_says_nothing_more() {
    let (mut world, _, client) = World::mock(Relay::default(), &config()).unwrap();
    world.misbehave(client, Habit::Vanish);
    assert_eq!(world.send(client, "boo"), Err(crate::base::SendError::Closed));
    assert_eq!(world.close(client, CloseCode::NORMAL, ""), Err(crate::base::SendError::Closed));

    let mut line = Line::new(1, &"ws://mock/".parse().unwrap(), Visit::default()).unwrap();
    line.misbehave(Habit::Vanish);
    assert_eq!(line.send(Message::text("boo")), Err(crate::base::SendError::Closed));
}

#[test]
fn what_comes_as_one_comes_no_sooner() {
    let mut world = World::new(1);
    let server = world.serve("meet", Relay::default(), &config());
    let client = world.connect("ws://meet/").unwrap();
    world.settle();
    let faults = Faults { latency: SECOND, coalesce: true, ..Faults::default() };
    world.set_faults(faults, 60 * SECOND);
    world.send(client, "one").unwrap();
    world.advance(SECOND / 2);
    world.send(client, "two").unwrap();
    world.advance(SECOND - Duration::from_nanos(1));
    assert_eq!(world.service(server).walls.len(), 1);
    world.advance(Duration::from_nanos(1));
    assert_eq!(world.service(server).walls.len(), 2);
}

#[test]
#[should_panic(expected = "listens at meet already")]
fn a_name_is_nobody_elses() {
    let mut world = World::new(1);
    world.serve("meet", Relay::default(), &config());
    world.serve("meet", Relay::default(), &config());
}

#[test]
#[should_panic(expected = "\"meet:70000\" names no place")]
fn a_port_that_is_none_is_not_every_port() {
    World::new(1).serve("meet:70000", Relay::default(), &config());
}
