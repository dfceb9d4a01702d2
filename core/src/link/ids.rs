//! Names of what lives for a while: a slot and a generation, so that a late event of an old one cannot touch its
//! successor.

use core::fmt;
use slotmap::{DefaultKey, Key};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(super) DefaultKey);

        impl $name {
            /// The name as a number, unique over the life of its hub.
            #[must_use]
            pub fn as_u64(self) -> u64 {
                self.0.data().as_ffi()
            }

            /// The slot alone: small and dense, an index for an adapter's own tables. It is used again once this one
            /// is gone, so what lies there must be compared by the whole name.
            #[must_use]
            pub fn slot(self) -> usize {
                self.as_u64() as u32 as usize
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let data = self.as_u64();
                write!(f, "{}.{}", data as u32, data >> 33)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(
    /// A connection of a [`Hub`](super::Hub): slot and generation.
    ConnId
);
id!(
    /// A dial that a service asked for.
    DialId
);
id!(
    /// A job that a service submitted.
    JobToken
);
