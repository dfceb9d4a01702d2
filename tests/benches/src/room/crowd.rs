//! All people of a room, on one thread.

use super::heard::{Heard, Text, content};
use super::member::Member;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long anything may take before a measurement fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a poll may sleep too long, since it counts in whole milliseconds.
const COARSE: Duration = Duration::from_millis(1);

/// Who says what, and how often.
///
/// ```
/// # use wharf_benches::room::crowd::Talk;
/// let a_second = |talk: &Talk| 1.0 / talk.interval.as_secs_f64();
/// # let _ = a_second;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    /// How many of those who read say something, one after the other.
    pub senders: usize,
    /// From one message to the next.
    pub interval: Duration,
    /// Bytes of content.
    pub size: usize,
}

/// The people, and what they have heard. All are in `general`.
#[derive(Debug)]
pub struct Crowd {
    talk: Talk,
    poll: Poll,
    events: Events,
    buffer: Vec<u8>,
    members: Vec<Member>,
    /// Who reads.
    readers: Vec<usize>,
    heard: Heard,
    begin: Instant,
    /// When the next message is due, since the begin.
    due: Duration,
    /// Messages said.
    said: usize,
}

impl Crowd {
    /// Connects `people` and has each join the room once all before it have; then `idlers`, spread among them, never read again. The
    /// first always reads.
    ///
    /// # Errors
    /// If the server does not do its part.
    pub fn gather(address: SocketAddr, people: usize, idlers: usize, talk: Talk) -> io::Result<Self> {
        let is_idle = |index: usize| index * idlers / people != (index + 1) * idlers / people && index > 0;
        let mut crowd = Self {
            talk,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            buffer: vec![0; 64 << 10],
            members: Vec::with_capacity(people),
            readers: (0..people).filter(|index| !is_idle(*index)).collect(),
            heard: Heard::new(people),
            begin: Instant::now(),
            due: Duration::ZERO,
            said: 0,
        };
        for index in 0..people {
            let mut member = Member::open(address)?;
            crowd.poll.registry().register(member.stream(), Token(index), Interest::READABLE)?;
            crowd.members.push(member);
            crowd.members[index].say(r#"{"type":"join"}"#)?;
            crowd.listen_until(|heard| heard.has_joined(index))?;
        }
        for index in (0..people).filter(|index| is_idle(*index)) {
            crowd.poll.registry().deregister(crowd.members[index].stream())?;
        }
        crowd.due = crowd.begin.elapsed();
        Ok(crowd)
    }

    /// How many people read.
    #[must_use]
    pub fn readers(&self) -> usize {
        self.readers.len()
    }

    /// What was heard so far.
    #[must_use]
    pub const fn heard(&self) -> &Heard {
        &self.heard
    }

    /// What is said from now on, so many messages, is measured.
    pub fn begin_measuring(&mut self, messages: usize) {
        self.heard.measure_from(self.said, messages * self.readers.len());
    }

    /// Says so many messages, each when it is due, and listens until the next one would be. A message's time runs from when it is
    /// due, also if this thread is late.
    ///
    /// # Errors
    /// If the server does not do its part, or somebody hears what others did not.
    pub fn talk(&mut self, messages: usize) -> io::Result<()> {
        for _ in 0..messages {
            let sender = self.readers[self.said % self.talk.senders * self.readers.len() / self.talk.senders];
            let content = content(self.said, self.due, self.talk.size);
            self.members[sender].say(&format!(r#"{{"type":"message","content":"{content}"}}"#))?;
            self.said += 1;
            self.due += self.talk.interval;
            loop {
                let left = self.due.saturating_sub(self.begin.elapsed());
                if left.is_zero() {
                    break;
                }
                self.listen(left.saturating_sub(COARSE))?;
            }
        }
        Ok(())
    }

    /// Listens until all who read have heard all that was said.
    ///
    /// # Errors
    /// If they do not.
    pub fn hear_all(&mut self) -> io::Result<()> {
        let all = self.said * self.readers.len();
        self.listen_until(|heard| heard.deliveries() == all)
    }

    /// The times that messages took, sorted.
    #[must_use]
    pub fn into_delays(self) -> Vec<Duration> {
        self.heard.into_delays()
    }

    fn listen_until(&mut self, is_done: impl Fn(&Heard) -> bool) -> io::Result<()> {
        let until = Instant::now() + PATIENCE;
        while !is_done(&self.heard) {
            if Instant::now() > until {
                return Err(ErrorKind::TimedOut.into());
            }
            self.listen(PATIENCE)?;
        }
        Ok(())
    }

    /// Reads what has come, or comes within `wait`.
    fn listen(&mut self, wait: Duration) -> io::Result<()> {
        let Self { poll, events, buffer, members, heard, begin, .. } = self;
        match poll.poll(events, Some(wait)) {
            Err(e) if e.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        for Token(index) in events.iter().map(mio::event::Event::token) {
            let read =
                members[index].read(buffer, |text| heard.hear(index, Text::parse(text)?, begin.elapsed()));
            read.map_err(|e| io::Error::new(e.kind(), format!("person {index}: {e}")))?;
        }
        Ok(())
    }
}
