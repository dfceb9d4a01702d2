//! Where nothing goes wrong.

use super::*;

#[test]
fn members_hear_each_other_and_a_timer_is_exact_to_the_nanosecond() {
    let mut world = World::new(1);
    let server = world.serve("meet", Relay::default(), &config());
    let (a, b) = (world.connect("ws://meet/").unwrap(), world.connect("ws://meet/").unwrap());
    world.settle();
    let begin = world.now();
    world.send(a, "ahoy").unwrap();
    assert_eq!(world.texts(b), [""; 0], "nothing moves before time is let go on");
    world.settle();
    world.command(server, "last orders");
    world.settle();
    assert_eq!((world.texts(a), world.texts(b)), (vec(&["last orders"]), vec(&["ahoy", "last orders"])));
    world.advance(30 * SECOND - Duration::from_nanos(1));
    assert_eq!(world.client(a).outcome(), None);
    world.advance(Duration::from_nanos(1));
    assert_eq!((code(&world, a), code(&world, b)), (Some(CloseCode::NORMAL), Some(CloseCode::NORMAL)));
    assert_eq!((world.now() - begin, world.hub(server).len(), world.run()), (30 * SECOND, 0, Ok(())));
}

fn vec<'a>(texts: &[&'a str]) -> Vec<&'a str> {
    texts.to_vec()
}

#[test]
fn services_dial_each_other_by_name_and_by_address() {
    for (listens, dialed) in [
        ("bus", "ws://bus/"),
        ("bus:9090", "ws://bus:9090/"),
        ("10.9.0.1:9090", "ws://10.9.0.1:9090/"),
        ("unix:/run/bus", "unix:/run/bus"),
    ] {
        let mut world = World::new(2);
        let bus = world.serve(listens, Relay::default(), &config());
        let front = world.serve("front", relay(dialed), &config());
        let listener = world.connect(dialed).unwrap();
        let speaker = world.connect("ws://front/").unwrap();
        world.settle();
        world.send(speaker, ">over there").unwrap();
        world.settle();
        assert_eq!(world.texts(listener), ["over there"], "{listens}");
        assert_eq!((world.hub(bus).len(), world.hub(front).len()), (2, 2));
    }
}

#[test]
fn a_dial_fails_by_name_by_partition_and_by_refusal() {
    let mut world = World::new(3);
    let front = world.serve("front", relay("ws://nobody/"), &config());
    let speaker = world.connect("ws://front/").unwrap();
    world.settle();
    world.send(speaker, ">hello").unwrap();
    world.settle();
    assert_eq!(world.service(front).failed, [DialError::Lookup]);

    let mut world = World::new(3);
    let bus = world.serve("bus", Relay::default(), &config());
    let front = world.serve("front", relay("ws://bus/"), &config());
    let speaker = world.connect("ws://front/").unwrap();
    world.settle();
    world.isolate(bus);
    world.send(speaker, ">hello").unwrap();
    world.advance(10 * SECOND);
    assert_eq!(world.service(front).failed, [DialError::TimedOut]);
    world.send(speaker, ">again").unwrap();
    world.advance(SECOND);
    world.reunite(bus);
    world.advance(SECOND);
    assert_eq!((world.service(front).failed.len(), world.hub(bus).len()), (1, 1));

    world.drain(bus, CloseCode::GOING_AWAY);
    world.send(speaker, ">late").unwrap();
    world.settle();
    assert!(matches!(world.service(front).failed[..], [_, DialError::Open(_)]));
    assert!(world.hub(bus).is_drained());
}

#[test]
fn jobs_are_answered_each_once_and_in_any_order() {
    let mut world = World::new(4);
    let faults = Faults { job_time: SECOND, ..Faults::default() };
    world.set_faults(faults, Duration::ZERO);
    let server = world.serve_with_jobs("sums", Relay::default(), &config(), |n: u32| n * 2);
    let client = world.connect("ws://sums/").unwrap();
    world.settle();
    (0..20).for_each(|n: u32| world.send(client, n.to_string()).unwrap());
    world.settle();
    assert!(world.service(server).answers.len() < 20, "a job takes its time");
    world.advance(SECOND);
    let answers: Vec<u32> = world.service(server).answers.iter().map(|(_, answer)| *answer).collect();
    let mut sorted = answers.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..20).map(|n| n * 2).collect::<Vec<_>>());
    assert_ne!(answers, sorted);
}

#[test]
fn the_calendar_can_be_set_and_moves_no_deadline() {
    let mut world = World::new(5);
    let server = world.serve("clock", Relay::default(), &config());
    let client = world.connect("ws://clock/").unwrap();
    world.settle();
    world.command(server, "half a minute");
    for at_begin in [World::WALL, crate::base::Wall::from_millis(0)] {
        world.set_wall(at_begin);
        world.advance(SECOND);
        world.send(client, "tick").unwrap();
        world.settle();
    }
    assert_eq!(world.service(server).walls, [World::WALL.as_secs() + 1, 2]);
    world.advance(28 * SECOND - Duration::from_nanos(1));
    assert_eq!(code(&world, client), None);
    world.advance(Duration::from_nanos(1));
    assert_eq!(code(&world, client), Some(CloseCode::NORMAL));
}

#[test]
fn a_plan_is_carried_out_at_its_moment() {
    let mut world = World::new(6);
    let server = world.serve("meet", Relay::default(), &config());
    let when = world.now() + 5 * SECOND;
    world.at(when, |world| {
        world.connect("ws://meet/").unwrap();
    });
    world.advance(5 * SECOND - Duration::from_nanos(1));
    assert_eq!(world.hub(server).len(), 0);
    world.run_until(|world| world.hub(server).stats().opened == 1).unwrap();
    assert_eq!(world.now(), when);
}

#[test]
fn a_script_answers_and_leaves() {
    let mut world = World::new(7);
    let server = world.serve("meet", Relay::default(), &config());
    let leaves = Visit::by(|act: &mut Act<'_>, message: Message<'_>| {
        act.send(format!("{} to you", message.as_text().unwrap())).unwrap();
        act.close(CloseCode::NORMAL, "that was it").unwrap();
    });
    world.visit(&"ws://meet/".parse().unwrap(), leaves).unwrap();
    let other = world.connect("ws://meet/").unwrap();
    world.settle();
    world.send(other, "ahoy").unwrap();
    world.settle();
    assert_eq!((world.texts(other), world.hub(server).len()), (vec(&["ahoy to you"]), 1));
}

#[test]
fn a_client_comes_from_where_it_is_told_to() {
    let mut world = World::new(8);
    let server = world.serve("meet", Relay::default(), &config());
    let visit = Visit { address: Some("203.0.113.9:1".parse().unwrap()), ..Visit::default() };
    let target = "ws://meet/".parse().unwrap();
    let (a, b) = (world.visit(&target, visit).unwrap(), world.connect("ws://meet/").unwrap());
    let c = world.connect("ws://meet/").unwrap();
    let address = |client| {
        let conn = world.client(client).conn().unwrap();
        world.hub(server).peer(conn).and_then(Address::ip).unwrap()
    };
    assert_eq!(address(a).to_string(), "203.0.113.9");
    assert_ne!(address(b), address(c));
}
