//! One publisher, one subscriber, and how long a message is on its way.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Who hands messages in.
pub trait Publisher {
    /// Hands in message `n`, which may stay here until [`flush`](Self::flush).
    ///
    /// # Errors
    /// The connection's.
    fn publish(&mut self, n: usize) -> io::Result<()>;

    /// Writes what is here.
    ///
    /// # Errors
    /// The connection's.
    fn flush(&mut self) -> io::Result<()>;

    /// Waits until it is told that a message is kept, and takes what was told beside; how often.
    ///
    /// # Errors
    /// The connection's, or a message is not kept.
    fn kept(&mut self) -> io::Result<usize>;
}

/// Who takes messages, and acknowledges each.
pub trait Subscriber: Send + 'static {
    /// Waits for the next message; its number. What it has to say is written before it waits.
    ///
    /// # Errors
    /// The connection's.
    fn next(&mut self) -> io::Result<usize>;

    /// Acknowledges the message that came last.
    ///
    /// # Errors
    /// The connection's.
    fn ack(&mut self) -> io::Result<()>;

    /// Its connection, to end it.
    fn stream(&self) -> &TcpStream;
}

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Messages that were handed in, kept and delivered, a second.
    pub rate: f64,
    /// From being handed in to being delivered, half of them at most.
    pub p50: Duration,
    /// The same, 99 of a hundred.
    pub p99: Duration,
    /// Messages.
    pub count: usize,
}

/// Most messages that wait for the subscriber; a publisher that is ahead of it by as many waits too. A bus keeps 10,000.
const BACKLOG: usize = 5000;

/// Publishes for so long, with so many in flight: handed in, and not told to be kept.
///
/// # Errors
/// A connection's, or messages do not come one after the other.
pub fn measure(
    publisher: &mut impl Publisher,
    mut subscriber: impl Subscriber,
    in_flight: usize,
    length: Duration,
) -> io::Result<Figure> {
    let (came, comes) = channel();
    let stream = subscriber.stream().try_clone()?;
    let receiving = thread::spawn(move || receive(&mut subscriber, &came));
    let began = Instant::now();
    let mut sent: Vec<Instant> = Vec::new();
    let mut kept = 0;
    let mut delays = Vec::new();
    loop {
        delays.extend(comes.try_iter().map(|(n, at): (usize, Instant)| at - sent[n]));
        while sent.len() - kept < in_flight && sent.len() - delays.len() < BACKLOG && began.elapsed() < length
        {
            sent.push(Instant::now());
            publisher.publish(sent.len() - 1)?;
        }
        if kept < sent.len() {
            publisher.flush()?;
            kept += publisher.kept()?;
        } else if let Some((n, at)) = (delays.len() < sent.len()).then(|| comes.recv().ok()).flatten() {
            delays.push(at - sent[n]);
        } else {
            break;
        }
    }
    let count = sent.len();
    let took = began.elapsed();
    stream.shutdown(Shutdown::Both)?;
    let received = receiving.join().map_err(|_| io::Error::other("the subscriber panicked"))?;
    if delays.len() < count {
        return Err(received.err().unwrap_or(io::ErrorKind::UnexpectedEof.into()));
    }
    delays.sort_unstable();
    let at =
        |part: f64| delays.get((count.saturating_sub(1) as f64 * part) as usize).copied().unwrap_or_default();
    Ok(Figure { rate: count as f64 / took.as_secs_f64(), p50: at(0.5), p99: at(0.99), count })
}

/// Acknowledges what comes until the connection ends, and tells when each came.
fn receive(subscriber: &mut impl Subscriber, came: &Sender<(usize, Instant)>) -> io::Result<()> {
    for next in 0.. {
        let number = subscriber.next()?;
        if number != next {
            return Err(io::Error::other(format!("{number} comes, and not {next}")));
        }
        // Whoever measures may have all that it wants.
        let _ = came.send((number, Instant::now()));
        subscriber.ack()?;
    }
    Ok(())
}
