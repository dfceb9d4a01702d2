//! What is typed, piped or named by flags, as messages.

use super::args::Connect;
use super::command::{self, Typed};
use super::{Gate, InputForm, Printer, Said};
use crate::runner::Control;
use async_channel::{Receiver, Sender};
use std::fs::File;
use std::io::{self, BufRead, Read, stdin};
use std::path::Path;
use wharf::base::Message;

/// Where lines come from.
pub(super) enum Lines {
    /// From nowhere: the flags have it all.
    None,
    /// From stdin.
    Stdin,
    /// From the line that is edited on a terminal, which is Unix's alone.
    #[cfg_attr(not(unix), allow(dead_code))]
    Edited(Receiver<String>),
}

/// All that is to be sent, and how.
pub(super) struct Feed {
    /// What goes first.
    pub(super) messages: Vec<Message<'static>>,
    pub(super) lines: Lines,
    pub(super) form: InputForm,
    /// A line may be a command.
    pub(super) has_commands: bool,
    /// Largest file, in bytes.
    pub(super) limit: usize,
    pub(super) printer: Printer,
    pub(super) control: Sender<Control<Said>>,
    pub(super) gate: std::sync::Arc<Gate>,
}

/// The service is gone, and nothing more can be said to it.
struct Gone;

/// The messages of `--send` and `--send-file`.
///
/// # Errors
/// One that has not its form, or a file that cannot be read or is too large.
pub(super) fn messages_of(args: &Connect) -> Result<Vec<Message<'static>>, String> {
    let form = if args.input == InputForm::Whole { InputForm::Text } else { args.input };
    let texts = args
        .send
        .iter()
        .map(|text| form.message(text.as_bytes()).map_err(|error| format!("--send {text}: {error}")));
    let files = args.send_file.iter().map(|path| {
        read_file(path, args.max_message).map_err(|error| format!("--send-file {}: {error}", path.display()))
    });
    texts.chain(files).collect()
}

fn read_file(path: &Path, limit: usize) -> io::Result<Message<'static>> {
    read_whole(File::open(path)?, limit)
}

/// All of it, as one message.
fn read_whole(from: impl Read, limit: usize) -> io::Result<Message<'static>> {
    let mut bytes = Vec::new();
    from.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes; see --max-message")));
    }
    Ok(Message::binary(bytes))
}

impl Feed {
    /// Says it all, then the end. Returns early when the service is gone.
    pub(super) fn run(mut self) {
        let _ = self.say_all();
    }

    fn say_all(&mut self) -> Result<(), Gone> {
        for message in std::mem::take(&mut self.messages) {
            self.say(Said::Send(message))?;
        }
        match std::mem::replace(&mut self.lines, Lines::None) {
            Lines::None => {}
            Lines::Stdin if self.form == InputForm::Whole => match read_whole(stdin().lock(), self.limit) {
                Ok(message) => self.say(Said::Send(message))?,
                Err(error) => {
                    self.say(Said::Fail(format!("read: stdin: {error}")))?;
                }
            },
            Lines::Stdin => self.say_lines()?,
            Lines::Edited(lines) => {
                while let Ok(line) = lines.recv_blocking() {
                    self.take(line.as_bytes())?;
                }
            }
        }
        self.say(Said::End { now: false })
    }

    fn say_lines(&mut self) -> Result<(), Gone> {
        let mut line = Vec::new();
        let mut stdin = stdin().lock();
        while matches!(stdin.read_until(b'\n', &mut line), Ok(n) if n > 0) {
            if line.ends_with(b"\n") {
                line.pop();
                if line.ends_with(b"\r") {
                    line.pop();
                }
            }
            self.take(&line)?;
            line.clear();
        }
        Ok(())
    }

    /// A line without its end.
    fn take(&self, line: &[u8]) -> Result<(), Gone> {
        let typed = std::str::from_utf8(line).ok().filter(|_| self.has_commands).map(command::read);
        match typed {
            Some(Typed::Do(said)) => return self.say(said),
            Some(Typed::Remark(remark)) => self.printer.remark(&remark),
            Some(Typed::File(path)) => match read_file(path, self.limit) {
                Ok(message) => return self.say(Said::Send(message)),
                Err(error) => self.printer.remark(&format!("not sent: {}: {error}", path.display())),
            },
            Some(Typed::Text(text)) => return self.send(text.as_bytes()),
            None => return self.send(line),
        }
        Ok(())
    }

    fn send(&self, line: &[u8]) -> Result<(), Gone> {
        match self.form.message(line) {
            Ok(message) => self.say(Said::Send(message)),
            Err(error) => {
                self.printer.remark(&format!("wharf: skipped a line that is {error}"));
                Ok(())
            }
        }
    }

    fn say(&self, said: Said) -> Result<(), Gone> {
        self.gate.wait();
        self.control.send_blocking(Control::Command(said)).map_err(|_| Gone)
    }
}
