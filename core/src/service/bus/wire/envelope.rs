//! The message itself, as it goes in and comes out.

use super::compact::compact;
use super::fields::{Fields, text};
use super::{Reason, Refusal};
use crate::framed::json::JsonError;
use crate::service::bus::Name;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::ops::Range;
use serde::Serialize;
use serde_json::value::RawValue;

/// How deep the payload and unknown fields of a message may be nested; a value that is neither array nor object counts 0.
pub const MAX_DEPTH: usize = 128;

/// Longest `messageId` that a refusal repeats although it is no id, in bytes.
const MAX_ECHO: usize = 1024;

/// A message: the object under `message` of a frame.
///
/// Its tokens are handed on byte for byte, and its fields in their order, those too that nobody knows; only the white space
/// between tokens goes.
///
/// ```
/// use wharf::service::bus::{Envelope, Name, ToBus};
///
/// let (id, from, to) = (Name::new("m-1")?, Name::new("shop")?, Name::new("mail")?);
/// let envelope = Envelope::new(id, from, to, "sold", &[7, 8], 1_700_000_000_000)?;
/// assert_eq!(envelope.payload(), "[7,8]");
/// let frame = ToBus::Message(envelope.clone()).encode();
/// let ToBus::Message(decoded) = ToBus::decode(&frame)? else { panic!() };
/// assert_eq!(decoded, envelope);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope {
    /// The id that its sender gave it.
    pub id: Name,
    /// Who sent it.
    pub from: Name,
    /// Who is to have it.
    pub to: Name,
    /// Its `type`.
    pub kind: Box<str>,
    /// How many attempts it had before, as the bus tells its receiver; what a sender says here is dropped.
    pub retry_count: u32,
    body: String,
    payload: Range<usize>,
    timestamp: Range<usize>,
}

impl Envelope {
    /// A message whose `timestamp` is in milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// [`JsonError::Unwritable`] for a payload that has no JSON.
    pub fn new<T: Serialize + ?Sized>(
        id: Name,
        from: Name,
        to: Name,
        kind: &str,
        payload: &T,
        timestamp: u64,
    ) -> Result<Self, JsonError> {
        let payload = serde_json::to_string(payload).map_err(JsonError::Unwritable)?;
        let kind_json = serde_json::to_string(kind).map_err(JsonError::Unwritable)?;
        let mut body = format!(r#"{{"id":"{id}","from":"{from}","to":"{to}","type":{kind_json},"payload":"#);
        let payload = push(&mut body, &payload);
        body.push_str(r#","timestamp":"#);
        let timestamp = push(&mut body, &format!("{timestamp}"));
        body.push('}');
        Ok(Self { id, from, to, kind: kind.into(), retry_count: 0, body, payload, timestamp })
    }

    /// The message as JSON text, without `retryCount`.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The same, to have.
    #[must_use]
    pub fn into_body(self) -> String {
        self.body
    }

    /// The payload as JSON text.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.body[self.payload.clone()]
    }

    /// The `timestamp` as JSON text: a number or a string.
    #[must_use]
    pub fn timestamp(&self) -> &str {
        &self.body[self.timestamp.clone()]
    }

    /// A message out of its JSON text.
    ///
    /// # Errors
    /// A [`Refusal`] that repeats its id where there is one.
    pub fn decode(json: &str) -> Result<Self, Refusal> {
        let (body, depth) = compact(json);
        if depth > MAX_DEPTH + 1 {
            return Err(Refusal::new(Reason::Invalid, "nested too deeply").for_id(id_in(&body)));
        }
        let parsed = parse(&body)?;
        let Parsed { id, from, to, kind, retry_count, mut payload, mut timestamp, dropped } = parsed;
        let mut body = body;
        if let Some(dropped) = dropped {
            for span in [&mut payload, &mut timestamp] {
                if span.start >= dropped.end {
                    *span = span.start - dropped.len()..span.end - dropped.len();
                }
            }
            body.replace_range(dropped, "");
        }
        Ok(Self { id, from, to, kind, retry_count, body, payload, timestamp })
    }
}

/// What is to be known of a body, by places in it.
struct Parsed {
    id: Name,
    from: Name,
    to: Name,
    kind: Box<str>,
    retry_count: u32,
    payload: Range<usize>,
    timestamp: Range<usize>,
    /// `retryCount` and the comma that goes with it.
    dropped: Option<Range<usize>>,
}

fn parse(body: &str) -> Result<Parsed, Refusal> {
    let fields: Fields<'_> = serde_json::from_str(body)
        .map_err(|e| Refusal::new(Reason::Invalid, format!("message: {e}")).for_id(id_in(body)))?;
    let id_text = fields.text("id");
    let refuse = |reason, detail: &'static str| {
        Refusal::new(reason, detail)
            .for_id(id_text.as_deref().filter(|id| id.len() <= MAX_ECHO).map(Into::into))
    };
    let invalid = |detail| refuse(Reason::Invalid, detail);
    if fields.find("id").is_none() {
        return Err(invalid("message.id is missing"));
    }
    let name = |key, reason, missing, bad| match fields.find(key) {
        None => Err(invalid(missing)),
        Some(value) => match text(value) {
            None => Err(invalid(bad)),
            Some(text) => Name::new(&text).map_err(|_| refuse(reason, bad)),
        },
    };
    let id = name("id", Reason::Id, "message.id is missing", "message.id is no id")?;
    let from = name("from", Reason::From, "message.from is missing", "message.from is no id")?;
    let to = name("to", Reason::To, "message.to is missing", "message.to is no id")?;
    let kind = fields.text("type").ok_or_else(|| invalid("message.type is no string"))?;
    let payload = fields.find("payload").ok_or_else(|| invalid("message.payload is missing"))?;
    let timestamp = fields.find("timestamp").ok_or_else(|| invalid("message.timestamp is missing"))?;
    if !timestamp.get().starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
        return Err(invalid("message.timestamp is neither a number nor a string"));
    }
    let retry_count = fields.find("retryCount").and_then(|count| count.get().parse().ok()).unwrap_or(0);
    Ok(Parsed {
        id,
        from,
        to,
        kind: kind.into(),
        retry_count,
        payload: span(body, payload),
        timestamp: span(body, timestamp),
        dropped: entry(body, &fields, "retryCount"),
    })
}

/// Where a value stands in the text that it is lent by.
fn span(body: &str, value: &RawValue) -> Range<usize> {
    let at = value.get().as_ptr() as usize - body.as_ptr() as usize;
    at..at + value.get().len()
}

/// Where an entry of a compact object stands, with the comma that goes with it.
fn entry(body: &str, fields: &Fields<'_>, key: &str) -> Option<Range<usize>> {
    let i = fields.0.iter().position(|(other, _)| other == key)?;
    let end = span(body, fields.0[i].1).end;
    Some(match i.checked_sub(1) {
        Some(before) => span(body, fields.0[before].1).end..end,
        // The first one takes the comma behind it; there are others, since it is none of those that must be.
        None => 1..(end + 1).min(body.len()),
    })
}

/// The id of a message that is otherwise no good, if it has one.
fn id_in(body: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Id {
        id: String,
    }
    serde_json::from_str::<Id>(body).ok().map(|found| found.id).filter(|id| id.len() <= MAX_ECHO)
}

fn push(body: &mut String, json: &str) -> Range<usize> {
    let start = body.len();
    body.push_str(json);
    start..body.len()
}
