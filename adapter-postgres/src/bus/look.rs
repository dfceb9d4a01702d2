//! What waits for a node.

use super::changes::stored;
use super::commit::name;
use super::failing::Failing;
use super::load::Taking;
use super::rows::{self, Flaw};
use super::turn::Turn;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use wharf::service::bus::{
    Accepted, DeathNotice, MAX_NOTICES, Name, NodeAnswer, NodeRoom, Progress, Record, Seq, Standing,
};

/// Services that are looked at in one go.
const SERVICES: usize = 256;

const WITH_MESSAGES: &str = "SELECT name FROM bus_services WHERE owner = $1 AND waiting > 0 AND NOT name = ANY ($2) \
    ORDER BY $3::text IS NOT NULL AND name <= $3, name";
/// Of each service those that were handed out before come first, then the others, both by their places.
const WAITING: &str = "SELECT s.name, m.seq, m.size FROM unnest($1::text[]) WITH ORDINALITY AS d (name, place) \
    JOIN bus_services s ON s.name = d.name CROSS JOIN LATERAL \
    (SELECT seq, size, is_again FROM bus_messages WHERE receiver = s.name AND died_at IS NULL AND taken <> s.claim \
    ORDER BY is_again DESC, seq LIMIT $2) AS m ORDER BY d.place, m.is_again DESC, m.seq";
const LOCK: &str = "SELECT name FROM bus_services WHERE name = ANY ($1) ORDER BY name FOR UPDATE";
const TAKE: &str = "UPDATE bus_messages m SET taken = s.claim FROM bus_services s WHERE m.seq = ANY ($1) AND s.name = m.receiver \
    RETURNING m.seq, m.at, m.id, m.sender, m.receiver, m.kind, m.body, m.sum, m.progress, m.died_at, m.reason, m.state_sum";
const KEEP: &str = "UPDATE bus_services s SET since = clock_timestamp() - d.age * interval '1 second' \
    FROM unnest($1::text[], $2::float8[]) AS d (name, age) WHERE s.name = d.name AND s.owner = $3";
const TAKEN: &str = "UPDATE bus_services s SET waiting = waiting - d.count \
    FROM unnest($1::text[], $2::bigint[]) AS d (name, count) WHERE s.name = d.name";
const WANTED: &str = "SELECT name, greatest(extract(epoch FROM clock_timestamp() - wanted_since), 0)::float8 FROM bus_services \
    WHERE owner = $1 AND wanted IS NOT NULL AND wanted_since >= since ORDER BY name LIMIT $2";
const NOTICES: &str = "WITH told AS (DELETE FROM bus_notices WHERE number IN \
    (SELECT number FROM bus_notices WHERE slot = $1 ORDER BY number LIMIT $2) RETURNING number, sender, id, reason) \
    SELECT sender, id, reason FROM told ORDER BY number";
const STANDING: &str =
    "SELECT count(*), coalesce(sum(pending), 0)::bigint, coalesce(sum(dead), 0)::bigint FROM bus_services";

/// What is to be taken.
#[derive(Default)]
struct Found {
    seqs: Vec<Seq>,
    /// How many of each service.
    counts: BTreeMap<Name, i64>,
    /// The last service that something is taken of.
    last: Option<Name>,
    is_more: bool,
}

/// Takes what waits, and hands over what the node is to be told.
pub(crate) async fn look(
    turn: &mut Turn<'_>,
    room: &NodeRoom,
    after: Option<&Name>,
    kept: &[(Name, Duration)],
) -> Result<NodeAnswer, Failing> {
    let found = find(turn, room, after).await?;
    // All at once, by name: whoever locks in two orders waits for one who waits for it.
    let names: BTreeSet<&Name> = kept.iter().map(|(name, _)| name).chain(found.counts.keys()).collect();
    if !names.is_empty() {
        let names: Vec<&str> = names.into_iter().map(Name::as_str).collect();
        turn.query(LOCK, &[&names]).await?;
    }
    if !kept.is_empty() {
        keep(turn, kept).await?;
    }
    let (messages, damaged) = take(turn, &found).await?;
    let (slot, most) = (turn.slot(), MAX_NOTICES as i64);
    let rows = turn.query(WANTED, &[&slot, &most]).await?;
    let wanted = rows.iter().map(|row| {
        let age = Duration::try_from_secs_f64(row.try_get(1)?).unwrap_or(Duration::MAX);
        Ok((name(row.try_get(0)?)?, age))
    });
    let wanted = wanted.collect::<Result<_, Failing>>()?;
    let mut notices = Vec::new();
    for row in turn.query(NOTICES, &[&slot, &most]).await? {
        let reason = crate::text::from_sql(row.try_get(2)?);
        let reason = reason.parse().map_err(|_| Failing::Misfit("a reason that is stored is none"))?;
        notices.push(DeathNotice::new(name(row.try_get(0)?)?, name(row.try_get(1)?)?, reason));
    }
    let standing = standing(turn).await?;
    let next = found.last.filter(|_| found.is_more);
    Ok(NodeAnswer::Looked { messages, damaged, next, wanted, notices, standing })
}

/// Which messages there is room for. Services are looked at in turn, some at a time, and of none more than there is room for.
async fn find(turn: &mut Turn<'_>, room: &NodeRoom, after: Option<&Name>) -> Result<Found, Failing> {
    let except: Vec<&str> = room.except.iter().map(Name::as_str).collect();
    let rows = turn.query(WITH_MESSAGES, &[&turn.slot(), &except, &after.map(Name::as_str)]).await?;
    let names = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<Vec<&str>, Failing>>()?;
    let (mut found, mut taking) = (Found::default(), Taking::new(room));
    for some in names.chunks(SERVICES) {
        // One more than there is room for tells that there is more.
        let most = i64::from(taking.rows_left().min(room.each)) + 1;
        for row in turn.query(WAITING, &[&some, &most]).await? {
            let (name, size) = (name(row.try_get(0)?)?, row.try_get::<_, i64>(2)?.cast_unsigned());
            if !taking.take(&name, size) {
                found.is_more = true;
                continue;
            }
            found.seqs.push(Seq(row.try_get::<_, i64>(1)?.cast_unsigned()));
            *found.counts.entry(name.clone()).or_default() += 1;
            found.last = Some(name);
        }
        if found.is_more && taking.is_over() {
            break;
        }
    }
    Ok(found)
}

/// Has it known since when services are here again. They are locked.
async fn keep(turn: &mut Turn<'_>, kept: &[(Name, Duration)]) -> Result<(), Failing> {
    let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
    let ages: Vec<f64> = kept.iter().map(|(_, age)| turn.age(*age)).collect();
    turn.execute(KEEP, &[&names, &ages, &turn.slot()]).await?;
    Ok(())
}

/// Messages that are taken, and services of whose messages one is damaged: none of theirs.
type Taken = (Vec<(Accepted, Progress)>, Vec<(Name, String)>);

/// Takes what was found, of services that are locked.
async fn take(turn: &mut Turn<'_>, found: &Found) -> Result<Taken, Failing> {
    if found.seqs.is_empty() {
        return Ok(Taken::default());
    }
    let names: Vec<&str> = found.counts.keys().map(Name::as_str).collect();
    let counts: Vec<i64> = found.counts.values().copied().collect();
    turn.change(names.len(), TAKEN, &[&names, &counts]).await?;
    let seqs: Vec<i64> = found.seqs.iter().map(|seq| stored(*seq)).collect();
    let (mut taken, mut damaged) = (BTreeMap::new(), BTreeMap::new());
    let rows = turn.query(TAKE, &[&seqs]).await?;
    if rows.len() != seqs.len() {
        return Err(Failing::Misfit("a message that waits is gone"));
    }
    for row in rows {
        match rows::message(&row) {
            Ok(Record::Message(accepted, progress)) => {
                taken.insert(accepted.seq, (accepted, progress));
            }
            Ok(_) => return Err(Failing::Misfit("a message that waits is none")),
            // Whose it is, is beyond doubt: by that it was found.
            Err(Flaw(what)) => drop(damaged.insert(name(row.try_get(4)?)?, what)),
        }
    }
    let messages = found.seqs.iter().filter_map(|seq| taken.remove(seq));
    let messages = messages.filter(|(accepted, _)| !damaged.contains_key(&accepted.to));
    Ok((messages.collect(), damaged.into_iter().collect()))
}

async fn standing(turn: &mut Turn<'_>) -> Result<Standing, Failing> {
    let rows = turn.query(STANDING, &[]).await?;
    let row = rows.first().ok_or(Failing::Misfit("nothing is counted"))?;
    let number = |at| row.try_get::<_, i64>(at).map(i64::cast_unsigned);
    Ok(Standing::new(number(0)?, number(1)?, number(2)?))
}
