//! Everybody, and two buses on one database, with a balancer before them.

use crate::balancer::Balancer;
use crate::crowd::Crowd;
use crate::stage::RUNTIMES;
use std::net::SocketAddr;
use std::time::Instant;
use wharf::link::Address;
use wharf_tests::adapter::{PATIENCE, Peer};
use wharf_tests::program::Running;

/// One of the buses.
struct Bus {
    running: Running,
    lines: SocketAddr,
    web: SocketAddr,
}

impl Bus {
    fn start(database: &str, [lines, web]: [SocketAddr; 2], runtime: &str) -> Self {
        let listen = [format!("tcp://{lines}"), format!("ws://{web}")];
        let flags = ["bus", "--journal", database, "--lease", "2", "--log", "error", "--runtime", runtime];
        let listens = listen.iter().flat_map(|url| ["--listen", url]);
        let running = Running::start(flags.into_iter().chain(listens));
        let [lines, web] = ["tcp", "ws"].map(|scheme| {
            let (line, prefix) = (running.line(), format!("listening on {scheme}://"));
            line.strip_prefix(&prefix).and_then(|address| address.parse().ok()).expect("an address")
        });
        Self { running, lines, web }
    }

    fn status(&self) -> String {
        let mut peer = Peer::connect(Address::Tcp(self.web));
        peer.ask("/status", false);
        peer.answer().1
    }
}

/// Two buses, who have the same clients.
pub(crate) struct Nodes {
    pub(crate) crowd: Crowd,
    balancer: Balancer,
    database: String,
    buses: [Bus; 2],
}

impl Nodes {
    pub(crate) fn set(database: &str, seed: u64) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let buses = [0, 1].map(|bus| Bus::start(database, [free; 2], RUNTIMES[bus]));
        let balancer = Balancer::new(buses.iter().map(|bus| bus.lines).collect(), seed);
        let crowd = Crowd::gather(&balancer.url, seed);
        Self { crowd, balancer, database: database.to_owned(), buses }
    }

    /// Some clients come to another bus, perhaps.
    pub(crate) fn move_some(&mut self) {
        for _ in 0..self.crowd.throw(4) {
            self.balancer.cut_one();
        }
    }

    /// Kills one of the buses once it has accepted something, and starts it again.
    pub(crate) fn kill_one(&mut self, round: usize) {
        let which = self.crowd.throw(2) as usize;
        let until = Instant::now() + PATIENCE;
        // Whoever comes to it is in the balancer's hands.
        while self.buses[which].status().contains(r#""accepted":0,"#) {
            assert!(Instant::now() < until, "a bus accepts nothing");
            self.balancer.cut_one();
            self.crowd.until_more(20);
        }
        let Bus { lines, web, .. } = self.buses[which];
        // It is dead before another one listens in its place.
        self.buses[which].running.kill();
        self.buses[which] = Bus::start(&self.database, [lines, web], RUNTIMES[round % RUNTIMES.len()]);
    }

    /// Nothing more is sent, all that was accepted is applied, and both buses end in order.
    pub(crate) fn finish(self) {
        self.crowd.finish();
        for bus in self.buses {
            bus.running.signal("TERM");
            let ended = bus.running.wait();
            assert_eq!(ended.code, Some(0), "{ended:?}");
        }
    }
}
