//! Batches.

use super::changes::{make, stored};
use super::failing::Failing;
use super::load::{Load, Taking};
use super::stage::{Fate, Stage};
use super::turn::Turn;
use crate::text::to_sql;
use std::collections::{BTreeMap, BTreeSet};
use wharf::service::bus::{Batch, Change, MAX_KEPT_NOTICES, Name, NodeAnswer, NodeLimits, NodeRoom, Seq};

const MESSAGES: &str =
    "SELECT seq, receiver, sender, id, size FROM bus_messages WHERE seq = ANY ($1) AND died_at IS NULL";
const LOCK: &str = "SELECT name, owner, claim, pending, pending_bytes, waiting, dead, dead_bytes FROM bus_services \
    WHERE name = ANY ($1) ORDER BY name FOR UPDATE";
const COUNT: &str = "SELECT count(*) FROM bus_services";
const MAKE: &str = "INSERT INTO bus_services (name) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING";
const WRITE: &str = "UPDATE bus_services s SET pending = d.pending, pending_bytes = d.pending_bytes, waiting = d.waiting, \
    dead = d.dead, dead_bytes = d.dead_bytes \
    FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) \
    AS d (name, pending, pending_bytes, waiting, dead, dead_bytes) WHERE s.name = d.name";
const OTHERS: &str =
    "SELECT name, owner FROM bus_services WHERE name = ANY ($1) AND owner IS NOT NULL AND owner <> $2";
const NOTE: &str = "INSERT INTO bus_notices (slot, sender, id, reason) SELECT $1, d.sender, d.id, d.reason \
    FROM unnest($2::text[], $3::text[], $4::text[]) WITH ORDINALITY AS d (sender, id, reason, place) ORDER BY d.place \
    LIMIT greatest(0, $5 - (SELECT count(*) FROM (SELECT 1 FROM bus_notices WHERE slot = $1 LIMIT $5) AS kept))";

/// A message that is there already.
struct Known {
    to: Name,
    from: Name,
    id: Name,
    size: u64,
}

/// What a batch comes to.
enum Weighed {
    /// Carried out, the places of messages that are not taken.
    Committed(Vec<Seq>),
    /// Not carried out, for lack of room for these.
    Full(Vec<Seq>),
}

/// Carries a batch out, or says what there is no room for: then nothing of the turn is to last.
pub(crate) async fn commit(
    turn: &mut Turn<'_>,
    batch: &Batch,
    room: &NodeRoom,
    limits: &NodeLimits,
) -> Result<NodeAnswer, Failing> {
    let stages =
        Stage::of(batch.changes()).ok_or(Failing::Misfit("a batch has a change that is no node's"))?;
    let known = known(turn, batch).await?;
    match carry_out(turn, batch, &stages, &known, room, limits).await? {
        Weighed::Full(seqs) => Ok(NodeAnswer::Full { seqs }),
        Weighed::Committed(left) => {
            for stage in &stages {
                note_deaths(turn, stage, &known).await?;
            }
            Ok(NodeAnswer::Committed { left })
        }
    }
}

async fn carry_out(
    turn: &mut Turn<'_>,
    batch: &Batch,
    stages: &[Stage<'_>],
    known: &BTreeMap<Seq, Known>,
    room: &NodeRoom,
    limits: &NodeLimits,
) -> Result<Weighed, Failing> {
    let names: BTreeSet<&Name> = batch
        .changes()
        .iter()
        .filter_map(|change| match change {
            Change::Accept(accepted) => Some(&accepted.to),
            Change::Remove(seq) | Change::Bury(seq, _) => known.get(seq).map(|known| &known.to),
            _ => None,
        })
        .collect();
    let mut loads = lock(turn, &names).await?;
    let are_new = names.iter().any(|name| !loads.contains_key(*name));
    let services = if are_new { count(turn).await? } else { 0 };
    let refused = weigh(turn, batch, known, &mut loads, services, limits)?;
    if !refused.is_empty() {
        return Ok(Weighed::Full(refused));
    }
    make_new(turn, &loads).await?;
    let mut taking = Taking::new(room);
    let (mut left, mut taken) = (Vec::new(), BTreeMap::new());
    turn.last = batch.changes().iter().filter_map(Change::place).fold(turn.last, Seq::max);
    for change in batch.changes() {
        let Change::Accept(accepted) = change else { continue };
        let Some(load) = loads.get_mut(&accepted.to) else { continue };
        let is_ours = load.owner == Some(turn.slot());
        if is_ours && load.waiting == 0 && taking.take(&accepted.to, accepted.size()) {
            taken.insert(accepted.seq, load.claim);
            continue;
        }
        load.waiting += 1;
        left.push(accepted.seq);
        turn.wakes.extend(load.owner.filter(|_| !is_ours));
    }
    for stage in stages {
        make(turn, stage, &taken).await?;
    }
    write(turn, &loads).await?;
    left.sort_unstable();
    Ok(Weighed::Committed(left))
}

/// Weighs the changes in their order. Which messages there is no room for.
fn weigh(
    turn: &Turn<'_>,
    batch: &Batch,
    known: &BTreeMap<Seq, Known>,
    loads: &mut BTreeMap<Name, Load>,
    mut services: u64,
    limits: &NodeLimits,
) -> Result<Vec<Seq>, Failing> {
    let mut refused = Vec::new();
    for change in batch.changes() {
        match change {
            Change::Accept(accepted) => {
                turn.owned(&accepted.from)?;
                let is_new = !loads.contains_key(&accepted.to);
                let mut load = loads.get(&accepted.to).copied().unwrap_or_default();
                if (is_new && services >= limits.max_services) || !load.has_room(accepted.size(), limits) {
                    refused.push(accepted.seq);
                    continue;
                }
                services += u64::from(is_new);
                load.put(accepted.size());
                loads.insert(accepted.to.clone(), load);
            }
            Change::Progress(seq, _) | Change::Remove(seq) | Change::Bury(seq, _) => {
                let known = known.get(seq).ok_or(Failing::Misfit("a message is not there"))?;
                turn.owned(&known.to)?;
                let Some(load) = loads.get_mut(&known.to) else { continue };
                match change {
                    Change::Remove(_) => load.remove(known.size),
                    Change::Bury(..) => load.bury(known.size),
                    _ => {}
                }
            }
            Change::RememberId { from, .. }
            | Change::ForgetId { from, .. }
            | Change::ForgetNumbers { from, .. } => turn.owned(from)?,
            Change::RememberNumbers(numbers) => turn.owned(&numbers.from)?,
            _ => return Err(Failing::Misfit("a batch has a change that is no node's")),
        }
    }
    refused.sort_unstable();
    Ok(refused)
}

/// The messages that a batch changes.
async fn known(turn: &mut Turn<'_>, batch: &Batch) -> Result<BTreeMap<Seq, Known>, Failing> {
    let seqs: Vec<i64> = batch
        .changes()
        .iter()
        .filter_map(|change| match change {
            Change::Progress(seq, _) | Change::Remove(seq) | Change::Bury(seq, _) => Some(stored(*seq)),
            _ => None,
        })
        .collect();
    if seqs.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut known = BTreeMap::new();
    for row in turn.query(MESSAGES, &[&seqs]).await? {
        let name = |at| name(row.try_get(at)?);
        let size: i64 = row.try_get(4)?;
        let message = Known { to: name(1)?, from: name(2)?, id: name(3)?, size: size.cast_unsigned() };
        known.insert(Seq(row.try_get::<_, i64>(0)?.cast_unsigned()), message);
    }
    Ok(known)
}

/// Locks services, always in the order of their names, so that nobody waits for who waits for him.
pub(crate) async fn lock(
    turn: &mut Turn<'_>,
    names: &BTreeSet<&Name>,
) -> Result<BTreeMap<Name, Load>, Failing> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let texts: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let rows = turn.query(LOCK, &[&texts]).await?;
    rows.iter().map(|row| Ok((name(row.try_get(0)?)?, Load::of(row)?))).collect()
}

async fn count(turn: &mut Turn<'_>) -> Result<u64, Failing> {
    let rows = turn.query(COUNT, &[]).await?;
    let count: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(count.cast_unsigned())
}

/// Makes services that are not there.
async fn make_new(turn: &mut Turn<'_>, loads: &BTreeMap<Name, Load>) -> Result<(), Failing> {
    let new = loads.iter().filter(|(_, load)| load.is_new);
    let new: Vec<&str> = new.map(|(name, _)| name.as_str()).collect();
    if new.is_empty() || turn.execute(MAKE, &[&new]).await? == new.len() as u64 {
        return Ok(());
    }
    // Another node has made one meanwhile, and it has to be weighed as it is now.
    Err(Failing::Conflict)
}

pub(crate) async fn write(turn: &mut Turn<'_>, loads: &BTreeMap<Name, Load>) -> Result<(), Failing> {
    if loads.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = loads.keys().map(Name::as_str).collect();
    let column =
        |of: fn(&Load) -> u64| loads.values().map(|load| of(load).cast_signed()).collect::<Vec<i64>>();
    let (pending, bytes) = (column(|load| load.pending), column(|load| load.pending_bytes));
    let waiting = column(|load| load.waiting);
    let (dead, dead_bytes) = (column(|load| load.dead), column(|load| load.dead_bytes));
    turn.change(names.len(), WRITE, &[&names, &pending, &bytes, &waiting, &dead, &dead_bytes]).await
}

/// Has other nodes told of the deaths of what their services have sent.
async fn note_deaths(
    turn: &mut Turn<'_>,
    stage: &Stage<'_>,
    known: &BTreeMap<Seq, Known>,
) -> Result<(), Failing> {
    let deaths: Vec<_> = stage
        .messages
        .iter()
        .filter_map(|(seq, fate)| match fate {
            Fate::Buried(death) => Some((known.get(seq)?, &death.reason)),
            _ => None,
        })
        .filter(|(known, _)| !turn.has_claimed(&known.from))
        .collect();
    if deaths.is_empty() {
        return Ok(());
    }
    let senders: BTreeSet<&str> = deaths.iter().map(|(known, _)| known.from.as_str()).collect();
    let senders: Vec<&str> = senders.into_iter().collect();
    let mut owners = BTreeMap::new();
    for row in turn.query(OTHERS, &[&senders, &turn.slot()]).await? {
        owners.insert(name(row.try_get(0)?)?, row.try_get::<_, i16>(1)?);
    }
    let mut notices = BTreeMap::<i16, (Vec<&str>, Vec<&str>, Vec<String>)>::new();
    for (known, reason) in deaths {
        let Some(slot) = owners.get(&known.from) else { continue };
        let (senders, ids, reasons) = notices.entry(*slot).or_default();
        senders.push(&known.from);
        ids.push(&known.id);
        reasons.push(to_sql(&reason.to_string()).into_owned());
    }
    for (slot, (senders, ids, reasons)) in notices {
        let most = MAX_KEPT_NOTICES as i64;
        if turn.execute(NOTE, &[&slot, &senders, &ids, &reasons, &most]).await? > 0 {
            turn.wakes.insert(slot);
        }
    }
    Ok(())
}

/// A name that is stored.
pub(crate) fn name(text: &str) -> Result<Name, Failing> {
    Name::new(text).map_err(|_| Failing::Misfit("a name that is stored is none"))
}
