//! Lines of stdin as messages.

use super::{Gate, Said};
use crate::runner::Control;
use async_channel::Sender;
use std::io::{BufRead, stdin};

/// Sends `texts`, then the lines of stdin if they are wanted, then the end. Returns when the service is gone.
pub(super) fn feed(texts: Vec<String>, reads_stdin: bool, control: &Sender<Control<Said>>, gate: &Gate) {
    let say = |said: Said| {
        gate.wait();
        control.send_blocking(Control::Command(said)).is_ok()
    };
    if !texts.into_iter().all(|text| say(Said::Line(text))) {
        return;
    }
    let mut line = Vec::new();
    let mut stdin = stdin().lock();
    while reads_stdin && matches!(stdin.read_until(b'\n', &mut line), Ok(n) if n > 0) {
        if line.ends_with(b"\n") {
            line.pop();
            if line.ends_with(b"\r") {
                line.pop();
            }
        }
        match String::from_utf8(std::mem::take(&mut line)) {
            Ok(text) => {
                if !say(Said::Line(text)) {
                    return;
                }
            }
            Err(_) => eprintln!("wharf: skipped a line that is not UTF-8"),
        }
    }
    say(Said::End { now: false });
}
