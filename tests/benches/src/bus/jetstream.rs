//! As much of a client of NATS as a stream needs: it publishes with a reply, and is pushed what it acknowledges.

use super::{Publisher, Subscriber};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
#[derive(Debug)]
struct Nats {
    read: BufReader<TcpStream>,
    write: BufWriter<TcpStream>,
    /// Of the message that came last.
    reply: String,
    payload: Vec<u8>,
}

impl Nats {
    fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (read, write) = (BufReader::with_capacity(1 << 16, stream.try_clone()?), BufWriter::new(stream));
        let mut nats = Self { read, write, reply: String::new(), payload: Vec::new() };
        nats.write.write_all(b"CONNECT {\"verbose\":false,\"pedantic\":false}\r\n")?;
        Ok(nats)
    }

    fn subscribe(&mut self, subject: &str) -> io::Result<()> {
        write!(self.write, "SUB {subject} 1\r\n")
    }

    fn publish(&mut self, subject: &str, reply: &str, payload: &[u8]) -> io::Result<()> {
        write!(self.write, "PUB {subject} {reply} {}\r\n", payload.len())?;
        self.write.write_all(payload)?;
        self.write.write_all(b"\r\n")
    }

    /// Waits for a message: its payload and where it is to be answered.
    fn next(&mut self) -> io::Result<()> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.read.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let bad = || io::Error::other(format!("NATS says {}", line.trim_end()));
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("PING") => {
                    self.write.write_all(b"PONG\r\n")?;
                    self.write.flush()?;
                }
                Some("INFO" | "PONG" | "+OK") => {}
                // Subject, subscription, perhaps a reply, and the length.
                Some("MSG") => {
                    let words: Vec<&str> = words.skip(2).collect();
                    let (length, reply) = words.split_last().ok_or_else(bad)?;
                    let length: usize = length.parse().map_err(|_| bad())?;
                    self.reply.clear();
                    self.reply.extend(reply.first().copied());
                    self.payload.resize(length + 2, 0);
                    self.read.read_exact(&mut self.payload)?;
                    self.payload.truncate(length);
                    return Ok(());
                }
                _ => return Err(bad()),
            }
        }
    }

    /// Whether something lies here.
    fn is_ready(&self) -> bool {
        self.read.buffer().contains(&b'\n')
    }

    /// The answer that came is none of a failure.
    fn succeeded(&self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.payload);
        if text.contains(r#""error""#) { Err(io::Error::other(text)) } else { Ok(()) }
    }

    fn ask(&mut self, subject: &str, question: &str) -> io::Result<()> {
        self.publish(subject, INBOX, question.as_bytes())?;
        self.write.flush()?;
        self.next()?;
        self.succeeded()
    }
}

const INBOX: &str = "_INBOX.load";

/// A stream of JetStream, in files, from which a message goes once it is acknowledged; and who publishes there.
#[derive(Debug)]
pub struct Stream {
    nats: Nats,
    name: String,
    payload: Vec<u8>,
}

impl Stream {
    /// Makes one, for messages of so many bytes.
    ///
    /// # Errors
    /// The connection's, or the server does not have it.
    pub fn create(address: SocketAddr, name: &str, size: usize) -> io::Result<Self> {
        let mut nats = Nats::connect(address)?;
        nats.subscribe(INBOX)?;
        let config = format!(
            r#"{{"name":"{name}","subjects":["load.{name}"],"storage":"file","retention":"workqueue","num_replicas":1}}"#
        );
        nats.ask(&format!("$JS.API.STREAM.CREATE.{name}"), &config)?;
        Ok(Self { nats, name: name.to_owned(), payload: vec![b'x'; size.max(20)] })
    }

    /// Who draws from it: as many may be unacknowledged as at a bus.
    ///
    /// # Errors
    /// The connection's, or the server does not have it.
    pub fn draw(&mut self, address: SocketAddr) -> io::Result<Draw> {
        let name = &self.name;
        let mut nats = Nats::connect(address)?;
        nats.subscribe(&format!("drawn.{name}"))?;
        // Who asks next is to find it.
        nats.write.write_all(b"PING\r\n")?;
        nats.write.flush()?;
        let config = format!(
            r#"{{"stream_name":"{name}","config":{{"durable_name":"one","deliver_subject":"drawn.{name}","deliver_policy":"all","ack_policy":"explicit","ack_wait":30000000000,"max_deliver":3,"max_ack_pending":1000,"replay_policy":"instant"}}}}"#
        );
        let subject = format!("$JS.API.CONSUMER.DURABLE.CREATE.{name}.one");
        self.nats.ask(&subject, &config)?;
        Ok(Draw(nats))
    }
}

impl Publisher for Stream {
    fn publish(&mut self, n: usize) -> io::Result<()> {
        let digits = n.to_string();
        self.payload.fill(b' ');
        self.payload[..digits.len()].copy_from_slice(digits.as_bytes());
        let subject = format!("load.{}", self.name);
        self.nats.publish(&subject, INBOX, &self.payload)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.nats.write.flush()
    }

    fn kept(&mut self) -> io::Result<usize> {
        let mut kept = 0;
        while kept == 0 || self.nats.is_ready() {
            self.nats.next()?;
            self.nats.succeeded()?;
            kept += 1;
        }
        Ok(kept)
    }
}

/// Who is pushed a stream's messages.
#[derive(Debug)]
pub struct Draw(Nats);

impl Subscriber for Draw {
    fn next(&mut self) -> io::Result<usize> {
        if !self.0.is_ready() {
            self.0.write.flush()?;
        }
        self.0.next()?;
        let text = String::from_utf8_lossy(&self.0.payload);
        text.trim_end().parse().map_err(|_| io::Error::other(format!("NATS says {text}")))
    }

    fn ack(&mut self) -> io::Result<()> {
        let Nats { write, reply, .. } = &mut self.0;
        write!(write, "PUB {reply} 4\r\n+ACK\r\n")
    }

    fn stream(&self) -> &TcpStream {
        self.0.read.get_ref()
    }
}
