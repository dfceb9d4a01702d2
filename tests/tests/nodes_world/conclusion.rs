//! What must be so in the end.

use super::person::Person;
use super::site::Site;
use std::collections::{BTreeMap, BTreeSet};
use wharf::service::history::Entry;

impl Site {
    pub(super) fn conclude(&self) {
        let stored: BTreeMap<u64, &Entry> = self.memory.entries().map(|entry| (entry.id, entry)).collect();
        let mut references = BTreeSet::new();
        for entry in stored.values() {
            let reference = entry.reference.as_deref().expect("all have one");
            assert!(references.insert((&entry.user, reference)), "stored twice: {entry:?}");
        }
        let names: BTreeSet<&str> = self.people.iter().map(|person| &*person.name).collect();
        assert_eq!(names.len(), self.people.len(), "two are called the same: {names:?}");
        for person in &self.people {
            assert!(person.is_welcome && person.pending.is_empty(), "{person:?}");
            agrees(person, &stored);
            self.knows(person);
        }
        for rooms in self.nodes.iter().map(|node| node.rooms.as_ref().expect("all run")) {
            let stats = rooms.stats();
            assert!(!rooms.is_away() && stats.desk.waiting == 0 && stats.behind == 0, "{stats:?}");
            assert_eq!(stats.nodes.expect("one of several").mesh.nodes, self.nodes.len() - 1);
            for (room, users) in rooms.list() {
                let here = self.people.iter().filter(|person| person.members.contains_key(room)).count();
                assert_eq!(users, here, "{room}");
            }
        }
    }

    /// Who is where and called how, as one was told.
    fn knows(&self, person: &Person) {
        for (room, members) in &person.members {
            let here = self.people.iter().filter(|other| other.members.contains_key(room));
            let here: BTreeMap<String, String> =
                here.map(|other| (other.user.clone(), other.name.clone())).collect();
            assert_eq!(*members, here, "who is in {room}, as {} knows", person.index);
        }
    }
}

/// What one was told is what is stored, all of it.
fn agrees(person: &Person, stored: &BTreeMap<u64, &Entry>) {
    for (reference, id) in &person.acknowledged {
        let found = stored.get(id).and_then(|entry| entry.reference.as_deref());
        assert_eq!(found, Some(reference.as_str()), "acknowledged and not stored");
    }
    for (id, (room, content)) in &person.received {
        let entry = stored.get(id).unwrap_or_else(|| panic!("told and not stored: {id} {content}"));
        assert_eq!((&**room, &**content), (&*entry.room, &*entry.content));
    }
    for (room, from) in &person.stays {
        let missed = stored.values().find(|entry| {
            *entry.room == **room && entry.id > *from && !person.received.contains_key(&entry.id)
        });
        assert!(missed.is_none(), "{} missed {missed:?} after {from}", person.index);
    }
}
