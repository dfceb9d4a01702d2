//! Peers of the bus that are no services of ours: one that says what it likes, and one that takes all and answers nothing.

use std::time::Duration;
use wharf::base::{Instant, Message};
use wharf::link::Link;
use wharf::service::bus::{FromBus, Name, Reason, ToBus};
use wharf::sim::{Act, Dice, Script};

/// It says nonsense, forges and acknowledges what others have.
#[derive(Debug)]
pub struct Rogue {
    registers: bool,
    /// Nobody registers without a token.
    has_tokens: bool,
    /// Those whom it plays.
    victims: Vec<Name>,
    /// Frames that it says.
    left: u32,
    next: Instant,
    /// How often it was refused.
    pub refused: u64,
}

/// The name by which it registers, if it does.
pub(super) const ROGUE: &str = "rogue";

impl Rogue {
    /// One that plays one of these.
    pub fn any(victims: Vec<Name>, has_tokens: bool, dice: &mut Dice<'_>) -> Self {
        let registers = dice.percent(70);
        Self {
            registers,
            has_tokens,
            victims,
            left: dice.between(1, 60) as u32,
            next: Instant::ORIGIN,
            refused: 0,
        }
    }

    /// One, or a guess at all that a service has sent so far.
    fn frames(&self, dice: &mut Dice<'_>) -> Vec<String> {
        if !dice.percent(20) {
            return vec![self.frame(dice)];
        }
        let victim = dice.pick_ref(&self.victims);
        let ack = |id: String| format!(r#"{{"type":"ack","messageId":"{id}","from":"{victim}"}}"#);
        (1..20).flat_map(|n| [ack(format!("{victim}-{n}")), ack(format!("{victim}.{n}"))]).collect()
    }

    fn frame(&self, dice: &mut Dice<'_>) -> String {
        let (victim, other) = (dice.pick_ref(&self.victims), dice.pick_ref(&self.victims));
        let dot = dice.pick(&["-", "."]);
        let id = format!("{victim}{dot}{}", dice.between(1, 60));
        let message = |from: &str, id: &str, rest: &str| {
            format!(
                r#"{{"type":"message","message":{{"id":"{id}","from":"{from}","to":"{other}","type":"forged","payload":7{rest}}}}}"#
            )
        };
        match dice.below(16) {
            0 => "what?".into(),
            1 => r#"{"type":"sing"}"#.into(),
            2 => r#"{"type":7}"#.into(),
            3 | 4 => message(victim, &id, r#","timestamp":0"#),
            5 => message(ROGUE, "a b", r#","timestamp":0"#),
            6 => message(ROGUE, "m-1", ""),
            7 => message(ROGUE, "m-1", r#","timestamp":0,"id":"m-2""#),
            8 => message(
                ROGUE,
                "m-1",
                &format!(r#","timestamp":0,"x":{}{}"#, "[".repeat(200), "]".repeat(200)),
            ),
            9 | 10 => format!(r#"{{"type":"ack","messageId":"{id}","from":"{victim}"}}"#),
            11 => format!(r#"{{"type":"ack","messageId":"{id}"}}"#),
            12 => format!(r#"{{"type":"nack","messageId":"{id}","from":"{victim}","reason":"forged"}}"#),
            13 if self.registers => format!(r#"{{"type":"register","serviceId":"{victim}"}}"#),
            13 if self.has_tokens => {
                format!(r#"{{"type":"register","serviceId":"{victim}","token":"a guess"}}"#)
            }
            14 => r#"{"type":"heartbeat"}"#.into(),
            _ => "[".repeat(dice.pick(&[1, 100, 7000])),
        }
    }
}

/// Chooses one without a copy.
trait PickRef {
    fn pick_ref<'t, T>(&mut self, from: &'t [T]) -> &'t T;
}

impl PickRef for Dice<'_> {
    fn pick_ref<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.below(from.len())]
    }
}

impl Script for Rogue {
    fn opened(&mut self, act: &mut Act<'_>) {
        if self.registers {
            let register = format!(r#"{{"type":"register","serviceId":"{ROGUE}","token":"of {ROGUE}"}}"#);
            // One that cannot say it has ended.
            let _ = act.send(register);
        }
        self.next = act.now();
    }

    fn message(&mut self, _: &mut Act<'_>, message: Message<'_>) {
        let frame = message.as_text().map(FromBus::decode).expect("the bus says text");
        match frame.expect("the bus says frames") {
            FromBus::Accepted { message_id } => panic!("{message_id} of a rogue is accepted"),
            FromBus::Message(envelope) => panic!("a rogue has {envelope:?}"),
            FromBus::Registered { service_id, .. } => assert_eq!(&*service_id, ROGUE),
            FromBus::Error { .. } | FromBus::Rejected { .. } => self.refused += 1,
            _ => {}
        }
    }

    fn poll_timeout(&self, link: &Link) -> Option<Instant> {
        (link.is_open() && self.left > 0).then_some(self.next)
    }

    fn timeout(&mut self, act: &mut Act<'_>) {
        self.left -= 1;
        self.next = act.now() + Duration::from_millis(act.dice().pick(&[0, 1, 300, 4000]));
        for frame in self.frames(act.dice()) {
            let _ = if act.dice().percent(5) { act.send(frame.into_bytes()) } else { act.send(frame) };
        }
    }
}

/// It registers, takes what comes and says nothing of it.
#[derive(Debug)]
pub struct Sink {
    me: Name,
    next: Instant,
    is_registered: bool,
}

impl Sink {
    /// One of this name.
    #[must_use]
    pub fn new(me: Name) -> Self {
        Self { me, next: Instant::ORIGIN, is_registered: false }
    }
}

impl Script for Sink {
    fn opened(&mut self, act: &mut Act<'_>) {
        let token = Some(format!("of {}", self.me).into());
        let _ = act.send(ToBus::Register { service_id: self.me.clone(), token }.encode());
        self.next = act.now() + Duration::from_secs(20);
    }

    fn message(&mut self, _: &mut Act<'_>, message: Message<'_>) {
        let frame = message.as_text().map(FromBus::decode).expect("the bus says text");
        match frame.expect("the bus says frames") {
            FromBus::Registered { .. } => self.is_registered = true,
            FromBus::Message(envelope) => {
                assert!(self.is_registered && envelope.to == self.me, "{envelope:?} comes to {}", self.me);
            }
            FromBus::Error { reason, .. } => {
                assert!(matches!(
                    reason,
                    Reason::Replaced | Reason::Gone | Reason::Full | Reason::Closing | Reason::Unregistered
                ));
            }
            _ => {}
        }
    }

    fn poll_timeout(&self, link: &Link) -> Option<Instant> {
        link.is_open().then_some(self.next)
    }

    fn timeout(&mut self, act: &mut Act<'_>) {
        self.next = act.now() + Duration::from_secs(20);
        let _ = act.send(ToBus::Heartbeat.encode());
    }
}
