//! Servers, clients, the network between them and its time.

use super::connections::Socket;
use super::dialing::Dialing;
use super::host::Host;
use super::setup::Listener;
use super::wire::Wire;
use super::{Client, Dice, Faults, Transcript};
use crate::base::{Entropy, Instant, Scratch, Wall};
use crate::link::{Address, ConnId};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use slotmap::{DefaultKey, SlotMap};

/// Any number of servers, each a [`Hub`](crate::link::Hub) with a service, their clients and a network between them, under a time that
/// passes only when a test says so. Read [`guide`](super::guide) first.
///
/// All that happens hangs on the seed and on what is called: the same is the same, on every machine, to the byte and to
/// the nanosecond. Where a rule of the hub or the link itself is broken, it panics.
///
/// ```
/// use wharf::base::Message;
/// use wharf::link::{ConnId, Context, Service};
/// use wharf::sim::World;
///
/// struct Echo;
/// impl Service for Echo {
///     type Job = ();
///     type Done = ();
///     type Command = ();
///     fn message(&mut self, cx: &mut Context<'_>, conn: ConnId, message: Message<'_>) {
///         let _ = cx.send(conn, message);
///     }
/// }
///
/// let mut world = World::new(1);
/// world.serve("echo", Echo, &Default::default());
/// let client = world.connect("ws://echo/").unwrap();
/// world.settle();
/// world.send(client, "ahoy").unwrap();
/// world.settle();
/// assert_eq!(world.texts(client), ["ahoy"]);
/// ```
pub struct World {
    pub(super) now: Instant,
    pub(super) dice: Dice<'static>,
    pub(super) faults: Faults,
    /// When they end; the origin if there are none.
    pub(super) heals: Instant,
    /// What the calendar says at the origin of time, as it is set just now.
    pub(super) wall: Wall,
    pub(super) wall_told: Instant,
    pub(super) hosts: Vec<Box<dyn Host>>,
    pub(super) listeners: Vec<Listener>,
    pub(super) clients: Vec<Client>,
    pub(super) wires: SlotMap<DefaultKey, Wire>,
    pub(super) sockets: SlotMap<DefaultKey, Socket>,
    pub(super) by_conn: BTreeMap<(usize, ConnId), DefaultKey>,
    /// All that may act now or later.
    pub(super) actors: Vec<Actor>,
    pub(super) dials: Vec<Dialing>,
    pub(super) isolated: BTreeSet<usize>,
    /// Servers whose process is not there.
    pub(super) crashed: BTreeSet<usize>,
    pub(super) plans: BTreeMap<(Instant, u64), Plan>,
    pub(super) planned: u64,
    pub(super) steps: u64,
    /// How often in a row something was due and nobody did it.
    pub(super) spins: u32,
    pub(super) patience: Duration,
    pub(super) scratch: Scratch,
    pub(super) transcript: Transcript,
}

/// What is to be done at some moment.
pub(super) type Plan = Box<dyn FnOnce(&mut World)>;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    Host(usize),
    Client(usize),
    Socket(DefaultKey),
}

/// A server of a world, and what its service is.
///
/// ```
/// use wharf::link::Service;
/// use wharf::sim::{ServerId, World};
///
/// fn members<S: Service + 'static>(world: &World, server: ServerId<S>) -> usize {
///     world.hub(server).len()
/// }
/// # let _ = members::<Nothing>;
/// # struct Nothing;
/// # impl Service for Nothing { type Job = (); type Done = (); type Command = (); }
/// ```
pub struct ServerId<S> {
    pub(super) index: usize,
    pub(super) service: PhantomData<fn() -> S>,
}

/// A client of a world.
///
/// ```
/// use wharf::sim::{ClientId, World};
///
/// fn is_gone(world: &World, client: ClientId) -> bool {
///     world.client(client).is_gone()
/// }
/// # let _ = is_gone;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub(super) usize);

impl<S> Clone for ServerId<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for ServerId<S> {}

impl<S> fmt::Debug for ServerId<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerId({})", self.index)
    }
}

impl World {
    /// Most clients that a world ever has; past it none can connect.
    pub const MAX_CLIENTS: usize = 1 << 16;

    /// The calendar's time at the begin.
    pub const WALL: Wall = Wall::from_millis(1_800_000_000_000);

    /// An empty world in which nothing goes wrong, and bytes take no time ([`set_faults`](Self::set_faults)).
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let begin = Instant::from_nanos(1 << 30);
        Self {
            now: begin,
            dice: Dice::seeded(seed),
            faults: Faults::default(),
            heals: begin,
            wall: Self::WALL,
            wall_told: begin,
            hosts: Vec::new(),
            listeners: Vec::new(),
            clients: Vec::new(),
            wires: SlotMap::new(),
            sockets: SlotMap::new(),
            by_conn: BTreeMap::new(),
            actors: Vec::new(),
            dials: Vec::new(),
            isolated: BTreeSet::new(),
            crashed: BTreeSet::new(),
            plans: BTreeMap::new(),
            planned: 0,
            steps: 2_000_000,
            spins: 0,
            patience: Duration::from_secs(600),
            scratch: Scratch::new(),
            transcript: Transcript::default(),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// What the calendar says.
    #[must_use]
    pub fn wall(&self) -> Wall {
        let begin = Instant::from_nanos(1 << 30);
        let since = u64::try_from((self.now - begin).as_millis()).unwrap_or(u64::MAX);
        Wall::from_millis(self.wall.as_millis().saturating_add(since))
    }

    /// The world's dice, for what a test draws itself.
    pub fn dice(&mut self) -> &mut Dice<'static> {
        &mut self.dice
    }

    /// What has happened.
    #[must_use]
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// What has happened, to add to it or to watch it.
    pub fn transcript_mut(&mut self) -> &mut Transcript {
        &mut self.transcript
    }

    pub(super) fn entropy(&mut self) -> Entropy {
        let mut seed = [0; 32];
        self.dice.fill(&mut seed);
        Entropy::from_seed(seed)
    }

    /// An address that nobody has had.
    pub(super) fn next_address(&mut self) -> Address {
        self.planned += 1;
        let ip = Ipv4Addr::from_bits(0x0a80_0000 | (self.planned as u32 & 0x7f_ffff));
        Address::Tcp(SocketAddr::new(IpAddr::V4(ip), 50_000))
    }

    /// The time as a caller tells it, who may be behind.
    pub(super) fn told(&mut self) -> Instant {
        let behind = if self.faults.backward && self.dice.percent(20) { self.dice.below(1 << 24) } else { 0 };
        Instant::from_nanos(self.now.as_nanos().saturating_sub(behind as u64))
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now", &self.now)
            .field("faults", &self.faults)
            .field("servers", &self.hosts.len())
            .field("clients", &self.clients.len())
            .field("connections", &self.sockets.len())
            .field("transcript", &self.transcript)
            .finish_non_exhaustive()
    }
}
