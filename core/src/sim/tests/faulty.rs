//! Where something goes wrong.

use super::*;

/// Two servers of which one dials the other, and clients that talk to both, all of it drawn.
fn storm(seed: u64) -> (World, ServerId<Relay>, Vec<ClientId>) {
    let mut world = World::new(seed);
    let (faults, heals) = (Faults::any(world.dice()), world.dice().between(1, 5) as u32);
    world.set_faults(faults, heals * SECOND);
    let bus = world.serve("bus", Relay::default(), &config());
    world.serve_with_jobs("front", relay("ws://bus/"), &config(), |n| n + 1);
    let clients = (0..6).map(|n| {
        let target = if n % 2 == 0 { "ws://front/" } else { "ws://bus/" };
        let mut left = 10;
        let mut visit = Visit::by(move |act: &mut Act<'_>, message: Message<'_>| {
            if left > 0 && act.dice().percent(50) {
                left -= 1;
                let text = format!("{}{}", [">", "7", ""][act.dice().below(3)], message.payload().len());
                let _ = act.send(text);
            }
        });
        (visit.habit, visit.turns_bad) = (Habit::any(world.dice()), SECOND);
        world.visit(&target.parse().unwrap(), visit).unwrap()
    });
    let clients: Vec<ClientId> = clients.collect();
    world.advance(SECOND / 2);
    for client in &clients {
        let _ = world.send(*client, ">a rumour");
    }
    (world, bus, clients)
}

#[test]
fn the_same_seed_is_the_same_world() {
    let hash = |seed| {
        let mut world = storm(seed).0;
        world.advance(20 * SECOND);
        (world.transcript().hash(), world.transcript().lines())
    };
    let hashes: Vec<_> = (0..20).map(|seed| (hash(seed), hash(seed))).collect();
    assert!(hashes.iter().all(|(first, again)| first == again && first.1 > 50), "{hashes:?}");
    assert!(hashes.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn whatever_goes_wrong_a_drain_ends_it_all() {
    for seed in 0..60 {
        let (mut world, ..) = storm(seed);
        for index in 0..2 {
            world.advance(3 * SECOND);
            let now = world.told();
            world.hosts[index].drain(now, CloseCode::GOING_AWAY);
            world.look_around(index);
        }
        // Those that vanished or are deaf are reset by the deadlines; nobody is left.
        assert_eq!(world.run(), Ok(()), "seed {seed}");
    }
}

#[test]
fn a_partition_loses_nothing() {
    let (mut world, server, client) = World::mock(Relay::default(), &config()).unwrap();
    world.partition(client);
    world.command(server, "can you hear me");
    world.send(client, "and me").unwrap();
    world.advance(5 * SECOND);
    assert_eq!((world.texts(client).len(), world.service(server).walls.len()), (0, 0));
    world.rejoin(client);
    world.settle();
    assert_eq!((world.texts(client), world.service(server).walls.len()), (["can you hear me"].to_vec(), 1));
}

#[test]
fn a_partition_that_lasts_is_found_out() {
    let (mut world, server, client) = World::mock(Relay::default(), &config()).unwrap();
    world.partition(client);
    world.run_until(|world| world.hub(server).is_empty()).unwrap();
    world.heal();
    world.run_until(|world| world.client(client).is_gone()).unwrap();
    assert_eq!(code(&world, client), Some(CloseCode::ABNORMAL));
}

#[test]
fn each_habit_has_its_end() {
    for (habit, is_told) in [
        (Habit::Reset, true),
        (Habit::Cut, true),
        (Habit::HalfClose, true),
        (Habit::Vanish, false),
        (Habit::Deaf, false),
        (Habit::Mute, false),
    ] {
        let (mut world, server, client) = World::mock(Relay::default(), &config()).unwrap();
        world.misbehave(client, habit);
        world.settle();
        assert_eq!(world.hub(server).is_empty(), is_told, "{habit:?}");
        assert!(world.client(client).has_turned_bad());
        world.run_until(|world| world.hub(server).is_empty()).unwrap();
    }
}

#[test]
fn a_wire_can_be_cut_inside_of_a_frame() {
    let cut = |seed| {
        let mut world = World::new(seed);
        let server = world.serve("meet", Relay::default(), &config());
        let client = world.connect("ws://meet/").unwrap();
        world.settle();
        let faults = Faults { latency: SECOND, ..Faults::default() };
        world.set_faults(faults, SECOND);
        world.send(client, "x".repeat(1000)).unwrap();
        world.advance(SECOND / 2);
        world.misbehave(client, Habit::Cut);
        world.run_until(|world| world.hub(server).is_empty()).unwrap();
        world.service(server).walls.len()
    };
    let heard: usize = (0..50).map(cut).sum();
    assert!(heard < 50, "each message came whole");
}

#[test]
fn what_a_client_keeps_is_bounded_and_what_it_missed_counted() {
    let mut world = World::new(9);
    let server = world.serve("meet", Relay::default(), &config());
    let visit = Visit { keep: 3 * (32 + 4), ..Visit::default() };
    let client = world.visit(&"ws://meet/".parse().unwrap(), visit).unwrap();
    world.settle();
    for _ in 0..5 {
        world.command(server, "ping");
    }
    world.settle();
    assert_eq!((world.texts(client).len(), world.client(client).missed()), (3, 2));
}

#[test]
fn who_is_refused_is_told() {
    let mut world = World::new(10);
    let server = world.serve("meet", Relay::default(), &config());
    assert_eq!(world.connect("mailto:me"), Err(ConnectError::Target("mailto:me".into())));
    assert!(matches!(world.connect("ws://other/"), Err(ConnectError::NoServer(_))));
    world.drain(server, CloseCode::GOING_AWAY);
    let refused = crate::link::Refused::Draining;
    assert_eq!(world.connect("ws://meet/"), Err(ConnectError::Refused(refused)));
}

#[test]
fn what_never_comes_is_not_waited_for() {
    let (mut world, server, client) = World::mock(Relay::default(), &config()).unwrap();
    assert_eq!(world.run(), Err(Stuck::Late(Duration::from_secs(600))), "nobody closes");
    world.set_steps(10);
    assert_eq!(world.run_until(|_| false), Err(Stuck::Endless(10)));
    world.set_steps(1_000_000);
    world.close(client, CloseCode::NORMAL, "").unwrap();
    assert_eq!((world.run(), world.hub(server).len()), (Ok(()), 0));
    assert_eq!(world.run_until(|_| false), Err(Stuck::AtRest));
}
