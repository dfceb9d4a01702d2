//! What a terminal sends, as keys.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character that stands for itself.
    Char(char),
    /// Ctrl and this letter.
    Ctrl(char),
    /// Alt, or Escape, and then this character.
    Alt(char),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    Up,
    Down,
    Home,
    End,
    WordLeft,
    WordRight,
    /// What follows was pasted.
    PasteBegins,
    PasteEnds,
}

/// Takes bytes in any pieces.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The begin of a key, of which more has to come; at most [`Keys::LONGEST`].
    begun: Vec<u8>,
}

impl Keys {
    /// No key of any terminal is longer; what is, is dropped.
    const LONGEST: usize = 32;

    /// The key that `byte` completes, if it does.
    pub(super) fn take(&mut self, byte: u8) -> Option<Key> {
        self.begun.push(byte);
        match read(&self.begun) {
            Read::More if self.begun.len() < Self::LONGEST => None,
            Read::More | Read::Nothing => {
                self.begun.clear();
                None
            }
            Read::Key(key) => {
                self.begun.clear();
                Some(key)
            }
        }
    }
}

enum Read {
    More,
    Nothing,
    Key(Key),
}

fn read(bytes: &[u8]) -> Read {
    match bytes {
        [0x1b, b'[', ..] => read_sequence(&bytes[2..]),
        // What terminals send for arrows, Home and End in their other mode.
        [0x1b, b'O'] | [0x1b] => Read::More,
        [0x1b, b'O', last] => letter(*last, false),
        [0x1b, rest @ ..] => match read(rest) {
            Read::Key(Key::Char(c)) => Read::Key(Key::Alt(c)),
            Read::Key(Key::Backspace) => Read::Key(Key::Alt('\x7f')),
            // Escape was a key of its own.
            other => other,
        },
        [b'\r' | b'\n'] => Read::Key(Key::Enter),
        [0x7f | 0x08] => Read::Key(Key::Backspace),
        [b'\t'] => Read::Key(Key::Char('\t')),
        [low @ 1..=26] => Read::Key(Key::Ctrl(char::from(low - 1 + b'a'))),
        [0..0x20] => Read::Nothing,
        text => match std::str::from_utf8(text) {
            Ok(text) => text
                .chars()
                .next()
                .filter(|c| !c.is_control())
                .map_or(Read::Nothing, |c| Read::Key(Key::Char(c))),
            Err(error) if error.error_len().is_none() => Read::More,
            Err(_) => Read::Nothing,
        },
    }
}

/// What stands behind `ESC [`: parameters, then a final byte (ECMA-48 section 5.4).
fn read_sequence(bytes: &[u8]) -> Read {
    let Some((last, parameters)) = bytes.split_last() else { return Read::More };
    if !(0x40..=0x7e).contains(last) {
        return Read::More;
    }
    // A modifier stands behind a semicolon; that of Shift alone is 2.
    let is_modified = parameters.contains(&b';') && !parameters.ends_with(b";2");
    match (parameters, last) {
        (b"200", b'~') => Read::Key(Key::PasteBegins),
        (b"201", b'~') => Read::Key(Key::PasteEnds),
        ([b'1' | b'7', ..], b'~') => Read::Key(Key::Home),
        ([b'4' | b'8', ..], b'~') => Read::Key(Key::End),
        ([b'3', ..], b'~') => Read::Key(Key::Delete),
        _ => letter(*last, is_modified),
    }
}

fn letter(last: u8, is_modified: bool) -> Read {
    Read::Key(match last {
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' if is_modified => Key::WordRight,
        b'D' if is_modified => Key::WordLeft,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        _ => return Read::Nothing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        bytes.iter().filter_map(|byte| keys.take(*byte)).collect()
    }

    #[test]
    fn each_key_is_known() {
        for (bytes, key) in [
            (&b"a"[..], Key::Char('a')),
            ("é".as_bytes(), Key::Char('é')),
            ("🦀".as_bytes(), Key::Char('🦀')),
            (b"\r", Key::Enter),
            (b"\n", Key::Enter),
            (b"\x7f", Key::Backspace),
            (b"\t", Key::Char('\t')),
            (b"\x03", Key::Ctrl('c')),
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[D", Key::Left),
            (b"\x1b[1;5D", Key::WordLeft),
            (b"\x1b[1;3C", Key::WordRight),
            (b"\x1b[1;2C", Key::Right),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[H", Key::Home),
            (b"\x1b[7~", Key::Home),
            (b"\x1b[4~", Key::End),
            (b"\x1b[200~", Key::PasteBegins),
            (b"\x1b[201~", Key::PasteEnds),
            (b"\x1bb", Key::Alt('b')),
            (b"\x1b\x7f", Key::Alt('\x7f')),
        ] {
            assert_eq!(keys(bytes), [key], "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_key_spoils_none_behind_it() {
        for bytes in
            [&b"\0"[..], b"\x1b[5~", b"\x1b[15;2~", b"\xff", b"\xc3(", b"\xc2\x9b", b"\x1b[Z", b"\x1bOP"]
        {
            let found = keys(&[bytes, b"a"].concat());
            assert_eq!(found.last(), Some(&Key::Char('a')), "{bytes:?}");
            assert!(found.len() <= 2);
        }
        let endless = [b"\x1b[".as_slice(), &[b'1'; 100], b"a"].concat();
        assert_eq!(keys(&endless).last(), Some(&Key::Char('a')));
    }
}
