//! What is read is written the same, and what is refused has an answer.

use wharf::service::bus::{Envelope, FromBus, ToBus};

/// The longest answer to a frame: an id of 1,024 bytes, each of which is escaped, and what a parser says.
const LONGEST: usize = 7 * 1024;

/// A text as a frame of either side, and as a message.
pub(super) fn check(text: &str) {
    match ToBus::decode(text) {
        Ok(frame) => {
            let encoded = frame.encode();
            assert!(!encoded.contains('\n'), "two lines");
            match (frame, ToBus::decode(&encoded)) {
                (ToBus::Message(message), Ok(ToBus::Message(again))) => is_same(&message, &again),
                (frame, again) => assert_eq!(again, Ok(frame), "{encoded}"),
            }
        }
        Err(refusal) => {
            let (frame, encoded) = (refusal.frame(), refusal.frame().encode());
            assert!(encoded.len() <= LONGEST, "{} bytes", encoded.len());
            assert_eq!(FromBus::decode(&encoded), Ok(frame));
        }
    }
    if let Ok(frame) = FromBus::decode(text) {
        said(&frame, &frame.encode());
    }
    if let Ok(message) = Envelope::decode(text) {
        is_same(&message, &Envelope::decode(message.body()).expect("it was one"));
    }
}

/// What the bus says is one line, and says what it means.
pub(super) fn said(frame: &FromBus<'_>, encoded: &str) {
    assert!(!encoded.contains('\n'), "two lines");
    assert_eq!(FromBus::decode(encoded).as_ref(), Ok(frame), "{encoded}");
    assert_eq!(frame.encode(), encoded);
}

/// All but the number of attempts, which is the bus's to tell.
fn is_same(message: &Envelope, again: &Envelope) {
    assert_eq!((&message.id, &message.from, &message.to), (&again.id, &again.from, &again.to));
    assert_eq!((&message.kind, message.body()), (&again.kind, again.body()));
    assert_eq!((message.payload(), message.timestamp()), (again.payload(), again.timestamp()));
}
