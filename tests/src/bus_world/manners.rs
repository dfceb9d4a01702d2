//! What a service does with a message.

use std::time::Duration;
use wharf::sim::Dice;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It applies it and says so.
    Apply,
    /// It applies it, and says so later.
    AckLate(Duration),
    /// It applies it later, and says so.
    ApplyLate(Duration),
    /// It refuses it.
    Refuse,
    /// It refuses it later.
    RefuseLate(Duration),
    /// It dies of it, before it is applied or behind that.
    Die {
        /// It is applied.
        is_applied: bool,
    },
}

impl Manner {
    /// The kinds of messages that there are.
    pub const KINDS: [&'static str; 4] = ["plain", "cursed", "deadly", "heavy"];

    /// Any, for a message of this kind.
    pub fn any(kind: &str, dice: &mut Dice<'_>) -> Self {
        let while_ = |dice: &mut Dice<'_>, most| Duration::from_millis(dice.between(1, most) as u64);
        match kind {
            "cursed" => Self::Refuse,
            "deadly" => Self::Die { is_applied: dice.percent(20) },
            "heavy" => Self::ApplyLate(Duration::from_secs(dice.pick(&[40, 120, 400]))),
            _ => match dice.below(100) {
                0..70 => Self::Apply,
                70..76 => Self::AckLate(while_(dice, 3000)),
                76..80 => Self::AckLate(while_(dice, 70_000)),
                80..86 => Self::ApplyLate(while_(dice, 3000)),
                86..89 => Self::ApplyLate(while_(dice, 70_000)),
                89..95 => Self::Refuse,
                95..97 => Self::RefuseLate(while_(dice, 40_000)),
                _ => Self::Die { is_applied: dice.percent(50) },
            },
        }
    }
}
