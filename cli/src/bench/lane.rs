//! One connection with its messages in flight.

use super::check::{Checker, Mismatch};
use super::ring::Ring;
use super::tally::Tally;
use mio::net::TcpStream;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

/// A connection.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Its transport.
    pub(crate) stream: TcpStream,
    checker: Checker,
    /// Where in the cycle the next byte to be written is.
    at: usize,
    /// Bytes that are to be written.
    owed: usize,
    /// What is in flight, the oldest first: when it was sent, and how many messages together. At most as many as there are
    /// messages in flight.
    flights: VecDeque<(Instant, usize)>,
}

/// Why a connection cannot go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaneError {
    /// A wrong answer, or an end with answers missing.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The operating system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Lane {
    /// A connection that begins with message `first` of the ring.
    pub(crate) fn new(stream: TcpStream, ring: &Ring, first: usize) -> Self {
        let at = first * ring.sent().frame();
        Self { stream, checker: Checker::new(ring, first), at, owed: 0, flights: VecDeque::new() }
    }

    /// Sends the next `messages` in one write, if the socket takes them.
    ///
    /// # Errors
    /// As the operating system says.
    pub(crate) fn send(&mut self, ring: &Ring, messages: usize, now: Instant) -> io::Result<()> {
        self.owed += messages * ring.sent().frame();
        self.checker.sent(ring, messages);
        self.flights.push_back((now, messages));
        self.flush(ring)
    }

    /// Writes what is owed, as far as the socket takes it.
    ///
    /// # Errors
    /// As the operating system says.
    pub(crate) fn flush(&mut self, ring: &Ring) -> io::Result<()> {
        let cycle = ring.sent();
        while self.owed > 0 {
            match self.stream.write(cycle.slice(self.at, self.owed)) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.owed -= n;
                    self.at += n;
                    if self.at >= cycle.period() {
                        self.at -= cycle.period();
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Reads all there is. Each read's answers are told to the `tally`, and answered by as many messages if `again`.
    ///
    /// # Errors
    /// [`LaneError`] for a wrong answer, and when the connection has ended.
    pub(crate) fn turn(
        &mut self,
        ring: &Ring,
        buffer: &mut [u8],
        again: bool,
        tally: &mut Tally,
    ) -> Result<(), LaneError> {
        loop {
            let n = match self.stream.read(buffer) {
                Ok(0) => return Err(self.checker.end().into()),
                Ok(n) => n,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e.into()),
            };
            let messages = self.checker.take(ring, &buffer[..n])?;
            if messages > 0 {
                let now = Instant::now();
                self.land(messages, now, tally);
                if again {
                    self.send(ring, messages, now)?;
                }
            }
            // A read that fills less has emptied the socket, and what comes then is told anew. Windows tells it only after
            // a read that found nothing.
            if n < buffer.len() && cfg!(unix) {
                return Ok(());
            }
        }
    }

    /// The oldest `messages` have come back.
    fn land(&mut self, mut messages: usize, now: Instant, tally: &mut Tally) {
        while let Some((sent, together)) = self.flights.front_mut() {
            let landed = messages.min(*together);
            tally.record(now.saturating_duration_since(*sent), landed);
            messages -= landed;
            *together -= landed;
            if *together == 0 {
                self.flights.pop_front();
            }
            if messages == 0 {
                return;
            }
        }
    }

    /// What it means that nothing more comes.
    pub(crate) fn unanswered(&self) -> Option<Mismatch> {
        (!self.checker.is_done()).then(|| self.checker.end())
    }
}
