//! Changes as statements.

use crate::fingerprint::{Fingerprint, read, stored};
use crate::records::Standing;
use crate::row::{self, Flaw, columns, dead_sum, gaps_into, id_sum, message_sum, numbers_sum, progress_text};
use crate::tally::Table;
use rusqlite::{Connection, OptionalExtension, Params, params};
use std::collections::BTreeSet;
use wharf::service::bus::{Accepted, Change, Death, Numbers, Progress, Record, Seq};

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It does not fit what is stored.
    Misfit,
    /// What it is about was damaged meanwhile.
    Flaw(Flaw),
    /// SQLite refused it.
    Sqlite(rusqlite::Error),
    /// Progress cannot be written as text.
    Json(serde_json::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

type Done = Result<(), Refused>;

/// Makes changes within a transaction.
pub(crate) struct Applying<'a> {
    pub(crate) connection: &'a Connection,
    pub(crate) print: &'a mut Fingerprint,
    pub(crate) standing: &'a mut Standing,
    pub(crate) gaps: &'a mut Vec<u8>,
}

impl Applying<'_> {
    /// Makes a change.
    pub(crate) fn apply(&mut self, change: &Change) -> Done {
        match change {
            Change::Accept(accepted) => self.accept(accepted),
            Change::Progress(seq, progress) => self.progress(*seq, progress),
            Change::Remove(seq) => self.take(Table::Messages, *seq),
            Change::Bury(seq, death) => self.bury(*seq, death),
            Change::Requeue { dead, seq } => self.requeue(*dead, *seq),
            Change::Purge(seq) => self.take(Table::Dead, *seq),
            Change::RememberId { from, id, seq } => {
                let sum = id_sum(self.print, from, id, *seq);
                let row = params![from.as_str(), id.as_str(), stored(seq.0), sum];
                self.insert("INSERT OR IGNORE INTO ids (sender, id, seq, sum) VALUES (?1, ?2, ?3, ?4)", row)?;
                self.put(Table::Ids, *seq, sum)
            }
            Change::ForgetId { from, id } => {
                let key = params![from.as_str(), id.as_str()];
                let sum = self.sum_of("SELECT sum FROM ids WHERE sender = ?1 AND id = ?2", key)?;
                self.delete("DELETE FROM ids WHERE sender = ?1 AND id = ?2", key)?;
                self.gone(Table::Ids, sum)
            }
            Change::RememberNumbers(numbers) => self.remember(numbers),
            Change::ForgetNumbers { from, prefix } => {
                let key = params![from.as_str(), prefix.as_str()];
                let sum = self.sum_of(NUMBERS_SUM, key)?;
                self.delete("DELETE FROM numbers WHERE sender = ?1 AND prefix = ?2", key)?;
                self.gone(Table::Numbers, sum)
            }
            _ => Err(Refused::Misfit),
        }
    }

    fn accept(&mut self, accepted: &Accepted) -> Done {
        // Places rise, so it is seldom asked.
        if accepted.seq <= self.standing.last && self.has(Table::Dead, accepted.seq)? {
            return Err(Refused::Misfit);
        }
        self.put_message(accepted)
    }

    fn put_message(&mut self, accepted: &Accepted) -> Done {
        let sum = message_sum(self.print, accepted, None);
        let sql = "INSERT OR IGNORE INTO messages (seq, sum, at, id, sender, receiver, kind, body) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let (seq, at) = (stored(accepted.seq.0), stored(accepted.at.as_millis()));
        let (id, from, to) = (accepted.id.as_str(), accepted.from.as_str(), accepted.to.as_str());
        self.insert(sql, params![seq, sum, at, id, from, to, &*accepted.kind, &accepted.body[..]])?;
        self.put(Table::Messages, accepted.seq, sum)
    }

    fn progress(&mut self, seq: Seq, progress: &Progress) -> Done {
        let (accepted, before) = self.message(seq)?;
        let text = progress_text(progress).map_err(Refused::Json)?;
        let sum = message_sum(self.print, &accepted, text.as_deref());
        let sql = "UPDATE messages SET sum = ?2, progress = ?3 WHERE seq = ?1";
        self.insert(sql, params![stored(seq.0), sum, text])?;
        self.standing.tallies.take(Table::Messages, before);
        self.put(Table::Messages, seq, sum)
    }

    fn bury(&mut self, seq: Seq, death: &Death) -> Done {
        let (accepted, _) = self.message(seq)?;
        self.take(Table::Messages, seq)?;
        let text = progress_text(&death.progress).map_err(Refused::Json)?;
        let reason = death.reason.to_string();
        let sum = dead_sum(self.print, &accepted, text.as_deref(), death.at, &reason);
        let sql = "INSERT OR IGNORE INTO dead (seq, sum, at, id, sender, receiver, kind, body, progress, died_at, reason) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let (at, died_at) = (stored(accepted.at.as_millis()), stored(death.at.as_millis()));
        let (id, from, to) = (accepted.id.as_str(), accepted.from.as_str(), accepted.to.as_str());
        let (kind, body) = (&*accepted.kind, &accepted.body[..]);
        self.insert(sql, params![stored(seq.0), sum, at, id, from, to, kind, body, text, died_at, reason])?;
        self.put(Table::Dead, seq, sum)
    }

    fn requeue(&mut self, dead: Seq, seq: Seq) -> Done {
        let Record::Dead(accepted, _) = self.record(Table::Dead, dead)?.0 else {
            return Err(Refused::Misfit);
        };
        self.take(Table::Dead, dead)?;
        if self.has(Table::Dead, seq)? {
            return Err(Refused::Misfit);
        }
        let Accepted { id, from, to, kind, body, at, .. } = accepted;
        self.put_message(&Accepted::new(seq, id, from, to, &kind, body, at))
    }

    fn remember(&mut self, numbers: &Numbers) -> Done {
        let key = params![numbers.from.as_str(), numbers.prefix.as_str()];
        match self.sum_of(NUMBERS_SUM, key) {
            Ok(before) => self.standing.tallies.take(Table::Numbers, before),
            Err(Refused::Misfit) => {}
            Err(refused) => return Err(refused),
        }
        gaps_into(self.gaps, &numbers.gaps);
        let sum = numbers_sum(self.print, numbers, self.gaps);
        let sql = "INSERT OR REPLACE INTO numbers (sender, prefix, used, high, gaps, sum) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let (used, high) = (stored(numbers.used.0), stored(numbers.high));
        let gaps = &self.gaps[..];
        let row = params![numbers.from.as_str(), numbers.prefix.as_str(), used, high, gaps, sum];
        self.insert(sql, row)?;
        self.put(Table::Numbers, numbers.used, sum)
    }

    /// Takes a message or a dead letter out.
    fn take(&mut self, table: Table, seq: Seq) -> Done {
        let key = params![stored(seq.0)];
        let is_message = table == Table::Messages;
        let sum = if is_message { "SELECT sum FROM messages WHERE seq = ?1" } else { DEAD_SUM };
        let sum = self.sum_of(sum, key)?;
        let delete = if is_message { "DELETE FROM messages WHERE seq = ?1" } else { DEAD_DELETE };
        self.delete(delete, key)?;
        self.gone(table, sum)
    }

    fn message(&mut self, seq: Seq) -> Result<(Accepted, u64), Refused> {
        match self.record(Table::Messages, seq)? {
            (Record::Message(accepted, _), sum) => Ok((accepted, sum)),
            _ => Err(Refused::Misfit),
        }
    }

    /// A message or a dead letter, checked as when it is opened.
    fn record(&mut self, table: Table, seq: Seq) -> Result<(Record, u64), Refused> {
        let sql = format!("SELECT {} FROM {} WHERE seq = ?1", columns(table), table.name());
        let mut statement = self.connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params![stored(seq.0)])?;
        let row = rows.next()?.ok_or(Refused::Misfit)?;
        row::record(table, row, self.print).map_err(Refused::Flaw)
    }

    fn has(&self, table: Table, seq: Seq) -> Result<bool, Refused> {
        let sql = if table == Table::Dead { DEAD_SUM } else { "SELECT sum FROM messages WHERE seq = ?1" };
        Ok(self.connection.prepare_cached(sql)?.exists(params![stored(seq.0)])?)
    }

    fn sum_of(&self, sql: &str, key: impl Params) -> Result<u64, Refused> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let sum = statement.query_row(key, |row| row.get::<_, i64>(0)).optional()?;
        sum.map(read).ok_or(Refused::Misfit)
    }

    fn insert(&self, sql: &str, row: impl Params) -> Done {
        let changed = self.connection.prepare_cached(sql)?.execute(row)?;
        if changed == 1 { Ok(()) } else { Err(Refused::Misfit) }
    }

    fn delete(&self, sql: &str, key: impl Params) -> Done {
        self.insert(sql, key)
    }

    fn put(&mut self, table: Table, seq: Seq, sum: i64) -> Done {
        self.standing.tallies.put(table, read(sum));
        self.standing.last = self.standing.last.max(seq);
        Ok(())
    }

    fn gone(&mut self, table: Table, sum: u64) -> Done {
        self.standing.tallies.take(table, sum);
        Ok(())
    }
}

const DEAD_SUM: &str = "SELECT sum FROM dead WHERE seq = ?1";
const DEAD_DELETE: &str = "DELETE FROM dead WHERE seq = ?1";
const NUMBERS_SUM: &str = "SELECT sum FROM numbers WHERE sender = ?1 AND prefix = ?2";

/// Which changes of a batch a later one makes again: of a prefix's numbers only the last ones count.
pub(crate) fn superseded(changes: &[Change]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut later = BTreeSet::new();
    for (at, change) in changes.iter().enumerate().rev() {
        match change {
            Change::RememberNumbers(numbers) if !later.insert((&*numbers.from, &*numbers.prefix)) => {
                found.insert(at);
            }
            // It has to find what stood before it.
            Change::ForgetNumbers { from, prefix } => drop(later.remove(&(&**from, &**prefix))),
            _ => {}
        }
    }
    found
}
