//! Claims, and what comes with them.

use super::failing::Failing;
use super::join::{SWEEP, fence_if_over, floor};
use super::rows;
use super::turn::Turn;
use std::time::Duration;
use wharf::service::bus::{Name, NodeAnswer, NodeLimits, Record};

const OWNER: &str = "SELECT s.owner, n.until <= clock_timestamp() FROM bus_services s \
    LEFT JOIN bus_nodes n ON n.slot = s.owner WHERE s.name = $1";
/// Whether a registration is older than that for which another node has a service, or wants it.
const IS_OLDER: &str = "SELECT FROM bus_services s LEFT JOIN bus_nodes o ON o.slot = s.owner AND o.until > clock_timestamp() \
    LEFT JOIN bus_nodes w ON w.slot = s.wanted AND w.until > clock_timestamp() WHERE s.name = $1 AND \
    (o.slot <> $2 AND s.since > clock_timestamp() - $3 * interval '1 second' \
    OR w.slot <> $2 AND s.wanted_since > clock_timestamp() - $3 * interval '1 second')";
/// Whoever forgets what is remembered of those whom nobody has claimed waits until it is seen who is claimed.
const NOT_TRIMMED: &str = "SELECT pg_advisory_xact_lock_shared(6298523424906341)";
const COUNT: &str = "SELECT count(*) FROM bus_services";
const MAKE: &str = "INSERT INTO bus_services (name) VALUES ($1) ON CONFLICT DO NOTHING";
const LOCK: &str = "SELECT owner, wanted FROM bus_services WHERE name = $1 FOR UPDATE";
const WANT: &str = "UPDATE bus_services SET wanted = $2, \
    wanted_since = clock_timestamp() - $3 * interval '1 second' WHERE name = $1";
const CLAIM: &str = "UPDATE bus_services SET owner = $2, since = clock_timestamp() - $3 * interval '1 second', wanted = NULL, claim = nextval('bus_claims'), waiting = pending \
    WHERE name = $1 RETURNING pending";
const NUMBERS_OF: &str =
    "SELECT sender, prefix, used, high, gaps, sum FROM bus_numbers WHERE sender = $1 ORDER BY prefix";
const IDS_OF: &str =
    "SELECT sender, id, seq, sum FROM bus_ids WHERE sender = $1 AND id > $2 ORDER BY id LIMIT $3";
const RELEASE_LOCK: &str =
    "SELECT owner, wanted FROM bus_services WHERE name = ANY ($1) ORDER BY name FOR UPDATE";
const RELEASE: &str = "UPDATE bus_services SET owner = nullif(owner, $2), wanted = nullif(wanted, $2) \
    WHERE name = ANY ($1) AND (owner = $2 OR wanted = $2)";

/// Claims a service, or has its owner told that it is wanted.
pub(crate) async fn claim(
    turn: &mut Turn<'_>,
    name: &Name,
    age: Duration,
    rows: u32,
    limits: &NodeLimits,
) -> Result<NodeAnswer, Failing> {
    let (text, slot) = (name.as_str(), turn.slot());
    loop {
        let found = turn.query(OWNER, &[&text]).await?;
        let (mut owner, mut is_over) = (None, false);
        if let Some(row) = found.first() {
            owner = row.try_get::<_, Option<i16>>(0)?;
            is_over = row.try_get::<_, Option<bool>>(1)? == Some(true);
        }
        if !turn.query(IS_OLDER, &[&text, &slot, &turn.age(age)]).await?.is_empty() {
            return Ok(NodeAnswer::Replaced);
        }
        let mut owner = owner.filter(|owner| *owner != slot);
        if let Some(other) = owner.filter(|_| is_over)
            && fence_if_over(turn, other).await?
        {
            owner = None;
        }
        turn.query(NOT_TRIMMED, &[]).await?;
        let is_new = turn.query(LOCK, &[&text]).await?.is_empty();
        if is_new {
            let services: i64 = turn.query(COUNT, &[]).await?.first().map_or(Ok(0), |row| row.try_get(0))?;
            if services.cast_unsigned() >= limits.max_services {
                return Ok(NodeAnswer::TooMany);
            }
            turn.execute(MAKE, &[&text]).await?;
        }
        // Nobody else has changed it meanwhile, or all begins again with what is so now.
        let locked = turn.query(LOCK, &[&text]).await?;
        let Some(row) = locked.first() else { continue };
        let now = row.try_get::<_, Option<i16>>(0)?;
        let is_older = !turn.query(IS_OLDER, &[&text, &slot, &turn.age(age)]).await?.is_empty();
        if is_older || now.filter(|owner| *owner != slot) != owner {
            continue;
        }
        return match owner {
            Some(other) => {
                turn.change(1, WANT, &[&text, &slot, &turn.age(age)]).await?;
                // It was called before, and looks by itself now and then.
                if row.try_get::<_, Option<i16>>(1)? != Some(slot) {
                    turn.wakes.insert(other);
                }
                Ok(NodeAnswer::Wanted)
            }
            None => claimed(turn, name, age, rows).await,
        };
    }
}

async fn claimed(turn: &mut Turn<'_>, name: &Name, age: Duration, most: u32) -> Result<NodeAnswer, Failing> {
    let (text, slot) = (name.as_str(), turn.slot());
    let found = turn.query(CLAIM, &[&text, &slot, &turn.age(age)]).await?;
    let pending: i64 = found.first().ok_or(Failing::Misfit("a service is gone"))?.try_get(0)?;
    let floor = floor(turn.link).await?;
    let mut records = turn
        .query(NUMBERS_OF, &[&text])
        .await?
        .iter()
        .map(rows::numbers)
        .collect::<Result<Vec<Record>, _>>()?;
    let (ids, is_all) = ids(turn, name, "", most).await?;
    records.extend(ids);
    Ok(NodeAnswer::Claimed { floor, pending: pending.cast_unsigned(), records, is_all })
}

/// More of the ids that are remembered of a sender.
pub(crate) async fn recall(
    turn: &mut Turn<'_>,
    name: &Name,
    after: &Name,
    most: u32,
) -> Result<NodeAnswer, Failing> {
    turn.owned(name)?;
    let (records, is_all) = ids(turn, name, after, most).await?;
    Ok(NodeAnswer::Recalled { records, is_all })
}

async fn ids(
    turn: &mut Turn<'_>,
    name: &Name,
    after: &str,
    most: u32,
) -> Result<(Vec<Record>, bool), Failing> {
    let (most, limit) = (most as usize, i64::from(most) + 1);
    let found = turn.query(IDS_OF, &[&name.as_str(), &after, &limit]).await?;
    let records = found.iter().take(most).map(rows::id).collect::<Result<Vec<Record>, _>>()?;
    Ok((records, found.len() <= most))
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
