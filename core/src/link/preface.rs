//! What a trusted hop says before all else: a PROXY header.

use crate::base::Input;
use crate::proxy::{HeaderReader, ProxyHeader, ProxyHeaderError};

/// The header on its way, until the machine was told of it.
#[derive(Debug)]
pub(super) enum Preface {
    Reading(HeaderReader),
    Read(ProxyHeader),
}

impl Preface {
    pub(super) fn new() -> Self {
        Self::Reading(HeaderReader::default())
    }

    /// Whether it has not come whole.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self, Self::Reading(_))
    }

    /// Whether nothing of it has come.
    pub(super) fn is_untouched(&self) -> bool {
        matches!(self, Self::Reading(reader) if reader.is_empty())
    }

    /// The header that has come.
    pub(super) fn header(&self) -> Option<ProxyHeader> {
        match self {
            Self::Reading(_) => None,
            Self::Read(header) => Some(*header),
        }
    }

    /// Reads on; whether what is left is for the next stage.
    pub(super) fn receive(&mut self, input: &mut Input<'_>) -> Result<bool, ProxyHeaderError> {
        let Self::Reading(reader) = self else { return Ok(true) };
        match reader.receive(input).transpose()? {
            None => Ok(false),
            Some(header) => {
                *self = Self::Read(header);
                Ok(true)
            }
        }
    }
}
