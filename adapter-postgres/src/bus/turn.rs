//! The transaction of an ask.

use super::failing::Failing;
use super::wakes::calls;
use crate::link::{Link, Params};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio_postgres::{Row, SimpleQueryMessage};
use wharf::service::bus::{Fence, Name, NodeAsk, Seq};

/// A transaction that holds the node's own row, so that nobody can fence the node before it ends.
pub(crate) struct Turn<'a> {
    pub(crate) link: &'a mut Link,
    pub(crate) fence: Fence,
    number: u64,
    lease: Duration,
    /// When it was asked: all that happens meanwhile makes what is so old older.
    pub(crate) began: Instant,
    /// The node's claims.
    claims: &'a BTreeSet<Name>,
    /// The greatest place that the ask gives.
    pub(crate) last: Seq,
    /// How much more is remembered.
    pub(crate) remembered: i64,
    /// Slots whose nodes have something to look at.
    pub(crate) wakes: BTreeSet<i16>,
}

/// How a turn begins.
pub(crate) enum Begun<'a> {
    /// Nothing of it is done.
    New(Turn<'a>),
    /// It is done already.
    Done,
    /// The node is none any more.
    Fenced,
}

/// How old something is by now that was so old then, in seconds.
pub(crate) fn aged(age: Duration, began: Instant) -> f64 {
    (age + began.elapsed()).as_secs_f64()
}

impl<'a> Turn<'a> {
    /// Begins, behind whatever a lost connection of the same node is still at.
    pub(crate) async fn begin(
        link: &'a mut Link,
        ask: &NodeAsk,
        began: Instant,
        claims: &'a BTreeSet<Name>,
    ) -> Result<Begun<'a>, Failing> {
        let Fence { slot, epoch, .. } = ask.fence;
        let guard = format!(
            "BEGIN; SELECT number FROM bus_nodes WHERE slot = {slot} AND epoch = {epoch} AND is_in FOR UPDATE"
        );
        let found = link.client.simple_query(&guard).await?;
        let number = found.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse::<u64>().ok(),
            _ => None,
        });
        let Some(number) = number else {
            link.client.batch_execute("ROLLBACK").await?;
            return Ok(Begun::Fenced);
        };
        if number >= ask.number {
            link.client.batch_execute("ROLLBACK").await?;
            return Ok(Begun::Done);
        }
        Ok(Begun::New(Self {
            link,
            fence: ask.fence,
            number: ask.number,
            lease: ask.lease,
            began,
            claims,
            last: Seq(0),
            remembered: 0,
            wakes: BTreeSet::new(),
        }))
    }

    /// The node's slot as the database has it.
    pub(crate) fn slot(&self) -> i16 {
        self.fence.slot.cast_signed()
    }

    /// How old something is by now that was so old when it was asked, in seconds.
    pub(crate) fn age(&self, age: Duration) -> f64 {
        aged(age, self.began)
    }

    /// Only what a node has claimed is its own.
    pub(crate) fn owned(&self, name: &Name) -> Result<(), Failing> {
        if self.claims.contains(name) { Ok(()) } else { Err(Failing::Misfit("a service is not claimed")) }
    }

    pub(crate) fn has_claimed(&self, name: &Name) -> bool {
        self.claims.contains(name)
    }

    pub(crate) async fn query(&mut self, sql: &'static str, params: Params<'_>) -> Result<Vec<Row>, Failing> {
        Ok(self.link.query(sql, params).await?)
    }

    pub(crate) async fn execute(&mut self, sql: &'static str, params: Params<'_>) -> Result<u64, Failing> {
        Ok(self.link.execute(sql, params).await?)
    }

    /// Changes so many rows, or what is stored is not what was thought.
    pub(crate) async fn change(
        &mut self,
        rows: usize,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<(), Failing> {
        let changed = self.execute(sql, params).await?;
        if changed == rows as u64 {
            Ok(())
        } else {
            Err(Failing::Misfit("a change is about what is not there"))
        }
    }

    /// Makes all of it last, with the longer lease. It is told then whom it concerns; a call of that is lost where the connection is.
    pub(crate) async fn commit(self) -> Result<(), Failing> {
        let Fence { slot, .. } = self.fence;
        let (number, lease, last, more) = (self.number, self.lease.as_micros(), self.last.0, self.remembered);
        // Within the transaction all that call anybody would have to wait for each other's disk.
        let sql = format!(
            "UPDATE bus_nodes SET number = {number}, \
             until = clock_timestamp() + {lease} * interval '1 microsecond', \
             last = greatest(last, {last}), remembered = remembered + {more} WHERE slot = {slot}; COMMIT{}",
            calls(&self.wakes)
        );
        self.link.client.batch_execute(&sql).await.map_err(|_| Failing::Doubt)
    }

    /// Makes what was done beside the ask last, which is still to be carried out.
    pub(crate) async fn end(self) -> Result<(), Failing> {
        Ok(self.link.client.batch_execute(&format!("COMMIT{}", calls(&self.wakes))).await?)
    }

    /// Does nothing of it, but for the lease.
    pub(crate) async fn give_up(self) -> Result<(), Failing> {
        let Fence { slot, epoch, .. } = self.fence;
        let lease = self.lease.as_micros();
        let sql = format!(
            "ROLLBACK; UPDATE bus_nodes SET until = clock_timestamp() + {lease} * interval '1 microsecond' \
             WHERE slot = {slot} AND epoch = {epoch} AND is_in"
        );
        Ok(self.link.client.batch_execute(&sql).await?)
    }
}
