//! Messages behind their length.

use super::{Codec, Header, MAX_HEADER};
use crate::base::{Kind, SendError, Violation};
use alloc::vec::Vec;

/// Binary messages, each behind a field with its length.
///
/// By default a message is `[length][payload]`, and the length counts the payload. The field may be 1 to 8 bytes in either
/// order, or a LEB128 varint; it may stand behind other bytes of the header ([`offset`](Self::offset)), count other bytes
/// too ([`adjustment`](Self::adjustment), [`counts_header`](Self::counts_header)), and more or less than the header may be
/// taken off the front of the message ([`skip`](Self::skip)). These mean what they mean in tokio-util's
/// `LengthDelimitedCodec`, with the limit of a message counting its payload. Text is written as its bytes.
///
/// What stands in front of the field is written as zeros, unless `skip` leaves it in the payload: then the payload has its
/// own header, which is part of its length, and is refused as [`SendError::Unframeable`] if that has another length.
///
/// ```
/// use wharf::base::{Engine, Instant, Message};
/// use wharf::framed::{Config, Connection, Field, Length, Order};
///
/// let codec = Length::new(Field::Bytes(2), Order::Little).unwrap();
/// let mut connection = Connection::new(Instant::ORIGIN, codec, &Config::default().into());
/// connection.send(Instant::ORIGIN, Message::binary(&b"ahoy"[..])).unwrap();
/// let mut written = Vec::new();
/// connection.output(Instant::ORIGIN).drain_into(&mut written);
/// assert_eq!(written, b"\x04\0ahoy");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    field: Field,
    order: Order,
    offset: usize,
    adjustment: i64,
    counts_header: bool,
    skip: Option<usize>,
}

/// How wide the field is that a length stands in.
///
/// ```
/// use wharf::framed::Field;
///
/// assert_eq!(Field::U24, Field::Bytes(3));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// So many bytes, 1 to 8.
    Bytes(u8),
    /// LEB128: seven bits a byte, the lowest first, the highest bit set on all bytes but the last. Up to ten bytes; the
    /// order does not matter to it.
    Varint,
}

impl Field {
    /// One byte.
    pub const U8: Self = Self::Bytes(1);
    /// Two bytes.
    pub const U16: Self = Self::Bytes(2);
    /// Three bytes.
    pub const U24: Self = Self::Bytes(3);
    /// Four bytes.
    pub const U32: Self = Self::Bytes(4);
    /// Eight bytes.
    pub const U64: Self = Self::Bytes(8);
}

/// In which order the bytes of a length come.
///
/// ```
/// assert_eq!(wharf::framed::Order::default(), wharf::framed::Order::Big);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// The highest first, as networks have it.
    #[default]
    Big,
    /// The lowest first.
    Little,
}

/// A description of a length that makes no sense.
///
/// ```
/// use wharf::framed::{Field, Length, LengthError, Order};
///
/// let error = Length::new(Field::Bytes(9), Order::Big).unwrap_err();
/// assert_eq!((error, &*error.to_string()), (LengthError::Width(9), "a length of 9 bytes"));
/// let varint = Length::new(Field::Varint, Order::Big).unwrap();
/// assert_eq!(varint.skip(0), Err(LengthError::VarintInPayload));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum LengthError {
    /// A field of no bytes, or of more than 8.
    #[error("a length of {0} bytes")]
    Width(u8),
    /// A header over [`MAX_HEADER`], or more than that to skip.
    #[error("a header of {size} bytes, over {MAX_HEADER}")]
    Header {
        /// The bytes of the header.
        size: usize,
    },
    /// To skip less than a varint, whose size is not known before.
    #[error("a varint cannot be part of the payload")]
    VarintInPayload,
}

/// The most bytes of a varint of 64 bits.
const VARINT: usize = 10;

impl Default for Length {
    /// Four bytes, big-endian, as tokio-util has it.
    fn default() -> Self {
        Self {
            field: Field::U32,
            order: Order::Big,
            offset: 0,
            adjustment: 0,
            counts_header: false,
            skip: None,
        }
    }
}

impl Length {
    /// A field at the begin of the message that counts the payload behind it.
    ///
    /// # Errors
    /// [`LengthError::Width`] for a field of no bytes or more than 8.
    pub fn new(field: Field, order: Order) -> Result<Self, LengthError> {
        Self { field, order, ..Self::default() }.checked()
    }

    /// So many bytes stand before the field. They are no part of the payload, unless by [`skip`](Self::skip).
    ///
    /// # Errors
    /// [`LengthError::Header`] if that makes the header longer than [`MAX_HEADER`].
    pub fn offset(mut self, bytes: usize) -> Result<Self, LengthError> {
        self.offset = bytes;
        self.checked()
    }

    /// What is added to the number in the field to have the length of the payload: negative where it counts more.
    #[must_use]
    pub fn adjustment(mut self, bytes: i32) -> Self {
        self.adjustment = bytes.into();
        self
    }

    /// The number in the field counts the header too: what stands before the field, and the field.
    #[must_use]
    pub fn counts_header(mut self) -> Self {
        self.counts_header = true;
        self
    }

    /// Where in the message the payload begins. By default behind the field; at 0 the whole header is part of it.
    ///
    /// # Errors
    /// [`LengthError::Header`] over [`MAX_HEADER`]; [`LengthError::VarintInPayload`] if a varint would be part of the payload.
    pub fn skip(mut self, bytes: usize) -> Result<Self, LengthError> {
        self.skip = Some(bytes);
        self.checked()
    }

    fn checked(self) -> Result<Self, LengthError> {
        let width = match self.field {
            Field::Bytes(width @ (0 | 9..)) => return Err(LengthError::Width(width)),
            Field::Bytes(width) => usize::from(width),
            Field::Varint => VARINT,
        };
        let size = self.offset.saturating_add(width).max(self.skip.unwrap_or(0));
        if size > MAX_HEADER {
            return Err(LengthError::Header { size });
        }
        if self.field == Field::Varint && self.skip.is_some_and(|skip| skip < self.offset + VARINT) {
            return Err(LengthError::VarintInPayload);
        }
        Ok(self)
    }

    /// The length of a payload, from the number in a field that ends a header of `size` bytes.
    fn payload_len(&self, number: u64, size: usize) -> Result<usize, Violation> {
        let less = if self.counts_header { size as i128 } else { 0 };
        let len = i128::from(number) + i128::from(self.adjustment) - less;
        if len < 0 || len > i128::from(u64::MAX) {
            return Err(Violation::LengthRange);
        }
        // Over the limit of a message in any case.
        Ok(usize::try_from(len).unwrap_or(usize::MAX))
    }

    /// The number in the field before a payload of `len` bytes, for a header of `size` bytes.
    fn number(&self, len: usize, size: usize) -> Result<u64, SendError> {
        let more = if self.counts_header { size as i128 } else { 0 };
        u64::try_from(len as i128 - i128::from(self.adjustment) + more)
            .map_err(|_| SendError::Unframeable("its length cannot be written"))
    }

    /// The header before a payload of `len` bytes: its bytes, and how many they are.
    fn encode(&self, len: usize) -> Result<([u8; MAX_HEADER], usize), SendError> {
        let mut header = [0; MAX_HEADER];
        let width = match self.field {
            Field::Bytes(width) => {
                let width = usize::from(width);
                let number = self.number(len, self.offset + width)?;
                let limit = u64::MAX >> (64 - 8 * width);
                if number > limit {
                    let spare = usize::try_from(number - limit).unwrap_or(usize::MAX);
                    return Err(SendError::TooBig { limit: len.saturating_sub(spare) });
                }
                let field = &mut header[self.offset..self.offset + width];
                match self.order {
                    Order::Big => field.copy_from_slice(&number.to_be_bytes()[8 - width..]),
                    Order::Little => field.copy_from_slice(&number.to_le_bytes()[..width]),
                }
                width
            }
            Field::Varint => self.encode_varint(len, &mut header[self.offset..])?,
        };
        Ok((header, self.offset + width))
    }

    /// Writes the shortest varint; one that counts itself may be a byte longer for it.
    fn encode_varint(&self, len: usize, field: &mut [u8]) -> Result<usize, SendError> {
        let mut width = 1;
        let mut number = self.number(len, self.offset + width)?;
        while width < VARINT && number >> (7 * width) > 0 {
            width += 1;
            number = self.number(len, self.offset + width)?;
        }
        for (i, byte) in field[..width].iter_mut().enumerate() {
            *byte = (number >> (7 * i)) as u8 & 0x7f | if i + 1 < width { 0x80 } else { 0 };
        }
        Ok(width)
    }
}

impl Codec for Length {
    fn header(&self, bytes: &[u8]) -> Result<Header, Violation> {
        let field = bytes.get(self.offset..).unwrap_or_default();
        let (number, size) = match self.field {
            Field::Bytes(width) => {
                let size = self.offset + usize::from(width);
                let Some(field) = field.get(..usize::from(width)) else { return Ok(Header::More(size)) };
                let digit = |number, byte: &u8| number << 8 | u64::from(*byte);
                let number = match self.order {
                    Order::Big => field.iter().fold(0, digit),
                    Order::Little => field.iter().rev().fold(0, digit),
                };
                (number, size)
            }
            Field::Varint => match varint(field)? {
                Some((number, width)) => (number, self.offset + width),
                None => return Ok(Header::More(bytes.len().max(self.offset) + 1)),
            },
        };
        let (len, skip) = (self.payload_len(number, size)?, self.skip.unwrap_or(size));
        if skip.saturating_add(len) < size {
            return Err(Violation::LengthRange);
        }
        Ok(Header::Payload { kind: Kind::Binary, skip, len, trailer: 0 })
    }

    fn accepts(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Text | Kind::Binary)
    }

    fn encode_head(&self, _: Kind, payload: &[u8], out: &mut Vec<u8>) -> Result<(), SendError> {
        let (header, size) = self.encode(payload.len())?;
        let skip = self.skip.unwrap_or(size);
        if skip < size {
            let from = skip.max(self.offset);
            if payload.get(from - skip..size - skip) != Some(&header[from..size]) {
                return Err(SendError::Unframeable("its header has another length"));
            }
        }
        out.extend_from_slice(&header[..skip]);
        Ok(())
    }
}

/// The number in front of `bytes` and how many bytes it is; `None` when it is cut.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, Violation> {
    let mut number = 0;
    for (i, byte) in bytes.iter().enumerate() {
        let digit = u64::from(byte & 0x7f);
        if i == VARINT - 1 && *byte > 1 {
            return Err(Violation::LengthRange);
        }
        number |= digit << (7 * i);
        if byte & 0x80 == 0 {
            return Ok(Some((number, i + 1)));
        }
    }
    Ok(None)
}
