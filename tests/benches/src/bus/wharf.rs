//! A service of `wharf bus`, by hand.

use super::{Publisher, Subscriber};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A service's connection, over TCP.
#[derive(Debug)]
pub struct Service {
    read: BufReader<TcpStream>,
    write: BufWriter<TcpStream>,
    line: String,
    from: String,
    to: String,
    payload: String,
    last: usize,
}

impl Service {
    /// Registers as `id`; what it sends is for `to`, of so many bytes.
    ///
    /// # Errors
    /// The connection's, or the bus does not have it.
    pub fn register(address: SocketAddr, id: &str, to: &str, size: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (read, write) = (BufReader::with_capacity(1 << 16, stream.try_clone()?), BufWriter::new(stream));
        let (from, to, payload) = (id.to_owned(), to.to_owned(), "x".repeat(size));
        let mut service = Self { read, write, line: String::new(), from, to, payload, last: 0 };
        writeln!(service.write, r#"{{"type":"register","serviceId":"{id}"}}"#)?;
        service.write.flush()?;
        service.expect(r#"{"type":"registered""#)?;
        Ok(service)
    }

    /// Reads the next line that is no heartbeat.
    fn read(&mut self) -> io::Result<()> {
        loop {
            self.line.clear();
            if self.read.read_line(&mut self.line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !self.line.starts_with(r#"{"type":"heartbeat""#) {
                return Ok(());
            }
        }
    }

    fn expect(&mut self, begin: &str) -> io::Result<()> {
        self.read()?;
        if self.line.starts_with(begin) { Ok(()) } else { Err(self.bad()) }
    }

    fn bad(&self) -> io::Error {
        io::Error::other(format!("the bus says {}", self.line))
    }

    /// Whether a whole line lies here.
    fn is_ready(&self) -> bool {
        self.read.buffer().contains(&b'\n')
    }

    /// The number in a message's id: `p-N`.
    fn number(&self) -> Option<usize> {
        let (_, id) = self.line.split_once(r#""id":"p-"#)?;
        id.split_once('"')?.0.parse().ok()
    }
}

impl Publisher for Service {
    fn publish(&mut self, n: usize) -> io::Result<()> {
        let Self { from, to, payload, .. } = self;
        writeln!(
            self.write,
            r#"{{"type":"message","message":{{"id":"p-{n}","from":"{from}","to":"{to}","type":"t","payload":"{payload}","timestamp":0}}}}"#
        )
    }

    fn flush(&mut self) -> io::Result<()> {
        self.write.flush()
    }

    fn kept(&mut self) -> io::Result<usize> {
        self.expect(r#"{"type":"accepted""#)?;
        let mut kept = 1;
        while self.is_ready() {
            self.expect(r#"{"type":"accepted""#)?;
            kept += 1;
        }
        Ok(kept)
    }
}

impl Subscriber for Service {
    fn next(&mut self) -> io::Result<usize> {
        if !self.is_ready() {
            self.write.flush()?;
        }
        self.read()?;
        self.last = self.number().ok_or_else(|| self.bad())?;
        Ok(self.last)
    }

    fn ack(&mut self) -> io::Result<()> {
        writeln!(self.write, r#"{{"type":"ack","messageId":"p-{}"}}"#, self.last)
    }

    fn stream(&self) -> &TcpStream {
        self.read.get_ref()
    }
}
