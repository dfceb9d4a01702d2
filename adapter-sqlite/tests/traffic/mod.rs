//! Batches as brokers make them, by seed, and what stands in the store after each.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test takes what it needs")]

use std::fs;
use std::path::Path;
use wharf::base::{Entropy, Wall};
use wharf::service::bus::{
    Accepted, Batch, Change, DeadReason, Death, Memory, Name, Numbers, Progress, Record, Seq,
};

/// What follows a journal's path in the names of the files that it is.
pub const FILES: [&str; 3] = ["", "-wal", ".mark"];

/// Makes batches that fit what was made before.
pub struct Traffic {
    entropy: Entropy,
    seq: u64,
    live: Vec<Seq>,
    dead: Vec<Seq>,
    ids: Vec<(Name, Name)>,
    prefixes: Vec<(Name, Name)>,
}

impl Traffic {
    pub fn new(seed: u64) -> Self {
        let mut bytes = [7; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let (live, dead, ids, prefixes) = Default::default();
        Self { entropy: Entropy::from_seed(bytes), seq: 0, live, dead, ids, prefixes }
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.entropy.next_u64() % end.max(1) as u64) as usize
    }

    /// The next batch.
    pub fn batch(&mut self) -> Batch {
        let size = 1 + self.below(12);
        Batch::new((0..size).map(|_| self.change()).collect())
    }

    fn change(&mut self) -> Change {
        match self.below(16) {
            0..4 => self.accept(),
            4 if !self.live.is_empty() => {
                let at = self.below(self.live.len());
                Change::Progress(self.live[at], self.progress())
            }
            5..7 if !self.live.is_empty() => {
                let at = self.below(self.live.len());
                Change::Remove(self.live.remove(at))
            }
            7 if !self.live.is_empty() => {
                let at = self.below(self.live.len());
                let seq = self.live.remove(at);
                self.dead.push(seq);
                let reason = match self.below(3) {
                    0 => DeadReason::AckTimeout,
                    1 => DeadReason::MaxDeliveries,
                    _ => DeadReason::Nack("no \u{e9} here".into()),
                };
                Change::Bury(seq, Death::new(reason, Wall::from_millis(self.seq * 3), self.progress()))
            }
            8 if !self.dead.is_empty() => {
                let at = self.below(self.dead.len());
                let dead = self.dead.remove(at);
                self.seq += 1;
                self.live.push(Seq(self.seq));
                Change::Requeue { dead, seq: Seq(self.seq) }
            }
            9 if !self.dead.is_empty() => {
                let at = self.below(self.dead.len());
                Change::Purge(self.dead.remove(at))
            }
            10 | 11 => {
                self.seq += 1;
                let (from, id) = (self.service(), name(&format!("x{}", self.seq)));
                self.ids.push((from.clone(), id.clone()));
                Change::RememberId { from, id, seq: Seq(self.seq) }
            }
            12 if !self.ids.is_empty() => {
                let at = self.below(self.ids.len());
                let (from, id) = self.ids.remove(at);
                Change::ForgetId { from, id }
            }
            13 if !self.prefixes.is_empty() => {
                let at = self.below(self.prefixes.len());
                let (from, prefix) = self.prefixes.remove(at);
                Change::ForgetNumbers { from, prefix }
            }
            _ => self.numbers(),
        }
    }

    fn accept(&mut self) -> Change {
        self.seq += 1;
        let seq = Seq(self.seq);
        self.live.push(seq);
        let (id, from, to) = (name(&format!("m-{}", self.seq)), self.service(), self.service());
        // Sometimes more than a page.
        let length = if self.below(8) == 0 { self.below(9000) } else { self.below(200) };
        let body = format!(r#"{{"id":"{id}","payload":"{}"}}"#, "x".repeat(length));
        Change::Accept(Accepted::new(seq, id, from, to, "sold", body.into(), Wall::from_millis(self.seq)))
    }

    fn numbers(&mut self) -> Change {
        self.seq += 1;
        let key = (self.service(), name(["m", "n"][self.below(2)]));
        if !self.prefixes.contains(&key) {
            self.prefixes.push(key.clone());
        }
        let gaps = (0..self.below(4) as u64).map(|n| (n * 5, n * 5 + 2)).collect();
        Change::RememberNumbers(Numbers::new(key.0, key.1, Seq(self.seq), 20 + self.seq, gaps))
    }

    fn progress(&mut self) -> Progress {
        let (attempts, out) = (self.below(3), self.below(2) == 1);
        let ends =
            [r#"{"at":5,"how":"ack timeout"}"#, r#"{"at":6,"how":"nack: busy"}"#, r#"{"at":7,"how":"lost"}"#];
        let history = ends[..self.below(4)].join(",");
        let json = format!(r#"{{"attempts":{attempts},"deliveries":3,"isOut":{out},"history":[{history}]}}"#);
        serde_json::from_str(&json).expect("progress")
    }

    fn service(&mut self) -> Name {
        name(["shop", "mail", "order-service"][self.below(3)])
    }
}

pub fn name(name: &str) -> Name {
    Name::new(name).expect("a name")
}

pub fn records(memory: &Memory) -> Vec<Record> {
    memory.records().collect()
}

/// All records after so many batches of a seed, from none to this many.
pub fn history(seed: u64, batches: usize) -> Vec<Vec<Record>> {
    let (mut traffic, mut memory) = (Traffic::new(seed), Memory::default());
    let mut states = vec![Vec::new()];
    for _ in 0..batches {
        memory.carry_out(&traffic.batch()).expect("it fits");
        states.push(records(&memory));
    }
    states
}

/// What is in a folder, name by name, but for locks.
pub fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().expect("a name").to_string_lossy().into_owned(), path))
        .filter(|(name, _)| !name.ends_with(".lock"))
        .map(|(name, path)| (name, fs::read(path).expect("a file")))
        .collect();
    found.sort();
    found
}
