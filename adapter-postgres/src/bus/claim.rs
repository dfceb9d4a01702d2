//! Claims, and what comes with them.

use super::commit::name;
use super::failing::Failing;
use super::join::{SWEEP, floor};
use super::rows::{self, Flaw};
use super::turn::{Turn, aged};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use wharf::service::bus::{ClaimOutcome, Name, NodeAnswer, NodeLimits, Record};

/// Registrations that are older than those for which another node has a service, or wants it.
const OLDER: &str = "SELECT s.name FROM unnest($1::text[], $2::float8[]) AS d (name, age) JOIN bus_services s ON s.name = d.name \
    LEFT JOIN bus_nodes o ON o.slot = s.owner AND o.until > clock_timestamp() \
    LEFT JOIN bus_nodes w ON w.slot = s.wanted AND w.until > clock_timestamp() \
    WHERE o.slot <> $3 AND s.since > clock_timestamp() - d.age * interval '1 second' \
    OR w.slot <> $3 AND s.wanted_since > clock_timestamp() - d.age * interval '1 second'";
/// Whoever forgets what is remembered of those whom nobody has claimed waits until it is seen who is claimed.
const NOT_TRIMMED: &str = "SELECT pg_advisory_xact_lock_shared(6298523424906341)";
const COUNT: &str = "SELECT count(*) FROM bus_services";
const MAKE: &str = "INSERT INTO bus_services (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING";
const LOCK: &str =
    "SELECT name, owner, wanted FROM bus_services WHERE name = ANY ($1) ORDER BY name FOR UPDATE";
/// Whoever waits asks again and again: what says so already, but for how exact a time can be told, is not written anew, unless it makes
/// the one who has it the older.
const WANT: &str = "UPDATE bus_services s SET wanted = $3, wanted_since = d.since FROM (SELECT name, \
    clock_timestamp() - age * interval '1 second' FROM unnest($1::text[], $2::float8[]) AS u (name, age)) AS d (name, since) \
    WHERE s.name = d.name AND (s.wanted IS DISTINCT FROM $3 OR (s.wanted_since < s.since AND d.since >= s.since) \
    OR s.wanted_since NOT BETWEEN d.since - interval '0.1 second' AND d.since + interval '0.1 second')";
const CLAIM: &str = "UPDATE bus_services s SET owner = $3, since = clock_timestamp() - d.age * interval '1 second', wanted = NULL, \
    claim = nextval('bus_claims'), waiting = pending FROM unnest($1::text[], $2::float8[]) AS d (name, age) WHERE s.name = d.name \
    RETURNING s.name, s.pending";
const NUMBERS_OF: &str = "SELECT sender, prefix, used, high, gaps, sum FROM bus_numbers WHERE sender = ANY ($1) \
    ORDER BY sender, prefix";
const IDS_OF: &str = "SELECT i.sender, i.id, i.seq, i.sum FROM unnest($1::text[]) AS d (name) CROSS JOIN LATERAL \
    (SELECT sender, id, seq, sum FROM bus_ids WHERE sender = d.name AND id > $2 ORDER BY id LIMIT $3) AS i \
    ORDER BY i.sender, i.id";
const RELEASE_LOCK: &str =
    "SELECT owner, wanted FROM bus_services WHERE name = ANY ($1) ORDER BY name FOR UPDATE";
const RELEASE: &str = "UPDATE bus_services SET owner = nullif(owner, $2), wanted = nullif(wanted, $2) \
    WHERE name = ANY ($1) AND (owner = $2 OR wanted = $2)";

/// Services that are claimed, and how long ago they registered.
type Asked<'a> = &'a [(Name, Duration)];

/// How the services are, while all of them that there are are locked.
struct Locked {
    /// Who has them, where that is another node.
    owners: BTreeMap<Name, i16>,
    /// Those that are wanted by this node already.
    are_wanted: BTreeSet<Name>,
    /// Those of registrations that are too old.
    older: BTreeSet<Name>,
    /// Those that there is no room for.
    refused: BTreeSet<Name>,
}

/// Claims services, or has their owners told that they are wanted.
pub(crate) async fn claim(
    turn: &mut Turn<'_>,
    services: Asked<'_>,
    most: u32,
    limits: &NodeLimits,
) -> Result<NodeAnswer, Failing> {
    let locked = loop {
        // Of those that somebody else made meanwhile one may be gone before it is locked; then all begins again.
        if let Some(locked) = lock(turn, services, limits).await? {
            break locked;
        }
    };
    let is_left = |name: &Name| !locked.older.contains(name) && !locked.refused.contains(name);
    let left = services.iter().filter(|(name, _)| is_left(name)).cloned();
    let (wanted, free): (Vec<_>, Vec<_>) = left.partition(|(name, _)| locked.owners.contains_key(name));
    if !wanted.is_empty() {
        let (names, ages) = columns(&wanted, turn.began);
        turn.execute(WANT, &[&names, &ages, &turn.slot()]).await?;
        // Who was called before looks by itself now and then.
        let new = wanted.iter().filter(|(name, _)| !locked.are_wanted.contains(name));
        turn.wakes.extend(new.filter_map(|(name, _)| locked.owners.get(name)));
    }
    let mut had = had(turn, free, most).await?;
    let outcome = |(name, _): &(Name, Duration)| match had.remove(name) {
        Some(outcome) => outcome,
        None if locked.older.contains(name) => ClaimOutcome::Replaced,
        None if locked.refused.contains(name) => ClaimOutcome::TooMany,
        None => ClaimOutcome::Wanted,
    };
    let outcomes = services.iter().map(outcome).collect();
    Ok(NodeAnswer::Claimed { floor: floor(turn.link).await?, outcomes })
}

/// Makes those that are not there, and locks them all. `None` if one of them is gone again.
async fn lock(
    turn: &mut Turn<'_>,
    services: Asked<'_>,
    limits: &NodeLimits,
) -> Result<Option<Locked>, Failing> {
    let mut names: Vec<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    turn.query(NOT_TRIMMED, &[]).await?;
    let refused = make(turn, services, &names, limits).await?;
    let (mut count, mut owners, mut are_wanted) = (0, BTreeMap::new(), BTreeSet::new());
    for row in turn.query(LOCK, &[&names]).await? {
        let service = name(row.try_get(0)?)?;
        count += 1;
        if row.try_get::<_, Option<i16>>(2)? == Some(turn.slot()) {
            are_wanted.insert(service.clone());
        }
        let owner = row.try_get::<_, Option<i16>>(1)?.filter(|owner| *owner != turn.slot());
        owners.extend(owner.map(|owner| (service, owner)));
    }
    if count + refused.len() != names.len() {
        return Ok(None);
    }
    let older = older(turn, services).await?;
    Ok(Some(Locked { owners, are_wanted, older, refused }))
}

/// Makes services that are not there, in the order in which they were asked for. Those that there is no room for.
async fn make(
    turn: &mut Turn<'_>,
    services: Asked<'_>,
    names: &[&str],
    limits: &NodeLimits,
) -> Result<BTreeSet<Name>, Failing> {
    let mut known = BTreeSet::new();
    for row in turn.query(LOCK, &[&names]).await? {
        known.insert(name(row.try_get(0)?)?);
    }
    let new: Vec<&Name> =
        services.iter().map(|(name, _)| name).filter(|name| !known.contains(*name)).collect();
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let count: i64 = turn.query(COUNT, &[]).await?.first().map_or(Ok(0), |row| row.try_get(0))?;
    let room = limits.max_services.saturating_sub(count.cast_unsigned());
    let (made, refused) = new.split_at(usize::try_from(room).unwrap_or(usize::MAX).min(new.len()));
    let mut made: Vec<&str> = made.iter().map(|name| name.as_str()).collect();
    made.sort_unstable();
    turn.execute(MAKE, &[&made]).await?;
    Ok(refused.iter().map(|name| (*name).clone()).collect())
}

/// Those of registrations that are older than another node's.
async fn older(turn: &mut Turn<'_>, services: Asked<'_>) -> Result<BTreeSet<Name>, Failing> {
    let (names, ages) = columns(services, turn.began);
    let rows = turn.query(OLDER, &[&names, &ages, &turn.slot()]).await?;
    rows.iter().map(|row| name(row.try_get(0)?)).collect()
}

pub(crate) fn columns(services: Asked<'_>, began: Instant) -> (Vec<&str>, Vec<f64>) {
    services.iter().map(|(name, age)| (name.as_str(), aged(*age, began))).unzip()
}

/// Takes claims that are free, and what is remembered of those services; but none of whom that is damaged.
async fn had(
    turn: &mut Turn<'_>,
    mut free: Vec<(Name, Duration)>,
    most: u32,
) -> Result<BTreeMap<Name, ClaimOutcome>, Failing> {
    if free.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (names, _) = columns(&free, turn.began);
    let mut remembered = Remembered::default();
    for row in turn.query(NUMBERS_OF, &[&names]).await? {
        remembered.add(name(row.try_get(0)?)?, rows::numbers(&row), u32::MAX);
    }
    let mut numbers = std::mem::take(&mut remembered.records);
    remembered.add_ids(turn, &names, "", most).await?;
    let Remembered { mut records, damaged } = remembered;
    let damage = |(service, what)| (service, ClaimOutcome::Damaged { what });
    free.retain(|(service, _)| !damaged.contains_key(service));
    let (names, ages) = columns(&free, turn.began);
    let mut outcomes: BTreeMap<Name, ClaimOutcome> = damaged.into_iter().map(damage).collect();
    for row in turn.query(CLAIM, &[&names, &ages, &turn.slot()]).await? {
        let (service, pending) = (name(row.try_get(0)?)?, row.try_get::<_, i64>(1)?.cast_unsigned());
        let (mut all, _) = numbers.remove(&service).unwrap_or_default();
        let (ids, has_more) = records.remove(&service).unwrap_or_default();
        all.extend(ids);
        outcomes.insert(service, ClaimOutcome::Had { pending, records: all, is_all: !has_more });
    }
    Ok(outcomes)
}

/// What is remembered of senders.
#[derive(Default)]
struct Remembered {
    /// Of each some, and whether there are more.
    records: BTreeMap<Name, (Vec<Record>, bool)>,
    /// Where it is damaged, and what is wrong there.
    damaged: BTreeMap<Name, String>,
}

impl Remembered {
    /// One more, if there are not as many as there may be.
    fn add(&mut self, from: Name, read: Result<Record, Flaw>, most: u32) {
        let (records, has_more) = self.records.entry(from.clone()).or_default();
        match read {
            _ if records.len() >= most as usize => *has_more = true,
            Ok(record) => records.push(record),
            Err(Flaw(what)) => drop(self.damaged.insert(from, what)),
        }
    }

    /// So many ids of each behind one.
    async fn add_ids(
        &mut self,
        turn: &mut Turn<'_>,
        names: &[&str],
        after: &str,
        most: u32,
    ) -> Result<(), Failing> {
        for row in turn.query(IDS_OF, &[&names, &after, &(i64::from(most) + 1)]).await? {
            self.add(name(row.try_get(0)?)?, rows::id(&row), most);
        }
        Ok(())
    }
}

/// More of the ids that are remembered of a sender.
pub(crate) async fn recall(
    turn: &mut Turn<'_>,
    name: &Name,
    after: &Name,
    most: u32,
) -> Result<NodeAnswer, Failing> {
    turn.owned(name)?;
    let mut ids = Remembered::default();
    ids.add_ids(turn, &[name.as_str()], after, most).await?;
    if let Some((_, what)) = ids.damaged.pop_first() {
        return Ok(NodeAnswer::Damaged { what });
    }
    let (records, has_more) = ids.records.remove(name).unwrap_or_default();
    Ok(NodeAnswer::Recalled { records, is_all: !has_more })
}

/// Gives claims up, and no longer wants others.
pub(crate) async fn release(turn: &mut Turn<'_>, names: &[Name]) -> Result<NodeAnswer, Failing> {
    let (texts, slot): (Vec<&str>, _) = (names.iter().map(Name::as_str).collect(), turn.slot());
    for row in turn.query(RELEASE_LOCK, &[&texts]).await? {
        if row.try_get::<_, Option<i16>>(0)? == Some(slot) {
            turn.wakes.extend(row.try_get::<_, Option<i16>>(1)?);
        }
    }
    turn.execute(RELEASE, &[&texts, &slot]).await?;
    turn.execute(SWEEP, &[&texts]).await?;
    Ok(NodeAnswer::Done)
}
