//! One connection with its messages in flight.

use super::check::{Checker, Mismatch};
use super::pace::Pace;
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
    /// Messages in flight.
    aloft: usize,
    /// Messages that went out at their times.
    paced: u64,
}

/// What is sent when messages have come back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next<'a> {
    /// Nothing more.
    Nothing,
    /// As many.
    AsMany,
    /// What is due on this connection, of which this is the number.
    Due(&'a Pace, usize),
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
        Self {
            stream,
            checker: Checker::new(ring, first),
            at,
            owed: 0,
            flights: VecDeque::new(),
            aloft: 0,
            paced: 0,
        }
    }

    /// Sends the next `messages` in one write, if the socket takes them.
    ///
    /// # Errors
    /// As the operating system says.
    pub(crate) fn send(&mut self, ring: &Ring, messages: usize, now: Instant) -> io::Result<()> {
        self.owed += messages * ring.sent().frame();
        self.checker.sent(ring, messages);
        self.flights.push_back((now, messages));
        self.aloft += messages;
        self.flush(ring)
    }

    /// Forgets how many went out at their times.
    pub(crate) fn begin(&mut self) {
        self.paced = 0;
    }

    /// Sends what is due at `now` on the connection of this number, as long as there is room in flight.
    ///
    /// # Errors
    /// As the operating system says.
    pub(crate) fn send_due(
        &mut self,
        ring: &Ring,
        pace: &Pace,
        number: usize,
        now: Instant,
    ) -> io::Result<()> {
        while self.aloft < pace.depth {
            let Some(due) = pace.due(number, self.paced).filter(|due| *due <= now) else { break };
            self.paced += 1;
            self.send(ring, 1, due)?;
        }
        Ok(())
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

    /// Reads all there is. Each read's answers are told to the `tally`, and answered by what is `next`.
    ///
    /// # Errors
    /// [`LaneError`] for a wrong answer, and when the connection has ended.
    pub(crate) fn turn(
        &mut self,
        ring: &Ring,
        buffer: &mut [u8],
        next: Next<'_>,
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
                match next {
                    Next::Nothing => {}
                    Next::AsMany => self.send(ring, messages, now)?,
                    Next::Due(pace, number) => self.send_due(ring, pace, number, now)?,
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
        self.aloft = self.aloft.saturating_sub(messages);
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
