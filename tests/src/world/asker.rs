//! A client's script: it asks what its plan says and checks the answers.

use super::Wire;
use std::time::Duration;
use wharf::base::{CloseCode, Instant, Message};
use wharf::link::Link;
use wharf::sim::{Act, Dice, Outcome, Script};

/// Four times as long as the silence after which a WebSocket is given up.
const REST: Duration = Duration::from_secs(240);

/// Asks, waits for the answers or not, and closes.
#[derive(Debug)]
pub struct Asker {
    /// What it asks.
    pub plan: Vec<Message<'static>>,
    /// It closes behind its last question, and does not wait for the answers.
    pub hasty: bool,
    /// It has closed.
    pub closes: bool,
    /// How many of them it has asked, and got an answer to.
    pub progress: (usize, usize),
    /// Behind so many questions it says nothing for longer than anybody waits for a sign of life.
    rests_at: Option<usize>,
    /// When it acts next.
    acts: Instant,
    is_over: bool,
    /// The handshake of TLS has left, so that all that waits sealed is of messages.
    shook_hands: bool,
}

impl Asker {
    /// Any that speaks as `wire` says.
    #[must_use]
    pub fn any(wire: Wire, dice: &mut Dice<'_>) -> Self {
        let plan = wire.questions(dice);
        Self {
            rests_at: Some(dice.between(1, plan.len())).filter(|_| wire.keeps_alive() && dice.percent(20)),
            plan,
            hasty: dice.percent(50),
            closes: false,
            progress: (0, 0),
            acts: Instant::ORIGIN,
            is_over: false,
            shook_hands: false,
        }
    }
}

impl Script for Asker {
    fn message(&mut self, _: &mut Act<'_>, message: Message<'_>) {
        let expected = self.plan.get(self.progress.1).expect("an answer too many");
        assert!(message == *expected, "another answer than the next");
        self.progress.1 += 1;
        assert!(self.progress.1 <= self.progress.0, "an answer before its question");
    }

    fn ended(&mut self, _: &Outcome) {
        self.is_over = true;
    }

    fn poll_timeout(&self, link: &Link) -> Option<Instant> {
        let (asked, answered) = self.progress;
        let has_asked = asked == self.plan.len();
        (link.is_open() && (!has_asked || self.hasty || answered == asked)).then_some(self.acts)
    }

    /// Asks the next question, or closes when all were asked, or answered.
    fn timeout(&mut self, act: &mut Act<'_>) {
        self.acts = act.now() + Duration::from_micros(act.dice().pick(&[0, 10, 3000, 40_000]));
        let Some(question) = self.plan.get(self.progress.0) else {
            self.closes = true;
            return act.close(CloseCode::NORMAL, "done").expect("an open connection can be closed");
        };
        if act.send(question.as_lent()).is_ok() {
            self.progress.0 += 1;
            if self.rests_at.take_if(|at| *at == self.progress.0).is_some() {
                self.acts = act.now() + REST;
            }
        }
    }

    /// A message counts as queued for as long as any byte of it waits, sealed or not.
    fn turned(&mut self, link: &Link) {
        let Some(tls) = link.tls() else { return };
        self.shook_hands |= link.is_open() && tls.queued() == 0;
        if self.shook_hands && !tls.has_sent_close() && tls.failure().is_none() && !self.is_over {
            let (sealed, queued) = (tls.queued(), link.queued());
            assert!(sealed == 0 || queued > 0, "{sealed} bytes of messages wait, and count as written");
        }
    }
}
