//! What a side wants of compression.

use crate::base::{Deflater, Inflater};

/// How a connection compresses, and what it offers or accepts. The limits of what is inflated are those of any message
/// ([`ws::Config`](crate::ws::Config)).
///
/// By default no context is taken over: each message stands alone, is compressed in the context of the thread, and a
/// connection owns nothing between messages.
///
/// ```
/// use wharf::ws::{Config, deflate};
///
/// let mut deflate = deflate::Config::default();
/// deflate.threshold = 1024;
/// let mut config = Config::default();
/// config.deflate = Some(deflate);
/// assert!(config.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// From 1, the fastest, to 9, the smallest. Default 6.
    pub level: u8,
    /// Shorter messages go out as they are, in bytes. Default 128.
    pub threshold: usize,
    /// The window of what this side compresses, as a power of two from 9 to 15, unless the peer asks for a smaller one.
    /// Default 15, 32 KiB.
    pub window_bits: u8,
    /// The window that is asked of the peer, from 8 to 15. It saves the peer memory, and costs compression. Default 15.
    pub peer_window_bits: u8,
    /// Compresses each message in the light of those before, unless the peer forbids it: smaller, for up to 384 KiB of
    /// memory on this side and 56 KiB on the peer's for as long as the connection lives. Default `false`.
    pub takeover: bool,
    /// Lets the peer do so, for 56 KiB of memory on this side. That much is needed in any case while a compressed message
    /// is on its way. Default `false`.
    pub peer_takeover: bool,
    /// Most bytes of contexts that one connection may keep between messages. A context that does not fit is not taken
    /// over, the peer's being the first in turn. Default 512 KiB.
    pub context_bytes: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: 6,
            threshold: 128,
            window_bits: 15,
            peer_window_bits: 15,
            takeover: false,
            peer_takeover: false,
            context_bytes: 512 * 1024,
        }
    }
}

/// A value out of its range.
///
/// ```
/// use wharf::ws::deflate::Config;
///
/// let mut config = Config::default();
/// config.level = 10;
/// let error = config.check().unwrap_err();
/// assert_eq!((error.name, error.most), ("level", 9));
/// assert_eq!(error.to_string(), "level is not from 1 to 9");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{name} is not from {least} to {most}")]
#[non_exhaustive]
pub struct ConfigError {
    /// Which value.
    pub name: &'static str,
    /// The least that makes sense.
    pub least: u8,
    /// The most.
    pub most: u8,
}

impl Config {
    /// Whether all values make sense. A connection takes the nearest that does.
    ///
    /// # Errors
    /// The first [`ConfigError`] found.
    pub fn check(&self) -> Result<(), ConfigError> {
        let values = [
            ("level", self.level, 1, 9),
            ("window_bits", self.window_bits, 9, 15),
            ("peer_window_bits", self.peer_window_bits, 8, 15),
        ];
        match values.into_iter().find(|(_, value, least, most)| !(least..=most).contains(&value)) {
            Some((name, _, least, most)) => Err(ConfigError { name, least, most }),
            None => Ok(()),
        }
    }

    /// The window that holds.
    pub(super) fn window_bits(&self) -> u8 {
        self.window_bits.clamp(9, 15)
    }

    /// The peer's window that holds.
    pub(super) fn peer_window_bits(&self) -> u8 {
        self.peer_window_bits.clamp(8, 15)
    }

    /// Whether the peer may take over its context.
    pub(super) fn inflates_on(&self) -> bool {
        self.peer_takeover && Inflater::LEN <= self.context_bytes
    }

    /// Whether this side takes over its own of `bits`, the peer doing so as `inflates_on` says.
    pub(super) fn deflates_on(&self, bits: u8, inflates_on: bool) -> bool {
        let taken = if inflates_on { Inflater::LEN } else { 0 };
        self.takeover && taken.saturating_add(Deflater::len(bits)) <= self.context_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_named() {
        assert_eq!(Config::default().check(), Ok(()));
        let wrong = Config { window_bits: 8, ..Config::default() };
        assert_eq!(wrong.check(), Err(ConfigError { name: "window_bits", least: 9, most: 15 }));
        assert_eq!(wrong.window_bits(), 9);
        let wrong = Config { level: 0, ..Config::default() };
        assert_eq!(wrong.check(), Err(ConfigError { name: "level", least: 1, most: 9 }));
    }

    #[test]
    fn contexts_have_a_budget() {
        let all = Config { takeover: true, peer_takeover: true, ..Config::default() };
        assert!(all.inflates_on() && all.deflates_on(15, true));
        let tight = Config { context_bytes: 330 * 1024, ..all };
        assert!(tight.inflates_on() && !tight.deflates_on(15, true) && tight.deflates_on(12, true));
        let none = Config { context_bytes: 0, ..all };
        assert!(!none.inflates_on() && !none.deflates_on(9, false));
    }
}
