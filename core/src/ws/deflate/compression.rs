//! What a connection keeps of the extension: what was agreed, and contexts while it needs them.

use super::{Config, Parameters};
use crate::base::{Contexts, Deflater, Inflater, Scratch};
use crate::ws::Role;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What was agreed, and contexts for as long as they are needed.
#[derive(Default)]
pub(in crate::ws) struct Compression {
    terms: Terms,
    own: Option<Box<Own>>,
    /// Given by the thread for a turn, and only then.
    lent: Option<Box<Contexts>>,
}

/// What was agreed, seen from this side.
#[derive(Clone, Copy, Debug, Default)]
struct Terms {
    negotiated: bool,
    /// The largest window that the peer inflates with.
    bits: u8,
    deflates_on: bool,
    inflates_on: bool,
}

/// The inflater of a message on its way, and what is taken over from one message to the next.
#[derive(Default)]
struct Own {
    deflater: Option<Deflater>,
    inflater: Option<Inflater>,
}

impl Compression {
    /// Compressed buffers larger than this are not kept for the next message.
    const KEEP: usize = 64 * 1024;

    /// As `parameters` say, for a side of `role` that wants what `config` says.
    pub(in crate::ws) fn new(role: Role, parameters: &Parameters, config: &Config) -> Self {
        let server = (parameters.server_no_context_takeover, parameters.server_max_window_bits);
        let client = (parameters.client_no_context_takeover, parameters.client_max_window_bits);
        let ((own_alone, bits), (peer_alone, _)) = match role {
            Role::Server => (server, client),
            Role::Client => (client, server),
        };
        // RFC 7692 5: "both endpoints MUST use the algorithm described in Section 6"
        // RFC 7692 7.2.1: "An endpoint MUST NOT use an LZ77 sliding window longer than 32,768 bytes"
        // RFC 7692 7.2.1: "the client MUST NOT use an LZ77 sliding window longer than"
        // RFC 7692 7.2.1: "the server MUST NOT use an LZ77 sliding window longer than"
        // RFC 7692 7.2.2: "the client MUST use an LZ77 sliding window of a size that conforms"
        let bits = bits.unwrap_or(15).min(config.window_bits());
        let inflates_on = !peer_alone;
        // There is no compressor with a window of 8 bits to go on with.
        let deflates_on = !own_alone && bits > 8 && config.deflates_on(bits, inflates_on);
        let terms = Terms { negotiated: true, bits, deflates_on, inflates_on };
        Self { terms, own: None, lent: None }
    }

    #[inline]
    pub(in crate::ws) fn is_negotiated(&self) -> bool {
        self.terms.negotiated
    }

    /// The window in which the peer can inflate a message that was compressed for many; `None` if this connection
    /// takes messages like that only from its own context.
    pub(in crate::ws) fn shared_bits(&self) -> Option<u8> {
        (self.terms.negotiated && !self.terms.deflates_on).then_some(self.terms.bits)
    }

    #[inline]
    pub(in crate::ws) fn lend(&mut self, scratch: &mut Scratch) {
        if self.terms.negotiated && self.lent.is_none() {
            self.lent = Some(scratch.contexts.take().unwrap_or_default());
        }
    }

    #[inline]
    pub(in crate::ws) fn reclaim(&mut self, scratch: &mut Scratch) {
        if let Some(lent) = self.lent.take() {
            scratch.contexts = Some(lent);
        }
    }

    /// The inflater of the message on its way.
    pub(super) fn inflater(&mut self) -> &mut Inflater {
        let lent = self.lent.as_mut();
        let make = || lent.and_then(|lent| lent.inflater.take()).unwrap_or_else(Inflater::new);
        self.own.get_or_insert_default().inflater.get_or_insert_with(make)
    }

    /// The message on its way was inflated. `false`: it stopped inside of a block, as far as can be told: a context that is
    /// taken over goes on where it stands, and the next message would be corrupt.
    pub(super) fn end_message(&mut self) -> bool {
        // RFC 7692 7.2.2: "Otherwise, the client MUST decompress each new message using"
        // RFC 7692 7.2.2: "Otherwise, the server MUST decompress each new message using"
        // RFC 7692 7.2.2: "Note that even if the client has included the "client_no_context_takeover""
        if self.terms.inflates_on {
            return true;
        }
        let Some(mut inflater) = self.own.as_mut().and_then(|own| own.inflater.take()) else { return true };
        let whole = inflater.finish();
        self.forget_empty();
        if let Some(lent) = &mut self.lent {
            lent.inflater.get_or_insert(inflater);
        }
        whole
    }

    /// Compresses `payload` into `out`. `false` if it would not become shorter: it is to be sent as it is.
    pub(super) fn compress(&mut self, config: &Config, payload: &[u8], out: &mut Vec<u8>) -> bool {
        let Terms { bits, deflates_on, .. } = self.terms;
        let level = config.level;
        if deflates_on {
            let own = self.own.get_or_insert_default();
            let deflater = own.deflater.get_or_insert_with(|| Deflater::new(level, bits));
            let shorter = deflater.compress(payload, out);
            if !shorter {
                // The peer will not see what the context has seen.
                deflater.reset();
            }
            return shorter;
        }
        // No distance is longer than the message, so any window does for one that fits into the peer's.
        let fits = payload.len() <= 1 << bits;
        if bits < 9 && !fits {
            return false;
        }
        let bits = if fits { config.window_bits() } else { bits };
        // Outside of a turn a compressor is made for this message alone: it is too large to wait for a turn.
        let mut temporary = None;
        let slot = self.lent.as_mut().map_or(&mut temporary, |lent| &mut lent.deflater);
        if slot.as_ref().is_some_and(|deflater| !deflater.is_of(level, bits)) {
            *slot = None;
        }
        let deflater = slot.get_or_insert_with(|| Deflater::new(level, bits));
        let shorter = deflater.compress(payload, out);
        // RFC 7692 7.2.1: "the client MUST start compressing each new message with an empty"
        // RFC 7692 7.2.1: "the server MUST start compressing each new message with an empty"
        deflater.reset();
        shorter
    }

    /// A buffer to compress into.
    pub(super) fn take_buffer(&mut self) -> Vec<u8> {
        self.lent.as_mut().map(|lent| core::mem::take(&mut lent.buffer)).unwrap_or_default()
    }

    pub(super) fn return_buffer(&mut self, buffer: Vec<u8>) {
        if let Some(lent) = self.lent.as_mut().filter(|_| buffer.capacity() <= Self::KEEP) {
            lent.buffer = buffer;
        }
    }

    /// Nothing more is sent.
    pub(in crate::ws) fn end_sending(&mut self) {
        if let Some(own) = &mut self.own {
            own.deflater = None;
        }
        self.forget_empty();
    }

    /// Nothing more is received.
    pub(in crate::ws) fn end_receiving(&mut self) {
        if let Some(own) = &mut self.own {
            own.inflater = None;
        }
        self.forget_empty();
    }

    fn forget_empty(&mut self) {
        self.own.take_if(|own| own.deflater.is_none() && own.inflater.is_none());
    }
}
