//! Records as rows: what their columns hold.

use super::sums;
use crate::text::from_sql;
use std::str::FromStr;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use wharf::base::Wall;
use wharf::service::bus::{Accepted, Death, Name, Numbers, Progress, Record, Seq};

/// A row that no bus wrote, or that is damaged: which, and what is wrong.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw(pub(crate) String);

type Read<T> = Result<T, &'static str>;

const OTHER_TYPE: &str = "a column is of another type";
const WRONG_SUM: &str = "its checksum is wrong";

/// A message or a dead letter: `seq, at, id, sender, receiver, kind, body, sum, progress, died_at, reason, state_sum`.
pub(crate) fn message(row: &Row) -> Result<Record, Flaw> {
    read_message(row).map_err(|what| {
        let seq = column::<i64>(row, 0).unwrap_or_default();
        Flaw(format!("bus_messages, place {seq}: {what}"))
    })
}

/// A remembered id: `sender, id, seq, sum`.
pub(crate) fn id(row: &Row) -> Result<Record, Flaw> {
    let read = || {
        let (from, id, seq) = (name(row, 0)?, name(row, 1)?, Seq(number(row, 2)?));
        if sums::of_id(&from, &id, seq) != column::<i64>(row, 3)? {
            return Err(WRONG_SUM);
        }
        Ok(Record::Id { from, id, seq })
    };
    read().map_err(|what| flaw("bus_ids", row, what))
}

/// The numbers of a prefix: `sender, prefix, used, high, gaps, sum`.
pub(crate) fn numbers(row: &Row) -> Result<Record, Flaw> {
    let read = || {
        let gaps: &[u8] = column(row, 4)?;
        let (used, high) = (Seq(number(row, 2)?), number(row, 3)?);
        let numbers = Numbers::new(name(row, 0)?, name(row, 1)?, used, high, gaps_of(gaps));
        if sums::of_numbers(&numbers, gaps) != column::<i64>(row, 5)? {
            return Err(WRONG_SUM);
        }
        Ok(Record::Numbers(numbers))
    };
    read().map_err(|what| flaw("bus_numbers", row, what))
}

/// Progress as text; none for the default.
pub(crate) fn progress_text(progress: &Progress) -> Result<Option<String>, &'static str> {
    if *progress == Progress::default() {
        return Ok(None);
    }
    serde_json::to_string(progress).map(Some).map_err(|_| "progress cannot be written down")
}

/// Gaps as bytes: first and last of each, eight bytes each, the least first.
pub(crate) fn gaps_bytes(gaps: &[(u64, u64)]) -> Vec<u8> {
    gaps.iter().flat_map(|(first, last)| [first.to_le_bytes(), last.to_le_bytes()]).flatten().collect()
}

fn gaps_of(bytes: &[u8]) -> Vec<(u64, u64)> {
    let words = bytes.chunks_exact(8).map(|word| word.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)));
    let words: Vec<u64> = words.collect();
    words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

fn read_message(row: &Row) -> Read<Record> {
    let seq = Seq(number(row, 0)?);
    let (id, from, to) = (name(row, 2)?, name(row, 3)?, name(row, 4)?);
    let (kind, body) = (from_sql(column(row, 5)?), column::<&[u8]>(row, 6)?.to_vec());
    let accepted = Accepted::new(seq, id, from, to, &kind, body.into(), Wall::from_millis(number(row, 1)?));
    let progress: Option<&str> = column(row, 8)?;
    let died_at = column::<Option<i64>>(row, 9)?.map(|at| Wall::from_millis(at.cast_unsigned()));
    let reason = column::<Option<&str>>(row, 10)?.map(from_sql);
    let death = died_at.zip(reason.as_deref());
    let is_right = sums::of_content(&accepted) == column::<i64>(row, 7)?
        && sums::of_state(seq, progress, death) == column::<i64>(row, 11)?;
    if !is_right || died_at.is_some() != reason.is_some() {
        return Err(WRONG_SUM);
    }
    let progress = progress.map_or(Ok(Progress::default()), |text| {
        serde_json::from_str(text).map_err(|_| "its progress is none")
    })?;
    Ok(match death {
        None => Record::Message(accepted, progress),
        Some((at, reason)) => {
            let reason = FromStr::from_str(reason).map_err(|_| "its reason is none")?;
            Record::Dead(accepted, Death::new(reason, at, progress))
        }
    })
}

fn flaw(table: &str, row: &Row, what: &str) -> Flaw {
    let part = |at| column::<&str>(row, at).unwrap_or_default();
    Flaw(format!("{table}, {}/{}: {what}", part(0), part(1)))
}

fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Read<T> {
    row.try_get(at).map_err(|_| OTHER_TYPE)
}

fn number(row: &Row, at: usize) -> Read<u64> {
    column::<i64>(row, at).map(i64::cast_unsigned)
}

fn name(row: &Row, at: usize) -> Read<Name> {
    Name::new(column(row, at)?).map_err(|_| "a name is none")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_read_back() {
        for gaps in [vec![], vec![(0, 0)], vec![(1, 1 << 40), (u64::MAX, u64::MAX)]] {
            assert_eq!(gaps_of(&gaps_bytes(&gaps)), gaps);
        }
    }
}
