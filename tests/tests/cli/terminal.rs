//! `wharf connect` as a person has it: on a terminal, with keys.

use super::paths;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;
use wharf_tests::adapter::PATIENCE;
use wharf_tests::folder::Folder;
use wharf_tests::program::{Running, wharf};

const UP: &str = "\x1b[A";

/// A run of the program on a terminal of its own.
struct Typing {
    keyboard: File,
    /// The program's side, held open so that its modes can be looked at.
    terminal: File,
    shown: Receiver<Vec<u8>>,
    /// What has been shown and not been looked for.
    seen: String,
    ended: Receiver<Option<i32>>,
    process: u32,
}

impl Typing {
    fn start(folder: &Folder, args: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let path = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let keyboard = File::from(keyboard);
        let terminal = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let size = Winsize { ws_row: 24, ws_col: 40, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&terminal, size).unwrap();
        let mut command = Command::new(wharf());
        command.arg("connect").args(args).env("TERM", "xterm").env_remove("NO_COLOR");
        command.env("XDG_STATE_HOME", folder.path("state"));
        let side = || terminal.try_clone().unwrap();
        let mut child = command.stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        let process = child.id();
        let (tell, ended) = channel();
        thread::spawn(move || tell.send(child.wait().unwrap().code()));
        let (tell, shown) = channel();
        let mut screen = keyboard.try_clone().unwrap();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                if tell.send(bytes[..n].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { keyboard, terminal, shown, seen: String::new(), ended, process }
    }

    /// On a connection that is open.
    fn open(folder: &Folder, url: &str, more: &[&str]) -> Self {
        let mut typing = Self::start(folder, &[&[url][..], more].concat());
        typing.sees("connected to");
        typing
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until this is shown, and forgets all before it.
    fn sees(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.seen.find(words) {
                self.seen.drain(..at + words.len());
                return;
            }
            match self.shown.recv_timeout(until.saturating_duration_since(Instant::now())) {
                // Cut characters are of no interest here.
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(_) => panic!("{words:?} is not shown, but {:?}", self.seen),
            }
        }
    }

    fn edits(&self) -> bool {
        !tcgetattr(&self.terminal).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// The exit code. The terminal is as it was before.
    fn ends(self) -> (Option<i32>, bool) {
        let code = self.ended.recv_timeout(PATIENCE).expect("it ends");
        (code, self.edits())
    }
}

#[test]
fn lines_are_edited_and_what_comes_is_shown_above_them() {
    let (_serving, url) = paths();
    for runtime in ["tokio", "mio"] {
        let folder = Folder::new();
        let mut typing = Typing::open(&folder, &url, &["--runtime", runtime]);
        assert!(typing.edits());
        typing.press("ahoi\x7fy");
        typing.sees("> ahoy");
        typing.press("\r");
        // The row is erased, the message takes it, and the prompt comes back below.
        typing.sees("\x1b[Kahoy\r\n> ");
        typing.press(&format!("{UP}!\x01>\r"));
        typing.sees("\x1b[K>ahoy!\r\n> ");
        typing.press("no longer\x03kept\r");
        typing.sees("\x1b[Kkept\r\n> ");
        typing.press("\x04");
        typing.sees("closed with 1000");
        assert_eq!(typing.ends(), (Some(0), false), "{runtime}");
    }
}

#[test]
fn commands_are_carried_out_and_all_else_is_sent() {
    let (_serving, url) = paths();
    let folder = Folder::new();
    let path = folder.path("in bin");
    std::fs::write(&path, [1, 2]).unwrap();
    let mut typing = Typing::open(&folder, &url, &[]);
    typing.press("/ping\r");
    typing.sees("\x1b[Kping ");
    typing.sees(" ms\r\n");
    typing.press("/join room\r//ping\r/binary 00ff\r");
    typing.sees("\x1b[K/join room\r\n> ");
    typing.sees("\x1b[K/ping\r\n> ");
    typing.sees("\x1b[Kbinary 00ff\r\n");
    for (line, answer) in [
        (&*format!("/file {path}"), "\x1b[Kbinary 0102"),
        ("/file /nowhere", "\x1b[Knot sent: /nowhere"),
        ("/close 1", "\x1b[Knot closed"),
        ("/help", "Ctrl-D ends the input"),
    ] {
        typing.press(&format!("{line}\r"));
        typing.sees(answer);
    }
    typing.press("/close 4001 so long\r");
    typing.sees("closed with 4001\r\n");
    typing.sees("1 ping answered");
    assert_eq!(typing.ends(), (Some(0), false));
    let mut typing = Typing::open(&folder, &url, &["--no-commands"]);
    typing.press("/ping\r");
    typing.sees("\x1b[K/ping\r\n> ");
}

#[test]
fn what_a_server_sends_cannot_draw_and_json_is_set_out() {
    let (_serving, url) = paths();
    let folder = Folder::new();
    let mut typing = Typing::open(&folder, &url, &["--send", "a\x1b[2Jb", "--send", "{\"a\":[1]}"]);
    typing.sees("\x1b[Ka\u{fffd}[2Jb\r\n");
    typing.sees("{\r\n  \x1b[34m\"a\"\x1b[0m: [\r\n    \x1b[36m1\x1b[0m\r\n  ]\r\n}\r\n> ");
}

#[test]
fn however_it_ends_the_terminal_is_as_it_was() {
    let (_serving, url) = paths();
    let folder = Folder::new();
    // Over the paths of the server, of which one closes at once.
    let mut typing = Typing::start(&folder, &[&format!("{url}/close/4001")]);
    typing.sees("wharf: close: the server closed with 4001");
    assert_eq!(typing.ends(), (Some(1), false));
    let mut typing = Typing::start(&folder, &["ws://127.0.0.1:1/"]);
    typing.sees("\x1b[?2004l");
    typing.sees("wharf: connect:");
    assert_eq!(typing.ends(), (Some(1), false));
    let mut typing = Typing::open(&folder, &url, &[]);
    typing.press("half a li");
    typing.sees("half a li");
    let killed = Command::new("kill").args(["-s", "TERM", &typing.process.to_string()]).status();
    assert!(killed.unwrap().success());
    typing.sees("closed with 1000");
    assert_eq!(typing.ends(), (Some(0), false));
    let mut typing = Typing::open(&folder, &url, &[]);
    typing.press("\x03");
    typing.sees("closed with 1000");
    assert_eq!(typing.ends(), (Some(0), false));
}

#[test]
fn earlier_lines_are_there_in_the_next_run() {
    let (_serving, url) = paths();
    let folder = Folder::new();
    let mut typing = Typing::open(&folder, &url, &[]);
    typing.press("get one\r get a secret\rput two\r");
    typing.sees("\x1b[Kput two\r\n> ");
    typing.press("\x04");
    assert_eq!(typing.ends().0, Some(0));
    let mut typing = Typing::open(&folder, &url, &[]);
    typing.press("get\x12");
    typing.sees("> get one");
    typing.press(&format!("\x03{UP}"));
    typing.sees("> put two");
    typing.press("\x03\x04");
    assert_eq!(typing.ends().0, Some(0));
    let mut typing = Typing::open(&folder, &url, &["--no-history"]);
    typing.press(&format!("{UP}\x04"));
    typing.sees("\x07");
    assert_eq!(typing.ends().0, Some(0));
}

#[test]
fn a_lost_server_is_told_above_the_line_and_what_is_typed_meanwhile_waits() {
    let (server, address) = Running::serve(["echo", "--log", "error"]);
    let (address, folder) = (address.to_string(), Folder::new());
    let mut typing = Typing::open(&folder, &format!("ws://{address}/"), &["--retry"]);
    typing.press("half");
    typing.sees("> half");
    drop(server);
    typing.sees("trying again in");
    typing.sees("> half");
    typing.press(" and half\r");
    let server = Running::start(["echo", "--log", "error", "--listen", &*address]);
    assert_eq!(server.listening().to_string(), address);
    typing.sees("connected again");
    typing.sees("\x1b[Khalf and half\r\n> ");
    typing.press("\x04");
    assert_eq!(typing.ends(), (Some(0), false));
}
