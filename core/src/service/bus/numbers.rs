//! Ids that are numbers under a prefix.

/// Prefix and number of an id `PREFIX-N`. A number is written in one way only, so that no two ids are taken for one.
pub(in crate::service::bus) fn split(id: &str) -> Option<(&str, u64)> {
    let (prefix, number) = id.rsplit_once('-')?;
    let is_plain = number.bytes().all(|b| b.is_ascii_digit()) && (number == "0" || !number.starts_with('0'));
    let number = is_plain.then(|| number.parse().ok())??;
    Some((prefix, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_in_one_way() {
        assert_eq!(split("a-b-7"), Some(("a-b", 7)));
        assert_eq!(split("-0"), Some(("", 0)));
        assert_eq!(split("m-18446744073709551615"), Some(("m", u64::MAX)));
        for other in ["m", "m-", "m-07", "m-00", "m-+7", "m-7a", "m-18446744073709551616"] {
            assert_eq!(split(other), None, "{other}");
        }
    }
}
