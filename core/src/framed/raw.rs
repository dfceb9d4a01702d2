//! No framing: bytes as they come.

use super::{Codec, Header};
use crate::base::{Kind, SendError, Violation};
use alloc::vec::Vec;

/// No framing: what a read brought is one binary message, cut only at the configured limit of a message. Where the pieces
/// end says nothing about how the peer wrote them; their bytes, one after the other, are what it wrote.
///
/// Text is written as its bytes.
///
/// ```
/// use wharf::base::{Engine, Event, Input, Instant};
/// use wharf::framed::{Config, Connection, Raw};
///
/// let mut connection = Connection::new(Instant::ORIGIN, Raw, &Config::default().into());
/// let mut bytes = *b"whatever came";
/// let Some(Event::Message(message)) = connection.receive(Instant::ORIGIN, &mut Input::new(&mut bytes)) else {
///     panic!()
/// };
/// assert_eq!(message.payload(), b"whatever came");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw;

impl Codec for Raw {
    fn header(&self, _: &[u8]) -> Result<Header, Violation> {
        Ok(Header::Rest { kind: Kind::Binary })
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Binary)
    }

    fn encode_head(&self, _: Kind, _: &[u8], _: &mut Vec<u8>) -> Result<(), SendError> {
        Ok(())
    }
}
