//! Nodes whose lease is over, and that are in the way.

use super::failing::Failing;
use super::join::fence_if_over;
use super::turn::{Begun, Turn};
use crate::link::Link;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use wharf::service::bus::{Name, NodeAsk, NodeRequest, OVERDUE};

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

async fn long_over(link: &mut Link, ask: &NodeAsk) -> Result<Vec<i16>, Failing> {
    let rows = link.query(LONG_OVER, &[&ask.fence.slot.cast_signed(), &OVERDUE.as_secs_f64()]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}
