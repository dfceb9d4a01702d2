use super::*;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use proptest::prelude::*;

const NODE: NodeId = NodeId::from_bytes([7; 16]);

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..5_u64, 0..END]
}

fn name() -> impl Strategy<Value = String> {
    "[a-zä]{1,6}"
}

fn about() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..6)
}

/// Owned parts of any frame.
#[derive(Clone, Debug)]
enum Owned {
    Message(u64, Vec<u8>),
    Step([u64; 3], String, Option<Vec<u8>>),
    Roll([u64; 2], [u16; 2], Vec<(String, Vec<u8>)>),
    Ask(Vec<[u8; 16]>),
    Page(bool, Vec<(String, u64, u64, u32)>),
    Goodbye,
}

fn owned() -> impl Strategy<Value = Owned> {
    let step = (number(), number(), 1..9_u64, name(), about(), any::<bool>());
    let roll = (number(), 1..END, 0..3_u16, 1..4_u16, prop::collection::vec((name(), about()), 0..4));
    let page = (any::<bool>(), prop::collection::btree_map(name(), (number(), number(), any::<u32>()), 0..4));
    prop_oneof![
        (1..END, about()).prop_map(|(sequence, payload)| Owned::Message(sequence, payload)),
        step.prop_map(|(last, before, more, name, about, is_in)| {
            let before = before.min(END - 10).max(u64::from(!is_in));
            Owned::Step([last, before, before + more], name, is_in.then_some(about))
        }),
        roll.prop_map(|(last, version, part, more, members)| Owned::Roll(
            [last, version],
            [part, part + more],
            members
        )),
        prop::collection::vec(any::<[u8; 16]>(), 0..4).prop_map(Owned::Ask),
        page.prop_map(|(greets, entries)| {
            Owned::Page(greets, entries.into_iter().map(|(name, (l, v, m))| (name, l, v, m)).collect())
        }),
        Just(Owned::Goodbye),
    ]
}

impl Owned {
    fn frame(&self) -> Frame<'_> {
        match self {
            Self::Message(sequence, payload) => {
                Frame::Message { sequence: *sequence, payload: Bytes::copy_from_slice(payload) }
            }
            Self::Step([last, before, version], member, about) => {
                let (last, before, version) = (*last, *before, *version);
                Frame::Step(Step { last, before, version, member, about: about.as_deref() })
            }
            Self::Roll([last, version], [part, parts], members) => {
                let members = members.iter().map(|(name, about)| (&**name, &**about)).collect();
                Frame::Roll(Part { last: *last, version: *version, part: *part, parts: *parts, members })
            }
            Self::Ask(nodes) => Frame::Ask(nodes.iter().copied().map(NodeId::from_bytes).collect()),
            Self::Page(greets, entries) => {
                let entry = |(subject, last, version, members): &'_ (String, u64, u64, u32)| {
                    (subject.len(), *last, *version, *members)
                };
                let entries = entries
                    .iter()
                    .map(|all| {
                        let (_, last, version, members) = entry(all);
                        Entry { subject: &all.0, last, version, members }
                    })
                    .collect();
                Frame::Page(Page { clock: END - 1, greets: *greets, after: "", upto: "", entries })
            }
            Self::Goodbye => Frame::Goodbye,
        }
    }
}

proptest! {
    #[test]
    fn what_is_said_is_heard(owned in owned()) {
        let bytes = owned.frame().encode(NODE);
        prop_assert_eq!(decode(&bytes), Ok((NODE, owned.frame())));
    }

    #[test]
    fn a_cut_frame_is_none_or_says_less(owned in owned(), at in any::<prop::sample::Index>()) {
        let bytes = owned.frame().encode(NODE);
        let cut = bytes.slice(..at.index(bytes.len()));
        match (&owned, decode(&cut)) {
            // These have no end of their own.
            (Owned::Message(sequence, whole), Ok((_, Frame::Message { sequence: same, payload }))) => {
                prop_assert!(*sequence == same && whole.starts_with(&payload));
            }
            (Owned::Roll(_, _, whole), Ok((_, Frame::Roll(part)))) => prop_assert!(part.members.len() < whole.len()),
            (Owned::Ask(whole), Ok((_, Frame::Ask(nodes)))) => prop_assert!(nodes.len() < whole.len()),
            (Owned::Page(_, whole), Ok((_, Frame::Page(page)))) => prop_assert!(page.entries.len() < whole.len()),
            (_, read) => prop_assert_eq!(read.err(), Some(Malformed::Other)),
        }
    }

    #[test]
    fn what_is_read_of_garbage_is_written_the_same(
        kind in 0..9_u8,
        rest in prop::collection::vec(prop_oneof![Just(0_u8), Just(1), Just(b'a'), any::<u8>()], 0..80),
    ) {
        let mut bytes = vec![b'W', b'M', 1, kind];
        bytes.extend(rest);
        let bytes = Bytes::from(bytes);
        if let Ok((node, frame)) = decode(&bytes) {
            prop_assert_eq!(frame.encode(node), bytes);
        }
    }
}

#[test]
fn frames_are_as_the_table_says() {
    let head = |kind: u8| [b"WM\x01".as_slice(), &[kind], &[7; 16]].concat();
    let eight = |n: u64| n.to_be_bytes();
    let message = Frame::Message { sequence: 5, payload: "hi".into() };
    assert_eq!(message.encode(NODE), [&head(1)[..], &eight(5), b"hi"].concat());
    let mut step = Step { last: 1, before: 2, version: 3, member: "ann", about: Some(b"x") };
    let numbers = [eight(1), eight(2), eight(3)].concat();
    assert_eq!(Frame::Step(step).encode(NODE), [&head(2)[..], &numbers, b"\0\x03ann\0\x01x"].concat());
    step.about = None;
    assert_eq!(Frame::Step(step).encode(NODE), [&head(3)[..], &numbers, b"\0\x03ann"].concat());
    let part = Part { last: 1, version: 2, part: 0, parts: 1, members: vec![("bob", b"")] };
    let rest: &[u8] = b"\0\0\0\x01\0\x03bob\0\0";
    assert_eq!(Frame::Roll(part).encode(NODE), [&head(4)[..], &eight(1), &eight(2), rest].concat());
    assert_eq!(Frame::Ask(vec![NODE]).encode(NODE), [&head(5)[..], &[7; 16]].concat());
    let entries = vec![Entry { subject: "all", last: 1, version: 2, members: 3 }];
    let page = Page { clock: 9, greets: true, after: "a", upto: "b", entries };
    let rest = [b"\x01\0\x01a\0\x01b\0\x03all".as_slice(), &eight(1), &eight(2), b"\0\0\0\x03"].concat();
    assert_eq!(Frame::Page(page).encode(NODE), [&head(6)[..], &eight(9), &rest].concat());
    assert_eq!(Frame::Goodbye.encode(NODE), head(7));
}

#[test]
fn what_makes_no_sense_is_no_frame() {
    let page = |after, upto, subjects: &[&'static str]| {
        let entry = |subject: &&'static str| Entry { subject, last: 0, version: 0, members: 0 };
        let entries = subjects.iter().map(entry).collect();
        Frame::Page(Page { clock: 1, greets: false, after, upto, entries }).encode(NODE)
    };
    assert!(decode(&page("", "", &["a", "b"])).is_ok() && decode(&page("a", "c", &["b", "c"])).is_ok());
    let step = |before, version, about| {
        Frame::Step(Step { last: 0, before, version, member: "a", about }).encode(NODE)
    };
    let message = |sequence| Frame::Message { sequence, payload: Bytes::new() }.encode(NODE);
    for (why, bytes) in [
        ("not in order", page("", "", &["b", "a"])),
        ("twice", page("", "", &["a", "a"])),
        ("outside of the page", page("a", "c", &["a"])),
        ("outside of the page", page("a", "c", &["d"])),
        ("out of an empty roll", step(0, 1, None)),
        ("back in time", step(2, 2, Some(b"".as_slice()))),
        ("the first is 1", message(0)),
        ("too great", message(END)),
    ] {
        assert_eq!(decode(&bytes), Err(Malformed::Other), "{why}");
    }
    let mut other = Frame::Goodbye.encode(NODE).to_vec();
    other[2] = 2;
    assert_eq!(decode(&other.into()), Err(Malformed::Version));
    assert!(format!("{:?}", decode(&Bytes::new())).contains("Other"));
}
