//! Clients that keep their connections up, under virtual time, against a server that crashes, hangs, leaves them half open, refuses
//! and lies, over a faulty network and whatever is spoken: each fate that they tell is true, nothing comes twice unless its fate was
//! unknown, they are connected within a step of the schedule once the faults are over, and a stop leaves nothing behind.
//!
//! `WHARF_SEEDS` says how many seeds are tried, or which: `1000` or `17..18`.
#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;
use wharf::base::{Instant, Message};
use wharf::framed::Typed;
use wharf::link::Config;
use wharf::service::client::{ClientConfig, Fatal, WhenFull};
use wharf::sim::{Dice, Faults, ServerId, World};
use wharf_tests::seeds::Seeds;
use wharf_tests::world::{Ask, Keeper, Mood, Moody, Speech, Turn, Wire};

const SECOND: Duration = Duration::from_secs(1);
const CLIENTS: usize = 3;
/// What connecting and a first word may take where all is well.
const HELLO: Duration = SECOND;

/// What was seen, summed up over seeds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Seen {
    written: u64,
    acknowledged: u64,
    unsent: u64,
    unknown: u64,
    resent: u64,
    lost: u64,
    silent: u64,
    dials_failed: u64,
    doubled: u64,
    stopped: u64,
    hash: u64,
}

struct Trial {
    world: World,
    server: ServerId<Moody>,
    keeper: ServerId<Keeper>,
    heals: Instant,
}

fn client_config(wire: Wire, dice: &mut Dice<'_>) -> ClientConfig {
    let mut config = ClientConfig::default();
    // Who is lied to, and told fatal codes, comes back all the same, so that there is something to see.
    config.fatal = Fatal::Never;
    config.max_messages = dice.pick(&[4, 64, 1024]);
    config.when_full = dice.pick(&[WhenFull::Reject, WhenFull::DropOldest, WhenFull::DropNewest]);
    config.window = dice.pick(&[1, 1000, 64 << 10]);
    config.buffer = dice.percent(80);
    config.retries = dice.pick(&[0, 3]);
    if wire.speech == Speech::Typed {
        config.heartbeat_message = Some(Message::typed(Typed::PING, &b"ping"[..]));
    }
    if wire.is_framed() && dice.percent(50) {
        config.heartbeat = Some(7 * SECOND);
    }
    config
}

impl Trial {
    fn new(seed: u64, printed: bool) -> Self {
        let mut world = World::new(seed);
        if printed {
            world.transcript_mut().watch(|line| println!("{line}"));
        }
        let dice = world.dice();
        let wire = Wire::any(dice);
        let (server_config, visitor) = wire.configs(dice);
        let mut dialing = Config::default();
        dialing.framing = visitor.framing.clone();
        (dialing.dialed, dialing.dialed_framed) = (visitor.ws.clone(), visitor.framed.clone());
        dialing.client_tls.clone_from(&visitor.client_tls);
        let config = client_config(wire, dice);
        let (faults, length) = (Faults::any(dice), dice.between(20, 150) as u64 * SECOND.as_millis() as u64);
        let now = world.now();
        let heals = now + Duration::from_millis(length);
        let server = world.serve("world", Moody::default(), &server_config);
        let program = Keeper::new(now, &wire.target(), &config, CLIENTS, seed);
        let keeper = world.serve("program", program, &Arc::new(dialing));
        world.set_faults(faults, heals - now);
        let mut trial = Self { world, server, keeper, heals };
        trial.plan(length);
        trial.world.command(keeper, Ask::Start);
        trial
    }

    /// What is said, and what goes wrong.
    fn plan(&mut self, length: u64) {
        let (server, keeper, begin) = (self.server, self.keeper, self.world.now());
        for _ in 0..self.world.dice().between(5, 80) {
            let dice = self.world.dice();
            let at = begin + Duration::from_millis(dice.below(length as usize) as u64);
            let (client, len) = (dice.below(CLIENTS), dice.pick(&[0, 10, 300, 5000, 40_000]));
            self.world.at(at, move |world| world.command(keeper, Ask::Say(client, len)));
        }
        for _ in 0..self.world.dice().between(1, 8) {
            let dice = self.world.dice();
            let at = begin + Duration::from_millis(dice.below(length as usize) as u64);
            let until = at + Duration::from_millis(dice.between(1, 60_000) as u64);
            let until = until.min(self.heals);
            let mood = match dice.below(8) {
                0 => {
                    self.world.at(at, move |world| world.crash(server));
                    self.world.at(until, move |world| world.revive(server));
                    continue;
                }
                1 => {
                    self.world.at(at, move |world| world.isolate(server));
                    self.world.at(until, move |world| world.reunite(server));
                    continue;
                }
                2 => Turn::Close(dice.pick(&[1000, 1001, 1011, 1012, 4001])),
                3 => Turn::Reset,
                4 | 5 => Turn::Mood(Mood::Hang),
                6 => Turn::Mood(Mood::Refuse(dice.pick(&[401, 429, 503]), dice.pick(&[0, 2, 9]))),
                _ => Turn::Mood(Mood::Lie),
            };
            self.world.at(at, move |world| world.command(server, mood));
            self.world.at(until, move |world| world.command(server, Turn::Mood(Mood::Good)));
        }
        if self.world.dice().percent(30) {
            let at = begin + Duration::from_millis(self.world.dice().below(length as usize) as u64);
            self.world.at(at, move |world| world.command(keeper, Ask::Stop(0)));
        }
        self.world.at(self.heals, move |world| {
            world.heal();
            world.command(server, Turn::Mood(Mood::Good));
        });
    }

    fn program(world: &World, keeper: ServerId<Keeper>) -> &Keeper {
        world.service(keeper)
    }

    /// Holds if a client that became ready at `ready` did so within a step of the schedule, the longest of which is 36 s, behind
    /// the end of the faults; or, if only afterwards it found out that what it had was gone (a dial has 10 s, a silent peer is
    /// known after 42 s), behind that. And it found so once: what is tried when all is well succeeds.
    fn is_prompt(&self, missed: Option<Instant>, misses: u64, ready: Instant) {
        let from = missed.map_or(self.heals, |missed| missed.max(self.heals));
        assert!(from - self.heals <= 42 * SECOND, "it found out only after {:?}", from - self.heals);
        assert!(ready - from <= 36 * SECOND + HELLO, "ready {:?} later", ready - from);
        assert!(misses <= 1, "{misses} tries failed though all was well");
    }

    fn run(mut self) -> Seen {
        let (server, keeper) = (self.server, self.keeper);
        self.world.advance(self.heals - self.world.now());
        let misses = |world: &World| Self::program(world, keeper).own.iter().map(|own| own.misses).collect();
        let misses_before: Vec<u64> = misses(&self.world);
        let all_ready = |world: &World| {
            Self::program(world, keeper)
                .own
                .iter()
                .all(|own| own.is_stopped || (own.is_ready && own.kept.client().state().is_connected))
        };
        self.world.run_until(|world| all_ready(world)).expect("they connect again");
        for (own, misses) in Self::program(&self.world, keeper).own.iter().zip(misses_before) {
            if let (false, Some(ready)) = (own.is_stopped, own.ready_at) {
                self.is_prompt(own.missed_at, own.misses - misses, ready);
            }
        }
        let is_settled = |world: &World| {
            Self::program(world, keeper).own.iter().all(|own| own.is_stopped || own.open.is_empty())
        };
        // One that was silent until then is found out by its heartbeat, and what waited goes out.
        self.world.advance(45 * SECOND);
        self.world.run_until(|world| all_ready(world) && is_settled(world)).expect("they connect again");
        // From here on nothing goes wrong: what is said arrives.
        for client in 0..CLIENTS {
            self.world.command(keeper, Ask::Say(client, 50));
        }
        self.world.run_until(is_settled).expect("each message has its fate");
        self.world.advance(SECOND);
        let last: Vec<_> = self.last_names().collect();
        for name in last {
            let came = self.world.service(server).received.get(&name).copied();
            let fates = self.world.service(keeper).fates.get(&name);
            assert_eq!(came, Some(1), "{name:?} was said when all was well: {fates:?}");
        }
        for client in 0..CLIENTS {
            self.world.command(keeper, Ask::Stop(client));
        }
        let is_over = |world: &World| {
            let program = Self::program(world, keeper);
            program.own.iter().all(|own| own.is_stopped) && world.hub(keeper).is_empty()
        };
        self.world.run_until(is_over).expect("a stop is the end");
        self.world.advance(100 * SECOND);
        self.conclude()
    }

    /// What was said last by those who have not stopped.
    fn last_names(&self) -> impl Iterator<Item = (usize, u64)> {
        let program = self.world.service(self.keeper);
        let is_running = |client: &usize| !program.own[*client].is_stopped;
        (0..CLIENTS)
            .filter(is_running)
            .filter_map(|client| program.fates.keys().filter(|name| name.0 == client).max().copied())
    }

    fn conclude(self) -> Seen {
        let (program, server) = (self.world.service(self.keeper), self.world.service(self.server));
        let mut seen = Seen { hash: self.world.transcript().hash(), ..Seen::default() };
        assert!(self.world.hub(self.keeper).is_empty() && self.world.is_over(), "something is left behind");
        for own in &program.own {
            let client = own.kept.client();
            assert!(client.is_stopped() && client.poll_timeout().is_none() && own.kept.conn().is_none());
            let stats = client.stats();
            assert!(!client.state().is_connected);
            let left = stats.dials - stats.dials_failed - stats.lost;
            assert!(left <= 1, "an attempt of which nobody heard: {stats:?}");
            seen.resent += stats.resent;
            (seen.lost, seen.silent) = (seen.lost + stats.lost, seen.silent + stats.silent);
            seen.dials_failed += stats.dials_failed;
            seen.stopped += 1;
        }
        for (name, fates) in &program.fates {
            let came = server.received.get(name).copied().unwrap_or_default();
            let most = fates.written + fates.acknowledged + fates.unknown;
            assert!(came <= most, "{name:?} came {came} times: {fates:?}");
            assert!(fates.written + fates.acknowledged <= 1, "{name:?}: {fates:?}");
            assert!(came <= 1 || fates.unknown > 0, "{name:?} was doubled: {fates:?}");
            if fates.acknowledged > 0 {
                assert!(came > 0 || server.lied.contains(name), "{name:?} was acknowledged and never came");
            }
            seen.written += u64::from(fates.written);
            seen.acknowledged += u64::from(fates.acknowledged);
            seen.unsent += u64::from(fates.unsent);
            seen.unknown += u64::from(fates.unknown);
            seen.doubled += u64::from(came > 1);
        }
        let said: u32 = server.received.keys().map(|name| u32::from(!program.fates.contains_key(name))).sum();
        assert_eq!(said, 0, "the server heard what nobody said");
        seen
    }
}

#[test]
fn whatever_a_server_does_every_fate_is_true_and_they_come_back_and_can_be_stopped() {
    let seeds = Seeds::asked(200);
    let begin = std::time::Instant::now();
    let world = |seed| Trial::new(seed, seeds.is_single()).run();
    let sum: Seen = seeds.sum(world, |sum, more| add(sum, &more));
    println!("{} seeds in {:.1} s: {sum:?}", seeds.count(), begin.elapsed().as_secs_f64());
    if seeds.count() >= 100 {
        let Seen { written, acknowledged, unsent, unknown, resent, silent, dials_failed, doubled, .. } = sum;
        for (what, count) in [
            ("written", written),
            ("acknowledged", acknowledged),
            ("unsent", unsent),
            ("unknown", unknown),
            ("resent", resent),
            ("silent", silent),
            ("dials failed", dials_failed),
            ("doubled by the program's own wish", doubled),
        ] {
            assert!(count > 0, "nothing was ever {what}");
        }
    }
}

#[test]
fn the_same_seed_is_the_same_world() {
    Seeds::asked(5).repeat(5, |seed| Trial::new(seed, false).run());
}

fn add(sum: &mut Seen, more: &Seen) {
    let Seen { written, acknowledged, unsent, unknown, resent, lost, silent, .. } = more;
    sum.written += written;
    sum.acknowledged += acknowledged;
    sum.unsent += unsent;
    sum.unknown += unknown;
    sum.resent += resent;
    sum.lost += lost;
    sum.silent += silent;
    sum.dials_failed += more.dials_failed;
    sum.doubled += more.doubled;
    sum.stopped += more.stopped;
    sum.hash = sum.hash.wrapping_add(more.hash);
}
