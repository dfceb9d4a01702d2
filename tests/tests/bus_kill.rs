//! The real bus, killed at any moment, or with its disk full, with four senders and four receivers that are killed as well: what was
//! accepted is applied, nothing twice, nothing that nobody sent.
//!
//! `WHARF_KILL_ROUNDS` says how often it is killed: 20 times.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use wharf::service::bus::Name;
use wharf::service::bus::client::{BusClientConfig, Seen};
use wharf::service::schedule::Schedule;
use wharf_tests::adapter::PATIENCE;
use wharf_tests::folder::Folder;
use wharf_tests::program::Running;
use wharf_tokio::{BusClient, Tokio};

const RUNTIMES: [&str; 4] = ["tokio", "mio", "smol", "async-std"];
const SENDERS: u32 = 4;
const RECEIVERS: u32 = 4;
/// Messages of a sender that are not accepted yet.
const LANES: u32 = 16;

/// Sender and number.
type Named = (u32, u32);

/// What is known to everybody, as in a database that is never lost.
#[derive(Default)]
struct Ledger {
    books: Mutex<Books>,
    news: Condvar,
    is_over: AtomicBool,
    /// Numbers given out, by sender.
    numbers: [AtomicU32; SENDERS as usize],
}

#[derive(Default)]
struct Books {
    sent: BTreeSet<Named>,
    accepted: BTreeSet<Named>,
    applied: BTreeMap<Named, u32>,
    /// What each receiver has applied, stored together with that.
    seen: BTreeMap<u32, Seen>,
}

impl Ledger {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    fn until(&self, what: &str, mut holds: impl FnMut(&Books) -> bool) {
        let (books, waited) =
            self.news.wait_timeout_while(self.books(), PATIENCE, |books| !holds(books)).unwrap();
        let missing: Vec<_> =
            books.accepted.iter().filter(|named| !books.applied.contains_key(named)).take(9).collect();
        let (accepted, applied) = (books.accepted.len(), books.applied.len());
        assert!(!waited.timed_out(), "{what}: {accepted} accepted, {applied} applied, not {missing:?}");
    }

    fn check(&self) {
        let books = self.books();
        for (named, times) in &books.applied {
            assert!(books.sent.contains(named), "{named:?} was never sent");
            assert_eq!(*times, 1, "{named:?} was applied {times} times");
        }
        println!("{} accepted, {} applied", books.accepted.len(), books.applied.len());
    }
}

fn config(service: &str, seen: Seen) -> BusClientConfig {
    let mut config = BusClientConfig::new(Name::new(service).unwrap());
    config.schedule = Schedule::spaced(Duration::from_millis(10)).jittered();
    config.retry = Schedule::spaced(Duration::from_millis(10)).jittered();
    config.seen = seen;
    config
}

/// A process's worth of runtime. Dropped in the background, what ran on it is cut off wherever it was.
fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn send(ledger: &Arc<Ledger>, url: &str, sender: u32) -> Runtime {
    let runtime = runtime();
    let (client, _deliveries) = runtime
        .block_on(async { BusClient::connect::<Tokio>(url, config(&format!("s{sender}"), Seen::default())) })
        .unwrap();
    for _ in 0..LANES {
        let (ledger, client) = (ledger.clone(), client.clone());
        runtime.spawn(async move {
            while !ledger.is_over.load(Ordering::SeqCst) {
                let named = (sender, ledger.numbers[sender as usize].fetch_add(1, Ordering::SeqCst));
                ledger.books().sent.insert(named);
                client.send(&format!("r{}", named.1 % RECEIVERS), "t", &named).await.expect("it is accepted");
                ledger.books().accepted.insert(named);
                ledger.news.notify_all();
            }
        });
    }
    runtime
}

fn receive(ledger: &Arc<Ledger>, url: &str, receiver: u32) -> Runtime {
    let runtime = runtime();
    let seen = ledger.books().seen.get(&receiver).cloned().unwrap_or_default();
    let connect = async { BusClient::connect::<Tokio>(url, config(&format!("r{receiver}"), seen)) };
    let (client, mut deliveries) = runtime.block_on(connect).unwrap();
    let ledger = ledger.clone();
    runtime.spawn(async move {
        let _client = client;
        while let Some(delivery) = deliveries.next().await {
            let named: Named = delivery.payload().unwrap();
            let envelope = delivery.envelope();
            {
                // One transaction: the effect, and that it is there.
                let mut books = ledger.books();
                *books.applied.entry(named).or_default() += 1;
                assert_eq!(named.1 % RECEIVERS, receiver);
                books.seen.entry(receiver).or_default().insert(&envelope.from, &envelope.id);
            }
            ledger.news.notify_all();
            delivery.ack();
        }
    });
    runtime
}

/// Everybody, and a bus that comes back at the same port.
struct Stage {
    ledger: Arc<Ledger>,
    url: String,
    journal: String,
    dice: u64,
    senders: Vec<Runtime>,
    receivers: Vec<Runtime>,
    _folder: Folder,
}

impl Stage {
    fn set(seed: u64) -> (Self, Running) {
        let folder = Folder::new();
        let journal = folder.path("bus.db");
        let bus =
            Running::start(["bus", "--listen", "tcp://127.0.0.1:0", "--journal", &journal, "--log", "error"]);
        let url = bus.line().strip_prefix("listening on ").unwrap().to_owned();
        let ledger = Arc::<Ledger>::default();
        let senders = (0..SENDERS).map(|sender| send(&ledger, &url, sender)).collect();
        let receivers = (0..RECEIVERS).map(|receiver| receive(&ledger, &url, receiver)).collect();
        (Self { ledger, url, journal, dice: seed, senders, receivers, _folder: folder }, bus)
    }

    fn flags(&self, round: usize) -> [&str; 9] {
        let runtime = RUNTIMES[round % RUNTIMES.len()];
        ["bus", "--listen", &self.url, "--journal", &self.journal, "--log", "error", "--runtime", runtime]
    }

    fn throw(&mut self, below: u64) -> u64 {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % below
    }

    /// So many more are accepted, or applied.
    fn until_more(&mut self, most: u64) {
        let more = 1 + self.throw(most) as usize;
        let goal = self.ledger.books().accepted.len() + more;
        self.ledger.until("the bus accepts nothing", |books| books.accepted.len() >= goal);
    }

    fn kill_a_receiver(&mut self) {
        let receiver = self.throw(u64::from(RECEIVERS)) as usize;
        // It is dead before the next one asks what it has done.
        self.receivers.remove(receiver).shutdown_timeout(PATIENCE);
        let again = receive(&self.ledger, &self.url, receiver as u32);
        self.receivers.insert(receiver, again);
    }

    /// Nothing more is sent, and all that was accepted is applied.
    fn finish(self, bus: Running) {
        self.ledger.is_over.store(true, Ordering::SeqCst);
        self.ledger.until("all that was sent is accepted", |books| books.accepted.len() == books.sent.len());
        self.ledger.until("all that was accepted is applied", |books| {
            books.accepted.iter().all(|named| books.applied.contains_key(named))
        });
        self.ledger.check();
        self.senders.into_iter().chain(self.receivers).for_each(Runtime::shutdown_background);
        bus.signal("TERM");
        let ended = bus.wait();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
}

#[test]
fn a_bus_that_is_killed_loses_nothing_and_doubles_nothing() {
    let rounds = std::env::var("WHARF_KILL_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(20);
    let (mut stage, mut bus) = Stage::set(1);
    for round in 0..rounds {
        stage.until_more(400);
        if stage.throw(3) == 0 {
            stage.kill_a_receiver();
        }
        // Dropped, it is killed.
        drop(bus);
        bus = Running::start(stage.flags(round));
        let _ = bus.line();
    }
    stage.until_more(100);
    stage.finish(bus);
}

#[test]
fn a_full_disk_stops_the_bus_and_loses_nothing() {
    let (mut stage, mut bus) = Stage::set(2);
    for round in 0..3 {
        stage.until_more(100);
        drop(bus);
        // Blocks of 512 bytes, and a failed write instead of a signal.
        let blocks = 300 + stage.throw(1000);
        let limits = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let full = Running::start_by(&limits, stage.flags(round));
        let _ = full.line();
        let _ = full.complaint_with("the journal has failed");
        full.signal("TERM");
        let ended = full.wait();
        assert_eq!(ended.code, Some(1), "{ended:?}");
        bus = Running::start(stage.flags(round));
        let _ = bus.line();
    }
    stage.until_more(100);
    stage.finish(bus);
}
