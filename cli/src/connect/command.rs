//! What a line means that a person typed.

use super::Said;
use super::form::unhex;
use std::path::Path;
use wharf::base::{CloseCode, Message};

/// A typed line.
#[derive(Debug)]
pub(super) enum Typed<'a> {
    /// To be sent as it is.
    Text(&'a str),
    /// Something else to do.
    Do(Said),
    /// What is in this file is to be sent.
    File(&'a Path),
    /// To be answered by this.
    Remark(String),
}

const HELP: &str = "\
/ping                    how long an answer takes
/close [CODE [REASON]]   close, with 1000 if no other code is given
/binary HEX              send these bytes
/file PATH               send what is in a file as one binary message
//ping                   send the text /ping; all other lines are sent as they are
Ctrl-D ends the input, Ctrl-C clears the line, then closes; Up and Ctrl-R find earlier lines";

/// Reads a line. Only what is exactly a command is one, so that other uses of a slash stay with the user.
pub(super) fn read(line: &str) -> Typed<'_> {
    let Some(command) = line.strip_prefix('/') else { return Typed::Text(line) };
    if let Some(escaped) = command.strip_prefix('/').filter(|escaped| of(escaped).is_some()) {
        return Typed::Text(&line[line.len() - escaped.len() - 1..]);
    }
    of(command).unwrap_or(Typed::Text(line))
}

/// The command that these words are.
fn of(command: &str) -> Option<Typed<'_>> {
    let (name, words) = command.split_once(' ').unwrap_or((command, ""));
    let words = words.trim();
    Some(match (name, words) {
        ("ping", "") => Typed::Do(Said::Ping),
        ("help", "") => Typed::Remark(HELP.to_owned()),
        ("close", _) => close(words),
        ("binary", _) => match unhex(words.as_bytes()) {
            Some(bytes) => Typed::Do(Said::Send(Message::binary(bytes))),
            None => Typed::Remark("not sent: /binary takes hex, as in /binary 00ff".to_owned()),
        },
        ("file", "") => Typed::Remark("not sent: /file takes a path".to_owned()),
        ("file", path) => Typed::File(Path::new(path)),
        _ => return None,
    })
}

fn close(words: &str) -> Typed<'_> {
    let (code, reason) = words.split_once(' ').unwrap_or((words, ""));
    let code =
        if code.is_empty() { Some(CloseCode::NORMAL) } else { code.parse::<u16>().ok().map(CloseCode::from) };
    match code.filter(|code| code.may_be_sent()) {
        // RFC 6455 5.5: a control frame has at most 125 bytes, two of them for the code.
        Some(code) if reason.len() <= 123 => Typed::Do(Said::Close(code, reason.trim().to_owned())),
        Some(_) => Typed::Remark("not closed: a reason has at most 123 bytes".to_owned()),
        None => Typed::Remark(
            "not closed: the code may be 1000 to 1014 or 3000 to 4999, but for 1004 to 1006".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_are_commands() {
        for line in [
            "",
            "ahoy",
            "/",
            "//",
            "/join room",
            "/ping me",
            "/pings",
            " /ping",
            "/Ping",
            "// comment",
            "///ping",
            "/help me",
        ] {
            assert!(matches!(read(line), Typed::Text(text) if text == line), "{line}");
        }
        for line in ["/ping", "/close", "/close 4000 bye", "/binary 00", "/file x", "/help"] {
            let escaped = format!("/{line}");
            assert!(matches!(read(&escaped), Typed::Text(text) if text == line), "{line}");
            assert!(!matches!(read(line), Typed::Text(_)), "{line}");
        }
    }

    #[test]
    fn commands_have_their_words() {
        assert!(matches!(read("/ping"), Typed::Do(Said::Ping)));
        assert!(matches!(read("/file a b"), Typed::File(path) if path == Path::new("a b")));
        assert!(matches!(read("/binary 00 ff"), Typed::Do(Said::Send(m)) if m.payload() == [0, 255]));
        for (line, code, reason) in
            [("/close", 1000, ""), ("/close 4001", 4001, ""), ("/close 3000 so long", 3000, "so long")]
        {
            assert!(matches!(read(line), Typed::Do(Said::Close(c, r)) if c.as_u16() == code && r == reason));
        }
        let long = format!("/close 4000 {}", "x".repeat(124));
        for line in ["/close 1006", "/close 999", "/close soon", &long, "/binary x", "/file"] {
            assert!(matches!(read(line), Typed::Remark(remark) if remark.starts_with("not ")), "{line}");
        }
    }
}
