//! What a limiter counts.

/// Counters of a [`Limiter`](super::Limiter), since its begin, and what it holds now.
///
/// ```
/// let stats = wharf::service::limiter::LimiterStats::default();
/// assert_eq!(stats.admitted, 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct LimiterStats {
    /// Attempts admitted and counted.
    pub admitted: u64,
    /// Attempts admitted by the allow list, and not counted.
    pub allowed: u64,
    /// Attempts refused because the window was full.
    pub refused_by_rate: u64,
    /// Attempts refused during a block.
    pub refused_by_block: u64,
    /// Attempts refused by the deny list.
    pub denied: u64,
    /// Attempts of unknown addresses refused because there was no place.
    pub refused_full: u64,
    /// Addresses forgotten before their time, to make place.
    pub forgotten: u64,
    /// Blocks that ended before their time, to make place; each is among `forgotten` too.
    pub blocks_forgotten: u64,
    /// Addresses held now.
    pub addresses: usize,
    /// Those of them whose block was not found to be over.
    pub blocked: usize,
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use serde_json::{json, to_value};

    #[test]
    fn the_keys() {
        let expected = json!({
            "admitted": 0, "allowed": 0, "refusedByRate": 0, "refusedByBlock": 0, "denied": 0, "refusedFull": 0,
            "forgotten": 0, "blocksForgotten": 0, "addresses": 0, "blocked": 0,
        });
        assert_eq!(to_value(LimiterStats::default()).unwrap(), expected);
    }
}
