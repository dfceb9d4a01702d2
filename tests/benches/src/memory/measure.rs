//! One server, measured.

use super::gauge::Reading;
use super::server::Server;
use crate::client::{Client, Parcel, Speech};
use std::io;
use std::path::Path;

/// What each connection sends and gets back between the second and the third weighing, in bytes.
pub const BURST: usize = 16 << 10;

/// Readings that may differ before a server counts as one that never comes to rest.
const UNSETTLED: usize = 100;

/// A server to be measured.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its row's name.
    pub name: String,
    /// What it is started with.
    pub arguments: Vec<String>,
    /// What it speaks.
    pub speech: Speech,
    /// Most bytes of heap that a connection may have at rest, and how many more after the burst.
    pub bars: Option<(u64, u64)>,
}

impl Candidate {
    /// `wharf echo` on each runtime, raw echoes, and with the feature `peers` those of other libraries.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let wharf = |runtime: &str, bars| {
            let arguments = ["echo", "--listen", "127.0.0.1:0", "--runtime", runtime];
            Self::new(format!("wharf {runtime}"), &arguments, Speech::WebSocket, bars)
        };
        let raw = |runtime: &str| {
            Self::new(format!("raw {runtime}"), &[&format!("raw-{runtime}")], Speech::Raw, None)
        };
        let own = vec![
            wharf("mio", Some((600, 512))),
            wharf("tokio", Some((2048, 512))),
            wharf("async-std", Some((3072, 512))),
            wharf("smol", None),
            raw("mio"),
            raw("tokio"),
        ];
        #[cfg(not(feature = "peers"))]
        return own;
        #[cfg(feature = "peers")]
        own.into_iter()
            .chain(
                crate::peers::PEERS.iter().map(|peer| {
                    Self::new(peer.name.to_owned(), &["peer", peer.name], Speech::WebSocket, None)
                }),
            )
            .collect()
    }

    fn new(name: String, arguments: &[&str], speech: Speech, bars: Option<(u64, u64)>) -> Self {
        let arguments = arguments.iter().map(|&word| word.to_owned()).collect();
        Self { name, arguments, speech, bars }
    }
}

/// What a connection costs, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Heap of a connection that has shaken hands and said nothing.
    pub idle: f64,
    /// Heap that it has more after it has echoed a large message.
    pub more: f64,
    /// Resident memory, the same two.
    pub idle_rss: f64,
    /// Resident memory that it has more afterwards.
    pub more_rss: f64,
}

impl Cost {
    fn of(before: Reading, idle: Reading, after: Reading, connections: usize) -> Self {
        let each = |from: u64, to: u64| (to as f64 - from as f64) / connections as f64;
        Self {
            idle: each(before.live, idle.live),
            more: each(idle.live, after.live),
            idle_rss: each(before.rss, idle.rss),
            more_rss: each(idle.rss, after.rss),
        }
    }

    /// Whether it keeps to the bars.
    #[must_use]
    pub fn keeps_to(&self, (idle, more): (u64, u64)) -> bool {
        self.idle <= idle as f64 && self.more <= more as f64
    }
}

/// Starts the server and weighs it with one connection that has been used, with `connections` idle ones more, and after
/// each of those echoed a message of [`BURST`] bytes, all at once.
///
/// # Errors
/// If the server does not do its part.
pub fn measure(program: &Path, candidate: &Candidate, connections: usize) -> io::Result<Cost> {
    let speech = candidate.speech;
    let burst = Parcel::new(speech, BURST);
    let mut server = Server::start(program, &candidate.arguments)?;
    // What is spent once, whoever connects.
    let mut first = Client::open(server.address, speech)?;
    first.echo(&burst)?;
    let before = settled(&mut server, &mut first, speech)?;
    let known = Parcel::new(speech, 1);
    let clients = (0..connections).map(|_| {
        let mut client = Client::open(server.address, speech)?;
        if speech == Speech::Raw {
            // Without a handshake nothing says that the server knows of it.
            client.echo(&known)?;
        }
        Ok(client)
    });
    let mut clients = clients.collect::<io::Result<Vec<_>>>()?;
    let idle = settled(&mut server, &mut first, speech)?;
    for client in &mut clients {
        client.send(&burst)?;
    }
    for client in &mut clients {
        client.receive(&burst)?;
    }
    let after = settled(&mut server, &mut first, speech)?;
    Ok(Cost::of(before, idle, after, connections))
}

/// What the server weighs once it is done with all that it was sent. It has one thread for its connections, so it is when it
/// has answered once more; and it counts as at rest when two readings in a row are the same.
fn settled(server: &mut Server, client: &mut Client, speech: Speech) -> io::Result<Reading> {
    let ping = Parcel::new(speech, 16);
    let mut last = None;
    for _ in 0..UNSETTLED {
        client.echo(&ping)?;
        let reading = server.weigh()?;
        if last == Some(reading.live) {
            return Ok(reading);
        }
        last = Some(reading.live);
    }
    Err(io::Error::other("the server's heap never comes to rest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_a_difference_for_each() {
        let reading = |live, rss| Reading { live, rss };
        let cost = Cost::of(reading(1_000, 9_000), reading(6_000, 10_000), reading(5_000, 12_000), 10);
        assert_eq!(cost, Cost { idle: 500.0, more: -100.0, idle_rss: 100.0, more_rss: 200.0 });
        assert!(cost.keeps_to((500, 0)) && !cost.keeps_to((499, 0)));
        assert!(!Cost { more: 1.0, ..cost }.keeps_to((500, 0)));
    }
}
