//! What becomes of a frame that does not come as it was said.

use bytes::Bytes;
use wharf::sim::Dice;

/// What is no frame, in place of one.
pub(super) fn garbage(dice: &mut Dice<'_>, bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    match dice.below(4) {
        0 => bytes.truncate(dice.below(20)),
        1 => bytes[dice.below(2)] ^= 1 << dice.below(8),
        2 => bytes[2] = 2,
        _ => bytes[3] = 8 + dice.below(200) as u8,
    }
    bytes.into()
}

/// A frame that its node never said, in place of one: with a number that it never comes to, or a goodbye.
pub(super) fn forged(dice: &mut Dice<'_>, bytes: &Bytes) -> Bytes {
    let mut bytes = bytes.to_vec();
    let is_page = bytes[3] == 6;
    if is_page && dice.below(4) == 0 {
        bytes.truncate(20);
        bytes[3] = 7;
    }
    // Where its numbers are.
    let places: &[usize] = match bytes[3] {
        1 | 6 => &[20],
        2 | 3 => &[20, 36],
        4 => &[20, 28],
        _ => &[],
    };
    if !places.is_empty() {
        let place = dice.pick(places);
        bytes[place + 1] |= 1 << dice.below(8);
    }
    if bytes[3] == 4 && dice.below(2) == 0 {
        // As if there were more parts.
        bytes[38] = 1;
    }
    bytes.into()
}
