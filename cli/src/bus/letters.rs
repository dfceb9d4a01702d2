//! Dead letters in a database, whether buses run on it or not.

use super::commands::Verb;
use super::dead::DeadError;
use super::nodes::NodesError;
use crate::database::DatabaseUrl;
use std::time::Duration;
use wharf::service::bus::{BusConfig, Fence, Letters, NodeAnswer, NodeAsk, NodeLimits, NodeRequest, Seq};
use wharf_postgres::BusStore;
use wharf_sqlite::DeadLetter;

/// How long a command counts as a node that says nothing more.
const LEASE: Duration = Duration::from_secs(10);
/// Letters that are changed at once.
const ROWS: u32 = 256;

/// Hands letters out, the first accepted first.
pub(super) fn each(
    database: &DatabaseUrl,
    which: &Letters,
    mut letter: impl FnMut(DeadLetter),
) -> Result<(), DeadError> {
    let mut store = database.open(false)?;
    let mut after = Some(Seq(0));
    while let Some(place) = after {
        let read = store.dead_letters(which, place);
        let page = read.map_err(|why| NodesError { at: database.clone(), why })?;
        page.letters.into_iter().for_each(|(accepted, death)| letter(DeadLetter { accepted, death }));
        after = page.next;
    }
    Ok(())
}

/// Requeues or purges, as a node for as long as it takes. How many were changed, and how many stay for lack of room.
pub(super) fn change(database: &DatabaseUrl, verb: Verb, letters: &Letters) -> Result<(u64, u64), DeadError> {
    let mut visit = Visit { database, store: database.open(false)?, fence: Fence::default(), number: 0 };
    match visit.ask(NodeRequest::Join)? {
        NodeAnswer::Joined { fence, .. } => visit.fence = fence,
        _ => return Err(DeadError::Refused("there are as many buses as there may be".to_owned())),
    }
    let (mut done, mut stay, mut next) = (0, 0, Some(Seq(0)));
    while let Some(after) = next {
        let letters = letters.clone();
        let answer = visit.ask(match verb {
            Verb::Requeue => {
                let limits = NodeLimits::of(&BusConfig::default());
                NodeRequest::Requeue { letters, after, rows: ROWS, limits }
            }
            Verb::Purge => NodeRequest::Purge { letters, after, rows: ROWS },
        })?;
        let NodeAnswer::Changed { letters, full, next: more } = answer else {
            return Err(DeadError::Refused("the database is away, or takes too long".to_owned()));
        };
        (done, stay, next) = (done + letters, stay + full, more);
    }
    // Otherwise it would count as a node until its lease is over.
    visit.ask(NodeRequest::Leave)?;
    Ok((done, stay))
}

/// Asking as a node.
struct Visit<'a> {
    database: &'a DatabaseUrl,
    store: BusStore,
    fence: Fence,
    number: u64,
}

impl Visit<'_> {
    fn ask(&mut self, request: NodeRequest) -> Result<NodeAnswer, DeadError> {
        self.number += 1;
        let ask = NodeAsk::new(self.fence, self.number, LEASE, request);
        let answer = self.store.carry_out(&ask);
        Ok(answer.map_err(|why| NodesError { at: self.database.clone(), why })?)
    }
}
