//! `bus-load --address HOST:PORT`: durable messages a second through a running `wharf bus`, from one sender to one receiver that
//! acknowledges each, with so many in flight, and how long one is on its way.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Loads a bus.
#[derive(Debug, Parser)]
struct Args {
    /// Where the bus listens for lines.
    #[arg(long)]
    address: SocketAddr,
    /// Messages sent and not accepted yet; repeatable.
    #[arg(long, default_values_t = [1, 16, 256])]
    in_flight: Vec<usize>,
    /// For how long, in seconds, each.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Bytes of a payload.
    #[arg(long, default_value_t = 100)]
    size: usize,
}

/// A service's connection.
struct Service {
    read: BufReader<TcpStream>,
    write: BufWriter<TcpStream>,
    line: String,
}

impl Service {
    fn register(address: SocketAddr, id: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let (read, write) = (BufReader::with_capacity(1 << 16, stream.try_clone()?), BufWriter::new(stream));
        let mut service = Self { read, write, line: String::new() };
        writeln!(service.write, r#"{{"type":"register","serviceId":"{id}"}}"#)?;
        service.write.flush()?;
        service.next()?;
        Ok(service)
    }

    /// The next line that is no heartbeat.
    fn next(&mut self) -> io::Result<&str> {
        loop {
            self.line.clear();
            if self.read.read_line(&mut self.line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if !self.line.starts_with(r#"{"type":"heartbeat""#) {
                return Ok(&self.line);
            }
        }
    }

    /// Whether a whole line lies here.
    fn is_ready(&self) -> bool {
        self.read.buffer().contains(&b'\n')
    }
}

/// The number in a message's id: `p-N`.
fn number(line: &str, key: &str) -> io::Result<usize> {
    let bad = || io::Error::other(format!("the bus says {line}"));
    let rest = &line[line.find(key).ok_or_else(bad)? + key.len()..];
    let digits = rest.split('"').next().and_then(|id| id.rsplit('-').next()).ok_or_else(bad)?;
    digits.parse().map_err(|_| bad())
}

/// Acknowledges what comes until nobody listens, and tells when each came.
fn receive(mut service: Service, came: &Sender<(usize, Instant)>) -> io::Result<()> {
    let mut next = 0;
    loop {
        let number = number(service.next()?, r#""id":""#)?;
        if number != next {
            return Err(io::Error::other(format!("{number} comes, and not {next}")));
        }
        next += 1;
        let is_over = came.send((number, Instant::now())).is_err();
        writeln!(service.write, r#"{{"type":"ack","messageId":"p-{number}"}}"#)?;
        if !service.is_ready() || is_over {
            service.write.flush()?;
        }
        if is_over {
            return Ok(());
        }
    }
}

fn run(args: &Args, in_flight: usize) -> io::Result<()> {
    let (from, to) = (format!("from-{in_flight}"), format!("to-{in_flight}"));
    let mut sender = Service::register(args.address, &from)?;
    let receiver = Service::register(args.address, &to)?;
    let (came, comes) = channel();
    let receiving = thread::spawn(move || receive(receiver, &came));
    let payload = "x".repeat(args.size);
    let (began, length) = (Instant::now(), Duration::from_secs_f64(args.seconds));
    let mut sent = Vec::new();
    let mut accepted = 0;
    while began.elapsed() < length || accepted < sent.len() {
        while sent.len() - accepted < in_flight && began.elapsed() < length {
            let n = sent.len();
            sent.push(Instant::now());
            writeln!(
                sender.write,
                r#"{{"type":"message","message":{{"id":"p-{n}","from":"{from}","to":"{to}","type":"t","payload":"{payload}","timestamp":0}}}}"#
            )?;
        }
        sender.write.flush()?;
        loop {
            let line = sender.next()?;
            if !line.starts_with(r#"{"type":"accepted""#) {
                return Err(io::Error::other(format!("the bus says {line}")));
            }
            accepted += 1;
            if !sender.is_ready() {
                break;
            }
        }
    }
    let all = sent.len();
    let mut delays: Vec<Duration> = comes.iter().take(all).map(|(n, at)| at - sent[n]).collect();
    if delays.len() < all {
        return Err(receiving.join().map_or_else(
            |_| io::Error::other("the receiver panicked"),
            |e| e.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()),
        ));
    }
    let took = began.elapsed();
    delays.sort_unstable();
    let at = |part: f64| delays[((delays.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!(
        "{in_flight:>4} in flight: {:>8.0} messages/s, p50 {:.2} ms, p99 {:.2} ms ({all} messages)",
        all as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
    );
    Ok(())
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    args.in_flight.iter().try_for_each(|in_flight| run(&args, *in_flight))
}
