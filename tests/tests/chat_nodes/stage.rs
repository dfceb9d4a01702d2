//! Three nodes, and everybody.

use crate::ledger::Ledger;
use crate::person::Person;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use wharf_tests::adapter::PATIENCE;
use wharf_tests::program::Running;

pub(crate) const NODES: usize = 3;
/// Within which time everybody knows who is there.
const PROMISED: Duration = Duration::from_secs(10);
const RUNTIMES: [&str; 4] = ["tokio", "mio", "smol", "async-std"];

pub(crate) struct Stage {
    ledger: Arc<Ledger>,
    database: String,
    mesh: String,
    nodes: Vec<Option<Running>>,
    addresses: Vec<SocketAddr>,
    people: u32,
    /// The slowest that lists were right again.
    slowest: Duration,
    /// What people are driven by.
    _runtime: Runtime,
}

impl Stage {
    /// Has so many people talk, the same number at each node: all are there before the first says anything.
    pub(crate) fn set(database: &str, mesh: &str, people: u32) -> Self {
        let (mut nodes, mut addresses) = (Vec::new(), Vec::new());
        for runtime in RUNTIMES.iter().take(NODES) {
            let (node, address) = Running::serve(flags(database, mesh, runtime));
            nodes.push(Some(node));
            addresses.push(address);
        }
        let ledger = Arc::<Ledger>::default();
        ledger.play(|scene| scene.nodes = addresses.iter().copied().map(Some).collect());
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        for number in 0..people {
            runtime.spawn(live(Person::new(number, number as usize % NODES, &ledger), ledger.clone()));
        }
        let (database, mesh) = (database.to_owned(), mesh.to_owned());
        let mut stage = Self {
            ledger,
            database,
            mesh,
            nodes,
            addresses,
            people,
            slowest: Duration::ZERO,
            _runtime: runtime,
        };
        stage.ledger.until("all are there", |books| books.users.len() == people as usize);
        stage.until_lists_are_right();
        stage.ledger.play(|scene| scene.is_open = true);
        stage.ledger.until("all are heard", |books| {
            (0..people).all(|number| books.acknowledged.contains_key(&(number, 0)))
        });
        stage
    }

    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// So many more are acknowledged.
    pub(crate) fn until_more(&self, more: usize) {
        let goal = more + self.ledger.books().acknowledged.len();
        self.ledger.until("nothing is acknowledged", |books| books.acknowledged.len() >= goal);
    }

    /// Everybody has heard what was acknowledged by now.
    pub(crate) fn until_all_have_heard_all(&self) {
        let all: Vec<u64> = self.ledger.books().acknowledged.values().copied().collect();
        self.ledger.until("not all is heard", |books| {
            books.users.keys().all(|person| {
                books.heard.get(person).is_some_and(|heard| all.iter().all(|id| heard.contains_key(id)))
            })
        });
    }

    /// Everybody knows who is there, within the time that the nodes promise once nobody comes or goes.
    pub(crate) fn until_lists_are_right(&mut self) {
        let begin = Instant::now();
        self.ledger.until("not all lists are right", |books| {
            let users = books.users.values().cloned().collect();
            books.lists.len() == books.users.len() && books.lists.values().all(|list| *list == users)
        });
        let begin = self.ledger.moved().map_or(begin, |moved| moved.max(begin));
        self.slowest = self.slowest.max(begin.elapsed());
        assert!(self.slowest < PROMISED, "lists were right after {:?} only", self.slowest);
    }

    /// Kills a node, as nobody can prevent.
    pub(crate) fn kill(&mut self, node: usize) {
        self.nodes[node] = None;
        self.ledger.play(|scene| scene.nodes[node] = None);
    }

    /// The node where most are.
    pub(crate) fn most_crowded(&self) -> usize {
        let books = self.ledger.books();
        let at =
            |node: &usize| books.users.keys().filter(|person| books.nodes.get(*person) == Some(node)).count();
        (0..NODES).max_by_key(at).expect("there are nodes")
    }

    /// Kills a node, and none of its people comes back.
    pub(crate) fn kill_with_its_people(&mut self, node: usize) {
        let here: Vec<u32> = {
            let books = self.ledger.books();
            let at = |person: &&u32| books.nodes.get(*person) == Some(&node);
            books.users.keys().filter(at).copied().collect()
        };
        assert!(!here.is_empty(), "nobody is there");
        self.people -= here.len() as u32;
        self.ledger.play(|scene| scene.lost.extend(here.iter().copied()));
        self.kill(node);
        let people = self.people as usize;
        self.ledger.until("they do not vanish", |books| books.users.len() == people);
    }

    /// Starts it again at the same port, on another runtime.
    pub(crate) fn start(&mut self, node: usize, turn: usize) {
        let (listen, runtime) = (self.addresses[node].to_string(), RUNTIMES[turn % RUNTIMES.len()]);
        let flags = flags(&self.database, &self.mesh, runtime).into_iter().chain(["--listen", &listen]);
        let started = Running::start(flags);
        assert_eq!(started.listening().tcp(), Some(self.addresses[node]));
        self.nodes[node] = Some(started);
        self.ledger.play(|scene| scene.nodes[node] = Some(self.addresses[node]));
    }

    /// The last one leaves.
    pub(crate) fn one_goes(&mut self) {
        self.people -= 1;
        let number = *self.ledger.books().users.keys().next_back().expect("somebody is there");
        let people = self.people as usize;
        self.ledger.play(|scene| scene.gone.extend([number]));
        self.ledger.until("it does not go", |books| books.users.len() == people);
    }

    /// Nothing more is said, and all that was said is heard. What those who are there have heard.
    pub(crate) fn finish(&self) -> Vec<BTreeMap<u64, String>> {
        self.ledger.finish();
        self.until_all_have_heard_all();
        let books = self.ledger.books();
        books.users.keys().map(|person| books.heard[person].clone()).collect()
    }

    /// What the nodes say that they did.
    pub(crate) fn told(&self) -> String {
        let sum = |name: &str| -> u64 {
            let of = |address: &SocketAddr| {
                let answer = get(*address, "/metrics");
                let line = answer.lines().find_map(|line| line.strip_prefix(&format!("wharf_chat_{name} ")));
                line.and_then(|number| number.parse::<u64>().ok()).unwrap_or_else(|| panic!("{answer}"))
            };
            self.addresses.iter().map(of).sum()
        };
        let until = Instant::now() + PATIENCE;
        // One that was started just now may not be connected yet, and then does not know of all at once.
        let users = format!(r#"{{"roomId":"general","users":{}}}"#, self.people);
        for address in &self.addresses {
            for (path, end) in
                [("/health", r#"{"status":"ok","mesh":"up"}"#), ("/api/rooms", &format!("{users}]}}"))]
            {
                while !get(*address, path).ends_with(end) {
                    assert!(Instant::now() < until, "{}", get(*address, path));
                }
            }
        }
        let [told, swept] = ["mesh_messages_told_total", "mesh_messages_swept_total"].map(sum);
        assert!(told > 0 && swept > 0, "{told} told by the mesh, {swept} found by sweeps");
        let slowest = self.slowest.as_secs_f64();
        format!("{told} told by the mesh, {swept} found by sweeps; lists were right within {slowest:.1} s")
    }

    /// All nodes end in order.
    pub(crate) fn end(&mut self) {
        for node in &mut self.nodes {
            let node = node.take().expect("it runs");
            node.signal("TERM");
            let ended = node.wait();
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }
}

/// Has one talk. What goes wrong with that goes wrong with the test.
async fn live(person: Person, ledger: Arc<Ledger>) {
    let Err(error) = tokio::spawn(person.talk()).await else { return };
    let Ok(panic) = error.try_into_panic() else { return };
    let why = panic.downcast::<String>().map(|why| *why);
    let why = why.or_else(|panic| panic.downcast::<&str>().map(|why| (*why).to_owned()));
    ledger.fail(why.unwrap_or_else(|_| "somebody has panicked".to_owned()));
}

fn flags<'a>(database: &'a str, mesh: &'a str, runtime: &'a str) -> [&'a str; 9] {
    ["chat", "--database", database, "--mesh", mesh, "--runtime", runtime, "--log", "error"]
}

/// What a node answers.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    answer
}
