//! How a client of the bus is.

use crate::service::bus::Reason;
use crate::service::client::State;

/// Whether a client of the bus is registered, and if not, why. It is worked out in the same call as what changes it.
///
/// It serialises as `{isRegistered, lastRefusal, isConnected, lastError, reconnectCount, lastConnectTime}`.
///
/// ```
/// use wharf::service::bus::client::BusClientState;
///
/// let state = BusClientState::default();
/// assert!(!state.is_registered && !state.connection.is_connected);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BusClientState {
    /// Whether messages flow.
    pub is_registered: bool,
    /// What the bus said last that ended a connection; `None` once it is registered again.
    pub last_refusal: Option<Reason>,
    /// The connection below.
    #[serde(flatten)]
    pub connection: State,
}
