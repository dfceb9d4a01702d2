//! The forms that messages have on stdin and stdout.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use std::fmt::Write;
use wharf::base::Message;

/// What a line of input is.
///
/// ```
/// use wharf_cli::connect::InputForm;
///
/// let message = InputForm::Hex.message(b"61 68 6f79").unwrap();
/// assert_eq!(message.payload(), b"ahoy");
/// assert_eq!(InputForm::Text.message(b"ahoy").unwrap().as_text(), Some("ahoy"));
/// assert!(InputForm::Base64.message(b"?").is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum InputForm {
    /// A text a line.
    #[default]
    Text,
    /// A binary message a line, in hex; white space between bytes is passed over.
    Hex,
    /// A binary message a line, in base64.
    Base64,
    /// All of stdin is one binary message.
    Whole,
}

/// Why a line is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FormError {
    /// A text has to be UTF-8.
    #[error("not UTF-8")]
    Utf8,
    /// Pairs of hexadecimal digits were expected.
    #[error("not hex")]
    Hex,
    /// Base64 with its padding was expected.
    #[error("not base64")]
    Base64,
}

impl InputForm {
    /// The message of a line without its end.
    ///
    /// # Errors
    /// [`FormError`] if the line does not have this form.
    pub fn message(self, line: &[u8]) -> Result<Message<'static>, FormError> {
        Ok(match self {
            Self::Text => String::from_utf8(line.to_vec()).map_err(|_| FormError::Utf8)?.into(),
            Self::Hex => Message::binary(unhex(line).ok_or(FormError::Hex)?),
            Self::Base64 => {
                Message::binary(STANDARD.decode(line.trim_ascii()).map_err(|_| FormError::Base64)?)
            }
            Self::Whole => Message::binary(line.to_vec()),
        })
    }
}

/// How messages are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum OutputForm {
    /// A line a message: text as it is, bytes as `binary ` and hex.
    #[default]
    Line,
    /// The payloads, with nothing between them.
    Raw,
    /// A line a message, in hex.
    Hex,
    /// A line a message, in base64.
    Base64,
}

/// When something is done that is for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum When {
    /// On a terminal.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

impl When {
    /// Whether to do it.
    #[must_use]
    pub fn is_due(self, is_terminal: bool) -> bool {
        match self {
            Self::Auto => is_terminal,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Lower case, two digits a byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// With padding, on one line.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of pairs of digits, which may have white space between them.
pub(super) fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect::<Option<_>>()
        .filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_come_back_in_either_form() {
        let all: Vec<u8> = (0..=255).collect();
        for (form, line) in [(InputForm::Hex, hex(&all)), (InputForm::Base64, base64(&all))] {
            let message = form.message(line.as_bytes()).unwrap();
            assert!(message.payload() == all && message.as_text().is_none(), "{form:?}");
            assert_eq!(form.message(b"").unwrap().payload(), b"");
        }
        assert_eq!(unhex(b" 0A fF\t").unwrap(), [10, 255]);
    }

    #[test]
    fn what_has_not_the_form_is_told() {
        for (form, line, error) in [
            (InputForm::Text, &b"\xff"[..], FormError::Utf8),
            (InputForm::Hex, b"abc", FormError::Hex),
            (InputForm::Hex, b"zz", FormError::Hex),
            (InputForm::Base64, b"a", FormError::Base64),
        ] {
            assert_eq!(form.message(line).unwrap_err(), error);
        }
        assert_eq!(InputForm::Whole.message(b"\xff\n").unwrap().payload(), b"\xff\n");
    }
}
