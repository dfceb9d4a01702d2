//! Records as rows: what their columns hold, and what their checksums are over.

use crate::fingerprint::{Fingerprint, read};
use crate::tally::Table;
use bytes::Bytes;
use rusqlite::Row;
use rusqlite::types::ValueRef;
use wharf::base::Wall;
use wharf::service::bus::{Accepted, Death, Name, Numbers, Progress, Record, Seq};

/// The columns that all of a row is read by, in the order in which they are.
pub(crate) const fn columns(table: Table) -> &'static str {
    match table {
        Table::Messages => "seq, sum, at, id, sender, receiver, kind, body, progress",
        Table::Dead => "seq, sum, at, id, sender, receiver, kind, body, progress, died_at, reason",
        Table::Ids => "sender, id, seq, sum",
        Table::Numbers => "sender, prefix, used, high, gaps, sum",
    }
}

/// A row that no journal wrote.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) table: Table,
    /// Its key, as far as it can be read.
    pub(crate) key: String,
    pub(crate) what: &'static str,
}

/// The record in a row with these [columns], and its checksum, which was found right.
pub(crate) fn record(table: Table, row: &Row<'_>, print: &mut Fingerprint) -> Result<(Record, u64), Flaw> {
    let flaw = |what| Flaw { table, key: key(table, row), what };
    let (record, sum, right) = match table {
        Table::Messages => message(row, print),
        Table::Dead => dead(row, print),
        Table::Ids => id(row, print),
        Table::Numbers => numbers(row, print),
    }
    .map_err(flaw)?;
    if sum == right { Ok((record, read(sum))) } else { Err(flaw("its checksum is wrong")) }
}

type Read = Result<(Record, i64, i64), &'static str>;

fn message(row: &Row<'_>, print: &mut Fingerprint) -> Read {
    let (accepted, progress) = accepted(row)?;
    let right = message_sum(print, &accepted, progress);
    Ok((Record::Message(accepted, progress_of(progress)?), integer(row, 1)?, right))
}

fn dead(row: &Row<'_>, print: &mut Fingerprint) -> Read {
    let (accepted, progress) = accepted(row)?;
    let reason = text(row, 10)?;
    let at = wall(row, 9)?;
    let right = dead_sum(print, &accepted, progress, at, reason);
    let reason = reason.parse().map_err(|_| "its reason is none")?;
    let death = Death::new(reason, at, progress_of(progress)?);
    Ok((Record::Dead(accepted, death), integer(row, 1)?, right))
}

fn id(row: &Row<'_>, print: &mut Fingerprint) -> Read {
    let (from, id, seq) = (name(row, 0)?, name(row, 1)?, Seq(number(row, 2)?));
    let right = id_sum(print, &from, &id, seq);
    Ok((Record::Id { from, id, seq }, integer(row, 3)?, right))
}

fn numbers(row: &Row<'_>, print: &mut Fingerprint) -> Read {
    let gaps = blob(row, 4)?;
    let mut words = gaps.chunks_exact(8).map(|w| w.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)));
    let pairs = core::iter::from_fn(|| Some((words.next()?, words.next()?))).collect();
    let (used, high) = (Seq(number(row, 2)?), number(row, 3)?);
    let numbers = Numbers::new(name(row, 0)?, name(row, 1)?, used, high, pairs);
    let right = numbers_sum(print, &numbers, gaps);
    Ok((Record::Numbers(numbers), integer(row, 5)?, right))
}

/// The checksum of a message.
pub(crate) fn message_sum(print: &mut Fingerprint, accepted: &Accepted, progress: Option<&str>) -> i64 {
    accepted_sum(print.row(Table::Messages), accepted, progress).sum()
}

/// That of a dead letter.
pub(crate) fn dead_sum(
    print: &mut Fingerprint,
    accepted: &Accepted,
    progress: Option<&str>,
    died_at: Wall,
    reason: &str,
) -> i64 {
    let print = accepted_sum(print.row(Table::Dead), accepted, progress);
    print.number(died_at.as_millis()).text(reason).sum()
}

fn accepted_sum<'a>(
    print: &'a mut Fingerprint,
    accepted: &Accepted,
    progress: Option<&str>,
) -> &'a mut Fingerprint {
    print.number(accepted.seq.0).number(accepted.at.as_millis());
    print.text(&accepted.id).text(&accepted.from).text(&accepted.to).text(&accepted.kind);
    print.number(u64::from(progress.is_some())).text(progress.unwrap_or_default()).blob(&accepted.body)
}

/// That of a remembered id.
pub(crate) fn id_sum(print: &mut Fingerprint, from: &str, id: &str, seq: Seq) -> i64 {
    print.row(Table::Ids).text(from).text(id).number(seq.0).sum()
}

/// That of remembered numbers, whose gaps are these bytes.
pub(crate) fn numbers_sum(print: &mut Fingerprint, numbers: &Numbers, gaps: &[u8]) -> i64 {
    let print = print.row(Table::Numbers).text(&numbers.from).text(&numbers.prefix);
    print.number(numbers.used.0).number(numbers.high).blob(gaps).sum()
}

/// Gaps as bytes, into this buffer: first and last of each, eight bytes each, the least first.
pub(crate) fn gaps_into(bytes: &mut Vec<u8>, gaps: &[(u64, u64)]) {
    bytes.clear();
    for (first, last) in gaps {
        bytes.extend_from_slice(&first.to_le_bytes());
        bytes.extend_from_slice(&last.to_le_bytes());
    }
}

/// Progress as text; none for the default.
pub(crate) fn progress_text(progress: &Progress) -> Result<Option<String>, serde_json::Error> {
    if *progress == Progress::default() { Ok(None) } else { serde_json::to_string(progress).map(Some) }
}

fn progress_of(text: Option<&str>) -> Result<Progress, &'static str> {
    text.map_or(Ok(Progress::default()), |text| {
        serde_json::from_str(text).map_err(|_| "its progress is none")
    })
}

fn accepted<'a>(row: &'a Row<'_>) -> Result<(Accepted, Option<&'a str>), &'static str> {
    let progress = match value(row, 8)? {
        ValueRef::Null => None,
        _ => Some(text(row, 8)?),
    };
    let body = Bytes::copy_from_slice(blob(row, 7)?);
    let (id, from, to) = (name(row, 3)?, name(row, 4)?, name(row, 5)?);
    Ok((Accepted::new(Seq(number(row, 0)?), id, from, to, text(row, 6)?, body, wall(row, 2)?), progress))
}

/// The key of a row, for people.
fn key(table: Table, row: &Row<'_>) -> String {
    match table {
        Table::Messages | Table::Dead => {
            number(row, 0).map_or_else(|_| "without a number".into(), |seq| seq.to_string())
        }
        Table::Ids | Table::Numbers => {
            format!("{}/{}", text(row, 0).unwrap_or_default(), text(row, 1).unwrap_or_default())
        }
    }
}

const OTHER_TYPE: &str = "a column is of another type";

fn value<'a>(row: &'a Row<'_>, at: usize) -> Result<ValueRef<'a>, &'static str> {
    row.get_ref(at).map_err(|_| OTHER_TYPE)
}

fn integer(row: &Row<'_>, at: usize) -> Result<i64, &'static str> {
    value(row, at)?.as_i64().map_err(|_| OTHER_TYPE)
}

fn number(row: &Row<'_>, at: usize) -> Result<u64, &'static str> {
    integer(row, at).map(read)
}

fn text<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a str, &'static str> {
    value(row, at)?.as_str().map_err(|_| OTHER_TYPE)
}

fn blob<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a [u8], &'static str> {
    value(row, at)?.as_blob().map_err(|_| OTHER_TYPE)
}

fn name(row: &Row<'_>, at: usize) -> Result<Name, &'static str> {
    Name::new(text(row, at)?).map_err(|_| "a name is none")
}

fn wall(row: &Row<'_>, at: usize) -> Result<Wall, &'static str> {
    number(row, at).map(Wall::from_millis)
}
