//! A framing of one's own: RESP, the protocol of Redis, as a `Codec` written outside of the crate, and a client machine
//! over its messages that knows no socket.
//!
//! `cargo run -p wharf-tests --example resp -- 127.0.0.1:6379 SET greeting ahoy` sends one command and prints the reply.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use wharf::base::{CloseCode, End, Engine, Event, Input, Instant, Kind, Message, SendError, Violation};
use wharf::framed::{Codec, Config, Connection, Header};

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:6379".into());
    let words: Vec<String> = args.collect();
    let words = if words.is_empty() { vec!["PING".into()] } else { words };
    for reply in ask(TcpStream::connect(address)?, &[words.iter().map(String::as_bytes).collect()])? {
        println!("{reply}");
    }
    Ok(())
}

/// Each element of RESP is a message, typed by its first byte: `+OK`, `-ERR`, `:1`, `$5` with its five bytes, `*3` with
/// the number of elements that follow. A missing value, `$-1`, is of the type `_`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resp;

const LINES: &[u8] = b"+-:*_#,(%~>";
const END: &[u8] = b"\r\n";

impl Codec for Resp {
    fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        let tag = bytes[0];
        if LINES.contains(&tag) {
            let kind = Kind::Typed(tag);
            return Ok(Header::Until { kind, skip: 1, byte: b'\n', trim: 1, ends_at_eof: false });
        }
        if tag != b'$' {
            return Err(Violation::Framing("no type of RESP"));
        }
        let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
            return Ok(Header::More(bytes.len() + 1));
        };
        let length = bytes[1..=end].strip_suffix(END).and_then(|digits| str::from_utf8(digits).ok());
        match length.and_then(|digits| digits.parse::<i64>().ok()) {
            Some(-1) => Ok(Header::Payload { kind: Kind::Typed(b'_'), skip: end + 1, len: 0, trailer: 0 }),
            Some(len @ 0..) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                Ok(Header::Payload { kind: Kind::Typed(tag), skip: end + 1, len, trailer: END.len() })
            }
            _ => Err(Violation::Framing("no length of a bulk string")),
        }
    }

    fn end(&self, kind: Kind, payload: &[u8], end: &[u8]) -> Result<usize, Violation> {
        let line = match (kind, end) {
            (Kind::Typed(b'$'), _) => (end == END).then_some(payload),
            (_, []) => Some(payload),
            _ => payload.strip_suffix(b"\r"),
        };
        line.map(<[u8]>::len).ok_or(Violation::Framing("no CR and LF behind an element"))
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Typed(tag) if tag == b'$' || LINES.contains(&tag))
    }

    fn encode_head(&self, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        match kind {
            Kind::Typed(b'$') => write!(out, "${}\r\n", payload.len()).map_err(|_| SendError::Full),
            Kind::Typed(_) if payload.iter().any(|byte| END.contains(byte)) => {
                Err(SendError::ContainsDelimiter)
            }
            Kind::Typed(tag) => {
                out.push(tag);
                Ok(())
            }
            _ => Err(SendError::UnsupportedKind(kind)),
        }
    }

    fn encode_tail(&self, _: Kind, _: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(END);
    }
}

/// A whole reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Text(String),
    Error(String),
    Number(i64),
    Bytes(Vec<u8>),
    Nothing,
    List(Vec<Reply>),
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text}"),
            Self::Error(text) => write!(f, "error: {text}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Bytes(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Self::Nothing => write!(f, "nothing"),
            Self::List(list) => list.iter().try_for_each(|reply| writeln!(f, "- {reply}")),
        }
    }
}

/// Commands out, replies in. Redis answers in order, so the oldest command that waits is the one that is answered.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// Commands that wait, by the number that they were given. Whoever sends bounds them, since each is sent by it.
    waiting: VecDeque<u64>,
    next: u64,
    /// Lists that are open, innermost last, each with how many elements it lacks: at most [`Client::DEPTH`].
    open: Vec<(usize, Vec<Reply>)>,
}

/// An element where none may be, or one that cannot be read: nothing that follows can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadReply(&'static str);

impl Client {
    const DEPTH: usize = 8;
    /// Most elements of one list.
    const ELEMENTS: usize = 1 << 20;

    /// The messages that are this command, and its number.
    pub(crate) fn command(&mut self, words: &[&[u8]]) -> (u64, Vec<Message<'static>>) {
        let number = self.next;
        self.next += 1;
        self.waiting.push_back(number);
        let mut messages = vec![Message::typed(b'*', words.len().to_string().into_bytes())];
        messages.extend(words.iter().map(|word| Message::typed(b'$', word.to_vec())));
        (number, messages)
    }

    /// An element came: the reply that it completes, and the number of its command.
    pub(crate) fn element(&mut self, message: &Message<'_>) -> Result<Option<(u64, Reply)>, BadReply> {
        if self.waiting.is_empty() {
            return Err(BadReply("nothing was asked"));
        }
        let Message::Typed(tag, payload) = message else { return Err(BadReply("no element")) };
        let text = || String::from_utf8_lossy(payload).into_owned();
        let number = || text().parse::<i64>().map_err(|_| BadReply("no number"));
        let mut reply = match tag {
            b'+' => Reply::Text(text()),
            b'-' => Reply::Error(text()),
            b':' => Reply::Number(number()?),
            b'$' => Reply::Bytes(payload.to_vec()),
            b'_' => Reply::Nothing,
            b'*' => match number()? {
                -1 => Reply::Nothing,
                0 => Reply::List(vec![]),
                len @ 1.. if self.open.len() < Self::DEPTH && len as usize <= Self::ELEMENTS => {
                    // Grows with what comes and not with what is promised.
                    self.open.push((len as usize, vec![]));
                    return Ok(None);
                }
                _ => return Err(BadReply("a list too long or too deep")),
            },
            _ => return Err(BadReply("a type of RESP 3")),
        };
        while let Some((lacks, list)) = self.open.last_mut() {
            list.push(reply);
            *lacks -= 1;
            if *lacks > 0 {
                return Ok(None);
            }
            reply = Reply::List(self.open.pop().unwrap_or_default().1);
        }
        Ok(self.waiting.pop_front().map(|number| (number, reply)))
    }
}

/// All commands at once over a blocking stream, and their replies: the machine with a socket around it.
pub(crate) fn ask(mut stream: impl Read + Write, commands: &[Vec<&[u8]>]) -> io::Result<Vec<Reply>> {
    // No deadline is acted upon here, so that time stands still.
    let now = Instant::ORIGIN;
    let mut connection = Connection::new(now, Resp, &Arc::new(Config::client()));
    let (mut client, mut replies, mut buffer) = (Client::default(), Vec::new(), vec![0; 16 * 1024]);
    for command in commands {
        for message in client.command(command).1 {
            connection.send(now, message).map_err(io::Error::other)?;
        }
    }
    while replies.len() < commands.len() {
        let mut out = Vec::new();
        connection.output(now).drain_into(&mut out);
        stream.write_all(&out)?;
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            connection.receive_end(now, End::Eof);
        }
        let mut input = Input::new(&mut buffer[..n]);
        while let Some(event) = connection.receive(now, &mut input) {
            match event {
                Event::Message(message) => match client.element(&message) {
                    Ok(reply) => replies.extend(reply.map(|(_, reply)| reply)),
                    Err(BadReply(why)) => return Err(io::Error::new(io::ErrorKind::InvalidData, why)),
                },
                Event::Closed(closed) => return Err(io::Error::other(closed.to_string())),
                _ => {}
            }
        }
    }
    // It is the stream that ends with its owner; the report would say so.
    let _ = connection.close(now, CloseCode::NORMAL, "");
    Ok(replies)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::ORIGIN;

    /// What is heard of `bytes` in pieces of `size`: messages, or why it ended.
    fn hear(bytes: &[u8], size: usize) -> (Vec<(u8, Vec<u8>)>, Option<String>) {
        let mut connection = Connection::new(NOW, Resp, &Arc::default());
        let (mut messages, mut end) = (Vec::new(), None);
        for piece in bytes.chunks(size) {
            let mut piece = piece.to_vec();
            let mut input = Input::new(&mut piece);
            while let Some(event) = connection.receive(NOW, &mut input) {
                match event {
                    Event::Message(Message::Typed(tag, payload)) => {
                        messages.push((tag, payload.into_owned()))
                    }
                    Event::Closed(closed) => end = Some(closed.reason),
                    other => panic!("{other:?}"),
                }
            }
        }
        (messages, end)
    }

    #[test]
    fn every_element_in_any_pieces() {
        let bytes = b"+OK\r\n-ERR no\r\n:-1\r\n$5\r\nhe\nlo\r\n$0\r\n\r\n$-1\r\n*3\r\n_\r\n";
        let want: Vec<(u8, Vec<u8>)> = [
            (b'+', &b"OK"[..]),
            (b'-', b"ERR no"),
            (b':', b"-1"),
            (b'$', b"he\nlo"),
            (b'$', b""),
            (b'_', b""),
            (b'*', b"3"),
            (b'_', b""),
        ]
        .map(|(tag, payload)| (tag, payload.to_vec()))
        .into();
        for size in 1..=bytes.len() {
            assert_eq!(hear(bytes, size), (want.clone(), None), "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_resp_ends_the_same_in_any_pieces() {
        for bad in [
            &b"hello\r\n"[..],
            b"$x\r\n",
            b"$-2\r\n",
            b"$5\n",
            b"$1\r\nabc",
            b"+OK\n",
            b"$1234567890123456789012345678901234",
        ] {
            let whole = hear(bad, 100);
            assert!(whole.0.is_empty() && whole.1.is_some(), "{bad:?}");
            assert_eq!(hear(bad, 1), whole, "{bad:?}");
        }
    }

    #[test]
    fn commands_are_written_as_redis_reads_them() {
        let mut connection = Connection::new(NOW, Resp, &Arc::default());
        let (number, messages) = Client::default().command(&[b"SET", b"k", b"a\r\nb"]);
        for message in messages {
            connection.send(NOW, message).expect("room");
        }
        let mut out = Vec::new();
        connection.output(NOW).drain_into(&mut out);
        assert_eq!((number, &out[..]), (0, &b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"[..]));
        let refused = connection.send(NOW, Message::typed(b'+', &b"a\r\nb"[..]));
        assert_eq!(refused, Err(SendError::ContainsDelimiter));
        assert!(connection.send(NOW, Message::text("x")).is_err());
    }

    #[test]
    fn replies_go_to_their_commands() {
        let mut client = Client::default();
        let early = client.element(&Message::typed(b'+', &b"OK"[..]));
        assert_eq!(early, Err(BadReply("nothing was asked")));
        client.command(&[b"LRANGE"]);
        client.command(&[b"PING"]);
        let mut replies = Vec::new();
        for (tag, payload) in hear(b"*3\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n$-1\r\n+PONG\r\n", 3).0 {
            replies.extend(client.element(&Message::typed(tag, payload)).expect("an element"));
        }
        let inner = Reply::List(vec![Reply::Bytes(b"a".to_vec()), Reply::List(vec![])]);
        let list = Reply::List(vec![Reply::Number(1), inner, Reply::Nothing]);
        assert_eq!(replies, [(0, list), (1, Reply::Text("PONG".into()))]);
    }

    #[test]
    fn lists_are_bounded() {
        let mut client = Client::default();
        client.command(&[b"X"]);
        for _ in 0..Client::DEPTH {
            assert_eq!(client.element(&Message::typed(b'*', &b"1"[..])), Ok(None));
        }
        assert!(client.element(&Message::typed(b'*', &b"1"[..])).is_err());
        assert!(client.element(&Message::typed(b'*', &b"99999999"[..])).is_err());
    }
}
