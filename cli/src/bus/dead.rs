//! `wharf bus dead`.

use super::args::{DeadCommand, DeadSome, JournalAt};
use super::commands::{self, Ask, CommandsError, Reply, Verb};
use super::journal::restore;
use super::letters;
use super::nodes::NodesError;
use std::io::{self, Write};
use std::path::Path;
use wharf::base::Instant;
use wharf::service::bus::{Action, Broker, BusConfig, Letters};
use wharf_sqlite::{DeadLetter, DeadLetters, OpenError, StoreError, socket_of};
use wharf_std::Clock;

/// Why nothing came of it, or not all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeadError {
    /// The journal cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database cannot be read.
    #[error(transparent)]
    Nodes(#[from] NodesError),
    /// There are none.
    #[error("--journal none: nothing is kept")]
    Nowhere,
    /// There is no such letter.
    #[error("{0}: no such dead letter")]
    Unknown(String),
    /// The bus that runs on the journal refused, or could not.
    #[error("{0}")]
    Refused(String),
    /// Some stay dead.
    #[error("{0} stay dead: too much waits for their service")]
    Full(u64),
    /// Nothing could be asked of the bus that runs on it.
    #[error(transparent)]
    Commands(#[from] CommandsError),
    /// It could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output was not taken, or the lock cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Does what is asked, and prints what comes of it.
///
/// # Errors
/// [`DeadError`]
pub(super) fn run(command: &DeadCommand) -> Result<(), DeadError> {
    match command {
        DeadCommand::List(args) => {
            let mut printed = Ok(());
            let mut out = io::stdout().lock();
            each(&args.journal, &Letters::All, |letter| {
                if printed.is_ok() {
                    printed = json(&letter).and_then(|line| writeln!(out, "{line}"));
                }
            })?;
            Ok(printed?)
        }
        DeadCommand::Show(args) => show(args),
        DeadCommand::Requeue(args) => change(Verb::Requeue, args),
        DeadCommand::Purge(args) => change(Verb::Purge, args),
    }
}

/// Hands letters out, the first accepted first.
fn each(at: &JournalAt, which: &Letters, mut letter: impl FnMut(DeadLetter)) -> Result<(), DeadError> {
    let path = match at {
        JournalAt::Postgres(database) => return letters::each(database, which, letter),
        JournalAt::File(path) => path,
        JournalAt::Nowhere => return Err(DeadError::Nowhere),
    };
    let letters = DeadLetters::open(path)?;
    match which {
        Letters::Id(id) => letters.with_id(id, None)?.into_iter().for_each(letter),
        Letters::Of { from, id } => letters.with_id(id, Some(from))?.into_iter().for_each(letter),
        _ => letters.each(&mut letter)?,
    }
    Ok(())
}

fn show(args: &DeadSome) -> Result<(), DeadError> {
    let mut out = io::stdout().lock();
    for which in args.letters() {
        let mut found = Vec::new();
        each(&args.journal, &which, |letter| found.push(letter))?;
        if found.is_empty() && which != Letters::All {
            return Err(DeadError::Unknown(named(&which)));
        }
        for letter in &found {
            writeln!(out, "{}", whole(letter)?)?;
        }
    }
    Ok(())
}

/// The letter as it is listed, with what became of each delivery, and the message as it was sent.
fn whole(letter: &DeadLetter) -> io::Result<String> {
    let listed = json(letter)?;
    let progress = &letter.death.progress;
    let history = serde_json::to_string(&progress.history)?;
    let message = String::from_utf8_lossy(&letter.accepted.body);
    let (listed, deliveries) = (listed.trim_end_matches('}'), progress.deliveries);
    Ok(format!(r#"{listed},"deliveries":{deliveries},"history":{history},"message":{message}}}"#))
}

fn json(letter: &DeadLetter) -> io::Result<String> {
    Ok(serde_json::to_string(letter)?)
}

fn change(verb: Verb, args: &DeadSome) -> Result<(), DeadError> {
    if let JournalAt::File(path) = &args.journal {
        // What is not there is not to be made.
        drop(DeadLetters::open(path)?);
    }
    let mut left = 0;
    let mut done = 0;
    for letters in args.letters() {
        let (changed, full) = change_each(verb, args, &letters)?;
        done += changed;
        left += full;
    }
    println!("{done}");
    if left > 0 { Err(DeadError::Full(left)) } else { Ok(()) }
}

fn change_each(verb: Verb, args: &DeadSome, which: &Letters) -> Result<(u64, u64), DeadError> {
    let path = match &args.journal {
        JournalAt::Postgres(database) => {
            let changed = letters::change(database, verb, which)?;
            let is_unknown = changed == (0, 0) && *which != Letters::All;
            return if is_unknown { Err(DeadError::Unknown(named(which))) } else { Ok(changed) };
        }
        JournalAt::File(path) => path,
        JournalAt::Nowhere => return Err(DeadError::Nowhere),
    };
    if let Some(socket) = socket_of(path)? {
        match commands::ask(&socket, &Ask::new(verb, which)) {
            Ok(Reply::Done { letters, full }) => return Ok((letters, full)),
            Ok(Reply::Error(what)) => return Err(DeadError::Refused(what)),
            // It was killed.
            Err(CommandsError::Nobody) => {}
            Err(error) => return Err(error.into()),
        }
    }
    by_itself(verb, path, which)
}

/// With no bus running, the same machine does it here.
fn by_itself(verb: Verb, path: &Path, letters: &Letters) -> Result<(u64, u64), DeadError> {
    let (mut journal, mut broker): (_, Broker<()>) = restore(path, BusConfig::default())?;
    let (now, wall, ticket) = (Instant::ORIGIN, Clock::new().wall(), 0);
    match verb {
        Verb::Requeue => broker.requeue(now, wall, letters, ticket),
        Verb::Purge => broker.purge(now, wall, letters, ticket),
    }
    // What waits for others to be stored with it need not.
    broker.drain(now, wall);
    let mut told = None;
    while let Some(action) = broker.poll_action() {
        match action {
            Action::Store(batch) => {
                journal.carry_out(&batch)?;
                broker.stored(now, wall);
            }
            Action::Told { outcome, .. } => told = Some(outcome),
            _ => {}
        }
    }
    journal.close()?;
    match told {
        Some(Ok(changed)) => Ok((changed.letters, changed.full)),
        Some(Err(error)) => Err(DeadError::Refused(format!("{}: {error}", named(letters)))),
        None => Err(DeadError::Refused("the change was not stored".to_owned())),
    }
}

fn named(letters: &Letters) -> String {
    match letters {
        Letters::Id(id) => id.to_string(),
        Letters::Of { from, id } => format!("{from}/{id}"),
        _ => "--all".to_owned(),
    }
}
