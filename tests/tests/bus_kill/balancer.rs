//! What stands before several buses and gives each connection to one of them.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// Gives each connection to one of several addresses, in an order of its own. Where nobody listens it ends the connection at once.
pub(crate) struct Balancer {
    pub(crate) url: String,
    table: Arc<Mutex<Table>>,
}

struct Table {
    buses: Vec<SocketAddr>,
    dice: u64,
    /// Both ends of each connection that may be open.
    open: Vec<[TcpStream; 2]>,
}

impl Table {
    fn throw(&mut self, below: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) as usize % below
    }
}

impl Balancer {
    pub(crate) fn new(buses: Vec<SocketAddr>, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("tcp://{}", listener.local_addr().expect("a port"));
        let table = Arc::new(Mutex::new(Table { buses, dice: seed, open: Vec::new() }));
        let shared = table.clone();
        // For as long as the test's process.
        thread::spawn(move || {
            for client in listener.incoming() {
                // Dropped, the connection is ended, and the client dials again.
                let _ = client.and_then(|client| carry(client, &shared));
            }
        });
        Self { url, table }
    }

    /// Cuts one of the connections: whoever has it dials again and may come to another bus.
    pub(crate) fn cut_one(&self) {
        let mut table = lock(&self.table);
        let open = table.open.len();
        if open > 0 {
            let at = table.throw(open);
            end(&table.open.swap_remove(at));
        }
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().expect("nobody panics with it")
}

fn end(pair: &[TcpStream; 2]) {
    for stream in pair {
        // One that has ended needs no end.
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn carry(client: TcpStream, table: &Arc<Mutex<Table>>) -> io::Result<()> {
    let mut locked = lock(table);
    let buses = locked.buses.len();
    let at = locked.throw(buses);
    let bus = TcpStream::connect(locked.buses[at])?;
    for stream in [&client, &bus] {
        stream.set_nodelay(true)?;
    }
    // Those that have ended have no peer.
    locked.open.retain(|pair| pair.iter().all(|stream| stream.peer_addr().is_ok()));
    locked.open.push([client.try_clone()?, bus.try_clone()?]);
    drop(locked);
    let ways = [[client.try_clone()?, bus.try_clone()?], [bus, client]];
    for [mut from, mut to] in ways {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            // Either way ends both, as a process that is killed does.
            end(&[from, to]);
        });
    }
    Ok(())
}
