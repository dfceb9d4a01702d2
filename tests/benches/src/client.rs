//! The other side of a connection under measurement: blocking, and as little as can be. What it waits for too long is an error.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long anything may take before a measurement fails.
const PATIENCE: Duration = Duration::from_secs(20);

const FIELDS: &str = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Nothing but bytes.
    Raw,
    /// WebSocket.
    WebSocket,
}

/// A message, as it goes out and as it is to come back.
#[derive(Clone, Debug)]
pub struct Parcel {
    sent: Vec<u8>,
    awaited: Vec<u8>,
}

impl Parcel {
    /// A message of `len` bytes that do not repeat soon.
    #[must_use]
    pub fn new(speech: Speech, len: usize) -> Self {
        let payload: Vec<u8> = (0..len).map(|i| (i ^ (i >> 8)) as u8).collect();
        Self::carrying(speech, &payload)
    }

    /// A binary message.
    #[must_use]
    pub fn carrying(speech: Speech, payload: &[u8]) -> Self {
        if speech == Speech::Raw {
            return Self { sent: payload.to_vec(), awaited: payload.to_vec() };
        }
        let len = payload.len();
        let mut sent = header(len, 0x80);
        sent.extend_from_slice(&MASK);
        sent.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        let mut awaited = header(len, 0);
        awaited.extend_from_slice(payload);
        Self { sent, awaited }
    }

    /// The bytes that go out.
    #[must_use]
    pub fn sent(&self) -> &[u8] {
        &self.sent
    }

    /// The bytes that are to come back.
    #[must_use]
    pub fn awaited(&self) -> &[u8] {
        &self.awaited
    }
}

/// The head of a whole binary message (RFC 6455 section 5.2).
fn header(len: usize, mask: u8) -> Vec<u8> {
    let mut header = vec![0x82];
    match len {
        0..126 => header.push(mask | len as u8),
        126..0x1_0000 => {
            header.push(mask | 126);
            header.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            header.push(mask | 127);
            header.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    header
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects, and shakes hands if that is what is spoken. Without a handshake the server may not know of it yet.
    ///
    /// # Errors
    /// As the operating system says, or if the server answers otherwise than it should.
    pub fn open(address: SocketAddr, speech: Speech) -> io::Result<Self> {
        let mut client = Self::connect(address)?;
        if speech == Speech::WebSocket && !client.shake_hands("/")?.is_empty() {
            return Err(io::Error::other("the server speaks first"));
        }
        Ok(client)
    }

    /// Connects and shakes hands for a path; with what the server has said already behind its answer.
    ///
    /// # Errors
    /// As the operating system says, or if the server answers otherwise than it should.
    pub fn open_path(address: SocketAddr, path: &str) -> io::Result<(Self, Vec<u8>)> {
        let mut client = Self::connect(address)?;
        let behind = client.shake_hands(path)?;
        Ok((client, behind))
    }

    fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// The stream, for whoever does not want to block.
    #[must_use]
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// What came behind the answer.
    fn shake_hands(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.stream.write_all(format!("GET {path} HTTP/1.1\r\n{FIELDS}").as_bytes())?;
        let mut head = Vec::new();
        let mut buffer = [0; 1024];
        let end = loop {
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => head.extend_from_slice(&buffer[..n]),
            }
            if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let behind = head.split_off(end);
        let head = String::from_utf8_lossy(&head);
        if head.starts_with("HTTP/1.1 101 ") && head.contains(ACCEPT) {
            return Ok(behind);
        }
        Err(io::Error::other(format!("the handshake was answered by {head:?}")))
    }

    /// Sends.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn send(&mut self, parcel: &Parcel) -> io::Result<()> {
        self.stream.write_all(&parcel.sent)
    }

    /// Receives what was sent, and checks it.
    ///
    /// # Errors
    /// As the operating system says, or if something else came.
    pub fn receive(&mut self, parcel: &Parcel) -> io::Result<()> {
        let mut came = vec![0; parcel.awaited.len()];
        self.stream.read_exact(&mut came)?;
        if came == parcel.awaited { Ok(()) } else { Err(io::Error::other("the echo is another")) }
    }

    /// Both.
    ///
    /// # Errors
    /// As those two.
    pub fn echo(&mut self, parcel: &Parcel) -> io::Result<()> {
        self.send(parcel)?;
        self.receive(parcel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parcel_is_a_masked_frame_and_its_echo() {
        let parcel = Parcel::new(Speech::WebSocket, 2);
        assert_eq!(parcel.sent, [0x82, 0x82, 0x37, 0xfa, 0x21, 0x3d, 0x37, 0xfb]);
        assert_eq!(parcel.awaited, [0x82, 2, 0, 1]);
        for (len, head) in [(125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let parcel = Parcel::new(Speech::WebSocket, len);
            assert_eq!((parcel.sent.len(), parcel.awaited.len()), (head + 4 + len, head + len));
        }
        assert_eq!(Parcel::new(Speech::Raw, 300).sent.len(), 300);
    }
}
