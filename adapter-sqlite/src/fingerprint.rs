//! The checksum of a row, over its table and all its columns.

use crate::tally::Table;
use xxhash_rust::xxh3::xxh3_64;

/// Gathers what the checksum is over. One is used for many rows, since it keeps its memory.
#[derive(Debug, Default)]
pub(crate) struct Fingerprint {
    bytes: Vec<u8>,
}

impl Fingerprint {
    /// Begins with a row of a table.
    pub(crate) fn row(&mut self, table: Table) -> &mut Self {
        self.begin(table as u8)
    }

    /// Begins with the row that speaks of the tables.
    pub(crate) fn meta(&mut self) -> &mut Self {
        self.begin(u8::MAX)
    }

    fn begin(&mut self, tag: u8) -> &mut Self {
        self.bytes.clear();
        self.bytes.push(tag);
        self
    }

    /// A number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// A text, whose length counts too.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Bytes that may be many, so that they are not copied.
    pub(crate) fn blob(&mut self, blob: &[u8]) -> &mut Self {
        self.number(blob.len() as u64).number(xxh3_64(blob))
    }

    /// The checksum, as SQLite keeps it.
    pub(crate) fn sum(&self) -> i64 {
        stored(xxh3_64(&self.bytes))
    }
}

/// A number as SQLite keeps it: with a sign, the same bits.
pub(crate) const fn stored(number: u64) -> i64 {
    number.cast_signed()
}

/// And back.
pub(crate) const fn read(number: i64) -> u64 {
    number.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_row_counts() {
        let mut print = Fingerprint::default();
        let sums = [
            print.row(Table::Ids).text("a").text("bc").number(1).sum(),
            print.row(Table::Numbers).text("a").text("bc").number(1).sum(),
            print.row(Table::Ids).text("ab").text("c").number(1).sum(),
            print.row(Table::Ids).text("a").text("bc").number(2).sum(),
            print.row(Table::Ids).text("a").text("bc").number(1).blob(b"").sum(),
            print.row(Table::Ids).text("a").text("bc").number(1).blob(b"d").sum(),
            print.meta().number(1).sum(),
        ];
        for (at, sum) in sums.iter().enumerate() {
            assert!(!sums[..at].contains(sum), "{at}");
        }
    }
}
