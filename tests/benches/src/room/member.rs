//! One connection of the crowd.

use crate::client::Client;
use crate::frames::{TEXT, frame};
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

/// Who connects enters no room by itself.
const PATH: &str = "/ws?join=no";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// First bytes of whole frames.
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// Somebody, connected.
#[derive(Debug)]
pub struct Member {
    stream: TcpStream,
    /// The begin of a frame whose rest is to come.
    begun: Vec<u8>,
}

impl Member {
    /// Connects; from then on nothing blocks.
    ///
    /// # Errors
    /// As the operating system says, or if the server answers otherwise than it should.
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let (client, begun) = Client::open_path(address, PATH)?;
        let stream = client.into_stream();
        stream.set_nonblocking(true)?;
        Ok(Self { stream: TcpStream::from_std(stream), begun })
    }

    /// The stream, to be polled.
    pub fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends a text.
    ///
    /// # Errors
    /// As the operating system says; also if it would have to wait.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.send(TEXT, text.as_bytes())
    }

    fn send(&mut self, first: u8, payload: &[u8]) -> io::Result<()> {
        self.stream.write_all(&frame(first, payload, Some(MASK)))
    }

    /// Reads what has come, and hands each whole text to `hear`. Pings are answered.
    ///
    /// # Errors
    /// As the operating system says, if the server ends the connection, and what `hear` says.
    pub fn read(
        &mut self,
        buffer: &mut [u8],
        mut hear: impl FnMut(&str) -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    self.take(&buffer[..n], &mut hear)?;
                    // Whoever gets less than there is room for has emptied the socket.
                    if n < buffer.len() {
                        return Ok(());
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    fn take(&mut self, came: &[u8], hear: &mut impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        let mut begun = std::mem::take(&mut self.begun);
        // As a rule nothing was begun, and frames are looked at where they lie.
        let mut rest = if begun.is_empty() {
            came
        } else {
            begun.extend_from_slice(came);
            &begun[..]
        };
        while let Some((first, payload, behind)) = split(rest) {
            match first {
                TEXT => hear(std::str::from_utf8(payload).map_err(io::Error::other)?)?,
                PING => self.send(PONG, payload)?,
                PONG => {}
                CLOSE => return Err(io::Error::new(ErrorKind::ConnectionAborted, "the server closes")),
                other => return Err(io::Error::other(format!("a frame begins with {other:#04x}"))),
            }
            rest = behind;
        }
        let rest = rest.to_vec();
        self.begun = rest;
        Ok(())
    }
}

/// The first byte of a server's frame, its payload, and what is behind it; `None` if it is not all there.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[first, short], rest) = bytes.split_first_chunk()?;
    let (len, rest) = match short {
        126 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*len)), rest)
        }
        127 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::try_from(u64::from_be_bytes(*len)).ok()?, rest)
        }
        len => (usize::from(len), rest),
    };
    let (payload, behind) = rest.split_at_checked(len)?;
    Some((first, payload, behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_all_lengths_are_split_where_they_end() {
        for len in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; len];
            let mut bytes = frame(TEXT, &payload, None);
            for cut in [0, 1, 2, 3, bytes.len() - 1] {
                assert_eq!(split(&bytes[..cut.min(bytes.len() - 1)]), None, "{cut} of {len}");
            }
            bytes.extend(b"behind");
            assert_eq!(split(&bytes), Some((TEXT, &payload[..], &b"behind"[..])), "{len}");
        }
    }
}
