//! Close reports as JSON, with camelCase keys.

use super::{Cause, CloseCode, Closed};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// The number.
impl Serialize for CloseCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.as_u16())
    }
}

/// `{kind, detail}`: the [`name`](Cause::name), and a text for people.
impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Cause", 2)?;
        out.serialize_field("kind", self.name())?;
        out.serialize_field("detail", &format_args!("{self}"))?;
        out.end()
    }
}

/// `{origin, code, reason, cause, sentCode, isClean, isRetryable}`.
impl Serialize for Closed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Closed", 7)?;
        out.serialize_field("origin", &self.origin)?;
        out.serialize_field("code", &self.code)?;
        out.serialize_field("reason", &self.reason)?;
        out.serialize_field("cause", &self.cause)?;
        out.serialize_field("sentCode", &self.sent)?;
        out.serialize_field("isClean", &self.is_clean())?;
        out.serialize_field("isRetryable", &self.is_retryable())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Classifier, Origin, Timeout, When};
    use serde_json::{json, to_value};

    #[test]
    fn reports_have_these_keys_and_no_others() {
        let cause = Cause::Timeout(Timeout::Pong);
        let lost = Closed::new(Origin::Abnormal, CloseCode::ABNORMAL, "", cause, Classifier::default());
        let expected = json!({
            "origin": "abnormal",
            "code": 1006,
            "reason": "",
            "cause": {"kind": "pongTimeout", "detail": "a ping was not answered"},
            "sentCode": null,
            "isClean": false,
            "isRetryable": true,
        });
        assert_eq!(to_value(&lost).unwrap(), expected);
        let closed =
            Closed::new(Origin::Remote, CloseCode::NORMAL, "bye", Cause::Handshake, Classifier::default())
                .with_sent(Some(CloseCode::NORMAL));
        let expected = json!({
            "origin": "remote",
            "code": 1000,
            "reason": "bye",
            "cause": {"kind": "handshake", "detail": "closing handshake"},
            "sentCode": 1000,
            "isClean": true,
            "isRetryable": false,
        });
        assert_eq!(to_value(&closed).unwrap(), expected);
        assert_eq!(to_value(Origin::Local).unwrap(), "local");
        assert_eq!(to_value(When::Tls).unwrap(), "tls");
    }
}
