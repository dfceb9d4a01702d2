//! Where a bus keeps its messages.

use super::commands::Commands;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use wharf::base::Instant;
use wharf::link::ConnId;
use wharf::service::bus::{Batch, Broker, BusCommand, BusConfig, Memory, Restoring, StoreFailure};
use wharf_sqlite::{Journal, OpenError};
use wharf_std::{Clock, SocketFile};

/// It is shared by the thread that stores and the one that ends it all.
#[derive(Clone, Debug)]
pub(super) struct Kept(Arc<Mutex<Store>>);

#[derive(Debug)]
enum Store {
    Memory(Memory),
    File(Box<Journal>),
    Closed,
}

impl Kept {
    /// Opens a file, or nothing, and makes a broker of what is in it.
    pub(super) fn open(path: Option<&Path>, config: BusConfig) -> Result<(Self, Broker<ConnId>), OpenError> {
        let (store, broker) = match path {
            None => (Store::Memory(Memory::default()), Broker::new(config)),
            Some(path) => {
                let (journal, broker) = restore(path, config)?;
                (Store::File(Box::new(journal)), broker)
            }
        };
        Ok((Self(Arc::new(Mutex::new(store))), broker))
    }

    /// Stores a batch.
    pub(super) fn carry_out(&self, batch: &Batch) -> Result<(), StoreFailure> {
        let failure = |what: String| StoreFailure::new(what);
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Store::Memory(memory) => memory.carry_out(batch).map_err(|e| failure(e.to_string())),
            Store::File(journal) => journal.carry_out(batch).map_err(|e| failure(e.to_string())),
            Store::Closed => Err(failure("the journal is closed".to_owned())),
        }
    }

    /// Has commands taken, and says in its lock where. A bus whose messages are kept nowhere has no letters for anybody else.
    pub(super) fn take_commands(
        &self,
        commands: &Commands,
        command: impl Fn(BusCommand) -> bool + Send + 'static,
    ) -> std::io::Result<Option<SocketFile>> {
        let Store::File(journal) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) else {
            return Ok(None);
        };
        let socket = commands.listen(journal.path(), command)?;
        journal.name_socket(socket.path())?;
        Ok(Some(socket))
    }

    /// Closes it, and says what failed.
    pub(super) fn close(&self) -> Result<(), StoreFailure> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *store, Store::Closed) {
            Store::File(journal) => journal.close().map_err(|e| StoreFailure::new(e.to_string())),
            _ => Ok(()),
        }
    }
}

/// Opens a journal, and makes a broker of its records.
pub(super) fn restore<C: Ord + Copy>(
    path: &Path,
    config: BusConfig,
) -> Result<(Journal, Broker<C>), OpenError> {
    let (journal, restoring) = Journal::open(path, |records| {
        let mut restoring = Restoring::new(config);
        for record in records {
            restoring.record(record)?;
        }
        Ok(restoring)
    })?;
    Ok((journal, restoring.finish(Instant::ORIGIN, Clock::new().wall())))
}
