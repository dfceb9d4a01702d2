//! The store: well, slow, failing or away.

use super::site::{Event, Site};
use wharf::service::history::{Ask, Failure};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    Slow,
    Failing,
    Away,
}

impl Site {
    pub(super) fn ask(&mut self, ask: &Ask) {
        self.asks += 1;
        let (mood, dice) = (self.mood, &mut self.dice);
        let fails = mood == Mood::Away || (mood == Mood::Failing && dice.percent(60));
        // A failure may come before it is carried out, or behind.
        let is_carried_out = !fails || dice.percent(40);
        let answer = is_carried_out.then(|| self.memory.carry_out(ask));
        if let Ask::Write(batch) = ask {
            self.seen.withdrawn += u64::from(!batch.withdraw.is_empty());
        }
        let answer = answer.filter(|_| !fails).ok_or_else(|| Failure::Away("on purpose".into()));
        let delay = match mood {
            Mood::Well => 3,
            Mood::Failing | Mood::Away => 200,
            Mood::Slow => 15_000,
        };
        self.print(|| format!("asked {ask:?}: {answer:?}"));
        self.within(delay, Event::Answered(self.asks, answer));
    }
}
