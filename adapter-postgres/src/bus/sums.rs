//! The checksums of rows, which are found wrong when what is stored is not what was written.
//!
//! A message's content has one, which stays for as long as there is a message. What becomes of it has another one, so that it can be
//! written anew by who does not have the content at hand.

use wharf::base::Wall;
use wharf::service::bus::{Accepted, Numbers, Seq};
use xxhash_rust::xxh3::xxh3_64;

/// What a checksum is over.
#[derive(Debug)]
struct Print(Vec<u8>);

impl Print {
    fn of(kind: u8) -> Self {
        Self(vec![kind])
    }

    fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    /// Its length counts too.
    fn text(self, text: &str) -> Self {
        let mut print = self.number(text.len() as u64);
        print.0.extend_from_slice(text.as_bytes());
        print
    }

    /// Bytes that may be many, so that they are not copied.
    fn blob(self, blob: &[u8]) -> Self {
        self.number(blob.len() as u64).number(xxh3_64(blob))
    }

    fn sum(&self) -> i64 {
        xxh3_64(&self.0).cast_signed()
    }
}

/// That of a message's content, wherever it stands.
pub(crate) fn of_content(accepted: &Accepted) -> i64 {
    let print = Print::of(0).number(accepted.at.as_millis()).text(&accepted.id).text(&accepted.from);
    print.text(&accepted.to).text(&accepted.kind).blob(&accepted.body).sum()
}

/// That of what has become of a message: its progress as text, and as what and when it died.
pub(crate) fn of_state(seq: Seq, progress: Option<&str>, death: Option<(Wall, &str)>) -> i64 {
    let print = Print::of(1).number(seq.0);
    let print = print.number(u64::from(progress.is_some())).text(progress.unwrap_or_default());
    let (at, reason) = death.unwrap_or_default();
    print.number(u64::from(death.is_some())).number(at.as_millis()).text(reason).sum()
}

/// That of a remembered id.
pub(crate) fn of_id(from: &str, id: &str, seq: Seq) -> i64 {
    Print::of(2).text(from).text(id).number(seq.0).sum()
}

/// That of remembered numbers, whose gaps are these bytes.
pub(crate) fn of_numbers(numbers: &Numbers, gaps: &[u8]) -> i64 {
    let print = Print::of(3).text(&numbers.from).text(&numbers.prefix);
    print.number(numbers.used.0).number(numbers.high).blob(gaps).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf::service::bus::Name;

    #[test]
    fn all_of_a_row_counts() {
        let name = |name: &str| Name::new(name).unwrap();
        let accepted = |id, to, kind, body: &'static str, at| {
            let wall = Wall::from_millis(at);
            of_content(&Accepted::new(Seq(1), name(id), name("b"), name(to), kind, body.into(), wall))
        };
        let numbers = |high, gaps: &[u8]| {
            of_numbers(&Numbers::new(name("a"), name("bc"), Seq(1), high, Vec::new()), gaps)
        };
        let death = Some((Wall::from_millis(1), "x"));
        let sums = [
            accepted("a", "b", "c", "d", 1),
            accepted("ab", "b", "c", "d", 1),
            accepted("a", "bc", "", "d", 1),
            accepted("a", "b", "c", "d", 2),
            accepted("a", "b", "c", "e", 1),
            of_state(Seq(1), None, None),
            of_state(Seq(2), None, None),
            of_state(Seq(1), Some(""), None),
            of_state(Seq(1), None, death),
            of_state(Seq(1), None, Some((Wall::from_millis(2), "x"))),
            of_id("a", "bc", Seq(1)),
            of_id("ab", "c", Seq(1)),
            of_id("a", "bc", Seq(2)),
            numbers(1, b""),
            numbers(2, b""),
            numbers(1, b"x"),
        ];
        for (at, sum) in sums.iter().enumerate() {
            assert!(!sums[..at].contains(sum), "{at}");
        }
    }
}
