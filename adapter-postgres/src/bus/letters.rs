//! Dead letters that live again or are thrown away, and what is forgotten.

use super::changes::{FORGET_IDS, FORGET_NUMBERS, stored};
use super::commit::{lock, name, write};
use super::failing::Failing;
use super::join::{SWEEP, floor};
use super::rows;
use super::sums;
use super::turn::Turn;
use crate::link::Link;
use std::collections::BTreeSet;
use wharf::service::bus::{Accepted, Death, Letters, MAX_NODES, Name, NodeAnswer, NodeLimits, Record, Seq};

const FIND: &str = "SELECT seq, receiver, size FROM bus_messages WHERE died_at IS NOT NULL AND seq > $1 \
    AND ($2::text IS NULL OR id = $2) AND ($3::text IS NULL OR sender = $3) ORDER BY seq LIMIT $4";
/// Whoever does the same at the same time comes behind, and finds what is left.
const ALONE: &str = "SELECT pg_advisory_xact_lock(6298523424906342)";
const REQUEUE: &str = "UPDATE bus_messages m SET seq = d.now, state_sum = d.sum, died_at = NULL, reason = NULL, progress = NULL, \
    taken = 0, is_again = false FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS d (seq, now, sum) \
    WHERE m.seq = d.seq AND m.died_at IS NOT NULL";
const PURGE: &str = "DELETE FROM bus_messages WHERE seq = ANY ($1) AND died_at IS NOT NULL";
/// Whoever claims a service waits until it is seen what is left of what is remembered of it.
const NO_CLAIMS: &str = "SELECT pg_advisory_xact_lock(6298523424906341)";
const REMEMBERED: &str = "SELECT coalesce(sum(remembered), 0)::bigint FROM bus_nodes";
/// A part of what is remembered, by its age, and of whom nobody has claimed: or all that is remembered by millions who are there would be
/// gone through for the few who are not.
const OLDEST: &str = "SELECT d.is_id, d.sender, d.name, d.age, s.owner IS NULL FROM (\
    (SELECT true, sender, id, seq FROM bus_ids WHERE seq > $1 ORDER BY seq LIMIT $2) UNION ALL \
    (SELECT false, sender, prefix, used FROM bus_numbers WHERE used > $1 ORDER BY used LIMIT $2)) \
    AS d (is_id, sender, name, age) LEFT JOIN bus_services s ON s.name = d.sender ORDER BY d.age LIMIT $2";
/// How much is gone through at once.
const PART: i64 = 10_000;

/// Letters that are read at once.
const READ: i64 = 16;
const LETTERS: &str = "SELECT seq, at, id, sender, receiver, kind, body, sum, progress, died_at, reason, state_sum FROM bus_messages \
    WHERE died_at IS NOT NULL AND seq > $1 AND ($2::text IS NULL OR id = $2) AND ($3::text IS NULL OR sender = $3) \
    ORDER BY seq LIMIT $4";

/// A dead letter.
struct Letter {
    seq: Seq,
    to: Name,
    size: u64,
}

/// Some dead letters (feature `bus`), in the order of acceptance.
///
/// ```
/// assert!(wharf_postgres::DeadPage::default().letters.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadPage {
    /// Each as it was accepted, and what it died of. They are few, since each may be long.
    pub letters: Vec<(Accepted, Death)>,
    /// The place of the last one, where there are more behind it.
    pub next: Option<Seq>,
}

/// Some letters behind a place, whole.
pub(crate) async fn letters(link: &mut Link, which: &Letters, after: Seq) -> Result<DeadPage, Failing> {
    let (id, from) = parts(which);
    let found = link.query(LETTERS, &[&stored(after), &id, &from, &(READ + 1)]).await?;
    let mut letters = Vec::new();
    for row in found.iter().take(READ as usize) {
        if let Record::Dead(accepted, death) = rows::message(row)? {
            letters.push((accepted, death));
        }
    }
    let next = letters.last().map(|(accepted, _)| accepted.seq).filter(|_| found.len() > READ as usize);
    Ok(DeadPage { letters, next })
}

/// Their id and sender, where those are said.
fn parts(letters: &Letters) -> (Option<&str>, Option<&str>) {
    match letters {
        Letters::Id(id) => (Some(id), None),
        Letters::Of { from, id } => (Some(id), Some(from)),
        _ => (None, None),
    }
}

/// Some letters behind a place, and the last of them where there are more.
async fn find(
    turn: &mut Turn<'_>,
    letters: &Letters,
    after: Seq,
    rows: u32,
) -> Result<(Vec<Letter>, Option<Seq>), Failing> {
    turn.query(ALONE, &[]).await?;
    let (id, from) = parts(letters);
    let found = turn.query(FIND, &[&stored(after), &id, &from, &(i64::from(rows) + 1)]).await?;
    let some = found.iter().take(rows as usize).map(|row| {
        let (seq, size): (i64, i64) = (row.try_get(0)?, row.try_get(2)?);
        Ok(Letter { seq: Seq(seq.cast_unsigned()), to: name(row.try_get(1)?)?, size: size.cast_unsigned() })
    });
    let some = some.collect::<Result<Vec<_>, Failing>>()?;
    let next = some.last().map(|letter| letter.seq).filter(|_| found.len() > some.len());
    Ok((some, next))
}

/// Makes messages of dead letters.
pub(crate) async fn requeue(
    turn: &mut Turn<'_>,
    letters: &Letters,
    after: Seq,
    rows: u32,
    limits: &NodeLimits,
) -> Result<NodeAnswer, Failing> {
    let (found, next) = find(turn, letters, after, rows).await?;
    let names: BTreeSet<&Name> = found.iter().map(|letter| &letter.to).collect();
    let mut loads = lock(turn, &names).await?;
    let (mut seqs, mut places, mut sums) = (vec![], vec![], vec![]);
    // Nobody else makes any meanwhile, and whatever waits has a place that is told.
    let (mut full, mut place) = (0, floor(turn.link).await?);
    for Letter { seq: dead, to, size } in &found {
        let load = loads.get_mut(to).ok_or(Failing::Misfit("a service is gone"))?;
        if !load.has_place(*size, limits) {
            full += 1;
            continue;
        }
        load.purge(*size);
        load.put(*size);
        load.waiting += 1;
        turn.wakes.extend(load.owner);
        place = place.next_of(MAX_NODES);
        seqs.push(stored(*dead));
        places.push(stored(place));
        sums.push(sums::of_state(place, None, None));
    }
    if !seqs.is_empty() {
        turn.last = place;
        turn.change(seqs.len(), REQUEUE, &[&seqs, &places, &sums]).await?;
        write(turn, &loads).await?;
    }
    Ok(NodeAnswer::Changed { letters: seqs.len() as u64, full, next })
}

/// Throws dead letters away.
pub(crate) async fn purge(
    turn: &mut Turn<'_>,
    letters: &Letters,
    after: Seq,
    rows: u32,
) -> Result<NodeAnswer, Failing> {
    let (found, next) = find(turn, letters, after, rows).await?;
    let names: BTreeSet<&Name> = found.iter().map(|letter| &letter.to).collect();
    let mut loads = lock(turn, &names).await?;
    for Letter { to, size, .. } in &found {
        loads.get_mut(to).ok_or(Failing::Misfit("a service is gone"))?.purge(*size);
    }
    if !found.is_empty() {
        let seqs: Vec<i64> = found.iter().map(|letter| stored(letter.seq)).collect();
        let names: Vec<&str> = names.into_iter().map(Name::as_str).collect();
        turn.change(seqs.len(), PURGE, &[&seqs]).await?;
        write(turn, &loads).await?;
        turn.execute(SWEEP, &[&names]).await?;
    }
    Ok(NodeAnswer::Changed { letters: found.len() as u64, full: 0, next })
}

/// Forgets the oldest of what is remembered of those whom nobody has claimed, of a part that begins behind an age. That is where the next
/// one begins from here on.
pub(crate) async fn trim(
    turn: &mut Turn<'_>,
    max: u64,
    rows: u32,
    behind: &mut Seq,
) -> Result<NodeAnswer, Failing> {
    turn.query(NO_CLAIMS, &[]).await?;
    let remembered = turn.query(REMEMBERED, &[]).await?;
    let remembered: i64 = remembered.first().map_or(Ok(0), |row| row.try_get(0))?;
    let excess = remembered.max(0).cast_unsigned().saturating_sub(max).min(u64::from(rows)) as usize;
    if excess == 0 {
        return Ok(NodeAnswer::Trimmed { forgotten: 0 });
    }
    let part = turn.query(OLDEST, &[&stored(*behind), &PART]).await?;
    let (mut ids, mut numbers) = ((vec![], vec![]), (vec![], vec![]));
    let mut age = 0;
    for row in &part {
        age = row.try_get(3)?;
        if row.try_get(4)? {
            let kind = if row.try_get(0)? { &mut ids } else { &mut numbers };
            kind.0.push(row.try_get::<_, &str>(1)?);
            kind.1.push(row.try_get::<_, &str>(2)?);
        }
        if ids.0.len() + numbers.0.len() == excess {
            break;
        }
    }
    let forgotten = ids.0.len() + numbers.0.len();
    // Where there was enough the oldest are gone; where there was not, the oldest are those of who is here.
    let is_end = forgotten == excess || part.len() < PART as usize;
    *behind = if is_end { Seq(0) } else { Seq(i64::cast_unsigned(age)) };
    turn.change(ids.0.len(), FORGET_IDS, &[&ids.0, &ids.1]).await?;
    turn.change(numbers.0.len(), FORGET_NUMBERS, &[&numbers.0, &numbers.1]).await?;
    turn.remembered -= forgotten as i64;
    Ok(NodeAnswer::Trimmed { forgotten: forgotten as u64 })
}
