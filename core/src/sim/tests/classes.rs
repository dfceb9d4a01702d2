//! Each class of faults happens, and does not where it is not asked for.

use super::*;
use std::sync::{Arc as Shared, Mutex};

/// What was seen in some hundred worlds.
#[derive(Debug, Default)]
struct Seen {
    reads: usize,
    unwanted: usize,
    writes: usize,
    unasked: usize,
    calendars: usize,
    told_the_past: usize,
    /// The longest that a message was on its way, and that a timer was late.
    slowest: Duration,
    latest: Duration,
}

/// A member that says much, one that hears it, one that the hub does not read from, and a timer.
fn seen(faults: Faults) -> Seen {
    let mut seen = Seen::default();
    for seed in 0..200 {
        let mut world = World::new(seed);
        let lines = Shared::<Mutex<Vec<String>>>::default();
        let watched = lines.clone();
        world.transcript_mut().watch(move |line| watched.lock().unwrap().push(line.to_string()));
        let server = world.serve("meet", Relay::default(), &config());
        let (a, b) = (world.connect("ws://meet/").unwrap(), world.connect("ws://meet/").unwrap());
        world.settle();
        world.set_faults(faults, 60 * SECOND);
        let begin = world.now();
        for _ in 0..5 {
            world.send(a, "x".repeat(700)).unwrap();
        }
        world.run_until(|world| world.texts(b).len() == 5).unwrap();
        seen.slowest = seen.slowest.max(world.now() - begin);
        world.command(server, "half a minute");
        let due = world.now() + 30 * SECOND;
        seen.told_the_past += usize::from(world.told() < world.now());
        world.run_until(|world| world.service(server).ends.is_none()).unwrap();
        seen.latest = seen.latest.max(world.now() - due);
        let lines = lines.lock().unwrap();
        let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        seen.reads += count(" read ");
        seen.writes += count(" wrote ");
        seen.unasked += count(" unasked");
        seen.calendars += count(" it is ");
    }
    seen.unwanted = (0..200).map(|seed| unwanted(seed, faults)).sum();
    seen
}

/// Reads of a connection that the hub does not want to read.
fn unwanted(seed: u64, faults: Faults) -> usize {
    struct Pausing;
    impl Service for Pausing {
        type Job = ();
        type Done = ();
        type Command = ();
        fn opened(&mut self, cx: &mut Context<'_>, conn: ConnId) {
            cx.pause(conn);
        }
    }
    let mut world = World::new(seed);
    let server = world.serve("meet", Pausing, &config());
    let client = world.connect("ws://meet/").unwrap();
    world.settle();
    world.set_faults(faults, 60 * SECOND);
    for n in 1..20 {
        world.at(world.now() + n * SECOND / 10, move |world| world.send(client, "unread").unwrap());
    }
    let lines = world.transcript().lines();
    let read = Shared::<Mutex<usize>>::default();
    let watched = read.clone();
    world.transcript_mut().watch(move |line| {
        *watched.lock().unwrap() += usize::from(line.to_string().contains(" read "));
    });
    world.advance(3 * SECOND);
    assert!(world.transcript().lines() > lines && !world.hub(server).is_empty());
    *read.lock().unwrap()
}

#[test]
fn each_class_of_faults_happens_and_only_where_it_is_asked_for() {
    const NONE: Duration = Duration::ZERO;
    let millis = Duration::from_millis;
    let calm = seen(Faults::default());
    assert_eq!((calm.slowest, calm.latest, calm.unasked, calm.told_the_past), (NONE, NONE, 0, 0));
    assert_eq!((calm.unwanted, calm.calendars), (0, 0));

    let split = seen(Faults { split: true, ..Faults::default() });
    assert!(split.reads > 2 * calm.reads, "{split:?}, {calm:?}");
    let partial = seen(Faults { partial: true, ..Faults::default() });
    assert!(partial.writes > calm.writes, "{partial:?}, {calm:?}");
    let delay = seen(Faults { delay: true, ..Faults::default() });
    assert!((millis(50)..millis(200)).contains(&delay.slowest), "{delay:?}");
    let pieces = seen(Faults { partial: true, delay: true, ..Faults::default() });
    let coalesce = seen(Faults { partial: true, delay: true, coalesce: true, ..Faults::default() });
    assert!(coalesce.reads < pieces.reads, "{coalesce:?}, {pieces:?}");
    let stall = seen(Faults { stall: true, ..Faults::default() });
    assert!((millis(300)..millis(3001)).contains(&stall.slowest), "{stall:?}");
    let late = seen(Faults { late: true, ..Faults::default() });
    assert!((millis(10)..=millis(40)).contains(&late.latest), "{late:?}");
    let spurious = seen(Faults { spurious: true, ..Faults::default() });
    assert!(spurious.unasked > 20 && spurious.latest == NONE, "{spurious:?}");
    let backward = seen(Faults { backward: true, ..Faults::default() });
    assert!((10..90).contains(&backward.told_the_past), "{backward:?}");
    let eager = seen(Faults { eager: true, ..Faults::default() });
    assert!(eager.unwanted > 100, "{eager:?}");
    let calendar = seen(Faults { wall_steps: true, ..Faults::default() });
    assert!(calendar.calendars > 5 && calendar.latest == NONE, "{calendar:?}");
}
