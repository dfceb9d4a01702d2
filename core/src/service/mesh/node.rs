//! What a node is called.

use crate::base::Entropy;
use core::fmt;

/// One start of one node: 16 bytes, drawn from the node's entropy. A node that is started again is another one, whose
/// sequences begin at 1.
///
/// ```
/// use wharf::service::mesh::NodeId;
///
/// let node = NodeId::from_bytes([0xab; 16]);
/// assert_eq!(node.to_string(), "abababababababababababababababab");
/// assert_eq!(node.as_bytes(), &[0xab; 16]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId([u8; 16]);

impl NodeId {
    /// The node that is called so.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(super) fn draw(entropy: &mut Entropy) -> Self {
        Self(entropy.bytes())
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

#[cfg(feature = "json")]
impl serde::Serialize for NodeId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
