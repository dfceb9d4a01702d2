//! What a configuration must not have none of.

/// Whether none of the values is zero, each by its name and whether it is.
///
/// # Errors
/// The name of the first that is.
pub(crate) fn nonzero(values: &[(&'static str, bool)]) -> Result<(), &'static str> {
    values.iter().find(|(_, is_zero)| *is_zero).map_or(Ok(()), |(name, _)| Err(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_zero_is_named() {
        assert_eq!(nonzero(&[("a", false), ("b", true), ("c", true)]), Err("b"));
        assert_eq!(nonzero(&[("a", false)]), Ok(()));
    }
}
