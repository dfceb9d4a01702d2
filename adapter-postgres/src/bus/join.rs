//! Nodes that come and go.

use super::failing::Failing;
use super::schema::TURN;
use super::turn::Turn;
use super::wakes::calls;
use crate::link::Link;
use std::collections::BTreeSet;
use std::time::Duration;
use wharf::service::bus::{Fence, MAX_NODES, NodeAnswer, Seq};

const SLOTS: &str = "SELECT slot, until <= clock_timestamp() FROM bus_nodes WHERE is_in ORDER BY slot";
/// Only of a node that is not at work: one that is extends its lease by it.
const LOCK_OVER: &str = "SELECT 1 FROM bus_nodes WHERE slot = $1 AND is_in \
    AND until <= clock_timestamp() - $2 * interval '1 second' FOR UPDATE SKIP LOCKED";
const JOIN: &str = "INSERT INTO bus_nodes (slot, epoch, is_in, until, number) \
    VALUES ($1, nextval('bus_epochs'), true, clock_timestamp() + $2 * interval '1 second', $3) \
    ON CONFLICT (slot) DO UPDATE SET epoch = excluded.epoch, is_in = true, until = excluded.until, \
    number = excluded.number RETURNING epoch";
const FLOOR: &str = "SELECT coalesce(max(last), 0) FROM bus_nodes";
const LOCK_SERVICES: &str = "SELECT name, wanted FROM bus_services WHERE owner = $1 OR wanted = $1 \
    ORDER BY name FOR UPDATE";
const GIVE_UP: &str = "UPDATE bus_services SET wanted = nullif(wanted, $1), owner = nullif(owner, $1) \
    WHERE owner = $1 OR wanted = $1";
const OUT: &str = "UPDATE bus_nodes SET is_in = false WHERE slot = $1";
const FORGET_NOTICES: &str = "DELETE FROM bus_notices WHERE slot = $1";
/// Services of which nothing is known any more.
pub(crate) const SWEEP: &str = "DELETE FROM bus_services WHERE name = ANY ($1) AND owner IS NULL AND wanted IS NULL \
    AND pending = 0 AND dead = 0";

/// Makes a node.
pub(crate) async fn join(link: &mut Link, number: u64, lease: Duration) -> Result<NodeAnswer, Failing> {
    link.client.batch_execute(&format!("BEGIN; {TURN}")).await?;
    let (mut used, mut over) = (BTreeSet::new(), Vec::new());
    for row in link.query(SLOTS, &[]).await? {
        let slot: i16 = row.try_get(0)?;
        used.insert(slot);
        if row.try_get(1)? {
            over.push(slot);
        }
    }
    let mut wakes = BTreeSet::new();
    let mut chosen = (0..MAX_NODES.cast_signed()).find(|slot| !used.contains(slot));
    // Whoever has not been heard of for long may be there all the same, and has lost nothing yet.
    for slot in over {
        if chosen.is_none() && lock_over(link, slot, Duration::ZERO).await? {
            fence_out(link, slot, &mut wakes).await?;
            chosen = Some(slot);
        }
    }
    let Some(slot) = chosen else {
        link.client.batch_execute("ROLLBACK").await?;
        return Ok(NodeAnswer::Crowded);
    };
    // Of whoever had the slot before there may be some all the same.
    link.execute(FORGET_NOTICES, &[&slot]).await?;
    let lease = lease.as_secs_f64();
    let rows = link.query(JOIN, &[&slot, &lease, &number.cast_signed()]).await?;
    let epoch: i64 = rows.first().ok_or(Failing::Misfit("a node was not made"))?.try_get(0)?;
    let floor = floor(link).await?;
    // One that is made and not told of is nobody's, until its lease is over.
    link.client.batch_execute(&format!("COMMIT{}", calls(&wakes))).await?;
    Ok(NodeAnswer::Joined { fence: Fence::new(slot.cast_unsigned(), epoch.cast_unsigned()), floor })
}

/// The greatest place that anything has, or ever had.
pub(crate) async fn floor(link: &mut Link) -> Result<Seq, Failing> {
    let rows = link.query(FLOOR, &[]).await?;
    let floor: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(Seq(floor.cast_unsigned()))
}

/// Holds the row of a node whose lease has been over for so long, if it is not at work. Whether it is held.
async fn lock_over(link: &mut Link, slot: i16, overdue: Duration) -> Result<bool, Failing> {
    Ok(!link.query(LOCK_OVER, &[&slot, &overdue.as_secs_f64()]).await?.is_empty())
}

/// Fences a node whose lease has been over for so long, if it is not at work.
pub(crate) async fn fence_if_over(turn: &mut Turn<'_>, slot: i16, overdue: Duration) -> Result<(), Failing> {
    if lock_over(turn.link, slot, overdue).await? {
        fence_out(turn.link, slot, &mut turn.wakes).await?;
    }
    Ok(())
}

/// The node goes, with its claims.
pub(crate) async fn leave(turn: &mut Turn<'_>) -> Result<NodeAnswer, Failing> {
    let slot = turn.slot();
    fence_out(turn.link, slot, &mut turn.wakes).await?;
    Ok(NodeAnswer::Done)
}

/// Nothing that comes of the node counts any more, and its claims are nobody's. Its row is held.
async fn fence_out(link: &mut Link, slot: i16, wakes: &mut BTreeSet<i16>) -> Result<(), Failing> {
    let rows = link.query(LOCK_SERVICES, &[&slot]).await?;
    let names = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<&str>, _>>()?;
    for row in &rows {
        wakes.extend(row.try_get::<_, Option<i16>>(1)?.filter(|wanted| *wanted != slot));
    }
    if !names.is_empty() {
        link.execute(GIVE_UP, &[&slot]).await?;
        link.execute(SWEEP, &[&names]).await?;
    }
    link.execute(FORGET_NOTICES, &[&slot]).await?;
    link.execute(OUT, &[&slot]).await?;
    Ok(())
}
