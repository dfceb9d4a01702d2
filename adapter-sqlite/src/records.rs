//! All records of a journal, read one after the other and checked on the way.

use crate::damage::{Damage, Place};
use crate::error::{Failure, OpenError};
use crate::fingerprint::{Fingerprint, read};
use crate::row::{self, Flaw, columns};
use crate::schema::meta_sum;
use crate::tally::{Table, Tallies};
use rusqlite::{Connection, ErrorCode, Rows, Statement};
use std::path::Path;
use wharf::service::bus::{Record, Seq};

/// What is known of a journal once all of it was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Batches that it has carried out.
    pub(crate) batches: u64,
    pub(crate) tallies: Tallies,
    /// The greatest place that anything has.
    pub(crate) last: Seq,
}

/// Hands all records to `restore` and checks them, those that it does not take too.
///
/// What it returns is only good if this returns it: damage may be found behind the last record that it took.
pub(crate) fn read_all<T>(
    path: &Path,
    connection: &Connection,
    restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> T,
) -> Result<(Standing, T), OpenError> {
    let (batches, tallies) = meta(path, connection)?;
    let failed = |e| refusal(path, Place::File, e);
    let mut statements = Table::ALL
        .map(|table| connection.prepare(&format!("SELECT {} FROM {}", columns(table), table.name())))
        .into_iter()
        .collect::<Result<Vec<Statement<'_>>, _>>()
        .map_err(failed)?;
    let rows = statements.iter_mut().map(|statement| statement.query([]));
    let rows = rows.collect::<Result<Vec<Rows<'_>>, _>>().map_err(failed)?;
    let mut records = Records {
        path,
        rows: Table::ALL.into_iter().zip(rows).collect(),
        at: 0,
        print: Fingerprint::default(),
        standing: Standing { batches, ..Standing::default() },
        refusal: None,
    };
    let restored = restore(&mut records);
    records.by_ref().for_each(drop);
    if let Some(refusal) = records.refusal {
        return Err(refusal);
    }
    let found = records.standing;
    match Table::ALL.into_iter().find(|table| found.tallies.of(*table) != tallies.of(*table)) {
        None => Ok((found, restored)),
        Some(table) => {
            let (found, kept) = (found.tallies.of(table).count, tallies.of(table).count);
            let what = if found == kept {
                "a row is from another time".into()
            } else {
                format!("it has {found} rows and had {kept}")
            };
            Err(Damage::new(path, Place::Table(table.name()), what).into())
        }
    }
}

/// What the row says that speaks of the tables.
fn meta(path: &Path, connection: &Connection) -> Result<(u64, Tallies), OpenError> {
    let read_row = |row: &rusqlite::Row<'_>| {
        let tallies = row.get_ref(1)?.as_blob().ok().and_then(Tallies::from_bytes);
        Ok((row.get::<_, i64>(0)?, tallies, row.get::<_, i64>(2)?))
    };
    let place = || Place::Table("meta");
    let row = connection.query_row("SELECT batches, tallies, sum FROM meta", [], read_row);
    let (batches, tallies, sum) = row.map_err(|e| refusal(path, place(), e))?;
    let tallies = tallies.filter(|t| meta_sum(&mut Fingerprint::default(), read(batches), t) == sum);
    let tallies = tallies.ok_or_else(|| Damage::new(path, place(), "its checksum is wrong"))?;
    Ok((read(batches), tallies))
}

struct Records<'a> {
    path: &'a Path,
    rows: Vec<(Table, Rows<'a>)>,
    at: usize,
    print: Fingerprint,
    standing: Standing,
    /// Why nothing more comes.
    refusal: Option<OpenError>,
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while self.refusal.is_none() {
            let (table, rows) = self.rows.get_mut(self.at)?;
            let table = *table;
            match rows.next() {
                Ok(Some(row)) => match row::record(table, row, &mut self.print) {
                    Ok((record, sum)) => {
                        self.standing.tallies.put(table, sum);
                        self.standing.last = self.standing.last.max(place_of(&record));
                        return Some(record);
                    }
                    Err(flaw) => self.refusal = Some(damage(self.path, flaw).into()),
                },
                Ok(None) => self.at += 1,
                Err(e) => self.refusal = Some(refusal(self.path, Place::Table(table.name()), e)),
            }
        }
        None
    }
}

fn place_of(record: &Record) -> Seq {
    match record {
        Record::Message(accepted, _) | Record::Dead(accepted, _) => accepted.seq,
        Record::Id { seq, .. } => *seq,
        Record::Numbers(numbers) => numbers.used,
        _ => Seq(0),
    }
}

/// The damage that a flaw of a row is.
pub(crate) fn damage(path: &Path, flaw: Flaw) -> Damage {
    Damage::new(path, Place::Row { table: flaw.table.name(), key: flaw.key }, flaw.what)
}

/// Why a journal is not opened that SQLite found this about: its content, or that it could not be read.
pub(crate) fn refusal(path: &Path, place: Place, error: rusqlite::Error) -> OpenError {
    let is_outside = match error.sqlite_error_code() {
        Some(code) => matches!(
            code,
            ErrorCode::PermissionDenied
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::CannotOpen
                | ErrorCode::NoLargeFileSupport
        ),
        None => false,
    };
    if is_outside {
        Failure::new(path, "the journal cannot be read", error).into()
    } else {
        Damage::new(path, place, error.to_string()).into()
    }
}
