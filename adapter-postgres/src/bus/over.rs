//! Nodes whose lease is over, and that are in the way.

use super::claim::columns;
use super::failing::Failing;
use super::join::fence_if_over;
use super::turn::{Begun, Turn};
use crate::link::Link;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio_postgres::Row;
use wharf::service::bus::{Name, NodeAsk, NodeRequest, OVERDUE};

/// Those who are over and have one of the services, but for registrations that are older than one for which a node that lives wants it.
const IN_THE_WAY: &str = "SELECT DISTINCT s.owner FROM unnest($1::text[], $2::float8[]) AS d (name, age) \
    JOIN bus_services s ON s.name = d.name JOIN bus_nodes n ON n.slot = s.owner AND n.until <= clock_timestamp() \
    LEFT JOIN bus_nodes w ON w.slot = s.wanted AND w.slot <> $3 AND w.until > clock_timestamp() \
    WHERE s.owner <> $3 AND (w.slot IS NULL OR s.wanted_since <= clock_timestamp() - d.age * interval '1 second') ORDER BY s.owner";
/// Those who are overdue, for who is not: whoever was away itself does not know who else was.
const LONG_OVER: &str = "SELECT n.slot FROM bus_nodes o JOIN bus_nodes n ON n.is_in \
    AND n.until <= clock_timestamp() - $2 * interval '1 second' \
    WHERE o.slot = $1 AND o.until > clock_timestamp() ORDER BY n.slot";

/// Fences those whom an ask fences, each in a transaction of its own before that of the ask: what a node had is locked in the order of the
/// names, and with other services in hand it would not be.
pub(crate) async fn fence_over(
    link: &mut Link,
    ask: &NodeAsk,
    began: Instant,
    claims: &BTreeSet<Name>,
) -> Result<(), Failing> {
    let (slots, overdue) = match &ask.request {
        NodeRequest::Claim { services, .. } => {
            (in_the_way(link, ask, services, began).await?, Duration::ZERO)
        }
        NodeRequest::Trim { .. } => (long_over(link, ask).await?, OVERDUE),
        _ => return Ok(()),
    };
    for slot in slots {
        let Begun::New(mut turn) = Turn::begin(link, ask, began, claims).await? else { break };
        fence_if_over(&mut turn, slot, overdue).await?;
        turn.end().await?;
    }
    Ok(())
}

async fn in_the_way(
    link: &mut Link,
    ask: &NodeAsk,
    services: &[(Name, Duration)],
    began: Instant,
) -> Result<Vec<i16>, Failing> {
    let (names, ages) = columns(services, began);
    slots(&link.query(IN_THE_WAY, &[&names, &ages, &ask.fence.slot.cast_signed()]).await?)
}

async fn long_over(link: &mut Link, ask: &NodeAsk) -> Result<Vec<i16>, Failing> {
    slots(&link.query(LONG_OVER, &[&ask.fence.slot.cast_signed(), &OVERDUE.as_secs_f64()]).await?)
}

fn slots(rows: &[Row]) -> Result<Vec<i16>, Failing> {
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
