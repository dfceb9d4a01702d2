//! What the people of a room hear, checked.

use std::io;
use std::time::Duration;

/// A text that the server sends, as far as it matters here.
///
/// ```
/// use std::time::Duration;
/// use wharf_benches::room::heard::{Text, content};
///
/// let content = content(7, Duration::from_nanos(9), 20);
/// assert_eq!(content, "7 9 xxxxxxxxxxxxxxxx");
/// let text = format!(r#"{{"type":"message","id":1,"content":"{content}"}}"#);
/// assert_eq!(Text::parse(&text).unwrap(), Text::Message { number: 7, sent: Duration::from_nanos(9) });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// What somebody said.
    Message {
        /// Its number, from 0.
        number: usize,
        /// When it was due to be sent, since the begin.
        sent: Duration,
    },
    /// The history of a room: the last of what one who joins it is told.
    History,
    /// Somebody is gone.
    Leave,
    /// Anything else.
    Other,
}

/// What is said: the number, the time in nanoseconds, and as much behind as there is room for.
#[must_use]
pub fn content(number: usize, sent: Duration, size: usize) -> String {
    let mut content = format!("{number} {} ", sent.as_nanos());
    content.extend(std::iter::repeat_n('x', size.saturating_sub(content.len())));
    content
}

impl Text {
    /// Reads a JSON text without white space, whose type comes first.
    ///
    /// # Errors
    /// A refusal, and a message that is none of [`content`].
    pub fn parse(text: &str) -> io::Result<Self> {
        let kind = text.strip_prefix(r#"{"type":""#).and_then(|rest| rest.split('"').next());
        match kind {
            Some("message") => said(text).ok_or_else(|| io::Error::other(format!("it hears {text}"))),
            Some("history") => Ok(Self::History),
            Some("leave") => Ok(Self::Leave),
            Some("error") | None => Err(io::Error::other(format!("it is told {text}"))),
            Some(_) => Ok(Self::Other),
        }
    }
}

fn said(text: &str) -> Option<Text> {
    let (_, content) = text.split_once(r#""content":""#)?;
    let (number, rest) = content.split_once(' ')?;
    let (sent, _) = rest.split_once(' ')?;
    Some(Text::Message { number: number.parse().ok()?, sent: Duration::from_nanos(sent.parse().ok()?) })
}

/// What was heard so far.
///
/// ```
/// use std::time::Duration;
/// use wharf_benches::room::heard::{Heard, Text};
///
/// let mut heard = Heard::new(2);
/// let message = |number| Text::Message { number, sent: Duration::ZERO };
/// heard.hear(0, message(0), Duration::ZERO).unwrap();
/// heard.hear(0, message(1), Duration::ZERO).unwrap();
/// assert!(heard.hear(1, message(1), Duration::ZERO).is_err());
/// ```
#[derive(Clone, Debug)]
pub struct Heard {
    /// The numbers, in the order in which whoever was first heard them.
    order: Vec<usize>,
    /// How many of those each person has heard.
    by_person: Vec<usize>,
    /// Whether each person has heard a history.
    has_joined: Vec<bool>,
    /// How often any message came to anybody.
    deliveries: usize,
    /// Before this number nothing is measured.
    from: usize,
    /// From being due to be heard, of those that are measured.
    delays: Vec<Duration>,
    left: usize,
}

impl Heard {
    /// Nothing yet, by so many people.
    #[must_use]
    pub fn new(people: usize) -> Self {
        Self {
            order: Vec::new(),
            by_person: vec![0; people],
            has_joined: vec![false; people],
            deliveries: 0,
            from: usize::MAX,
            delays: Vec::new(),
            left: 0,
        }
    }

    /// Messages from this number on are measured; there is room for so many deliveries.
    pub fn measure_from(&mut self, number: usize, deliveries: usize) {
        (self.from, self.left) = (number, 0);
        self.delays.reserve(deliveries);
    }

    /// A person hears a text at a time since the begin.
    ///
    /// # Errors
    /// It is a message that others did not hear in this place.
    pub fn hear(&mut self, person: usize, text: Text, at: Duration) -> io::Result<()> {
        match text {
            Text::Message { number, sent } => self.message(person, number, at.saturating_sub(sent)),
            Text::History => {
                self.has_joined[person] = true;
                Ok(())
            }
            // All are told the same, so one of them is enough.
            Text::Leave => {
                self.left += usize::from(person == 0);
                Ok(())
            }
            Text::Other => Ok(()),
        }
    }

    fn message(&mut self, person: usize, number: usize, delay: Duration) -> io::Result<()> {
        let place = self.by_person[person];
        match self.order.get(place) {
            None if self.order.contains(&number) => {
                return Err(io::Error::other(format!("message {number} comes twice")));
            }
            None => self.order.push(number),
            Some(expected) if *expected == number => {}
            Some(expected) => {
                return Err(io::Error::other(format!(
                    "message {number} comes where others heard message {expected}"
                )));
            }
        }
        self.by_person[person] += 1;
        self.deliveries += 1;
        if number >= self.from {
            self.delays.push(delay);
        }
        Ok(())
    }

    /// Whether that person was told all that one who joins is told.
    #[must_use]
    pub fn has_joined(&self, person: usize) -> bool {
        self.has_joined[person]
    }

    /// How often any message came to anybody.
    #[must_use]
    pub const fn deliveries(&self) -> usize {
        self.deliveries
    }

    /// How often one that is measured did.
    #[must_use]
    pub const fn measured(&self) -> usize {
        self.delays.len()
    }

    /// How many people the first one heard leave since the measurement began.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left
    }

    /// The times that messages took, sorted.
    #[must_use]
    pub fn into_delays(self) -> Vec<Duration> {
        let mut delays = self.delays;
        delays.sort_unstable();
        delays
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Duration = Duration::from_millis(5);

    fn message(number: usize) -> Text {
        Text::Message { number, sent: SENT }
    }

    #[test]
    fn texts_are_told_apart() {
        let parse = |text: &str| Text::parse(text).ok();
        assert_eq!(parse(r#"{"type":"history","messages":[{"content":"1 2 x"}]}"#), Some(Text::History));
        assert_eq!(parse(r#"{"type":"leave","content":"1 2 x"}"#), Some(Text::Leave));
        assert_eq!(parse(r#"{"type":"user_list","users":[]}"#), Some(Text::Other));
        let said = format!(r#"{{"type":"message","content":"{}","timestamp":3}}"#, content(3, SENT, 0));
        assert_eq!(parse(&said), Some(message(3)));
        assert_eq!(parse(r#"{"type":"error","code":"rate_limited"}"#), None);
        assert_eq!(parse(r#"{"type":"message","content":"hello"}"#), None);
        assert_eq!(parse("[]"), None);
    }

    #[test]
    fn a_message_that_is_missed_doubled_or_out_of_order_is_an_error() {
        let hear = |numbers: [&[usize]; 2]| {
            let mut heard = Heard::new(2);
            for (person, numbers) in numbers.iter().enumerate() {
                for number in *numbers {
                    heard.hear(person, message(*number), SENT)?;
                }
            }
            io::Result::Ok(heard.deliveries())
        };
        // In whatever order, but the same for all.
        assert_eq!(hear([&[1, 0, 2], &[1, 0, 2]]).unwrap(), 6);
        for bad in [[&[0, 1, 2][..], &[0, 2]], [&[0, 1], &[0, 0]], [&[0, 1], &[1, 0]], [&[0, 0], &[]]] {
            assert!(hear(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn delays_are_of_what_is_measured() {
        let mut heard = Heard::new(1);
        heard.hear(0, message(0), SENT * 9).unwrap();
        heard.hear(0, Text::Leave, SENT).unwrap();
        heard.measure_from(1, 2);
        heard.hear(0, message(2), SENT * 3).unwrap();
        heard.hear(0, message(1), SENT * 2).unwrap();
        heard.hear(0, Text::Leave, SENT).unwrap();
        assert_eq!((heard.deliveries(), heard.measured(), heard.left()), (3, 2, 1));
        assert_eq!(heard.into_delays(), [SENT, SENT * 2]);
    }
}
