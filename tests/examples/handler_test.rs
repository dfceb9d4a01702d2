//! How an application is tested: a service, a made-up network and a made-up time. No socket, no clock, no runtime, no
//! thread; half a minute passes in a microsecond, and every run is the same.
//!
//! The service is a vote: whoever connects says `yes` or `no`, all see the count, and 30 s after the first one came
//! all are told the result and dismissed. `cargo run -p wharf-tests --example handler_test` plays one.

use std::time::Duration;
use wharf::base::{CloseCode, Closed, Instant, Kind, Message};
use wharf::link::{ConnId, Context, Service};
use wharf::sim::World;
use wharf::ws::Prepared;

/// The application. Nothing here knows that there is a network.
#[derive(Default)]
struct Vote {
    members: Vec<ConnId>,
    yes: u32,
    no: u32,
    ends: Option<Instant>,
}

impl Vote {
    const LASTS: Duration = Duration::from_secs(30);

    fn tell_all(&self, cx: &mut Context<'_>, what: &str) {
        let text = format!("{what} {}:{}", self.yes, self.no);
        if let Ok(prepared) = Prepared::new(Kind::Text, text.into()) {
            // One that cannot keep up misses a count, and gets the next.
            cx.broadcast(self.members.iter().copied(), &prepared, |_, _| {});
        }
    }
}

impl Service for Vote {
    type Job = ();
    type Done = ();
    type Command = ();

    fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
        self.members.push(conn);
        self.ends.get_or_insert(cx.now() + Self::LASTS);
    }

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        match message.as_text() {
            Some("yes") => self.yes += 1,
            Some("no") => self.no += 1,
            _ => {
                // One that is closing already needs no second word.
                let _ = cx.close(conn, CloseCode::POLICY_VIOLATION, "yes or no");
                return;
            }
        }
        self.tell_all(cx, "count");
    }

    fn closed(&mut self, _: &mut Context<'_>, conn: ConnId, _: &Closed) {
        self.members.retain(|member| *member != conn);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.ends
    }

    fn timeout(&mut self, cx: &mut Context<'_>) {
        self.ends = None;
        self.tell_all(cx, "result");
        for member in &self.members {
            let _ = cx.close(*member, CloseCode::NORMAL, "the vote is over");
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::new(1);
    world.serve("vote", Vote::default(), &Default::default());
    let (a, b) = (world.connect("ws://vote/")?, world.connect("ws://vote/")?);
    world.settle();
    for (member, says) in [(a, "yes"), (b, "no"), (b, "yes")] {
        world.send(member, says)?;
        world.settle();
    }
    world.advance(Vote::LASTS);
    for member in [a, b] {
        println!("{:?} {:?}", world.texts(member), world.client(member).outcome());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::sim::{ClientId, Faults, Habit, Outcome, ServerId, Visit};

    fn vote(seed: u64) -> (World, ServerId<Vote>) {
        let mut world = World::new(seed);
        let server = world.serve("vote", Vote::default(), &Default::default());
        (world, server)
    }

    fn say(world: &mut World, member: ClientId, text: &'static str) {
        world.send(member, text).unwrap();
        world.settle();
    }

    /// Code and reason of a member's end.
    fn end(world: &World, member: ClientId) -> Option<(u16, String)> {
        match world.client(member).outcome()? {
            Outcome::Closed(closed) => Some((closed.code.as_u16(), closed.reason.clone())),
            Outcome::Failed(error) => panic!("{error}"),
        }
    }

    #[test]
    fn all_see_the_count() {
        let mut world = vote(1).0;
        let (a, b) = (world.connect("ws://vote/").unwrap(), world.connect("ws://vote/").unwrap());
        world.settle();
        say(&mut world, a, "yes");
        say(&mut world, b, "no");
        assert_eq!(world.texts(a), ["count 1:0", "count 1:1"]);
        assert_eq!(world.texts(b), ["count 1:0", "count 1:1"]);
    }

    #[test]
    fn nonsense_is_shown_the_door() {
        let (mut world, server) = vote(1);
        let (a, b) = (world.connect("ws://vote/").unwrap(), world.connect("ws://vote/").unwrap());
        world.settle();
        say(&mut world, a, "perhaps");
        say(&mut world, b, "yes");
        assert_eq!((end(&world, a), world.texts(a).len()), (Some((1008, "yes or no".into())), 0));
        assert_eq!(world.texts(b), ["count 1:0"]);
        assert_eq!((world.hub(server).len(), world.service(server).members.len()), (1, 1));
    }

    #[test]
    fn the_vote_ends_to_the_nanosecond() {
        let (mut world, server) = vote(1);
        let a = world.connect("ws://vote/").unwrap();
        world.settle();
        world.advance(Vote::LASTS - Duration::from_nanos(1));
        assert_eq!((world.texts(a).len(), end(&world, a)), (0, None));
        world.advance(Duration::from_nanos(1));
        assert_eq!(world.texts(a), ["result 0:0"]);
        assert_eq!(end(&world, a), Some((1000, "the vote is over".into())));
        assert!(world.hub(server).is_empty());
    }

    /// Whatever the network does and whoever misbehaves: those who stay see one result, and nobody is left behind.
    #[test]
    fn a_vote_in_any_weather() {
        for seed in 0..200 {
            let (mut world, server) = vote(seed);
            let faults = Faults::any(world.dice());
            world.set_faults(faults, Duration::from_secs(5));
            let mut members = Vec::new();
            for _ in 0..5 {
                let mut visit = Visit::default();
                visit.habit = Habit::any(world.dice());
                visit.turns_bad = Duration::from_millis(world.dice().between(0, 9000) as u64);
                members.push(world.visit(&"ws://vote/".parse().unwrap(), visit).unwrap());
            }
            world.advance(Duration::from_secs(9));
            for member in &members {
                // One that is gone, or is not open yet, has no vote.
                let _ = world.send(*member, "yes");
            }
            assert_eq!(world.run(), Ok(()), "seed {seed}");
            assert!(world.service(server).members.is_empty());
            for member in members.iter().filter(|member| world.client(**member).habit() == Habit::Good) {
                let results = world.texts(*member).iter().filter(|text| text.starts_with("result")).count();
                assert_eq!((results, end(&world, *member).unwrap().0), (1, 1000), "seed {seed}");
            }
        }
    }
}
