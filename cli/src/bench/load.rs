//! The loop that keeps messages in flight.

use super::lane::{Lane, LaneError, Next};
use super::pace::Pace;
use super::ring::Ring;
use super::tally::Tally;
use super::{BenchError, dial};
use mio::{Events, Interest, Poll, Token};
use std::time::{Duration, Instant};

/// All connections of a run, driven by one thread.
pub(crate) struct Load {
    poll: Poll,
    events: Events,
    ring: Ring,
    lanes: Vec<Lane>,
    /// All lanes read into it in turn.
    buffer: Vec<u8>,
    /// What came back.
    pub(crate) tally: Tally,
}

impl Load {
    /// How much is read at once.
    const READ: usize = 256 << 10;

    /// Opens `connections`; none of them sends yet. They begin at different places of the ring, so that answers on the wrong
    /// connection are found.
    ///
    /// # Errors
    /// [`BenchError`] if one cannot be opened.
    pub(crate) fn open(aim: &mut dial::Aim, connections: usize, ring: Ring) -> Result<Self, BenchError> {
        let poll = Poll::new()?;
        let mut lanes = Vec::with_capacity(connections);
        for index in 0..connections {
            let mut stream = mio::net::TcpStream::from_std(aim.open()?);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE | Interest::WRITABLE)?;
            lanes.push(Lane::new(stream, &ring, index * 61 % ring.len()));
        }
        let buffer = vec![0; Self::READ];
        Ok(Self { poll, events: Events::with_capacity(1024), ring, lanes, buffer, tally: Tally::new() })
    }

    /// Keeps `depth` messages in flight on each connection for so long, and then waits for the last answers, which may
    /// take `last`. Nothing is in flight before and after.
    ///
    /// # Errors
    /// [`BenchError`] for the first wrong or missing answer, and for a connection that fails.
    pub(crate) fn keep(&mut self, depth: usize, time: Duration, last: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + time;
        for (index, lane) in self.lanes.iter_mut().enumerate() {
            lane.send(&self.ring, depth, Instant::now()).map_err(|e| BenchError::on(index, e.into()))?;
        }
        while self.turn(end, |_| Next::AsMany)? {}
        self.finish(last)
    }

    /// As [`keep`](Self::keep), with messages that go out when they are due.
    ///
    /// # Errors
    /// As [`keep`](Self::keep).
    pub(crate) fn pace(
        &mut self,
        depth: usize,
        rate: f64,
        time: Duration,
        last: Duration,
    ) -> Result<(), BenchError> {
        let pace = Pace::new(depth, rate, self.lanes.len(), Instant::now(), time);
        self.lanes.iter_mut().for_each(Lane::begin);
        let mut at = 0;
        while let Some((number, due)) = pace.of_all(at) {
            let now = Instant::now();
            if due <= now {
                let sent = self.lanes[number].send_due(&self.ring, &pace, number, now);
                sent.map_err(|e| BenchError::on(number, e.into()))?;
                at += 1;
                // Answers are looked for between any two messages, or a load that is late would read none.
                self.look(Duration::ZERO, |number| Next::Due(&pace, number))?;
            } else {
                self.look(pace.wait(due - now), |number| Next::Due(&pace, number))?;
            }
        }
        // What found no room goes out late, unless the server is so slow that there is no end of it.
        let end = Instant::now() + last;
        while self.unanswered().is_some() && self.turn(end, |number| Next::Due(&pace, number))? {}
        self.finish(last)
    }

    /// Waits for the last answers.
    fn finish(&mut self, last: Duration) -> Result<(), BenchError> {
        let end = Instant::now() + last;
        while let Some(missing) = self.unanswered() {
            if !self.turn(end, |_| Next::Nothing)? {
                return Err(missing);
            }
        }
        Ok(())
    }

    /// Waits for something to do and does it; returns whether there is time left.
    fn turn<'p>(&mut self, end: Instant, next: impl Fn(usize) -> Next<'p>) -> Result<bool, BenchError> {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        self.look(left, next)?;
        Ok(true)
    }

    fn look<'p>(&mut self, wait: Duration, next: impl Fn(usize) -> Next<'p>) -> Result<(), BenchError> {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for event in &self.events {
            let index = event.token().0;
            let lane = &mut self.lanes[index];
            if event.is_writable() {
                lane.flush(&self.ring).map_err(|e| BenchError::on(index, e.into()))?;
            }
            if event.is_readable() {
                let turned = lane.turn(&self.ring, &mut self.buffer, next(index), &mut self.tally);
                turned.map_err(|e| BenchError::on(index, e))?;
            }
        }
        Ok(())
    }

    /// The first connection whose answers are not all there.
    fn unanswered(&self) -> Option<BenchError> {
        let mut lanes = self.lanes.iter().enumerate();
        lanes.find_map(|(index, lane)| Some(BenchError::on(index, LaneError::Mismatch(lane.unanswered()?))))
    }
}
