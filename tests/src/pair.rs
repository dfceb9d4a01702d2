//! A client and a server with a pipe each way between them, and any schedule of what can happen to them.

use crate::side::{Note, Program, Side};
use core::time::Duration;
use std::sync::Arc;
use wharf::base::{CloseCode, End, Engine, Entropy, Instant, Kind, Shutdown};
use wharf::sim::Dice;
use wharf::ws::deflate::{self, Parameters};
use wharf::ws::handshake::Agreed;
use wharf::ws::{Config, Connection, Delivery, Role};

/// Two ends and the time.
#[derive(Debug)]
pub struct Pair {
    /// The client, then the server.
    pub sides: [Side; 2],
    /// What both clocks show.
    pub now: Instant,
}

/// What a pair is to do, schedule aside.
#[derive(Clone, Debug)]
pub struct Play {
    /// Who asks.
    pub asker: Role,
    /// What is asked.
    pub questions: Vec<Note>,
    /// What the asker closes with.
    pub code: CloseCode,
    /// The client's configuration, then the server's.
    pub configs: [Arc<Config>; 2],
    /// What their handshake agreed on.
    pub agreed: Agreed,
}

impl Play {
    /// Any play whose deadlines are so far away that no schedule of some hundred steps meets one.
    pub fn any(dice: &mut Dice<'_>) -> Self {
        let questions = (0..dice.between(0, 6)).map(|_| note(dice)).collect();
        Self {
            asker: dice.pick(&[Role::Client, Role::Server]),
            questions,
            code: dice.pick(&[1000, 1001, 3000, 4999]).into(),
            configs: [Arc::new(config(dice)), Arc::new(config(dice))],
            agreed: Agreed::default(),
        }
    }

    /// The same with compression agreed on, in any way.
    pub fn compressing(dice: &mut Dice<'_>) -> Self {
        let mut play = Self::any(dice);
        for config in &mut play.configs {
            let mut deflate = deflate::Config::default();
            deflate.level = dice.between(1, 9) as u8;
            deflate.threshold = dice.pick(&[0, 100, 1000]);
            deflate.window_bits = dice.between(9, 15) as u8;
            (deflate.takeover, deflate.peer_takeover) = (dice.percent(50), dice.percent(50));
            Arc::make_mut(config).deflate = Some(deflate);
        }
        let mut bits = || dice.pick(&[None, Some(8), Some(9), Some(15)]);
        let mut parameters = Parameters::default();
        (parameters.client_max_window_bits, parameters.server_max_window_bits) = (bits(), bits());
        parameters.client_no_context_takeover = dice.percent(50);
        parameters.server_no_context_takeover = dice.percent(50);
        play.agreed = parameters.into();
        play
    }

    /// The same with deadlines that a few steps reach.
    pub fn hasty(dice: &mut Dice<'_>) -> Self {
        let mut play = Self::any(dice);
        for config in &mut play.configs {
            let config = Arc::make_mut(config);
            let mut some = || [None, Some(1), Some(50), Some(700)][dice.below(4)].map(Duration::from_millis);
            (config.idle_timeout, config.pong_timeout, config.write_timeout) = (some(), some(), some());
            config.close_timeout = some().unwrap_or(Duration::from_secs(1));
        }
        play
    }
}

impl Pair {
    /// Both ends at rest.
    #[must_use]
    pub fn new(play: &Play) -> Self {
        let side = |role: Role, config: &Arc<Config>| {
            let program = if role == play.asker {
                let questions = play.questions.iter().cloned().collect();
                Program::Ask { questions, asked: play.questions.len(), pinged: false, code: play.code }
            } else {
                Program::Echo(Default::default())
            };
            let entropy = Entropy::from_seed([role as u8; 32]);
            let connection = Connection::new(Instant::ORIGIN, role, config, entropy, &[]);
            Side::new(connection.with_extensions(play.agreed), config, program)
        };
        let sides = [side(Role::Client, &play.configs[0]), side(Role::Server, &play.configs[1])];
        Self { sides, now: Instant::ORIGIN }
    }

    /// One thing that can happen, to one of them.
    pub fn step(&mut self, dice: &mut Dice<'_>) {
        let (at, now) = (dice.below(2), self.now);
        let n = dice.pick(&[1, 2, 7, 100, 5000, 1 << 20]);
        let side = &mut self.sides[at];
        match dice.below(13) {
            0..2 => side.receive(now, n),
            2 => side.read_space(now, n),
            3..5 => self.write(at, n),
            5..7 => side.act(now),
            7 => side.lend(),
            8 => side.reclaim(),
            9 => side.timeout(now),
            10 => side.connection.pause(now),
            11 => side.connection.resume(now),
            _ => self.now += Duration::from_millis(dice.below(250) as u64),
        }
        self.sides[at].check(self.now);
        self.obey(at);
    }

    /// Goes on fairly until nothing moves any more.
    ///
    /// # Panics
    /// If it never comes to rest.
    pub fn settle(&mut self) {
        for _ in 0..2000 {
            let before = self.progress();
            for at in [0, 1] {
                let (side, now) = (&mut self.sides[at], self.now);
                side.connection.resume(now);
                side.act(now);
                self.write(at, usize::MAX);
                self.sides[at].receive(now, usize::MAX);
                self.sides[at].check(now);
                self.obey(at);
            }
            if self.progress() == before {
                return;
            }
        }
        panic!("never at rest");
    }

    /// Lets only time pass, as when both cables are cut.
    ///
    /// # Panics
    /// If deadlines follow each other without an end.
    pub fn wait(&mut self) {
        for at in [0, 1] {
            for round in 0.. {
                let Some(next) = self.sides[at].connection.poll_timeout() else { break };
                self.now = self.now.max(next);
                self.sides[at].timeout(self.now);
                self.sides[at].check(self.now);
                assert!(round < 20, "still waiting: {:?}", self.sides[at].connection);
            }
        }
    }

    fn write(&mut self, at: usize, n: usize) {
        let taken = self.sides[at].write(self.now, n);
        let peer = &mut self.sides[1 - at];
        if !peer.connection.is_finished() {
            peer.inbox.extend(taken);
        }
    }

    /// Does what the end wants of its transport.
    fn obey(&mut self, at: usize) {
        let Some(shutdown) = self.sides[at].connection.wants().shutdown else { return };
        let peer = &mut self.sides[1 - at];
        if peer.connection.is_finished() {
            return;
        }
        peer.end = Some(if shutdown == Shutdown::Abort { End::Reset } else { End::Eof });
    }

    fn progress(&self) -> impl PartialEq + use<> {
        self.sides.each_ref().map(|side| {
            (
                side.wire.len(),
                side.inbox.len(),
                side.messages.len(),
                side.connection.queued(),
                side.answered,
                side.connection.is_finished(),
            )
        })
    }
}

fn note(dice: &mut Dice<'_>) -> Note {
    let len = dice.pick(&[0, 1, 125, 126, 300, 5000, 20_000]);
    if dice.percent(50) {
        (Kind::Binary, dice.bytes(len))
    } else {
        (Kind::Text, "né".repeat(len / 3).into_bytes())
    }
}

fn config(dice: &mut Dice<'_>) -> Config {
    let mut config = Config::default();
    config.max_message = dice.pick(&[20_000, 30_000]);
    config.high_mark = dice.pick(&[0, 100, 6000]);
    config.low_mark = dice.below(config.high_mark + 1);
    config.queue_limit = dice.pick(&[0, 60_000]);
    config.fragment_size = dice.pick(&[125, 1000, 4096, 1 << 20]);
    config.pause_reading_when_congested = dice.percent(50);
    config.delivery = dice.pick(&[Delivery::Messages, Delivery::Streaming]);
    config.idle_timeout = dice.pick(&[None, Some(Duration::from_secs(3))]);
    config.pong_timeout = Some(Duration::from_secs(600));
    config.write_timeout = Some(Duration::from_secs(600));
    config.close_timeout = Duration::from_secs(600);
    config
}
