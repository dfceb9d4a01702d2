//! What a service sends.

use super::{Key, Party, Say};
use wharf::link::Context;
use wharf::service::bus::Name;
use wharf::service::bus::client::{Outcome, Outgoing, Undelivered, WhyRefused};

impl Party {
    pub(super) fn say(&mut self, cx: &mut Context<'_>, say: &Say) {
        let number = self.books.borrow_mut().number();
        let text = format!("{} {number} {}", say.kind, "x".repeat(say.len));
        let mut outgoing =
            Outgoing::new(say.to.clone(), say.kind, &*text, cx.wall()).expect("a text has JSON");
        outgoing.deadline = say.within.map(|within| cx.now() + within);
        if say.is_durable {
            let dot = if number.is_multiple_of(2) { '-' } else { '.' };
            let id = Name::new(&format!("{}{dot}{number}", self.me)).expect("a name");
            self.ledger.borrow_mut().write(&(self.me.clone(), id.clone()), &say.to, outgoing.payload(), true);
            outgoing.id = Some(id);
            self.books.borrow_mut().outbox.insert(number, outgoing);
            self.unsent.push_back(number);
            return;
        }
        // What nobody wrote down is not sent by a process that is not there, nor past what the client takes.
        let Some(kept) = &mut self.kept else { return };
        let payload = outgoing.payload().to_owned();
        match kept.act(cx, |bus, now| bus.send(now, outgoing)) {
            Ok(id) => {
                let key = (self.me.clone(), id.clone());
                let mut ledger = self.ledger.borrow_mut();
                ledger.write(&key, &say.to, &payload, false);
                ledger.hand_in(&key);
                self.last_sent = Some(id);
            }
            Err(_) => self.count("clients: refused"),
        }
    }

    /// Hands what is to be sent to the client, as far as it takes it.
    pub(super) fn feed(&mut self, cx: &mut Context<'_>) {
        while let Some(number) = self.unsent.front().copied()
            && let Some(kept) = &mut self.kept
        {
            let Some(outgoing) = self.books.borrow().outbox.get(&number).cloned() else {
                self.unsent.pop_front();
                continue;
            };
            match kept.act(cx, |bus, now| bus.send(now, outgoing)).map_err(|refused| refused.why) {
                Ok(id) => self.ledger.borrow_mut().hand_in(&(self.me.clone(), id)),
                Err(WhyRefused::Full | WhyRefused::Stopped) => return self.count("clients: refused"),
                Err(why) => panic!("{}: {why}", self.me),
            }
            self.unsent.pop_front();
            self.handed.insert(number);
        }
    }

    pub(super) fn sent(&mut self, key: &Key, outcome: &Outcome) {
        let mut ledger = self.ledger.borrow_mut();
        ledger.told(key, outcome);
        if let Outcome::Undelivered { why, .. } = outcome {
            match why {
                // Another life of the process sends it.
                Undelivered::Stopped => return,
                Undelivered::Expired(_) => ledger.tally.count("clients: expired"),
                Undelivered::Rejected { .. } => ledger.tally.count("clients: rejected for good"),
                why => panic!("{key:?}: {why}"),
            }
            ledger.entry(key).was_given_up = true;
        }
        self.books.borrow_mut().outbox.retain(|_, outgoing| outgoing.id.as_ref() != Some(&key.1));
    }
}
