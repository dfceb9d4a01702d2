//! The library `wharf-agnostic`, unchanged, in a mio application: no async, two threads. Its siblings do the same on
//! tokio and on async-std.

use std::error::Error;
use std::sync::Arc;
use wharf::base::CloseCode;
use wharf::link::Config;
use wharf::ws::handshake::ClientRequest;
use wharf_agnostic::{Client, Counter};

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:?}", count(10)?);
    Ok(())
}

/// Serves a counter, adds 1 to `n` to it, and returns the total that the client heard last.
pub(crate) fn count(n: i64) -> Result<Option<i64>, Box<dyn Error>> {
    let server = wharf_mio::Server::bind(([127, 0, 0, 1], 0), Counter::default(), Arc::default())?;
    let handle = server.handle();
    let address = server.local_addr().ok_or("it listens nowhere")?.clone();
    let server = std::thread::spawn(move || server.run());

    let request = ClientRequest::new(&format!("ws://{address}/"))?;
    let config = Arc::new(Config::client());
    let mut socket = wharf_mio::connect(&request, &config)?;
    let mut client = Client::default();
    for i in 1..=n {
        socket.send(client.add(i))?;
    }
    while client.is_waiting() {
        let message = socket.next().ok_or("the counter hung up")?.map_err(|closed| closed.to_string())?;
        client.receive(&message)?;
    }
    socket.close(CloseCode::NORMAL, "")?;
    while let Some(Ok(_)) = socket.next() {}
    handle.drain();
    let counter = server.join().map_err(|_| "the server panicked")??;
    // On mio the service comes back, since its thread owned it.
    Ok(client.total().filter(|total| *total == counter.total()))
}
