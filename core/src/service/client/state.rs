//! Whether a client is connected.

use super::Failure;
use crate::base::Wall;

/// How a client is. It is worked out in the same call as what changes it, so that it is never behind.
///
/// With feature `json` it serialises as `{isConnected, lastError, reconnectCount, lastConnectTime}`, the time in milliseconds since
/// 1970.
///
/// ```
/// use wharf::service::client::State;
///
/// let state = State::default();
/// assert!(!state.is_connected && state.last_error.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "json", derive(serde::Serialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub struct State {
    /// Whether there is a connection: from its opening until its end is known, or it is given up.
    pub is_connected: bool,
    /// Why there is none; `None` while there is, and before the first attempt has failed.
    pub last_error: Option<Failure>,
    /// How often it was connected again: attempts that succeeded, without the first one.
    pub reconnect_count: u64,
    /// When it was connected last.
    #[cfg_attr(feature = "json", serde(serialize_with = "millis"))]
    pub last_connect_time: Option<Wall>,
}

#[cfg(feature = "json")]
#[allow(clippy::ref_option, reason = "serde asks for it so")]
fn millis<S: serde::Serializer>(time: &Option<Wall>, serializer: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&time.map(Wall::as_millis), serializer)
}

#[cfg(all(test, feature = "json"))]
mod tests {
    use super::*;
    use crate::link::DialError;
    use serde_json::{json, to_value};

    #[test]
    fn the_keys() {
        let mut state = State::default();
        let expected =
            json!({"isConnected": false, "lastError": null, "reconnectCount": 0, "lastConnectTime": null});
        assert_eq!(to_value(&state).unwrap(), expected);
        state.last_error = Some(DialError::TimedOut.into());
        state.last_connect_time = Some(Wall::from_millis(7));
        let error = json!({"kind": "dial", "detail": "connect: timed out", "isFatal": false});
        let expected =
            json!({"isConnected": false, "lastError": error, "reconnectCount": 0, "lastConnectTime": 7});
        assert_eq!(to_value(&state).unwrap(), expected);
    }
}
