//! A message as it is printed.

use super::form::{OutputForm, When, base64, hex};
use super::{Surface, set_out};
use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use wharf::base::{Kind, Message};

/// How messages are printed.
///
/// ```
/// use wharf::base::Message;
/// use wharf_cli::connect::Style;
///
/// let style = Style { tells_text: true, ..Style::default() };
/// assert_eq!(*style.print(&Message::binary(&b"ahoy"[..])), *b"binary 61686f79\n");
/// assert_eq!(*Style::default().print(&Message::binary(&b"ahoy"[..])), *b"ahoy\n");
/// assert_eq!(*Style::default().print(&Message::typed(7, &b"\xff"[..])), *b"7 binary ff\n");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The form.
    pub form: OutputForm,
    /// The transport tells text from bytes; else what is UTF-8 is text.
    pub tells_text: bool,
    /// A person reads it, so control characters are replaced.
    pub is_terminal: bool,
    /// JSON goes over several lines.
    pub sets_out_json: bool,
    /// JSON is coloured.
    pub is_coloured: bool,
}

impl Style {
    /// For a stdout that is a terminal or not.
    #[must_use]
    pub fn new(form: OutputForm, json: When, tells_text: bool, is_terminal: bool) -> Self {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let sets_out_json = json.is_due(is_terminal);
        Self { form, tells_text, is_terminal, sets_out_json, is_coloured: is_terminal && !no_colour }
    }

    /// What is printed for a message. Typed messages have their type before them.
    #[must_use]
    pub fn print<'m>(&self, message: &'m Message<'_>) -> Cow<'m, [u8]> {
        let payload = message.payload();
        let mut line = match self.form {
            OutputForm::Raw => return payload.into(),
            OutputForm::Line => match std::str::from_utf8(payload) {
                Ok(text) if message.kind() != Kind::Binary || !self.tells_text => self.text(text),
                _ => format!("binary {}", hex(payload)),
            },
            OutputForm::Hex => hex(payload),
            OutputForm::Base64 => base64(payload),
        };
        if let Kind::Typed(tag) = message.kind() {
            line.insert_str(0, &format!("{tag} "));
        }
        line.push('\n');
        line.into_bytes().into()
    }

    fn text(&self, text: &str) -> String {
        let text = if self.is_terminal { tame(text) } else { text.into() };
        let set_out = if self.sets_out_json { set_out(&text, self.is_coloured) } else { None };
        set_out.unwrap_or_else(|| text.into_owned())
    }
}

/// Without the control characters by which a text could draw over what stands beside it, or have the terminal type.
pub(super) fn tame(text: &str) -> Cow<'_, str> {
    let is_wild = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_wild) {
        return text.into();
    }
    text.replace(is_wild, "\u{fffd}").into()
}

/// Prints messages and remarks.
#[derive(Clone, Debug)]
pub struct Printer {
    style: Style,
    surface: Arc<dyn Surface>,
}

impl Printer {
    /// Prints onto `surface`.
    #[must_use]
    pub fn new(style: Style, surface: Arc<dyn Surface>) -> Self {
        Self { style, surface }
    }

    /// Prints a message.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn message(&self, message: &Message<'_>) -> io::Result<()> {
        self.surface.out(&self.style.print(message))
    }

    /// Says something that is no message.
    pub fn remark(&self, line: &str) {
        self.surface.remark(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_all_bytes() {
        let of = |form, message: Message<'_>| {
            let style = Style { form, tells_text: true, ..Style::default() };
            String::from_utf8_lossy(&style.print(&message)).into_owned()
        };
        let text = || Message::text("ahoy\n");
        assert_eq!(of(OutputForm::Line, text()), "ahoy\n\n");
        assert_eq!(of(OutputForm::Raw, text()), "ahoy\n");
        assert_eq!(of(OutputForm::Hex, text()), "61686f790a\n");
        assert_eq!(of(OutputForm::Base64, text()), "YWhveQo=\n");
        assert_eq!(of(OutputForm::Hex, Message::typed(7, &b"\xff"[..])), "7 ff\n");
        assert_eq!(of(OutputForm::Raw, Message::typed(7, &b"ahoy"[..])), "ahoy");
    }

    #[test]
    fn a_terminal_is_not_drawn_over() {
        let wild = Message::text("a\x1b[2Jb\x07\u{9b}c\td\ne");
        let mut style = Style { tells_text: true, ..Style::default() };
        assert_eq!(*style.print(&wild), *"a\x1b[2Jb\x07\u{9b}c\td\ne\n".as_bytes());
        style.is_terminal = true;
        assert_eq!(*style.print(&wild), *"a\u{fffd}[2Jb\u{fffd}\u{fffd}c\td\ne\n".as_bytes());
    }

    #[test]
    fn json_is_set_out_where_it_is_wanted() {
        let json = Message::text("[1]");
        for (when, is_terminal, line) in
            [(When::Auto, false, "[1]\n"), (When::Always, false, "[\n  1\n]\n"), (When::Never, true, "[1]\n")]
        {
            let style = Style::new(OutputForm::Line, when, true, is_terminal);
            assert_eq!(*style.print(&json), *line.as_bytes());
        }
        assert!(Style::new(OutputForm::Line, When::Auto, true, true).print(&json).contains(&b'\n'));
    }
}
