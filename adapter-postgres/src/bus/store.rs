//! The store, connected.

use super::claim::{claim, recall, release};
use super::commit::commit;
use super::failing::Failing;
use super::join::{join, leave};
use super::letters::{DeadPage, letters, purge, requeue, trim};
use super::look::look;
use super::over::fence_over;
use super::schema::FORM;
use super::turn::{Begun, Turn};
use super::wakes::Wakes;
use crate::blocking::Blocking;
use crate::error::DatabaseError;
use crate::link::Link;
use crate::way::Way;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;
use wharf::service::bus::{ClaimOutcome, Letters, Name, NodeAnswer, NodeAsk, NodeRequest, Seq};

/// How often an ask is begun again that was ended for another node's sake, before it counts as not to be had.
const CONFLICTS: u32 = 5;
/// How long it is waited before it is looked again what became of an ask: from the first time to the last.
const AGAIN: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(1)];
/// The slot of who is no node.
const NOBODY: i32 = -1;

/// How a bus's database is connected to (feature `bus`).
///
/// ```
/// let config = wharf_postgres::BusStoreConfig::default();
/// assert_eq!((config.connect_timeout.as_secs(), config.timeout.as_secs()), (5, 5));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BusStoreConfig {
    /// How long it may take until a connection can be used: 5 s. Spans lookup, dialing and login, not bringing tables to the form of today
    /// when a store is opened.
    pub connect_timeout: Duration,
    /// How long an ask may take: 5 s. The server ends what takes longer, too.
    pub timeout: Duration,
    /// Whether tables that are missing are made: yes. If not, a database without them is refused.
    pub makes_tables: bool,
}

impl Default for BusStoreConfig {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), timeout: Duration::from_secs(5), makes_tables: true }
    }
}

/// The store of the nodes of a bus, in a PostgreSQL database: it carries out what a node [asks](NodeAsk), as
/// [`SharedMemory`](wharf::service::bus::SharedMemory) does. One is for one node; several nodes have one each, of the same database.
///
/// An ask is one transaction, whatever comes between: where it is not known whether that was carried out, it is looked for as long as it
/// takes to know. What it does blocks; it has a runtime of its own, so it must not be used within a task of tokio.
///
/// ```no_run
/// use std::time::{Duration, Instant};
/// use wharf::service::bus::{Fence, NodeAnswer, NodeAsk, NodeRequest};
/// use wharf_postgres::BusStore;
///
/// let mut store = BusStore::connect("postgres://bus:secret@localhost/bus")?;
/// let lease = Duration::from_secs(10);
/// let joined = store.carry_out(&NodeAsk::new(Fence::default(), 1, lease, NodeRequest::Join))?;
/// if let NodeAnswer::Joined { fence, .. } = joined {
///     assert_eq!(store.carry_out(&NodeAsk::new(fence, 2, lease, NodeRequest::Leave))?, NodeAnswer::Done);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BusStore {
    runtime: Blocking,
    asker: Asker,
    config: BusStoreConfig,
    /// The node's slot, for who listens.
    slot: Arc<AtomicI32>,
}

/// What is known of the node that asks, and its way to the database.
struct Asker {
    way: Way,
    /// What the node has claimed.
    claims: BTreeSet<Name>,
    /// How far it has been gone through what is remembered, to forget some.
    behind: Seq,
}

impl BusStore {
    /// Connects to the database at a URL, `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, and makes the tables that are missing there.
    /// Without a password `PGPASSWORD` of the environment is taken; without a host the local server.
    ///
    /// # Errors
    /// The URL is not understood; the server cannot be reached or refuses; the database is another program's, of a newer version or not in UTF-8.
    pub fn connect(url: &str) -> Result<Self, DatabaseError> {
        Self::connect_with(url, BusStoreConfig::default())
    }

    /// The same, connected in another way.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect).
    pub fn connect_with(url: &str, config: BusStoreConfig) -> Result<Self, DatabaseError> {
        let mut way = Way::to(url, [config.connect_timeout, config.timeout], &FORM)?;
        let runtime = Blocking::new(way.place())?;
        runtime.run(way.open(config.makes_tables))?;
        let asker = Asker { way, claims: BTreeSet::new(), behind: Seq(0) };
        Ok(Self { runtime, asker, config, slot: Arc::new(AtomicI32::new(NOBODY)) })
    }

    /// Host, port and database, for people.
    #[must_use]
    pub fn place(&self) -> &str {
        self.asker.way.place()
    }

    /// Has `tell` called, by a thread of its own, when there is something for the node to look at: messages, a claim that is wanted, or one
    /// that it wants and that is given up.
    ///
    /// # Errors
    /// The operating system has no thread.
    pub fn wakes(&self, tell: impl Fn() + Send + Sync + 'static) -> Result<Wakes, DatabaseError> {
        let slot = self.slot.clone();
        let is_own = move |called: &str| called.parse() == Ok(slot.load(Ordering::Relaxed));
        let Way { address, encryption, .. } = &self.asker.way;
        Wakes::listen(address, encryption, self.config.connect_timeout, is_own, tell)
    }

    /// Carries an ask out. It blocks: for as long as the configuration allows, and where its outcome is in doubt until that is known, which
    /// takes as long as the database is away.
    ///
    /// # Errors
    /// The ask does not fit what is stored, which no node asks, or what is stored is damaged. Nothing of it is carried out.
    ///
    /// # Panics
    /// It is called within a task of tokio.
    pub fn carry_out(&mut self, ask: &NodeAsk) -> Result<NodeAnswer, DatabaseError> {
        let Self { runtime, asker, slot, .. } = self;
        let answer = runtime.run(asker.until_known(ask))?;
        match (&answer, &ask.request) {
            (NodeAnswer::Joined { fence, .. }, _) => {
                asker.claims.clear();
                slot.store(fence.slot.into(), Ordering::Relaxed);
            }
            (NodeAnswer::Claimed { outcomes, .. }, NodeRequest::Claim { services, .. }) => {
                let had = services.iter().zip(outcomes);
                let had = had.filter(|(_, outcome)| matches!(outcome, ClaimOutcome::Had { .. }));
                asker.claims.extend(had.map(|((name, _), _)| name.clone()));
            }
            (NodeAnswer::Done, NodeRequest::Release { names }) => {
                asker.claims.retain(|name| !names.contains(name));
            }
            (NodeAnswer::Fenced, _) | (_, NodeRequest::Leave) => {
                asker.claims.clear();
                slot.store(NOBODY, Ordering::Relaxed);
            }
            _ => {}
        }
        Ok(answer)
    }

    /// Some dead letters behind a place, in the order of acceptance, whether the store is a node's or not.
    ///
    /// # Errors
    /// One of them is damaged, or they cannot be read.
    ///
    /// # Panics
    /// It is called within a task of tokio.
    pub fn dead_letters(&mut self, which: &Letters, after: Seq) -> Result<DeadPage, DatabaseError> {
        let Self { runtime, asker: Asker { way, .. }, .. } = self;
        let read = runtime.run(async {
            let mut link = way.link().await?;
            let read = timeout(way.timeout, letters(&mut link, which, after)).await;
            let read = read.unwrap_or(Err(Failing::Late))?;
            way.keep(link);
            Ok::<_, Failing>(read)
        });
        read.map_err(|failing| failing.told(self.place()))
    }
}

impl Asker {
    async fn until_known(&mut self, ask: &NodeAsk) -> Result<NodeAnswer, DatabaseError> {
        // What the ask comes to if it is carried out, while nobody has said so.
        let (mut doubtful, began) = (None, Instant::now());
        let (mut conflicts, mut again) = (0, AGAIN[0]);
        loop {
            let failing = match self.attempt(ask, began, &mut doubtful).await {
                Ok(answer) => return Ok(answer),
                Err(failing) => failing,
            };
            if !failing.is_passing() {
                return Err(failing.told(self.way.place()));
            }
            if failing.is_conflict() && conflicts < CONFLICTS {
                conflicts += 1;
                continue;
            }
            if doubtful.is_none() {
                return Ok(NodeAnswer::Away);
            }
            tokio::time::sleep(again).await;
            again = (again * 2).min(AGAIN[1]);
        }
    }

    async fn attempt(
        &mut self,
        ask: &NodeAsk,
        began: Instant,
        doubtful: &mut Option<NodeAnswer>,
    ) -> Result<NodeAnswer, Failing> {
        let Self { way, claims, behind } = self;
        let mut link = way.link().await?;
        let carried = carried_out(&mut link, ask, began, claims, behind, doubtful);
        let answer = timeout(way.timeout, carried).await.unwrap_or(Err(Failing::Late))?;
        way.keep(link);
        Ok(answer)
    }
}

impl fmt::Debug for BusStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("BusStore");
        told.field("place", &self.place()).field("config", &self.config);
        told.field("is_connected", &self.asker.way.is_connected()).finish_non_exhaustive()
    }
}

/// Carries an ask out in one transaction. From when that is to last until it is known whether it does, `doubtful` has the answer.
async fn carried_out(
    link: &mut Link,
    ask: &NodeAsk,
    began: Instant,
    claims: &BTreeSet<Name>,
    behind: &mut Seq,
    doubtful: &mut Option<NodeAnswer>,
) -> Result<NodeAnswer, Failing> {
    if ask.request == NodeRequest::Join {
        return join(link, ask.number, ask.lease).await;
    }
    fence_over(link, ask, began, claims).await?;
    let mut turn = match Turn::begin(link, ask, began, claims).await? {
        Begun::New(turn) => turn,
        Begun::Fenced => return Ok(NodeAnswer::Fenced),
        Begun::Done => {
            return doubtful.take().ok_or(Failing::Misfit("the number of the ask is that of an earlier one"));
        }
    };
    // It was not carried out.
    *doubtful = None;
    let answer = answered(&mut turn, ask, behind).await?;
    if matches!(answer, NodeAnswer::Full { .. }) {
        turn.give_up().await?;
        return Ok(answer);
    }
    *doubtful = Some(answer);
    turn.commit().await?;
    doubtful.take().ok_or(Failing::Doubt)
}

async fn answered(turn: &mut Turn<'_>, ask: &NodeAsk, behind: &mut Seq) -> Result<NodeAnswer, Failing> {
    match &ask.request {
        NodeRequest::Commit { batch, room, limits } => commit(turn, batch, room, limits).await,
        NodeRequest::Claim { services, rows, limits } => claim(turn, services, *rows, limits).await,
        NodeRequest::Recall { name, after, rows } => recall(turn, name, after, *rows).await,
        NodeRequest::Release { names } => release(turn, names).await,
        NodeRequest::Look { room, after, kept } => look(turn, room, after.as_ref(), kept).await,
        NodeRequest::Requeue { letters, after, rows, limits } => {
            requeue(turn, letters, *after, *rows, limits).await
        }
        NodeRequest::Purge { letters, after, rows } => purge(turn, letters, *after, *rows).await,
        NodeRequest::Trim { max, rows } => trim(turn, *max, *rows, behind).await,
        NodeRequest::Leave => leave(turn).await,
        _ => Err(Failing::Misfit("it is asked what it does not know")),
    }
}
