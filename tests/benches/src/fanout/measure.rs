//! Servers in turn, round after round.

use super::raw;
use crate::client::{Client, Parcel, Speech};
use crate::echo::servers::{Server, pinned};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use wharf_cli::bench::cpu;

/// How it is measured.
///
/// ```
/// # use wharf_benches::fanout::measure::Plan;
/// let writes = |plan: &Plan| plan.members * (plan.warmup + plan.broadcasts);
/// # let _ = writes;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Connections that get each message; at least two.
    pub members: usize,
    /// Bytes of payload.
    pub size: usize,
    /// Broadcasts that are measured together.
    pub broadcasts: usize,
    /// Broadcasts before those.
    pub warmup: usize,
    /// The server's core.
    pub server_core: usize,
    /// The driver's.
    pub driver_core: usize,
}

impl Plan {
    /// The CPU time that a server takes for one broadcast. The server is fresh; raw ones get frames all the same, so that as
    /// many bytes are written.
    ///
    /// # Errors
    /// If the server does not do its part, or a member gets anything else than the message.
    pub fn measure(&self, server: &Server, speech: Speech) -> io::Result<Duration> {
        let running = server.start(self.server_core, &[])?;
        let address = running.address.parse().map_err(io::Error::other)?;
        pinned(self.driver_core, || {
            let members = (0..self.members.max(2)).map(|_| member(address, speech));
            let mut members = members.collect::<io::Result<Vec<_>>>()?;
            for number in 0..self.warmup {
                self.broadcast(&mut members, speech, number)?;
            }
            let before = cpu::time_of(running.pid())?;
            for number in 0..self.broadcasts {
                self.broadcast(&mut members, speech, self.warmup + number)?;
            }
            Ok((cpu::time_of(running.pid())? - before) / self.broadcasts as u32)
        })
    }

    /// One message from the last member to all of them.
    fn broadcast(&self, members: &mut [Client], speech: Speech, number: usize) -> io::Result<()> {
        let parcel = parcel(speech, self.size, number);
        let (last, others) = members.split_last_mut().ok_or(io::ErrorKind::InvalidInput)?;
        last.send(&parcel)?;
        // The speaker may be served first and the others in their order. Waited for is who comes last, so that the server
        // is done when this thread wakes, and wakes nobody else.
        for member in others.iter_mut().rev() {
            member.receive(&parcel)?;
        }
        last.receive(&parcel)
    }
}

/// A connection that the server knows of.
fn member(address: SocketAddr, speech: Speech) -> io::Result<Client> {
    let mut client = Client::open(address, speech)?;
    if speech == Speech::Raw {
        client.receive(&Parcel::carrying(speech, raw::GREETING))?;
    }
    Ok(client)
}

/// A message that differs from the one before.
fn parcel(speech: Speech, size: usize, number: usize) -> Parcel {
    let payload: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(size).collect();
    match speech {
        Speech::WebSocket => Parcel::carrying(speech, &payload),
        Speech::Raw => Parcel::carrying(speech, Parcel::carrying(Speech::WebSocket, &payload).awaited()),
    }
}
