//! Nothing grows beyond its limit, whatever is said.

use super::wire::{Entry, Page, Part, Step};
use super::*;
use proptest::prelude::*;

const ROOMS: [&str; 4] = ["all", "group.a", "group.b", "group.c"];
const NAMES: [&str; 4] = ["ann", "bob", "cat", "too-long-a-name"];

#[derive(Clone, Debug)]
enum Move {
    Hear { origin: u8, subject: usize, kind: u8, numbers: [u64; 3], name: usize, len: usize },
    Enter(usize, usize),
    Leave(usize, usize),
    Publish(usize, usize),
    Pass(u64),
    Up(bool),
    Drain,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let number = || prop_oneof![4 => 0..9_u64, 1 => 0..1_u64 << 62];
    let hear = (1..9_u8, 0..4_usize, 0..7_u8, [number(), number(), number()], 0..4_usize, 0..30_usize);
    let any = prop_oneof![
        12 => hear.prop_map(|(origin, subject, kind, numbers, name, len)| {
            Move::Hear { origin, subject, kind, numbers, name, len }
        }),
        2 => (0..4_usize, 0..4_usize).prop_map(|(subject, name)| Move::Enter(subject, name)),
        1 => (0..4_usize, 0..4_usize).prop_map(|(subject, name)| Move::Leave(subject, name)),
        2 => (0..4_usize, 0..30_usize).prop_map(|(subject, len)| Move::Publish(subject, len)),
        2 => prop_oneof![0..100_u64, 0..8000_u64, Just(700_000)].prop_map(Move::Pass),
        1 => any::<bool>().prop_map(Move::Up),
        2 => Just(Move::Drain),
    ];
    prop::collection::vec(any, 1..120)
}

fn config() -> Config {
    let mut config = Config::default();
    (config.max_nodes, config.max_subjects, config.max_members, config.max_remote_members) = (3, 2, 2, 5);
    (config.max_name, config.max_about, config.max_payload) = (5, 8, 20);
    (config.max_outbox, config.max_outbox_bytes, config.max_notices) = (3, 40, 16);
    (config.max_early, config.max_early_bytes, config.max_leap, config.max_events) = (2, 40, 50, 20);
    config
}

fn frame(kind: u8, [a, b, c]: [u64; 3], subject: &str, name: &str, len: usize, origin: NodeId) -> Bytes {
    let about = alloc::vec![7; len];
    let frame = match kind {
        0 | 1 => Frame::Message { sequence: a, payload: about.clone().into() },
        2 => Frame::Step(Step {
            last: a,
            before: b,
            version: c,
            member: name,
            about: (len > 5).then_some(&about),
        }),
        3 => {
            let parts = (c % 3) as u16 + 1;
            let members = NAMES.iter().take(len).map(|name| (*name, &about[..len / 3])).collect();
            Frame::Roll(Part { last: a, version: b, part: (len % 3) as u16, parts, members })
        }
        4 => Frame::Ask(if len > 15 { alloc::vec![id(0)] } else { Vec::new() }),
        5 => {
            let entries = alloc::vec![Entry { subject, last: a, version: b, members: (len / 9) as u32 }];
            Frame::Page(Page { clock: c, greets: len.is_multiple_of(2), after: "", upto: "", entries })
        }
        _ => Frame::Goodbye,
    };
    frame.encode(origin)
}

fn play(mesh: &mut Mesh, now: &mut Instant, step: &Move) {
    let subject = |at: usize| ROOMS[at].parse::<Subject>().unwrap();
    match *step {
        Move::Hear { origin, subject, kind, numbers, name, len } => {
            let bytes =
                frame(kind, numbers, ROOMS[subject], NAMES[name], len, NodeId::from_bytes([origin; 16]));
            mesh.handle_delivered(*now, if kind > 4 { "nodes" } else { ROOMS[subject] }, &bytes);
        }
        Move::Enter(at, name) => drop(mesh.enter(*now, &subject(at), NAMES[name], Bytes::new())),
        Move::Leave(at, name) => mesh.leave(*now, &subject(at), NAMES[name]),
        Move::Publish(at, len) => drop(mesh.publish(*now, &subject(at), alloc::vec![1; len].into())),
        Move::Pass(millis) => {
            *now += Duration::from_millis(millis);
            mesh.handle_timeout(*now);
            assert!(mesh.poll_timeout().is_none_or(|at| at > *now), "time stands still");
        }
        Move::Up(true) => mesh.handle_up(*now),
        Move::Up(false) => mesh.handle_down(*now),
        Move::Drain => {
            while mesh.poll_action().is_some() {}
            while mesh.poll_event().is_some() {}
        }
    }
}

proptest! {
    #[test]
    fn nothing_grows_beyond_its_limit(moves in moves()) {
        let (config, mut now) = (config(), Instant::ORIGIN);
        let mut mesh = Mesh::new(now, config, entropy(0));
        for step in moves {
            play(&mut mesh, &mut now, &step);
            let stats = mesh.stats();
            prop_assert!(stats.nodes <= 3 && stats.nodes_remembered <= 3 && stats.subjects <= 2, "{:?}", stats);
            prop_assert!(stats.remote_members <= 5 && stats.local_members <= 6, "{:?}", stats);
            prop_assert!(stats.outbox <= 3 && stats.outbox_bytes <= 40, "{:?}", stats);
            prop_assert!(stats.early <= 3 * 6 * 2 && stats.early_bytes <= 40, "{:?}", stats);
            // What one frame or one moment tells of all that is known.
            prop_assert!(mesh.events.len() <= 20 + 60, "{}", mesh.events.len());
            prop_assert!(mesh.alarms.len() <= 3 * 6 + 2 * 3, "{}", mesh.alarms.len());
            prop_assert!(mesh.outbox.waiting() <= 16 + 3, "{}", mesh.outbox.waiting());
            let known: usize = ROOMS.iter().map(|room| mesh.members(&room.parse().unwrap()).count()).sum();
            prop_assert!(known <= stats.remote_members);
        }
    }
}

#[test]
fn nodes_beyond_the_limit_are_not_heard_until_there_is_room() {
    let config = Config { max_nodes: 1, ..Config::default() };
    let mut mesh = Mesh::new(Instant::ORIGIN, config, entropy(0));
    mesh.handle_up(Instant::ORIGIN);
    let hear = |mesh: &mut Mesh, secs: u64, node: u8| {
        let now = Instant::ORIGIN + Duration::from_secs(secs);
        mesh.handle_timeout(now);
        let message = Frame::Message { sequence: 1, payload: Bytes::new() };
        mesh.handle_delivered(now, "all", &message.encode(NodeId::from_bytes([node; 16])));
        mesh.nodes().map(|node| node.as_bytes()[0]).collect::<Vec<_>>()
    };
    assert_eq!(hear(&mut mesh, 0, 1), [1]);
    assert_eq!((hear(&mut mesh, 1, 2), mesh.stats().nodes_refused), ([1].to_vec(), 1));
    assert_eq!((hear(&mut mesh, 6, 2), mesh.stats().nodes_remembered), ([2].to_vec(), 1));
    assert_eq!(hear(&mut mesh, 12, 3), [3]);
    assert_eq!((mesh.stats().nodes_remembered, mesh.stats().nodes_forgotten), (1, 1));
}
