//! `bus-load --bus HOST:PORT --jetstream HOST:PORT`: durable messages a second from one sender to one receiver that acknowledges each,
//! with so many in flight, and how long one is on its way: through a running `wharf bus`, and through NATS servers beside it.
#![forbid(unsafe_code)]

use clap::Parser;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use wharf_benches::bus::{Figure, Service, Stream, measure};

/// Loads a bus.
#[derive(Debug, Parser)]
struct Args {
    /// Where a `wharf bus` listens for lines.
    #[arg(long)]
    bus: SocketAddr,
    /// Where a NATS server with JetStream listens, and what it is called; repeatable.
    #[arg(long, value_name = "NAME=HOST:PORT", value_parser = named)]
    jetstream: Vec<(String, SocketAddr)>,
    /// Messages sent and not said to be kept yet; repeatable.
    #[arg(long, default_values_t = [1, 16, 256])]
    in_flight: Vec<usize>,
    /// For how long, in seconds, each.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How often each, in turn; what is told is the one in the middle by its rate.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Bytes of a payload.
    #[arg(long, default_value_t = 100)]
    size: usize,
}

fn named(text: &str) -> Result<(String, SocketAddr), String> {
    let (name, address) = text.split_once('=').ok_or("NAME=HOST:PORT")?;
    Ok((name.to_owned(), address.parse().map_err(|error| format!("{error}"))?))
}

impl Args {
    /// Nobody is used twice: each time begins with nothing that waits.
    fn at_bus(&self, run: &str, in_flight: usize) -> io::Result<Figure> {
        let (from, to) = (format!("from-{run}"), format!("to-{run}"));
        let mut sender = Service::register(self.bus, &from, &to, self.size)?;
        let receiver = Service::register(self.bus, &to, &from, self.size)?;
        measure(&mut sender, receiver, in_flight, Duration::from_secs_f64(self.seconds))
    }

    fn at_nats(&self, address: SocketAddr, run: &str, in_flight: usize) -> io::Result<Figure> {
        let mut stream = Stream::create(address, &format!("run-{run}"), self.size)?;
        let draw = stream.draw(address)?;
        measure(&mut stream, draw, in_flight, Duration::from_secs_f64(self.seconds))
    }
}

fn main() -> io::Result<()> {
    let args = Args::parse();
    println!("| in flight | | messages/s | p50 | p99 |\n|---|---|--:|--:|--:|");
    for in_flight in &args.in_flight {
        let mut figures: Vec<Vec<Figure>> = vec![Vec::new(); 1 + args.jetstream.len()];
        for round in 0..args.rounds.max(1) {
            let run = format!("{in_flight}-{round}");
            let failed =
                |name: &str, error| io::Error::other(format!("{name}, {in_flight} in flight: {error}"));
            figures[0].push(args.at_bus(&run, *in_flight).map_err(|error| failed("wharf bus", error))?);
            for (at, (name, address)) in args.jetstream.iter().enumerate() {
                let figure = args.at_nats(*address, &run, *in_flight);
                figures[at + 1].push(figure.map_err(|error| failed(name, error))?);
            }
        }
        let names = std::iter::once("wharf bus").chain(args.jetstream.iter().map(|(name, _)| &**name));
        for (name, mut figures) in names.zip(figures) {
            figures.sort_by(|a, b| a.rate.total_cmp(&b.rate));
            let Figure { rate, p50, p99, .. } = figures[figures.len() / 2];
            let millis = |time: Duration| time.as_secs_f64() * 1e3;
            println!("| {in_flight} | {name} | {rate:.0} | {:.2} ms | {:.2} ms |", millis(p50), millis(p99));
        }
    }
    Ok(())
}
