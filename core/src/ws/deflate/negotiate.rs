//! The four parameters (RFC 7692 section 7.1), both sides.

use super::Config;
use crate::ws::handshake::Extension;
use alloc::format;
use alloc::string::String;

/// The extension's name.
// RFC 6455 9.1: "Any extension-token used MUST be a registered token"
pub(in crate::ws) const NAME: &str = "permessage-deflate";

/// What both sides agreed on: the server's answer.
///
/// ```
/// let parameters = wharf::ws::deflate::Parameters::default();
/// assert_eq!(parameters.server_max_window_bits, None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parameters {
    /// The server does not take over its context (section 7.1.1.1).
    pub server_no_context_takeover: bool,
    /// The client does not take over its context (section 7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The server's window, from 8 to 15; 15 if not told (section 7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// The client's window, from 8 to 15; 15 if not told (section 7.1.2.2).
    pub client_max_window_bits: Option<u8>,
}

/// What a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Offered {
    parameters: Parameters,
}

impl Parameters {
    /// A server's answer to one offer of the extension. `None`: it cannot be met.
    pub(in crate::ws) fn accept(offer: &Extension, config: &Config) -> Option<Self> {
        // RFC 7692 5: "The element MUST represent a PMCE that is fully supported by the server"
        // RFC 7692 7: "A server MUST decline an extension negotiation offer for this extension"
        let offer = Parsed::parse(offer)?;
        let bits = match offer.server_max_window_bits {
            // Nothing can be compressed in such a window.
            Some(8) => return None,
            bits => bits.unwrap_or(15).min(config.window_bits()),
        };
        // "The server MUST NOT include it" unless it was offered. The nearest that is asked for is told.
        // RFC 7692 7.1.2.2: "extension negotiation response to the offer MUST NOT include"
        let client_bits = offer.client_max_window_bits.map(|bits| bits.unwrap_or(15));
        let asked = config.peer_window_bits();
        let inflates_on = !offer.client_no_context_takeover && config.inflates_on();
        Some(Self {
            // RFC 6455 9: "those parameters MUST be chosen in accordance with the specification of the extension"
            server_no_context_takeover: offer.server_no_context_takeover
                || !config.deflates_on(bits, inflates_on),
            client_no_context_takeover: !inflates_on,
            server_max_window_bits: offer.server_max_window_bits.map(|_| bits),
            client_max_window_bits: client_bits.map(|bits| bits.min(asked)).filter(|bits| *bits < 15),
        })
    }

    /// As it stands in the field `Sec-WebSocket-Extensions`.
    pub(in crate::ws) fn to_field(self) -> String {
        self.field_with(false)
    }

    fn field_with(self, limits_client: bool) -> String {
        let mut field = String::from(NAME);
        // RFC 6455 9.1: "The parameters supplied with any given extension MUST be defined for that extension"
        for (name, told) in [
            ("server_no_context_takeover", self.server_no_context_takeover),
            ("client_no_context_takeover", self.client_no_context_takeover),
        ] {
            if told {
                field.push_str("; ");
                field.push_str(name);
            }
        }
        if let Some(bits) = self.server_max_window_bits {
            // RFC 7692 7.1.2.1: "This parameter has a decimal integer value without leading zeroes"
            // RFC 7692 7.1.2.1: "extension negotiation response has a decimal integer value"
            field.push_str(&format!("; server_max_window_bits={bits}"));
        }
        match self.client_max_window_bits {
            // RFC 7692 7.1.2.2: "If a value is specified for this parameter"
            // RFC 7692 7.1.2.2: "extension negotiation response has a decimal integer value"
            Some(bits) => field.push_str(&format!("; client_max_window_bits={bits}")),
            None if limits_client => field.push_str("; client_max_window_bits"),
            None => {}
        }
        field
    }
}

impl Offered {
    /// What a client of this configuration offers.
    pub(in crate::ws) fn new(config: &Config) -> Self {
        let (inflates_on, bits) = (config.inflates_on(), config.window_bits());
        let limit = |bits: u8| Some(bits).filter(|bits| *bits < 15);
        Self {
            parameters: Parameters {
                server_no_context_takeover: !inflates_on,
                client_no_context_takeover: !config.deflates_on(bits, inflates_on),
                // RFC 7692 5: "the client MUST inform the server of its LZ77 window size"
                server_max_window_bits: limit(config.peer_window_bits()),
                client_max_window_bits: limit(bits),
            },
        }
    }

    /// As it stands in the field `Sec-WebSocket-Extensions`. The window may always be limited, so that is said.
    pub(in crate::ws) fn to_field(self) -> String {
        self.parameters.field_with(true)
    }

    /// What the server's answer makes of it; `None` if that answers another offer, or none.
    pub(in crate::ws) fn check(&self, answer: &Extension) -> Option<Parameters> {
        // RFC 7692 7: "A client MUST _Fail the WebSocket Connection_ if the peer server accepted"
        let (offered, answer) = (&self.parameters, Parsed::parse(answer)?);
        // In an answer the parameter has a value (section 7.1.2.2).
        let client_bits = match answer.client_max_window_bits {
            Some(None) => return None,
            bits => bits.flatten(),
        };
        let kept = match (offered.server_max_window_bits, answer.server_max_window_bits) {
            (Some(asked), given) => given.is_some_and(|given| given <= asked),
            (None, _) => true,
        };
        let limited = client_bits.is_none_or(|bits| bits <= offered.client_max_window_bits.unwrap_or(15));
        let alone = answer.server_no_context_takeover || !offered.server_no_context_takeover;
        (kept && limited && alone).then_some(Parameters {
            server_no_context_takeover: answer.server_no_context_takeover,
            // RFC 7692 7.1.1.2: "A client MUST support the "client_no_context_takeover" extension parameter"
            client_no_context_takeover: answer.client_no_context_takeover
                || offered.client_no_context_takeover,
            server_max_window_bits: answer.server_max_window_bits,
            client_max_window_bits: client_bits.or(offered.client_max_window_bits),
        })
    }
}

/// An offer or an answer whose parameters are known, valid, and there once.
#[derive(Default)]
struct Parsed {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    /// In an offer the value may be left out.
    client_max_window_bits: Option<Option<u8>>,
}

impl Parsed {
    fn parse(extension: &Extension) -> Option<Self> {
        let mut parsed = Self::default();
        for (name, value) in &extension.parameters {
            let bits = match value.as_deref().map(window_bits) {
                Some(None) => return None,
                bits => bits.flatten(),
            };
            let twice = match &*name.to_ascii_lowercase() {
                "server_no_context_takeover" if bits.is_none() => {
                    core::mem::replace(&mut parsed.server_no_context_takeover, true)
                }
                "client_no_context_takeover" if bits.is_none() => {
                    core::mem::replace(&mut parsed.client_no_context_takeover, true)
                }
                "server_max_window_bits" if bits.is_some() => {
                    core::mem::replace(&mut parsed.server_max_window_bits, bits).is_some()
                }
                "client_max_window_bits" => parsed.client_max_window_bits.replace(bits).is_some(),
                _ => true,
            };
            if twice {
                return None;
            }
        }
        Some(parsed)
    }
}

/// "A decimal integer value without leading zeroes between 8 to 15" (section 7.1.2.1).
fn window_bits(value: &str) -> Option<u8> {
    let bits = value.parse().ok().filter(|bits| (8..=15).contains(bits))?;
    (!value.starts_with(['0', '+'])).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::handshake::Extensions;

    fn extension(parameters: &str) -> Extension {
        Extensions::parse(&format!("{NAME}{parameters}")).unwrap().next().unwrap()
    }

    fn accept(offer: &str, config: &Config) -> Option<String> {
        Parameters::accept(&extension(offer), config).map(Parameters::to_field)
    }

    fn all() -> Config {
        Config { takeover: true, peer_takeover: true, ..Config::default() }
    }

    #[test]
    fn a_server_answers_each_parameter() {
        // RFC 6455 9: "those parameters MUST be chosen in accordance with the specification of the extension"
        // RFC 7692 7.1.2.1: "extension negotiation response has a decimal integer value"
        // RFC 7692 7.1.2.2: "extension negotiation response has a decimal integer value"
        // RFC 7692 7.1.2.2: "extension negotiation response to the offer MUST NOT include"
        for (offer, answer) in [
            ("", ""),
            ("; client_max_window_bits", ""),
            ("; client_max_window_bits=10", "; client_max_window_bits=10"),
            ("; server_max_window_bits=10", "; server_max_window_bits=10"),
            ("; server_max_window_bits=15", "; server_max_window_bits=15"),
            ("; SERVER_max_window_bits=\"9\"", "; server_max_window_bits=9"),
            ("; server_no_context_takeover", "; server_no_context_takeover"),
            ("; client_no_context_takeover", "; client_no_context_takeover"),
        ] {
            assert_eq!(accept(offer, &all()).as_deref(), Some(&*format!("{NAME}{answer}")), "{offer}");
        }
        let none = "; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(accept("", &Config::default()), Some(format!("{NAME}{none}")));
        let narrow = Config { window_bits: 11, peer_window_bits: 9, ..all() };
        assert_eq!(accept("", &narrow).as_deref(), Some(NAME), "no limit that was not offered");
        assert_eq!(
            accept("; server_max_window_bits=15; client_max_window_bits=12", &narrow),
            Some(format!("{NAME}; server_max_window_bits=11; client_max_window_bits=9"))
        );
    }

    #[test]
    fn offers_that_cannot_be_met_are_declined() {
        // RFC 7692 5: "The element MUST represent a PMCE that is fully supported by the server"
        // RFC 7692 7: "A server MUST decline an extension negotiation offer for this extension"
        for offer in [
            "; server_max_window_bits=8",
            "; server_max_window_bits",
            "; server_max_window_bits=7",
            "; server_max_window_bits=16",
            "; server_max_window_bits=010",
            "; server_max_window_bits=+9",
            "; client_max_window_bits=x",
            "; client_max_window_bits=7",
            "; server_no_context_takeover=10",
            "; client_no_context_takeover=1",
            "; client_no_context_takeover; client_no_context_takeover",
            "; server_no_context_takeover; server_no_context_takeover",
            "; client_max_window_bits; client_max_window_bits=10",
            "; server_max_window_bits=9; server_max_window_bits=9",
            "; something_else",
        ] {
            assert_eq!(accept(offer, &all()), None, "{offer}");
        }
        assert!(accept("; client_max_window_bits=8", &all()).is_some(), "inflating it is no trouble");
    }

    #[test]
    fn a_client_offers_what_it_is_told_to() {
        // RFC 6455 9.1: "Any extension-token used MUST be a registered token"
        // RFC 6455 9.1: "The parameters supplied with any given extension MUST be defined for that extension"
        // RFC 7692 5: "the client MUST inform the server of its LZ77 window size"
        // RFC 7692 7.1.2.1: "This parameter has a decimal integer value without leading zeroes"
        // RFC 7692 7.1.2.2: "If a value is specified for this parameter"
        assert_eq!(Offered::new(&all()).to_field(), format!("{NAME}; client_max_window_bits"));
        let narrow = Config { window_bits: 11, peer_window_bits: 8, ..Config::default() };
        assert_eq!(
            Offered::new(&narrow).to_field(),
            format!(
                "{NAME}; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8; \
                 client_max_window_bits=11"
            )
        );
    }

    #[test]
    fn a_client_checks_the_answer() {
        // RFC 7692 7: "A client MUST _Fail the WebSocket Connection_ if the peer server accepted"
        // RFC 7692 7.1.1.2: "A client MUST support the "client_no_context_takeover" extension parameter"
        let check = |config: &Config, answer: &str| Offered::new(config).check(&extension(answer));
        let narrow = Config { window_bits: 11, peer_window_bits: 10, ..Config::default() };
        for (answer, to_all, to_narrow) in [
            ("", true, false),
            ("; server_no_context_takeover", true, false),
            ("; server_no_context_takeover; server_max_window_bits=10", true, true),
            ("; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8", true, true),
            ("; server_no_context_takeover; server_max_window_bits=11", true, false),
            (
                "; server_no_context_takeover; server_max_window_bits=8; client_max_window_bits=12",
                true,
                false,
            ),
            ("; server_max_window_bits=10", true, false),
            ("; client_no_context_takeover", true, false),
            ("; client_max_window_bits", false, false),
            ("; client_no_context_takeover; client_no_context_takeover", false, false),
            ("; server_max_window_bits=20", false, false),
            ("; what", false, false),
        ] {
            assert_eq!(check(&all(), answer).is_some(), to_all, "{answer}");
            assert_eq!(check(&narrow, answer).is_some(), to_narrow, "{answer}");
        }
        let alone = check(&all(), "; client_no_context_takeover").unwrap();
        assert!(alone.client_no_context_takeover, "the server asked for it");
        let agreed = check(&narrow, "; server_no_context_takeover; server_max_window_bits=9").unwrap();
        assert!(agreed.client_no_context_takeover, "what was offered holds though it was not answered");
        assert_eq!(agreed.client_max_window_bits, Some(11));
    }

    /// Whatever a client offers and a server accepts, the client takes.
    #[test]
    fn our_own_sides_always_agree() {
        let mut configs = alloc::vec::Vec::new();
        for window_bits in [9, 12, 15] {
            for peer_window_bits in [8, 9, 15] {
                for (takeover, peer_takeover) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    let config = Config { window_bits, peer_window_bits, ..Config::default() };
                    configs.push(Config { takeover, peer_takeover, ..config });
                }
            }
        }
        for client in &configs {
            for server in &configs {
                let offered = Offered::new(client);
                let offer = Extensions::parse(&offered.to_field()).unwrap().next().unwrap();
                let Some(answer) = Parameters::accept(&offer, server) else {
                    assert_eq!(client.peer_window_bits, 8);
                    continue;
                };
                let field = answer.to_field();
                let answer = Extensions::parse(&field).unwrap().next().unwrap();
                assert!(offered.check(&answer).is_some(), "{} answered by {field}", offered.to_field());
            }
        }
    }
}
