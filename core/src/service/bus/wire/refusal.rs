//! A frame that is refused.

use super::{FromBus, Reason};
use alloc::borrow::Cow;
use alloc::string::String;

/// Why a frame cannot be read, for its sender.
///
/// ```
/// use wharf::service::bus::{Reason, ToBus};
///
/// let refusal = ToBus::decode(r#"{"type":"sing"}"#).unwrap_err();
/// assert_eq!(refusal.reason, Reason::Invalid);
/// assert_eq!(refusal.to_string(), "invalid: unknown type");
/// let told = r#"{"type":"error","reason":"invalid","detail":"unknown type"}"#;
/// assert_eq!(refusal.frame().encode(), told);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
#[non_exhaustive]
pub struct Refusal {
    /// What it is, for programs.
    pub reason: Reason,
    /// What it is, for people.
    pub detail: Cow<'static, str>,
    /// The message that it is about, by whatever it calls itself.
    pub message_id: Option<String>,
}

impl Refusal {
    pub(in crate::service::bus) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into(), message_id: None }
    }

    pub(in crate::service::bus) fn for_id(self, message_id: Option<String>) -> Self {
        Self { message_id, ..self }
    }

    /// What the bus answers: `rejected` where a message is refused that has an id, else an `error`.
    #[must_use]
    pub fn frame(&self) -> FromBus<'_> {
        let detail = (!self.detail.is_empty()).then_some(Cow::Borrowed(&*self.detail));
        match &self.message_id {
            Some(id) => FromBus::Rejected { message_id: Cow::Borrowed(id), reason: self.reason, detail },
            None => FromBus::Error { reason: self.reason, detail },
        }
    }
}
