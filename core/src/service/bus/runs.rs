//! Which numbers of a prefix were seen.

use super::{Name, Numbers, Seq, numbers};
use alloc::collections::BTreeMap;

/// All numbers up to the greatest, but for runs that are missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Runs {
    high: u64,
    /// First and last of each run that is missing.
    gaps: BTreeMap<u64, u64>,
    /// The place of the message that was the last to add one.
    pub(super) used: Seq,
    /// The store has it, or a batch on its way there.
    pub(super) is_written: bool,
}

impl Runs {
    /// Of one number. `None` if that is more gaps than may be.
    pub(super) fn new(number: u64, used: Seq, max_gaps: usize) -> Option<Self> {
        let mut gaps = BTreeMap::new();
        if let Some(below) = number.checked_sub(1) {
            if max_gaps == 0 {
                return None;
            }
            gaps.insert(0, below);
        }
        Some(Self { high: number, gaps, used, is_written: false })
    }

    /// As the store has it. `None` if it contradicts itself.
    pub(super) fn restored(numbers: &Numbers) -> Option<Self> {
        let mut gaps = BTreeMap::new();
        let mut free = Some(0);
        for (first, last) in &numbers.gaps {
            // Two runs that touch would be one, and the greatest number is not missing.
            let fits = free.is_some_and(|free| *first >= free) && first <= last && *last < numbers.high;
            if !fits {
                return None;
            }
            free = last.checked_add(2);
            gaps.insert(*first, *last);
        }
        Some(Self { high: numbers.high, gaps, used: numbers.used, is_written: true })
    }

    pub(super) fn has(&self, number: u64) -> bool {
        let gap = || self.gaps.range(..=number).next_back();
        number <= self.high && gap().is_none_or(|(_, last)| *last < number)
    }

    /// Adds one that it has not; false if that made one gap too many, and nothing has changed.
    pub(super) fn add(&mut self, number: u64, max_gaps: usize) -> bool {
        let has_room = self.gaps.len() < max_gaps;
        if number > self.high {
            // There is a next one, since there is a greater.
            let next = self.high + 1;
            if number > next {
                if !has_room {
                    return false;
                }
                self.gaps.insert(next, number - 1);
            }
            self.high = number;
            return true;
        }
        // What it has not is missing.
        let gap = self.gaps.range(..=number).next_back().map(|(first, last)| (*first, *last));
        let (first, last) = gap.unwrap_or((number, number));
        if first < number && number < last && !has_room {
            return false;
        }
        self.gaps.remove(&first);
        if first < number {
            self.gaps.insert(first, number - 1);
        }
        if number < last {
            self.gaps.insert(number + 1, last);
        }
        true
    }

    /// Takes one out. False if none is left.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        if !self.has(number) {
            return true;
        }
        // It becomes one run with those that touch it.
        let below = self.gaps.range(..number).next_back().map(|(first, last)| (*first, *last));
        let below = below.filter(|(_, last)| *last + 1 == number).map(|(first, _)| first);
        let first = below.unwrap_or(number);
        if number == self.high {
            self.gaps.remove(&first);
            let Some(high) = first.checked_sub(1) else { return false };
            self.high = high;
            return true;
        }
        let last = self.gaps.remove(&(number + 1)).unwrap_or(number);
        self.gaps.insert(first, last);
        true
    }

    /// The number, if there is only one.
    pub(super) fn only(&self) -> Option<u64> {
        let all_below = self.high.checked_sub(1);
        let mut gaps = self.gaps.iter().map(|(first, last)| (*first, *last));
        let is_only = match all_below {
            None => true,
            Some(below) => gaps.next() == Some((0, below)),
        };
        is_only.then_some(self.high)
    }

    /// What it counts for in the limit of all.
    pub(super) fn size(&self) -> usize {
        1 + self.gaps.len()
    }

    pub(super) fn numbers(&self, from: &Name, prefix: &Name) -> Numbers {
        let gaps = self.gaps.iter().map(|(first, last)| (*first, *last)).collect();
        Numbers::new(from.clone(), prefix.clone(), self.used, self.high, gaps)
    }
}

/// Prefix and number of an id `PREFIX-N`.
pub(super) fn split(id: &Name) -> Option<(Name, u64)> {
    let (prefix, number) = numbers::split(id)?;
    Some((Name::new(prefix).ok()?, number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec;
    use proptest::prelude::*;

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    #[test]
    fn only_one_way_to_write_a_number_is_one() {
        assert_eq!(split(&name("a-b-17")), Some((name("a-b"), 17)));
        assert_eq!(split(&name("a-18446744073709551615")), Some((name("a"), u64::MAX)));
        for plain in ["a", "a-", "-1", "a-01", "a-1x", "a-18446744073709551616", "17", "a-00"] {
            assert_eq!(split(&name(plain)), None, "{plain}");
        }
    }

    #[test]
    fn the_ends_of_all_numbers_are_numbers() {
        let mut runs = Runs::new(u64::MAX, Seq(1), 2).unwrap();
        assert!(runs.has(u64::MAX) && !runs.has(0) && runs.only() == Some(u64::MAX));
        assert!(runs.add(0, 2) && runs.has(0) && runs.only().is_none());
        assert!(runs.add(7, 2) && !runs.add(9, 2) && !runs.has(9), "one gap too many");
        assert!(runs.add(8, 2) && runs.has(8) && runs.size() == 3);
        assert_eq!(Runs::restored(&runs.numbers(&name("a"), &name("p"))).unwrap().gaps, runs.gaps);
        let bad = |high, gaps| Numbers::new(name("a"), name("p"), Seq(1), high, gaps);
        for (high, gaps) in
            [(5, vec![(3, 5)]), (9, vec![(3, 2)]), (9, vec![(3, 4), (5, 6)]), (9, vec![(6, 6), (1, 2)])]
        {
            assert_eq!(Runs::restored(&bad(high, gaps)), None);
        }
    }

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(0_u64..40, 1..60), max_gaps in 1_usize..8) {
            let mut seen = BTreeSet::from([numbers[0]]);
            let mut runs = Runs::new(numbers[0], Seq(0), max_gaps).unwrap();
            for number in numbers {
                if !runs.has(number) && runs.add(number, max_gaps) {
                    seen.insert(number);
                }
                prop_assert!(runs.gaps.len() <= max_gaps);
                for n in 0..45 {
                    prop_assert_eq!(runs.has(n), seen.contains(&n));
                }
                prop_assert_eq!(runs.only().is_some(), seen.len() == 1);
                for n in 0..45 {
                    let mut less = runs.clone();
                    let is_left = less.remove(n);
                    prop_assert_eq!(is_left, seen.iter().any(|other| *other != n));
                    for other in (0..45).filter(|_| is_left) {
                        prop_assert_eq!(less.has(other), other != n && seen.contains(&other));
                    }
                    let numbers = less.numbers(&name("a"), &name("p"));
                    prop_assert!(!is_left || Runs::restored(&numbers).is_some());
                }
                let restored = Runs::restored(&runs.numbers(&name("a"), &name("p"))).unwrap();
                prop_assert_eq!(restored, Runs { is_written: true, ..runs.clone() });
            }
        }
    }
}
