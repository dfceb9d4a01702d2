//! What nodes tell each other of what is said in a room: JSON, as the payload of the mesh's messages.

use crate::chat::names::good_name;
use crate::chat::protocol::{MAX_CONTENT, MAX_ID, MAX_REF, MAX_USER, is_room_id};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wharf::base::Wall;
use wharf::service::history::Entry;

/// What is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A message, which is stored.
    Said(Entry),
    /// Somebody writes something: the room and the user.
    Typing(Arc<str>, Arc<str>),
}

/// What is told of a user: how it is called, which of its connections that is, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct About {
    pub(super) epoch: u64,
    pub(super) name: Arc<str>,
    pub(super) rooms: Vec<Arc<str>>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
enum Payload<S> {
    Said {
        id: u64,
        room: S,
        user: S,
        name: S,
        content: S,
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none", default = "none")]
        reference: Option<S>,
        at: u64,
    },
    Typing {
        room: S,
        user: S,
    },
}

fn none<S>() -> Option<S> {
    None
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Person<S> {
    epoch: u64,
    name: S,
    rooms: Vec<S>,
}

pub(super) fn said(entry: &Entry) -> Bytes {
    write(&Payload::Said {
        id: entry.id,
        room: &*entry.room,
        user: &*entry.user,
        name: &*entry.name,
        content: &*entry.content,
        reference: entry.reference.as_deref(),
        at: entry.at.as_millis(),
    })
}

pub(super) fn typing(room: &str, user: &str) -> Bytes {
    write(&Payload::Typing { room, user })
}

pub(super) fn about(epoch: u64, name: &str, rooms: Vec<&str>) -> Bytes {
    write(&Person { epoch, name, rooms })
}

fn write(value: &impl Serialize) -> Bytes {
    serde_json::to_vec(value).expect("strings and numbers always have a JSON text").into()
}

/// What a payload says, if it makes sense.
pub(super) fn read(payload: &[u8]) -> Option<Told> {
    let told = match serde_json::from_slice::<Payload<String>>(payload).ok()? {
        Payload::Typing { room, user } => Told::Typing(room.into(), user.into()),
        Payload::Said { id, room, user, name, content, reference, at } => {
            let is_good = (1..=MAX_ID).contains(&id)
                && at <= MAX_ID
                && is_name(&name)
                && (1..=MAX_CONTENT).contains(&content.len())
                && reference.as_ref().is_none_or(|reference| reference.chars().count() <= MAX_REF);
            let at = Wall::from_millis(at);
            let mut entry = Entry::new(id, room.into(), user.into(), name.into(), content.into(), at);
            entry.reference = reference.map(Into::into);
            is_good.then_some(Told::Said(entry))?
        }
    };
    let (Told::Typing(room, user) | Told::Said(Entry { room, user, .. })) = &told;
    (is_room_id(room) && is_user(user)).then_some(told)
}

/// What is told of a user, if it makes sense.
pub(super) fn read_about(user: &str, about: &[u8], max_rooms: usize) -> Option<About> {
    let Person { epoch, name, rooms } = serde_json::from_slice::<Person<String>>(about).ok()?;
    let is_good = is_user(user)
        && is_name(&name)
        && epoch <= MAX_ID
        && rooms.len() <= max_rooms
        && rooms.iter().all(|room| is_room_id(room));
    let mut rooms: Vec<Arc<str>> = rooms.into_iter().map(Arc::from).collect();
    rooms.sort_unstable();
    rooms.dedup();
    is_good.then(|| About { epoch, name: name.into(), rooms })
}

fn is_user(user: &str) -> bool {
    // None that is written down otherwise in JSON.
    (1..=MAX_USER).contains(&user.len())
        && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_name(name: &str) -> bool {
    good_name(name) == Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Limits;
    use crate::chat::names::MAX_NAME;
    use crate::chat::protocol::MAX_ROOM_ID;
    use proptest::prelude::*;

    fn entry() -> Entry {
        let at = Wall::from_millis(5);
        let mut entry = Entry::new(7, "a b".into(), "u1".into(), "Zoë".into(), "\"hello\"\n".into(), at);
        entry.reference = Some("r".into());
        entry
    }

    #[test]
    fn what_is_told_is_read() {
        let mut plain = entry();
        plain.reference = None;
        for entry in [entry(), plain] {
            assert_eq!(read(&said(&entry)), Some(Told::Said(entry)));
        }
        assert_eq!(read(&typing("a", "u")), Some(Told::Typing("a".into(), "u".into())));
        let told = read_about("u", &about(3, "Ada", vec!["b", "a", "b"]), 3).expect("good");
        assert_eq!((told.epoch, &*told.name, told.rooms), (3, "Ada", vec!["a".into(), "b".into()]));
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let good = String::from_utf8(said(&entry()).into()).unwrap();
        for (from, to) in [
            ("\"id\":7", "\"id\":0"),
            ("\"id\":7", "\"id\":9007199254740992"),
            ("\"id\":7", "\"id\":-1"),
            ("\"at\":5", "\"at\":9007199254740992"),
            ("\"a b\"", "\"\""),
            ("\"a b\"", "\"a\\nb\""),
            ("\"u1\"", "\"\""),
            ("Zoë", ""),
            ("Zoë", "Z\\u0000"),
            ("\\\"hello\\\"\\n", ""),
            ("\"is\":\"said\"", "\"is\":\"sung\""),
            ("\"at\":5", "\"at\":5,\"more\":1"),
        ] {
            let bad = good.replace(from, to);
            assert!(bad != good && read(bad.as_bytes()).is_none(), "{bad}");
        }
        let mut long = entry();
        long.content = "x".repeat(MAX_CONTENT + 1).into();
        assert_eq!(read(&said(&long)), None);
        for (user, name, rooms, epoch) in [
            ("", "A", vec!["a"], 1),
            ("\u{1}", "A", vec!["a"], 1),
            ("u", "", vec![], 1),
            ("u", "A", vec![""], 1),
            ("u", "A", vec!["a"; 4], 1),
        ] {
            assert_eq!(read_about(user, &about(epoch, name, rooms), 3), None);
        }
        assert_eq!(read_about("u", &about(MAX_ID + 1, "A", vec![]), 3), None);
    }

    #[test]
    fn the_most_that_is_told_of_a_user_is_as_long_as_it_may_be() {
        let limits = Limits::default();
        let [name, room] = [MAX_NAME, MAX_ROOM_ID].map(|chars| "\u{1f642}".repeat(chars));
        let told = about(MAX_ID, &name, vec![&*room; limits.rooms_per_user]);
        assert!(read_about("u", &told, limits.rooms_per_user).is_some());
        assert!((told.len()..told.len() + 32).contains(&limits.longest_about()), "{}", told.len());
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(mut bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), byte: u8) {
            let _ = (read(&bytes), read_about("u", &bytes, 3));
            bytes = said(&entry()).into();
            let len = bytes.len();
            bytes[at % len] = byte;
            let _ = read(&bytes);
            let _ = read(&bytes[..at % len]);
        }
    }
}
