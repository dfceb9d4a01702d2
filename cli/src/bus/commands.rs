//! What a running bus is asked by another program on the same machine, over a Unix socket that is its owner's alone: a line of
//! JSON each way.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wharf::service::bus::{BusCommand, Changed, CommandError, Letters};
use wharf_std::{SocketFile, listen_unix};

/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nobody is answered after a failure.
const AGAIN: Duration = Duration::from_millis(100);
/// Longest line that is read, in bytes.
const LONGEST: u64 = 4096;

/// What is to be done with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Send them again.
    Requeue,
    /// Throw them away.
    Purge,
}

/// A question: `{"command": "requeue", "letters": "shop/m-1"}`; without `letters` it is for all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// What to do.
    pub command: Verb,
    /// With which.
    pub letters: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// It is done, and on disk.
    Done {
        /// Letters that were requeued or purged.
        letters: u64,
        /// Letters that stay, since their service has no room.
        full: u64,
    },
    /// It is not, or may not be.
    Error(String),
}

impl Ask {
    /// This, with these.
    #[must_use]
    pub fn new(command: Verb, letters: &Letters) -> Self {
        let letters = match letters {
            Letters::Id(id) => Some(id.to_string()),
            Letters::Of { from, id } => Some(format!("{from}/{id}")),
            _ => None,
        };
        Self { command, letters }
    }

    fn letters(&self) -> Result<Letters, String> {
        self.letters.as_deref().map_or(Ok(Letters::All), |text| text.parse().map_err(|e| format!("{e}")))
    }
}

impl From<Result<Changed, CommandError>> for Reply {
    fn from(outcome: Result<Changed, CommandError>) -> Self {
        match outcome {
            Ok(changed) => Self::Done { letters: changed.letters, full: changed.full },
            Err(error) => Self::Error(error.to_string()),
        }
    }
}

/// Why a bus could not be asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandsError {
    /// Nobody is there.
    #[error("nobody answers")]
    Nobody,
    /// It did not answer, or what it said is no answer.
    #[error("the running bus gave no answer: {0}")]
    Io(#[from] io::Error),
}

/// Those who asked and have no answer yet.
#[derive(Clone, Debug, Default)]
pub struct Commands {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    last: u64,
    by_ticket: BTreeMap<u64, SyncSender<Reply>>,
}

impl Commands {
    /// Takes questions at a new socket beside `journal`, in a thread of its own, one after the other, and hands them to `command`,
    /// which is false where the bus takes none any more. The file goes when what is returned is dropped. Where there can be
    /// no socket, or its name would be too long, it is where this user's sockets go.
    ///
    /// # Errors
    /// It cannot be listened there.
    pub fn listen(
        &self,
        journal: &Path,
        command: impl Fn(BusCommand) -> bool + Send + 'static,
    ) -> io::Result<SocketFile> {
        let mut beside = journal.as_os_str().to_owned();
        beside.push(".sock");
        let elsewhere = folder().join(format!("wharf-bus-{}.sock", std::process::id()));
        let (listener, file) = listen_at(Path::new(&beside)).or_else(|_| listen_at(&elsewhere))?;
        listener.set_nonblocking(false)?;
        let commands = self.clone();
        std::thread::Builder::new()
            .name("commands".into())
            .spawn(move || commands.serve(&listener, command))?;
        Ok(file)
    }

    /// Hands an answer to whoever waits for it.
    pub fn told(&self, ticket: u64, outcome: Result<Changed, CommandError>) {
        if let Some(waiting) = self.lock().by_ticket.remove(&ticket) {
            // It may have given up.
            drop(waiting.try_send(outcome.into()));
        }
    }

    fn serve(&self, listener: &UnixListener, command: impl Fn(BusCommand) -> bool) {
        for stream in listener.incoming() {
            let answered = stream.and_then(|stream| self.answer(&stream, &command));
            if let Err(error) = answered {
                tracing::warn!(%error, "a command was not answered");
                // Where there are no descriptors it fails at once, and again.
                std::thread::sleep(AGAIN);
            }
        }
    }

    fn answer(&self, stream: &UnixStream, command: &impl Fn(BusCommand) -> bool) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let ask: Ask = read_line(stream)?;
        let reply = match ask.letters() {
            Ok(letters) => self.ask(ask.command, letters, command),
            Err(error) => Reply::Error(error),
        };
        write_line(stream, &reply)
    }

    fn ask(&self, verb: Verb, letters: Letters, command: &impl Fn(BusCommand) -> bool) -> Reply {
        let (told, reply) = sync_channel(1);
        let ticket = {
            let mut waiting = self.lock();
            waiting.last += 1;
            let ticket = waiting.last;
            waiting.by_ticket.insert(ticket, told);
            ticket
        };
        let is_taken = command(match verb {
            Verb::Requeue => BusCommand::Requeue { letters, ticket },
            Verb::Purge => BusCommand::Purge { letters, ticket },
        });
        let reply = if is_taken { reply.recv_timeout(PATIENCE).ok() } else { None };
        self.lock().by_ticket.remove(&ticket);
        reply.unwrap_or_else(|| Reply::Error("the bus is shutting down, or takes too long".to_owned()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the bus that takes commands at `socket`.
///
/// # Errors
/// [`CommandsError::Nobody`] where no bus runs.
pub(super) fn ask(socket: &Path, ask: &Ask) -> Result<Reply, CommandsError> {
    let stream = UnixStream::connect(socket).map_err(|_| CommandsError::Nobody)?;
    stream.set_read_timeout(Some(PATIENCE + Duration::from_secs(5)))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write_line(&stream, ask)?;
    Ok(read_line(&stream)?)
}

fn listen_at(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    listen_unix(path.to_str().ok_or(io::ErrorKind::InvalidFilename)?, Some(0o600))
}

/// Where sockets go that are this user's affair.
fn folder() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .map(PathBuf::from)
        .filter(|path| path.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}

fn read_line<T: for<'de> Deserialize<'de>>(stream: &UnixStream) -> io::Result<T> {
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

fn write_line(mut stream: &UnixStream, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    stream.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_by_what_is_told_under_its_ticket() {
        let commands = Commands::default();
        let bus = commands.clone();
        let journal = std::env::temp_dir().join(format!("wharf-commands-{}", std::process::id()));
        let file = commands
            .listen(&journal, move |command| match command {
                BusCommand::Requeue { letters: Letters::Id(id), ticket } if id.as_str() == "m" => {
                    bus.told(ticket + 1, Err(CommandError::Unknown));
                    bus.told(ticket, Ok(Changed::default()));
                    true
                }
                BusCommand::Purge { letters: Letters::All, ticket } => {
                    bus.told(ticket, Err(CommandError::Store));
                    true
                }
                _ => false,
            })
            .unwrap();
        let of = |verb, letters: &Letters| ask(file.path(), &Ask::new(verb, letters)).unwrap();
        let (letter, other) = ("m".parse().unwrap(), "shop/m".parse().unwrap());
        assert_eq!(of(Verb::Requeue, &letter), Reply::Done { letters: 0, full: 0 });
        assert_eq!(of(Verb::Purge, &Letters::All), Reply::Error("the store has failed".into()));
        assert!(matches!(of(Verb::Purge, &other), Reply::Error(what) if what.contains("shutting down")));
        assert!(commands.lock().by_ticket.is_empty());
        let path = file.path().to_owned();
        drop(file);
        assert!(matches!(ask(&path, &Ask::new(Verb::Purge, &Letters::All)), Err(CommandsError::Nobody)));
    }
}
