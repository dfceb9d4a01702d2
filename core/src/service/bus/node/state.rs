//! What a broker knows more where its store is shared.

use super::{Fence, NodeAsk, NodeSettings, Standing};
use crate::base::Instant;
use crate::service::bus::{Changed, Letters, Name, Seq};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;

/// A node, and what it waits for.
#[derive(Debug)]
pub(in crate::service::bus) struct Node<C> {
    pub(super) settings: NodeSettings,
    pub(super) fence: Option<Fence>,
    /// That of the next ask.
    pub(super) number: u64,
    /// What is asked and not answered.
    pub(super) asked: Option<Asked>,
    /// What the store did not take, to be asked again when its time has come.
    pub(super) again: Option<(Instant, NodeAsk, Purpose)>,
    /// Until then nobody can have taken its place.
    pub(super) lease_until: Instant,
    /// Since then the store has not answered.
    pub(super) away_since: Option<Instant>,
    /// It was told that the store is not to be reached.
    pub(super) is_told_away: bool,
    /// When all connections are sent away, unless the store answers.
    pub(super) grace_until: Instant,
    pub(super) claims: BTreeMap<Name, Claim<C>>,
    /// Claims that are wanted for older registrations than those that they are had for, of which the store is to be told.
    pub(super) kept: BTreeSet<Name>,
    /// Claims that are to be asked for, by when. One entry each.
    pub(super) agenda: BTreeSet<(Instant, Name)>,
    /// Claims of whose senders not all is read, but the ids up to that one.
    pub(super) loading: VecDeque<(Name, Name)>,
    /// Claims that are to be given up once a batch is stored.
    pub(super) leaving: VecDeque<(u64, Name)>,
    /// Connections whose services are not claimed yet.
    pub(super) waiting: BTreeMap<C, Waiting>,
    /// Bytes of their frames.
    pub(super) held_bytes: usize,
    pub(super) look_at: Instant,
    pub(super) looked_at: Instant,
    pub(super) after: Option<Name>,
    /// Services of which there is enough in memory.
    pub(super) sated: BTreeSet<Name>,
    pub(super) trim_at: Instant,
    pub(super) commands: VecDeque<Command>,
    /// Services of which there was too much, and until when it is not tried again.
    pub(super) full: BTreeMap<Name, Instant>,
    /// Which kind of ask had its turn.
    pub(super) turn: usize,
    pub(super) was_batch: bool,
    pub(in crate::service::bus) unstored_bytes: u64,
    pub(in crate::service::bus) loaded_bytes: u64,
    pub(super) standing: Standing,
    /// When a drain gives up.
    pub(super) drain_until: Instant,
    /// It is no node any more, and asks nothing.
    pub(in crate::service::bus) has_left: bool,
}

/// What an ask was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Join,
    Commit,
    /// For the registrations at those times.
    Claim(alloc::vec::Vec<(Name, Instant)>),
    Recall(Name),
    Release(alloc::vec::Vec<Name>),
    Look,
    Command,
    Trim,
    Leave,
}

/// An ask under way.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) ask: NodeAsk,
    pub(super) purpose: Purpose,
    pub(super) since: Instant,
    /// It was woken meanwhile.
    pub(super) is_woken: bool,
}

impl Asked {
    /// Whether it is for the claim of a service.
    pub(super) fn is_for_claim(&self, name: &Name) -> bool {
        matches!(&self.purpose, Purpose::Claim(services) if services.iter().any(|(other, _)| other == name))
    }
}

/// A service that is claimed, or is to be.
#[derive(Debug)]
pub(super) struct Claim<C> {
    /// The connection that is to be registered.
    pub(super) conn: Option<C>,
    /// When it registered, or the last one did.
    pub(super) since: Instant,
    pub(super) phase: Phase,
    /// For which registration the store gave it.
    pub(super) given: Instant,
    /// How often it was asked for.
    pub(super) tries: u32,
    /// Messages that waited in the store when it was claimed and have not come yet.
    pub(super) rest: u64,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// To be asked for then.
    Absent { at: Instant },
    /// Ours, but not all that is remembered of the sender is read.
    Loading,
    /// Ours.
    Owned,
    /// Given up, once all is stored that is about it.
    Leaving,
}

/// A connection that waits for its service's claim.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) name: Name,
    pub(super) frames: VecDeque<String>,
    /// Nothing more is read of it.
    pub(super) is_held: bool,
}

/// Dead letters that are to be sent again or thrown away.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) ticket: u64,
    pub(super) letters: Letters,
    pub(super) is_requeue: bool,
    pub(super) after: Seq,
    pub(super) changed: Changed,
}

impl<C: Ord + Copy> Node<C> {
    pub(in crate::service::bus) fn new(settings: NodeSettings) -> Self {
        Self {
            settings: settings.settled(),
            fence: None,
            number: 1,
            asked: None,
            again: None,
            lease_until: Instant::ORIGIN,
            away_since: None,
            is_told_away: false,
            grace_until: Instant::NEVER,
            claims: BTreeMap::new(),
            kept: BTreeSet::new(),
            agenda: BTreeSet::new(),
            loading: VecDeque::new(),
            leaving: VecDeque::new(),
            waiting: BTreeMap::new(),
            held_bytes: 0,
            look_at: Instant::ORIGIN,
            looked_at: Instant::ORIGIN,
            after: None,
            sated: BTreeSet::new(),
            trim_at: Instant::ORIGIN,
            commands: VecDeque::new(),
            full: BTreeMap::new(),
            turn: 0,
            was_batch: false,
            unstored_bytes: 0,
            loaded_bytes: 0,
            standing: Standing::default(),
            drain_until: Instant::NEVER,
            has_left: false,
        }
    }

    /// Has a claim asked for at that time, if it is to be asked for.
    pub(super) fn schedule(&mut self, name: &Name, at: Instant) {
        if self.claims.get(name).is_some_and(|claim| matches!(claim.phase, Phase::Absent { .. })) {
            self.enter(name, Phase::Absent { at });
        }
    }

    /// How far a claim is from here on: what is absent is on the agenda, and nothing else is.
    pub(super) fn enter(&mut self, name: &Name, phase: Phase) -> Option<&mut Claim<C>> {
        let claim = self.claims.get_mut(name)?;
        if let Phase::Absent { at } = core::mem::replace(&mut claim.phase, phase) {
            self.agenda.remove(&(at, name.clone()));
        }
        if let Phase::Absent { at } = phase {
            self.agenda.insert((at, name.clone()));
        }
        Some(claim)
    }

    /// The connection that waits for a claim.
    pub(super) fn waiting_for(&self, name: &Name) -> Option<C> {
        self.claims.get(name)?.conn
    }

    /// A connection waits no more.
    pub(super) fn stop_waiting(&mut self, conn: C) -> Option<Waiting> {
        let waiting = self.waiting.remove(&conn)?;
        self.held_bytes -= waiting.frames.iter().map(String::len).sum::<usize>();
        Some(waiting)
    }

    pub(super) fn is_owned(&self, name: &Name) -> bool {
        self.claims.get(name).is_some_and(|claim| claim.phase == Phase::Owned)
    }
}
