//! A server on more than one core, on mio: a loop of its own in each thread, all of them behind one port, among which the kernel
//! shares the connections out.
//!
//! `cargo run --example two_loops -- 127.0.0.1:9001`

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use wharf::base::Message;
use wharf::link::{Config, ConnId, Context, HubStats, Service};
use wharf_mio::{Handle, Server};

/// Each loop has a service of its own: they share nothing.
pub(crate) struct Echo;

impl Service for Echo {
    type Job = ();
    type Done = ();
    type Command = ();

    fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
        let _ = cx.send(conn, message);
    }
}

/// Loops that run.
pub(crate) struct Loops {
    /// Where all of them listen.
    pub(crate) address: SocketAddr,
    running: Vec<(Handle<Echo>, JoinHandle<std::io::Result<Echo>>)>,
}

impl Loops {
    /// Starts so many behind one port; port 0 picks one for all.
    pub(crate) fn start(count: usize, address: SocketAddr) -> std::io::Result<Self> {
        let mut loops = Self { address, running: Vec::new() };
        let config = Arc::new(Config::default());
        for _ in 0..count {
            let server = Server::new(Echo, config.clone())?.listen_reusing_port(loops.address)?;
            loops.address = server.local_addr().and_then(|address| address.tcp()).expect("it listens on TCP");
            loops.running.push((server.handle(), thread::spawn(move || server.run())));
        }
        Ok(loops)
    }

    /// Ends all of them in order; what each of them counted.
    pub(crate) fn stop(self) -> std::io::Result<Vec<HubStats>> {
        self.running.iter().for_each(|(handle, _)| handle.drain());
        let ends = self.running.into_iter().map(|(handle, thread)| {
            thread.join().expect("a loop does not panic")?;
            Ok(handle.final_stats().unwrap_or_default())
        });
        ends.collect()
    }
}

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let address = address.parse().map_err(std::io::Error::other)?;
    let loops = Loops::start(thread::available_parallelism()?.get(), address)?;
    println!("listening on {}, end by a line on stdin", loops.address);
    std::io::stdin().read_line(&mut String::new())?;
    for stats in loops.stop()? {
        println!("{} connections", stats.admission.accepted);
    }
    Ok(())
}
