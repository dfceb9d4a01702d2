//! A line that is being edited: keys in, lines and what is to be seen out.

use super::keys::Key;
use tui_input::{Input, InputRequest};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What came of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The line was entered.
    Line(String),
    /// Ctrl-D: nothing more comes.
    End,
    /// Ctrl-C on an empty line.
    Stop,
    /// The key can do nothing here.
    Bell,
    /// Ctrl-L.
    Clear,
}

/// The line, and those before it.
#[derive(Debug, Default)]
pub(super) struct Editor {
    input: Input,
    /// The oldest first; at most [`Editor::REMEMBERED`], of which the oldest goes.
    earlier: Vec<String>,
    /// Which of them is shown; the line that was begun waits in `begun`.
    shown: Option<usize>,
    begun: String,
    /// What Ctrl-R looks for: what was there when it was first pressed.
    sought: Option<String>,
    is_pasting: bool,
}

impl Editor {
    /// Earlier lines that are remembered.
    pub(super) const REMEMBERED: usize = 1000;
    /// Longest line that is typed or pasted, in bytes; what would make it longer rings the bell.
    pub(super) const LONGEST: usize = 16 << 10;

    /// With these earlier lines, the oldest first.
    pub(super) fn new(earlier: Vec<String>) -> Self {
        Self { earlier, ..Self::default() }
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: Key) -> Option<Act> {
        if key != Key::Ctrl('r') {
            self.sought = None;
        }
        match key {
            Key::PasteBegins => self.is_pasting = true,
            Key::PasteEnds => self.is_pasting = false,
            Key::Enter if self.is_pasting => return self.insert('\n'),
            Key::Enter => return Some(Act::Line(self.enter())),
            Key::Char(c) => return self.insert(c),
            Key::Ctrl('c') if self.input.value().is_empty() => return Some(Act::Stop),
            Key::Ctrl('c') => self.show(None),
            Key::Ctrl('d') if self.input.value().is_empty() => return Some(Act::End),
            Key::Ctrl('l') => return Some(Act::Clear),
            Key::Up | Key::Ctrl('p') => {
                return self.step(self.shown.unwrap_or(self.earlier.len()).checked_sub(1));
            }
            Key::Down | Key::Ctrl('n') => return self.step(self.shown.map(|shown| shown + 1)),
            Key::Ctrl('r') => return self.seek(),
            key => match request_of(key) {
                Some(request) => {
                    self.input.handle(request);
                }
                None => return Some(Act::Bell),
            },
        }
        None
    }

    fn insert(&mut self, c: char) -> Option<Act> {
        if self.input.value().len() + c.len_utf8() > Self::LONGEST {
            return Some(Act::Bell);
        }
        self.input.handle(InputRequest::InsertChar(c));
        None
    }

    /// The line, which is one of the earlier ones from here on, unless it is the same as the last or empty.
    fn enter(&mut self) -> String {
        let line = self.input.value_and_reset();
        (self.shown, self.begun) = (None, String::new());
        if !line.is_empty() && self.earlier.last() != Some(&line) {
            self.earlier.push(line.clone());
            let over = self.earlier.len().saturating_sub(Self::REMEMBERED);
            self.earlier.drain(..over);
        }
        line
    }

    /// Shows an earlier line, or behind the last of them the one that was begun.
    fn step(&mut self, to: Option<usize>) -> Option<Act> {
        let Some(to) = to else { return Some(Act::Bell) };
        if self.shown.is_none() {
            self.begun = self.input.value().to_owned();
        }
        self.shown = Some(to).filter(|to| *to < self.earlier.len());
        let line =
            self.shown.map_or_else(|| std::mem::take(&mut self.begun), |shown| self.earlier[shown].clone());
        self.input = std::mem::take(&mut self.input).with_value(line);
        None
    }

    /// Shows nothing, or an earlier line.
    fn show(&mut self, earlier: Option<usize>) {
        self.shown = earlier;
        let line = earlier.map_or_else(String::new, |at| self.earlier[at].clone());
        self.input = std::mem::take(&mut self.input).with_value(line);
    }

    /// Shows the next older line that has in it what was typed.
    fn seek(&mut self) -> Option<Act> {
        let sought = self.sought.get_or_insert_with(|| self.input.value().to_owned());
        let before = self.shown.unwrap_or(self.earlier.len());
        match self.earlier[..before].iter().rposition(|line| line.contains(&**sought)) {
            None => Some(Act::Bell),
            found => {
                if self.shown.is_none() {
                    self.begun = self.input.value().to_owned();
                }
                self.show(found);
                None
            }
        }
    }

    /// The part of the line that goes on a row of so many columns, and in which of them the cursor stands.
    pub(super) fn view(&self, columns: usize) -> (String, usize) {
        // A column behind the last character is the cursor's.
        let columns = columns.saturating_sub(1).max(1);
        let scroll = self.input.visual_scroll(columns);
        let (mut at, mut view) = (0, String::new());
        for piece in self.input.value().graphemes(true) {
            let next = at + piece.width();
            if next > scroll + columns {
                break;
            }
            if at >= scroll {
                view.extend(piece.chars().map(picture));
            }
            at = next;
        }
        (view, self.input.visual_cursor().saturating_sub(scroll))
    }
}

/// What a control character looks like in a line; it came by a paste.
fn picture(c: char) -> char {
    match c {
        '\0'..' ' => char::from_u32(0x2400 + c as u32).unwrap_or(c),
        _ => c,
    }
}

fn request_of(key: Key) -> Option<InputRequest> {
    Some(match key {
        Key::Left | Key::Ctrl('b') => InputRequest::GoToPrevChar,
        Key::Right | Key::Ctrl('f') => InputRequest::GoToNextChar,
        Key::WordLeft | Key::Alt('b') => InputRequest::GoToPrevWord,
        Key::WordRight | Key::Alt('f') => InputRequest::GoToNextWord,
        Key::Home | Key::Ctrl('a') => InputRequest::GoToStart,
        Key::End | Key::Ctrl('e') => InputRequest::GoToEnd,
        Key::Backspace | Key::Ctrl('h') => InputRequest::DeletePrevChar,
        Key::Delete | Key::Ctrl('d') => InputRequest::DeleteNextChar,
        Key::Ctrl('w') | Key::Alt('\x7f') => InputRequest::DeletePrevWord,
        Key::Alt('d') => InputRequest::DeleteNextWord,
        Key::Ctrl('k') => InputRequest::DeleteTillEnd,
        Key::Ctrl('u') => InputRequest::DeleteFromStart,
        Key::Ctrl('y') => InputRequest::Yank,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::keys::Keys;
    use super::*;

    /// Presses what a terminal sends; what came of the last key.
    fn press(editor: &mut Editor, bytes: &str) -> Option<Act> {
        let mut keys = Keys::default();
        bytes.bytes().filter_map(|byte| keys.take(byte)).map(|key| editor.press(key)).last().unwrap()
    }

    fn line(bytes: &str) -> String {
        match press(&mut Editor::default(), &format!("{bytes}\r")) {
            Some(Act::Line(line)) => line,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_line_is_edited() {
        for (bytes, result) in [
            ("ahoy", "ahoy"),
            ("ahoi\x7fy", "ahoy"),
            ("hoy\x01a", "ahoy"),
            ("ahy\x1b[Do", "ahoy"),
            ("ahoy there\x17", "ahoy "),
            ("one two\x1b[1;5Dx\x05y", "one xtwoy"),
            ("one two\x1bb\x0b", "one "),
            ("one two\x15\x19\x19", "one twoone two"),
            ("ahoy\x1b[H\x1b[3~", "hoy"),
            ("né🦀e\u{301}\x7f\x7f", "né"),
            ("\x1b[200~one\rtwo\x1b[201~", "one\ntwo"),
        ] {
            assert_eq!(line(bytes), result, "{bytes:?}");
        }
    }

    #[test]
    fn earlier_lines_are_found_and_the_begun_one_waits() {
        let mut editor = Editor::new(vec!["one".into(), "two".into()]);
        press(&mut editor, "thr\x1b[A");
        assert_eq!(editor.view(80).0, "two");
        press(&mut editor, "\x1b[A");
        assert_eq!(press(&mut editor, "\x1b[A"), Some(Act::Bell), "there is none before");
        assert_eq!(editor.view(80).0, "one");
        press(&mut editor, "\x1b[B\x1b[B");
        assert_eq!(editor.view(80).0, "thr");
        assert_eq!(press(&mut editor, "\x1b[B"), Some(Act::Bell));
        assert_eq!(press(&mut editor, "ee\r"), Some(Act::Line("three".into())));
        assert_eq!(press(&mut editor, "\x1b[A\r"), Some(Act::Line("three".into())));
        press(&mut editor, "\x1b[A\x1b[A");
        assert_eq!(editor.view(80).0, "two", "the same line twice is kept once");
        assert_eq!(press(&mut editor, "\x03"), None);
        assert_eq!(editor.view(80).0, "");
    }

    #[test]
    fn a_search_goes_back_by_what_was_typed() {
        let mut editor = Editor::new(["get a", "put b", "get c"].map(String::from).to_vec());
        press(&mut editor, "get\x12");
        assert_eq!(editor.view(80).0, "get c");
        press(&mut editor, "\x12");
        assert_eq!(editor.view(80).0, "get a");
        assert_eq!(press(&mut editor, "\x12"), Some(Act::Bell));
        assert_eq!(press(&mut editor, "!\r"), Some(Act::Line("get a!".into())));
    }

    #[test]
    fn the_ends_are_told() {
        let mut editor = Editor::default();
        assert_eq!(press(&mut editor, "\x04"), Some(Act::End));
        assert_eq!(press(&mut editor, "\x03"), Some(Act::Stop));
        assert_eq!(press(&mut editor, "ab\x01\x04\r"), Some(Act::Line("b".into())), "behind it is text");
        assert_eq!(press(&mut editor, "\x0c"), Some(Act::Clear));
        assert_eq!(press(&mut editor, "\x14"), Some(Act::Bell));
    }

    #[test]
    fn a_long_line_is_seen_in_part_with_its_cursor() {
        let mut editor = Editor::default();
        press(&mut editor, "0123456789");
        assert_eq!(editor.view(6), ("56789".into(), 5));
        press(&mut editor, "\x01");
        assert_eq!(editor.view(6), ("01234".into(), 0));
        let mut wide = Editor::default();
        press(&mut wide, "漢字漢字");
        for columns in 0..12 {
            let (view, cursor) = wide.view(columns);
            assert!(view.width() <= columns.max(2) && cursor <= columns.max(2), "{columns}: {view} {cursor}");
        }
        press(&mut editor, "\x1b[200~\r\x1b[201~");
        assert!(editor.view(80).0.starts_with('\u{240a}'));
    }

    #[test]
    fn a_line_and_the_past_are_bounded() {
        let mut editor = Editor::default();
        let long = "x".repeat(Editor::LONGEST);
        assert_eq!(press(&mut editor, &long), None);
        assert_eq!(press(&mut editor, "y"), Some(Act::Bell));
        assert_eq!(press(&mut editor, "\r"), Some(Act::Line(long)));
        for i in 0..Editor::REMEMBERED + 5 {
            press(&mut editor, &format!("{i}\r"));
        }
        assert_eq!((editor.earlier.len(), &*editor.earlier[0]), (Editor::REMEMBERED, "5"));
    }
}
