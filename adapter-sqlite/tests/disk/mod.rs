//! What a traced process did to its files, and what a power cut would have left of it.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "it is one test's")]

mod recording;
mod trace;

use crate::traffic::Traffic;
pub use recording::recorded;
use std::collections::BTreeMap;
use std::path::Path;
pub use trace::Event;

/// What was done to a file and is not synced yet.
#[derive(Clone, Debug)]
enum Pending {
    Write(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

/// A folder on a disk with a cache before it.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    inodes: Vec<Inode>,
    /// Names as the process sees them, and as they last.
    names: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    pending: Vec<(String, Option<usize>)>,
    /// Batches that were told to be carried out.
    pub told: usize,
}

impl Disk {
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Create(name) => {
                if !self.names.contains_key(name) {
                    self.inodes.push(Inode::default());
                    self.name(name, Some(self.inodes.len() - 1));
                }
            }
            Event::Write(name, at, bytes) => self.push(name, Pending::Write(*at, bytes.clone())),
            Event::Cut(name, length) => self.push(name, Pending::Cut(*length)),
            Event::Sync(name) => {
                let inode = &mut self.inodes[self.names[name]];
                for pending in inode.pending.drain(..) {
                    keep(&mut inode.durable, &pending);
                }
            }
            Event::SyncFolder => {
                self.pending.clear();
                self.durable = self.names.clone();
            }
            Event::Rename(from, to) => {
                let inode = self.names[from];
                self.name(to, Some(inode));
                self.name(from, None);
            }
            Event::Remove(name) => self.name(name, None),
            Event::Told(number) => self.told = *number,
        }
    }

    fn push(&mut self, name: &str, pending: Pending) {
        self.inodes[self.names[name]].pending.push(pending);
    }

    fn name(&mut self, name: &str, inode: Option<usize>) {
        match inode {
            Some(inode) => drop(self.names.insert(name.to_owned(), inode)),
            None => drop(self.names.remove(name)),
        }
        self.pending.push((name.to_owned(), inode));
    }

    /// What a power cut leaves now: all that was synced, and of the rest what this says.
    pub fn after_a_cut(&self, dice: &mut Traffic) -> BTreeMap<String, Vec<u8>> {
        let mode = dice.below(5);
        let mut names = self.durable.clone();
        // A file system keeps the order of names.
        let kept = match mode {
            0 => 0,
            1 => self.pending.len(),
            _ => dice.below(self.pending.len() + 1),
        };
        for (name, inode) in &self.pending[..kept] {
            match inode {
                Some(inode) => drop(names.insert(name.clone(), *inode)),
                None => drop(names.remove(name)),
            }
        }
        let mut left = BTreeMap::new();
        for (name, inode) in names {
            left.insert(name, self.inodes[inode].after_a_cut(mode, dice));
        }
        left
    }
}

impl Inode {
    fn after_a_cut(&self, mode: usize, dice: &mut Traffic) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        // A prefix, with the last of it torn; or each by itself.
        let end = if mode == 2 { dice.below(self.pending.len() + 1) } else { self.pending.len() };
        for (at, pending) in self.pending[..end].iter().enumerate() {
            let fate = match mode {
                0 => 0,
                1 => 1,
                2 if at + 1 < end => 1,
                2 => 2 + dice.below(2),
                _ => dice.below(4),
            };
            match (fate, pending) {
                (0, _) => {}
                (1, pending) | (_, pending @ Pending::Cut(_)) => keep(&mut bytes, pending),
                (2, Pending::Write(offset, data)) => {
                    let torn = data[..dice.below(data.len() + 1)].to_vec();
                    keep(&mut bytes, &Pending::Write(*offset, torn));
                }
                (_, Pending::Write(offset, data)) => keep_sectors(&mut bytes, *offset, data, dice),
            }
        }
        bytes
    }
}

fn keep(bytes: &mut Vec<u8>, pending: &Pending) {
    match pending {
        Pending::Cut(length) => bytes.resize(*length, 0),
        Pending::Write(at, data) => {
            if bytes.len() < at + data.len() {
                bytes.resize(at + data.len(), 0);
            }
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}

/// Keeps some of the sectors that a write touches.
fn keep_sectors(bytes: &mut Vec<u8>, offset: usize, data: &[u8], dice: &mut Traffic) {
    let mut at = 0;
    while at < data.len() {
        let end = data.len().min(at + 512 - (offset + at) % 512);
        if dice.below(2) == 0 {
            keep(bytes, &Pending::Write(offset + at, data[at..end].to_vec()));
        }
        at = end;
    }
}

/// Puts what was left into a folder.
pub fn lay_down(left: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    for (name, bytes) in left {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}
