//! Text as PostgreSQL takes it, which is all of Unicode but U+0000.

use std::borrow::Cow;
use std::sync::Arc;

/// What stands before a digit zero for U+0000, and before itself for itself: U+001A, which is called SUBSTITUTE.
const SUBSTITUTE: char = '\u{1a}';

/// Text for the database. Nothing changes but for the two characters, and no two texts become one.
pub(crate) fn to_sql(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', SUBSTITUTE]) {
        return text.into();
    }
    let mut written = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => written.extend([SUBSTITUTE, '0']),
            SUBSTITUTE => written.extend([SUBSTITUTE; 2]),
            c => written.push(c),
        }
    }
    written.into()
}

/// Text from the database. What others have written there is taken as it is.
pub(crate) fn from_sql(text: &str) -> Arc<str> {
    if !text.contains(SUBSTITUTE) {
        return text.into();
    }
    let mut read = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let next = rest.as_str().chars().next().filter(|_| c == SUBSTITUTE);
        match next {
            Some('0') => read.push('\0'),
            Some(SUBSTITUTE) => read.push(SUBSTITUTE),
            _ => {
                read.push(c);
                continue;
            }
        }
        rest.next();
    }
    read.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_none_has_a_zero() {
        for text in
            ["", "a", "\0", "\0\0", "\u{1a}", "\u{1a}0", "a\0b\u{1a}", "\u{1a}\u{1a}0", "日本\0語", "0\u{1a}"]
        {
            let written = to_sql(text);
            assert!(!written.contains('\0'), "{text:?}");
            assert_eq!(&*from_sql(&written), text);
        }
        assert!(matches!(to_sql("plain 0"), Cow::Borrowed(_)));
        assert_eq!(&*from_sql("by hand \u{1a}!\u{1a}"), "by hand \u{1a}!\u{1a}");
    }
}
