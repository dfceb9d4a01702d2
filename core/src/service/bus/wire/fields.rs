//! The fields of an object, each once.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Keys and values of an object in their order. A key that occurs twice is an error.
pub(super) struct Fields<'m>(pub(super) Vec<(Cow<'m, str>, &'m RawValue)>);

/// A key, lent where it has no escapes.
#[derive(PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Key<'m>(Cow<'m, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsKey;

        impl<'de> Visitor<'de> for AsKey {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(key.into())))
            }
        }

        deserializer.deserialize_str(AsKey)
    }
}

/// Up to here it is quicker to look at each.
const FEW: usize = 16;

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields: Vec<(Cow<'de, str>, &RawValue)> = Vec::with_capacity(8);
                let mut keys = BTreeSet::new();
                while let Some((Key(key), value)) = map.next_entry()? {
                    let is_twice = if fields.len() < FEW {
                        fields.iter().any(|(other, _)| *other == key)
                    } else {
                        if keys.is_empty() {
                            keys.extend(fields.iter().map(|(key, _)| key.clone()));
                        }
                        !keys.insert(key.clone())
                    };
                    if is_twice {
                        return Err(A::Error::custom("a key occurs twice"));
                    }
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl<'m> Fields<'m> {
    /// The value under a key.
    pub(super) fn find(&self, key: &str) -> Option<&'m RawValue> {
        self.0.iter().find(|(other, _)| other == key).map(|(_, value)| *value)
    }

    /// The string under a key; `None` where there is none, or something else.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'m, str>> {
        self.find(key).and_then(text)
    }
}

/// A string's text.
pub(super) fn text(value: &RawValue) -> Option<Cow<'_, str>> {
    serde_json::from_str::<Key<'_>>(value.get()).ok().map(|Key(text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn a_key_that_occurs_twice_is_an_error_however_it_is_written() {
        let parse = |text: &str| serde_json::from_str::<Fields<'_>>(text).map(|fields| fields.0.len()).ok();
        assert_eq!(parse(r#"{"a":1,"b":{"a":1,"a":2}}"#), Some(2));
        assert_eq!(parse(r#"{"a":1,"\u0061":2}"#), None);
        let many: String = (0..40).map(|i| format!(r#""k{i}":0,"#)).collect();
        assert_eq!(parse(&format!(r#"{{{many}"a":0}}"#)), Some(41));
        for twice in ["k0", "k15", "k16", "k39"] {
            assert_eq!(parse(&format!(r#"{{{many}"{twice}":0}}"#)), None);
        }
        for bad in ["[]", "7", "null", "\"\"", "{", "{}{}"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
