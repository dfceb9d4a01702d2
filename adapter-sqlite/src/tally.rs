//! What there is of each table, so that a row that is gone, and a page that is from another time, is found.

/// A table of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    Messages,
    Dead,
    Ids,
    Numbers,
}

impl Table {
    /// All, in the order in which they are read.
    pub(crate) const ALL: [Self; 4] = [Self::Messages, Self::Dead, Self::Ids, Self::Numbers];

    /// Its name in the file.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Dead => "dead",
            Self::Ids => "ids",
            Self::Numbers => "numbers",
        }
    }
}

/// How many rows a table has, and the sum of their checksums, in whatever order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) sum: u64,
}

/// That of each table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tallies([Tally; 4]);

impl Tallies {
    /// Length in bytes.
    pub(crate) const LENGTH: usize = 64;

    pub(crate) const fn of(&self, table: Table) -> Tally {
        self.0[table as usize]
    }

    /// A row with this checksum is there.
    pub(crate) const fn put(&mut self, table: Table, sum: u64) {
        let tally = &mut self.0[table as usize];
        tally.count = tally.count.wrapping_add(1);
        tally.sum = tally.sum.wrapping_add(sum);
    }

    /// It is no more.
    pub(crate) const fn take(&mut self, table: Table, sum: u64) {
        let tally = &mut self.0[table as usize];
        tally.count = tally.count.wrapping_sub(1);
        tally.sum = tally.sum.wrapping_sub(sum);
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        for (at, tally) in bytes.chunks_exact_mut(16).zip(self.0) {
            at[..8].copy_from_slice(&tally.count.to_le_bytes());
            at[8..].copy_from_slice(&tally.sum.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; Self::LENGTH] = bytes.try_into().ok()?;
        let mut words = bytes
            .chunks_exact(8)
            .map(|word| word.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)));
        let mut tallies = Self::default();
        for tally in &mut tallies.0 {
            *tally = Tally { count: words.next()?, sum: words.next()? };
        }
        Some(tallies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_and_taken_out_leaves_nothing() {
        let mut tallies = Tallies::default();
        tallies.put(Table::Ids, u64::MAX);
        tallies.put(Table::Ids, 5);
        assert_eq!(tallies.of(Table::Ids), Tally { count: 2, sum: 4 });
        assert_eq!(Tallies::from_bytes(&tallies.to_bytes()), Some(tallies));
        assert_eq!(Tallies::from_bytes(&[0; 63]), None);
        tallies.take(Table::Ids, u64::MAX);
        tallies.take(Table::Ids, 5);
        assert_eq!(tallies, Tallies::default());
    }
}
