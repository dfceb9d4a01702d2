//! Framings by dice: codecs, streams of theirs with wounds, and what a connection hears of a stream.

use crate::streams::cuts;
use std::sync::Arc;
use wharf::base::{Closed, End, Engine, Event, Input, Instant, Message};
use wharf::framed::{Codec, Config, Connection, Field, Length, Lines, Order, Raw, Typed};
use wharf::sim::Dice;

const NOW: Instant = Instant::ORIGIN;

/// What a connection made of a stream: its messages, and how it ended.
pub type Heard = (Vec<Message<'static>>, Option<Closed>);

/// A description of a length, for this codec and for others.
#[derive(Clone, Copy, Debug)]
pub struct LengthShape {
    /// Bytes of the field.
    pub width: u8,
    /// Whether its lowest byte comes first.
    pub little: bool,
    /// Bytes before the field.
    pub offset: usize,
    /// What is added to the number in it.
    pub adjustment: i32,
    /// Where the payload begins, if not behind the field.
    pub skip: Option<usize>,
}

impl LengthShape {
    /// Any.
    pub fn any(dice: &mut Dice<'_>) -> Self {
        Self {
            width: dice.between(1, 8) as u8,
            little: dice.percent(50),
            offset: dice.pick(&[0, 0, 0, 1, 4]),
            adjustment: dice.pick(&[0, 0, 0, 1, 5, -1, -4]),
            skip: dice.pick(&[None, None, None, Some(0), Some(2), Some(12), Some(15)]),
        }
    }

    /// The codec.
    #[must_use]
    pub fn codec(&self) -> Length {
        let order = if self.little { Order::Little } else { Order::Big };
        let codec = Length::new(Field::Bytes(self.width), order).and_then(|codec| codec.offset(self.offset));
        let codec = codec.expect("a width and an offset that fit").adjustment(self.adjustment);
        self.skip.map_or(codec, |skip| codec.skip(skip).expect("a header that fits"))
    }
}

/// Any codec that is here.
pub fn codec(dice: &mut Dice<'_>) -> Arc<dyn Codec> {
    match dice.below(8) {
        0 | 1 => Arc::new(Typed),
        2 => Arc::new(Lines::new()),
        3 => Arc::new(Lines::crlf().open_end()),
        4 => {
            let varint = Length::new(Field::Varint, Order::Big).expect("a varint");
            Arc::new(if dice.percent(50) { varint.counts_header() } else { varint })
        }
        5 => Arc::new(LengthShape::any(dice).codec().counts_header()),
        _ => Arc::new(LengthShape::any(dice).codec()),
    }
}

/// A stream of messages of up to `limit` bytes, with up to three wounds.
pub fn stream(dice: &mut Dice<'_>, codec: &Arc<dyn Codec>, limit: usize) -> Vec<u8> {
    let mut config = Config::default();
    config.high_mark = 1 << 24;
    let mut sender = Connection::new(NOW, codec.clone(), &config.into());
    for _ in 0..dice.between(1, 8) {
        let len = dice.pick(&[0, 1, 2, 7, 60, 127, 128, 300, limit]).min(limit);
        let mut payload = dice.bytes(len);
        let typed = Message::typed(dice.below(256) as u8, payload.clone());
        payload.iter_mut().for_each(|byte| *byte = dice.pick(b"ab \r"));
        let text =
            Message::text(String::from_utf8(payload).expect("letters") + dice.pick(&["", "\u{e9}", "\r"]));
        // Each codec takes one of them, if it is not too long for its field.
        let _ = sender.send(NOW, typed).or_else(|_| sender.send(NOW, text));
    }
    let mut bytes = Vec::new();
    sender.output(NOW).drain_into(&mut bytes);
    for _ in 0..dice.pick(&[0, 0, 1, 1, 2, 3]) {
        let at = dice.between(0, bytes.len());
        let end = bytes.len().min(at + dice.between(0, 4));
        let piece =
            dice.pick(&[&b""[..], &[0; 5], &[0; 9], b"\n", b"\r\n", b"\0", b"\xff", b"\xc3", b"\x01\0\0\0"]);
        bytes.splice(at..end, piece.iter().copied());
    }
    bytes
}

/// Hands `bytes` to a connection, in pieces between the cuts and by its own buffer where it lends one, then the end.
///
/// # Panics
/// If the connection breaks its contract: an event behind the close report, input left though it reads.
#[must_use]
pub fn hear(codec: &Arc<dyn Codec>, limit: usize, bytes: &[u8], cuts: &[usize]) -> Heard {
    let mut config = Config::default();
    config.max_message = limit;
    let mut connection = Connection::new(NOW, codec.clone(), &config.into());
    let (mut heard, mut from) = ((Vec::new(), None), 0);
    for &to in cuts.iter().chain([&bytes.len()]) {
        let mut piece = &bytes[from..to];
        if let Some(space) = connection.read_space() {
            let n = space.len().min(piece.len());
            space[..n].copy_from_slice(&piece[..n]);
            connection.handle_read(NOW, n);
            piece = &piece[n..];
        }
        listen(&mut connection, piece, &mut heard);
        from = to;
    }
    connection.receive_end(NOW, End::Eof);
    listen(&mut connection, &[], &mut heard);
    heard
}

fn listen(connection: &mut Connection<Arc<dyn Codec>>, piece: &[u8], heard: &mut Heard) {
    let mut piece = piece.to_vec();
    let mut input = Input::new(&mut piece);
    while let Some(event) = connection.receive(NOW, &mut input) {
        assert!(heard.1.is_none(), "an event behind the close report");
        match event {
            Event::Message(message) => heard.0.push(message.into_owned()),
            Event::Closed(closed) => heard.1 = Some(*closed),
            other => panic!("{other:?}"),
        }
    }
    assert!(input.is_empty(), "input is left");
}

/// The fuzz target: its first bytes choose a codec, a limit and cuts, the rest is the stream. It says the same whole, cut
/// and byte by byte, and what can be written again is read as the same.
pub fn framed(data: &[u8]) {
    let Some((choices, bytes)) = data.split_at_checked(16) else { return };
    let mut dice = Dice::replaying(choices);
    let (codec, limit) = (codec(&mut dice), dice.pick(&[1 << 20, 300, 16, 0]));
    let whole = hear(&codec, limit, bytes, &[]);
    assert_eq!(hear(&codec, limit, bytes, &cuts(&mut dice, bytes.len(), 4)), whole);
    assert_eq!(hear(&codec, limit, bytes, &(1..bytes.len()).collect::<Vec<_>>()), whole);
    assert!(whole.1.is_some(), "no end");
    for message in &whole.0 {
        assert!(message.payload().len() <= limit);
        let mut sender = Connection::new(NOW, codec.clone(), &Config::default().into());
        if sender.send(NOW, message.as_lent()).is_ok() {
            let mut again = Vec::new();
            sender.output(NOW).drain_into(&mut again);
            assert_eq!(hear(&codec, limit, &again, &[]).0, std::slice::from_ref(message));
        }
    }
    let raw: Arc<dyn Codec> = Arc::new(Raw);
    let pieces = hear(&raw, limit, bytes, &cuts(&mut dice, bytes.len(), 4)).0;
    assert_eq!(pieces.iter().flat_map(Message::payload).copied().collect::<Vec<_>>(), bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn streams_are_whole_and_wounded() {
        let mut ends = BTreeMap::<String, u32>::new();
        for seed in 0..3000 {
            let mut dice = Dice::seeded(seed);
            let codec = codec(&mut dice);
            let bytes = stream(&mut dice, &codec, 400);
            let (messages, closed) = hear(&codec, 400, &bytes, &[]);
            let cause = closed.expect("an end").cause.to_string();
            *ends.entry(cause).or_default() += u32::from(!messages.is_empty());
        }
        for end in [
            "closing handshake",
            "the stream was truncated",
            "a message is over 400 bytes",
            "text is not UTF-8",
            "a frame of length zero",
            "a length is out of range",
        ] {
            assert!(ends.get(end).is_some_and(|n| *n >= 10), "{end} is rare in {ends:?}");
        }
    }

    #[test]
    fn any_stream_says_the_same_however_it_is_cut() {
        for seed in 0..3000 {
            let mut dice = Dice::seeded(seed);
            let choices = dice.bytes(16);
            let codec = codec(&mut Dice::replaying(&choices));
            let bytes = stream(&mut dice, &codec, 500);
            framed(&[&choices[..], &bytes].concat());
        }
    }
}
