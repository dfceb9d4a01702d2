//! A terminal on both sides: a line to edit, and what comes printed above it.

mod editor;
mod history;
mod keys;

use super::Surface;
use super::print::tame;
use editor::{Act, Editor};
use history::History;
use keys::Keys;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use std::io::{self, IsTerminal, Read, Write, stdin, stdout};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What stands before the line.
const PROMPT: &str = "> ";
/// Has the terminal say what is pasted and what is typed, or no longer.
const PASTES: (&str, &str) = ("\x1b[?2004h", "\x1b[?2004l");
/// To the begin of the row, and nothing on it.
const ERASE: &str = "\r\x1b[K";

/// Whoever prints and whoever edits take turns at it.
#[derive(Debug)]
pub(super) struct Terminal {
    row: Mutex<Row>,
}

#[derive(Debug)]
struct Row {
    editor: Editor,
    history: History,
    /// How the terminal was before, while a line is edited.
    before: Option<Termios>,
}

/// What a person did.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Did {
    /// Entered a line.
    Line(String),
    /// Ended the input.
    End,
    /// Wants an end at once.
    Stop,
}

impl Terminal {
    /// Begins to edit, if stdin and stdout are terminals that can. Earlier lines are those of the user's file if it is to be kept.
    pub(super) fn open(keeps_history: bool) -> Option<Self> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if is_dumb || !stdin().is_terminal() || !stdout().is_terminal() {
            return None;
        }
        let before = make_raw().ok()?;
        let (history, earlier) = if keeps_history { History::of_user() } else { Default::default() };
        let row = Row { editor: Editor::new(earlier), history, before: Some(before) };
        let terminal = Self { row: Mutex::new(row) };
        // A terminal that takes nothing is found out by the first message.
        let _ = draw(format!("{}{}", PASTES.0, terminal.row().drawn()).as_bytes());
        Some(terminal)
    }

    /// Reads what is typed until the end of the input, and tells it.
    pub(super) fn read(&self, mut tell: impl FnMut(Did)) {
        let (mut keys, mut bytes) = (Keys::default(), [0; 4096]);
        loop {
            let n = match stdin().lock().read(&mut bytes) {
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let mut did = Vec::new();
            self.row().take(&mut keys, &bytes[..n], &mut did);
            if n == 0 {
                did.push(Did::End);
            }
            for did in did {
                let is_end = did == Did::End;
                if is_end {
                    // What is typed from here on is not ours, and Ctrl-C is a signal again.
                    self.restore();
                }
                tell(did);
                if is_end {
                    return;
                }
            }
        }
    }

    /// Erases the line that is edited and leaves the terminal as it was. A second call changes nothing.
    pub(super) fn restore(&self) {
        if let Some(before) = self.row().before.take() {
            let _ = draw(format!("{ERASE}{}", PASTES.1).as_bytes());
            let _ = tcsetattr(stdin(), OptionalActions::Drain, &before);
        }
    }

    fn row(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints above the line.
    fn print(&self, bytes: &[u8]) -> io::Result<()> {
        let row = self.row();
        if row.before.is_none() {
            return draw(bytes);
        }
        let mut whole = [ERASE.as_bytes(), bytes].concat();
        if !bytes.ends_with(b"\n") {
            whole.push(b'\n');
        }
        whole.extend_from_slice(row.drawn().as_bytes());
        draw(&whole)
    }
}

impl Surface for Terminal {
    fn out(&self, bytes: &[u8]) -> io::Result<()> {
        self.print(bytes)
    }

    fn remark(&self, line: &str) {
        let _ = self.print(format!("{}\n", tame(line)).as_bytes());
    }
}

impl Row {
    /// Presses the keys that these bytes are, and draws what came of them.
    fn take(&mut self, keys: &mut Keys, bytes: &[u8], did: &mut Vec<Did>) {
        let mut drawn = String::new();
        for key in bytes.iter().filter_map(|byte| keys.take(*byte)) {
            match self.editor.press(key) {
                None => {}
                Some(Act::Line(line)) => {
                    self.history.keep(&line);
                    // It stays where it was entered, as in a shell, whole.
                    drawn.push_str(&format!("{ERASE}{PROMPT}{}\n", tame(&line)));
                    did.push(Did::Line(line));
                }
                Some(Act::End) => {
                    did.push(Did::End);
                    break;
                }
                Some(Act::Stop) => did.push(Did::Stop),
                Some(Act::Bell) => drawn.push('\x07'),
                Some(Act::Clear) => drawn.push_str("\x1b[H\x1b[2J"),
            }
        }
        if self.before.is_some() {
            drawn.push_str(ERASE);
            drawn.push_str(&self.drawn());
            let _ = draw(drawn.as_bytes());
        }
    }

    /// The prompt and what is seen of the line, with the cursor in its place.
    fn drawn(&self) -> String {
        let columns = tcgetwinsize(stdout()).map_or(0, |size| usize::from(size.ws_col));
        // A terminal may not know its size.
        let columns = if columns == 0 { 80 } else { columns };
        let (text, cursor) = self.editor.view(columns.saturating_sub(PROMPT.len()));
        format!("{PROMPT}{text}\r\x1b[{}C", PROMPT.len() + cursor)
    }
}

/// In one write, so that no other comes in between.
fn draw(bytes: &[u8]) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Has each key told at once and none of them shown or obeyed; what is written is still set out. Returns how it was.
fn make_raw() -> rustix::io::Result<Termios> {
    let before = tcgetattr(stdin())?;
    let mut raw = before.clone();
    raw.input_modes -= InputModes::BRKINT | InputModes::ICRNL | InputModes::ISTRIP | InputModes::IXON;
    raw.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::IEXTEN | LocalModes::ISIG;
    raw.special_codes[SpecialCodeIndex::VMIN] = 1;
    raw.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(stdin(), OptionalActions::Drain, &raw)?;
    Ok(before)
}
