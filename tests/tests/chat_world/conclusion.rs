//! What must be so in the end.

use super::person::Person;
use super::site::Site;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wharf::service::history::Entry;

impl Site {
    pub(super) fn conclude(&self) {
        assert!(
            !self.rooms.is_away() && self.rooms.stats().desk.waiting == 0 && self.rooms.stats().behind == 0
        );
        let stored: BTreeMap<u64, _> = self.memory.entries().map(|entry| (entry.id, entry)).collect();
        let mut references = BTreeSet::new();
        for entry in stored.values() {
            let reference = entry.reference.as_deref().expect("all have one");
            assert!(references.insert((&entry.user, reference)), "stored twice: {entry:?}");
        }
        for person in &self.people {
            self.agrees(person, &stored, &references);
            self.knows(person);
        }
        let listed: BTreeMap<&str, usize> = self.rooms.list().filter(|(_, users)| *users > 0).collect();
        for (room, users) in listed {
            let here = self.people.iter().filter(|person| person.members.contains_key(room)).count();
            assert_eq!(users, here, "{room}");
        }
    }

    /// What one was told is what is stored, all of it, once.
    fn agrees(
        &self,
        person: &Person,
        stored: &BTreeMap<u64, &Entry>,
        references: &BTreeSet<(&Arc<str>, &str)>,
    ) {
        assert!(person.is_welcome && person.pending.is_empty(), "{person:?}");
        for (reference, id) in &person.acknowledged {
            assert_eq!(stored.get(id).and_then(|entry| entry.reference.as_deref()), Some(reference.as_str()));
        }
        for (id, message) in &person.received {
            let entry = stored.get(id).unwrap_or_else(|| panic!("told and not stored: {message}"));
            assert_eq!(
                (message["content"].as_str(), message["userId"].as_str()),
                (Some(&*entry.content), Some(&*entry.user))
            );
        }
        for (room, from) in &person.stays {
            let missed = stored.values().find(|entry| {
                *entry.room == **room && entry.id > *from && !person.received.contains_key(&entry.id)
            });
            assert!(missed.is_none(), "{} missed {missed:?} after {from}", person.index);
        }
        if self.seen.crashes == 0 {
            let there = references
                .iter()
                .find(|(user, reference)| ***user == *person.user && person.unavailable.contains(*reference));
            assert!(there.is_none(), "{there:?} was told to be unavailable");
        }
    }

    /// Who is where, as one was told.
    fn knows(&self, person: &Person) {
        for (room, members) in &person.members {
            let here = self.people.iter().filter(|other| other.members.contains_key(room));
            let here: BTreeSet<String> = here.map(|other| other.user.clone()).collect();
            assert_eq!(*members, here, "who is in {room}, as {} knows", person.index);
        }
    }
}
