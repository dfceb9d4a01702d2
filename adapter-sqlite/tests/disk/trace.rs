//! What `strace` wrote.

use std::collections::BTreeMap;

/// Something that a process did to a file of its folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Create(String),
    Write(String, usize, Vec<u8>),
    Cut(String, usize),
    Sync(String),
    SyncFolder,
    Rename(String, String),
    Remove(String),
    Told(usize),
}

/// The events of a trace that have to do with files in this folder, in their order.
///
/// Of a call that another process interrupted both halves are joined.
pub fn events(trace: &str, folder: &str) -> Vec<Event> {
    let mut open: BTreeMap<&str, String> = BTreeMap::new();
    let mut reading = Reading { folder, positions: BTreeMap::new(), events: Vec::new() };
    for line in trace.lines() {
        let (pid, rest) = line.split_once(' ').expect("a process and a call");
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            open.insert(pid, begun.to_owned());
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, end) = resumed.split_once(" resumed>").expect("what is resumed");
            let begun = open.remove(pid).expect("what was begun");
            reading.call(&format!("{begun}{end}"));
        } else {
            reading.call(rest);
        }
    }
    reading.events
}

struct Reading<'a> {
    folder: &'a str,
    /// Where each descriptor stands.
    positions: BTreeMap<String, usize>,
    events: Vec<Event>,
}

impl Reading<'_> {
    fn call(&mut self, line: &str) {
        let Some((name, rest)) = line.split_once('(') else { return };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { return };
        let arguments = arguments.trim_end();
        let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
        if result.starts_with('-') {
            return;
        }
        let (descriptor, path) = path_behind(arguments);
        let descriptor = descriptor.to_owned();
        match name {
            "open" | "openat" => {
                let opened = path_behind(result);
                self.positions.insert(opened.0.to_owned(), 0);
                let Some(file) = self.file(&opened.1) else { return };
                if arguments.contains("O_CREAT") {
                    self.events.push(Event::Create(file.clone()));
                }
                if arguments.contains("O_TRUNC") {
                    self.events.push(Event::Cut(file, 0));
                }
            }
            "lseek" => drop(self.positions.insert(descriptor, number(result))),
            "write" if descriptor == "1" => self.told(arguments),
            "write" => {
                let Some(file) = self.file(&path) else { return };
                let at = self.positions.get_mut(&descriptor).expect("where it stands");
                let written = number(result);
                let bytes = bytes(arguments).remove(0)[..written].to_vec();
                self.events.push(Event::Write(file, *at, bytes));
                *at += written;
            }
            "pwrite64" => {
                let Some(file) = self.file(&path) else { return };
                let at = number(arguments.rsplit_once(", ").expect("an offset").1);
                let bytes = bytes(arguments).remove(0)[..number(result)].to_vec();
                self.events.push(Event::Write(file, at, bytes));
            }
            "ftruncate" => {
                let Some(file) = self.file(&path) else { return };
                self.events.push(Event::Cut(file, number(arguments.rsplit_once(", ").expect("a length").1)));
            }
            "fsync" | "fdatasync" if path == self.folder => self.events.push(Event::SyncFolder),
            "fsync" | "fdatasync" => {
                let file = self.file(&path);
                self.events.extend(file.map(Event::Sync));
            }
            "rename" | "renameat" | "renameat2" => {
                let [from, to] = &self.names(arguments)[..] else { return };
                self.events.push(Event::Rename(from.clone(), to.clone()));
            }
            "unlink" | "unlinkat" => {
                let names = self.names(arguments);
                self.events.extend(names.into_iter().map(Event::Remove));
            }
            // Not one that is forgotten: whatever else writes has to be known here.
            _ => assert!(self.file(&path).is_none(), "{name} of {path}"),
        }
    }

    fn told(&mut self, arguments: &str) {
        let text = String::from_utf8(bytes(arguments).remove(0)).expect("text");
        let numbers = text.lines().filter_map(|line| line.strip_prefix("carried out "));
        self.events.extend(numbers.map(|number| Event::Told(number.parse().expect("a number"))));
    }

    /// The name of a file of the folder that lasts: neither the lock nor the log's index does.
    fn file(&self, path: &str) -> Option<String> {
        let name = path.strip_prefix(self.folder)?.strip_prefix('/')?;
        (!name.ends_with(".lock") && !name.ends_with("-shm")).then(|| name.to_owned())
    }

    fn names(&self, arguments: &str) -> Vec<String> {
        let paths = bytes(arguments).into_iter().map(|path| String::from_utf8(path).expect("a path"));
        paths.filter_map(|path| self.file(&path)).collect()
    }
}

/// A descriptor, and the path that stands behind it.
fn path_behind(text: &str) -> (&str, String) {
    let Some((descriptor, rest)) = text.split_once('<') else { return (text, String::new()) };
    let end = rest.find('>').expect("the path ends");
    let path = &rest[..end];
    let path =
        if path.starts_with("\\x") { String::from_utf8(unhex(path)).expect("a path") } else { path.into() };
    (descriptor, path)
}

/// The strings among a call's arguments, which are all in hexadecimal.
fn bytes(arguments: &str) -> Vec<Vec<u8>> {
    assert!(!arguments.contains("\"..."), "a string was cut");
    arguments.split('"').skip(1).step_by(2).map(unhex).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).expect("hexadecimal")).collect()
}

fn number(text: &str) -> usize {
    let digits = text.split(|c: char| !c.is_ascii_digit()).next().expect("digits");
    digits.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}
