//! The extensions of a handshake: what is offered, what is answered, what is agreed.

use super::{Extensions, HandshakeError};
use crate::ws::Config;
#[cfg(feature = "deflate")]
use crate::ws::deflate::{self, NAME, Parameters};
use alloc::string::String;

/// The extensions that both sides agreed on; none by default. A connection is told by
/// [`Connection::with_extensions`](crate::ws::Connection::with_extensions).
///
/// ```
/// let agreed = wharf::ws::handshake::Agreed::default();
/// assert!(!agreed.compresses());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Agreed {
    #[cfg(feature = "deflate")]
    pub(in crate::ws) deflate: Option<Parameters>,
}

/// What a client offers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offered {
    #[cfg(feature = "deflate")]
    deflate: Option<deflate::Offered>,
}

impl Agreed {
    /// Whether messages may be compressed (RFC 7692).
    #[must_use]
    pub fn compresses(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.deflate.is_some();
        #[cfg(not(feature = "deflate"))]
        return false;
    }

    /// The parameters of compression, if it was agreed on.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn deflate(&self) -> Option<&Parameters> {
        self.deflate.as_ref()
    }

    /// What a server makes of what a client offers: the first of its offers that can be met, others being there for
    /// servers that cannot (RFC 7692 section 5).
    pub(super) fn answer(mut offers: Extensions<'_>, config: &Config) -> Self {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &config.deflate {
            // RFC 6455 4.2.2: "specifically by selecting one or more of the values from the |Sec-WebSocket-Extensions|"
            // RFC 6455 4.2.2: "Extensions not listed by the client MUST NOT be listed"
            // RFC 6455 9: "A server MUST NOT respond with any extension not requested by the client"
            let accepted = offers.find_map(|offer| {
                let named = offer.name.eq_ignore_ascii_case(NAME);
                named.then(|| Parameters::accept(&offer, deflate)).flatten()
            });
            // RFC 7692 5: "if the PMCE will conflict with the extension on their use of the RSV1 bit"
            // RFC 7692 5: "if the PMCE will be applied to the output of the extension"
            return Self { deflate: accepted };
        }
        let _ = (&mut offers, config);
        Self::default()
    }

    /// The value of `Sec-WebSocket-Extensions` in a server's answer.
    pub(super) fn to_field(self) -> Option<String> {
        #[cfg(feature = "deflate")]
        return self.deflate.map(Parameters::to_field);
        #[cfg(not(feature = "deflate"))]
        return None;
    }
}

#[cfg(feature = "deflate")]
impl From<Parameters> for Agreed {
    fn from(parameters: Parameters) -> Self {
        Self { deflate: Some(parameters) }
    }
}

impl Offered {
    pub(super) fn new(config: &Config) -> Self {
        let _ = config;
        Self {
            #[cfg(feature = "deflate")]
            // RFC 7692 5: "To offer use of a PMCE, a client MUST include"
            deflate: config.deflate.as_ref().map(deflate::Offered::new),
        }
    }

    /// The value of `Sec-WebSocket-Extensions` in the request.
    pub(super) fn to_field(self) -> Option<String> {
        #[cfg(feature = "deflate")]
        return self.deflate.map(deflate::Offered::to_field);
        #[cfg(not(feature = "deflate"))]
        return None;
    }

    /// What a server's answer makes of it: each extension in it must have been offered, and be answered once and as it
    /// was offered (RFC 6455 section 4.1, RFC 7692 section 5).
    pub(super) fn check(self, answer: &str) -> Result<Agreed, HandshakeError> {
        let agreed = Agreed::default();
        // RFC 6455 4.1: "this header field indicates the use of an extension that was not present"
        // RFC 6455 9.1: "the recipient of such malformed data MUST immediately _Fail"
        let mut answers =
            Extensions::parse(answer).ok_or_else(|| HandshakeError::Extension(answer.into()))?;
        #[cfg(feature = "deflate")]
        let agreed = match (self.deflate, answers.next()) {
            (_, None) => agreed,
            // RFC 7692 5: "If a server gives an invalid response, such as accepting a PMCE"
            (Some(offered), Some(first)) if first.name.eq_ignore_ascii_case(NAME) => {
                let parameters = offered.check(&first);
                parameters.ok_or_else(|| HandshakeError::Extension(answer.into()))?.into()
            }
            _ => return Err(HandshakeError::Extension(answer.into())),
        };
        match answers.next() {
            // RFC 7692 5: "A client that received a response accepting a PMCE"
            // RFC 7692 5: "A client that receives a response accepting a PMCE"
            Some(_) => Err(HandshakeError::Extension(answer.into())),
            None => Ok(agreed),
        }
    }
}
