//! The wire format of RFC 6455 section 5: headers, masks, and text that is checked as it comes.

pub mod header;
pub mod mask;
