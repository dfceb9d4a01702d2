//! A bus that is one of several nodes, on a database.

use super::run::{Ending, Serving};
use crate::database::DatabaseUrl;
use crate::runner::RunError;
use std::time::Duration;
use wharf::service::bus::{Broker, BusCommand, BusConfig, BusService, NodeSettings, StoreFailure};
use wharf_postgres::{BusStore, BusStoreConfig, DatabaseError};

/// Shortest lease: below it a database that is busy looks like a node that is gone.
const SHORTEST: Duration = Duration::from_secs(1);
/// A database may stand still at the end as well: 5 s in all.
const TIMES: Ending = Ending {
    storing: Duration::from_millis(2500),
    closing: Duration::from_millis(1500),
    lasting: Some(Duration::from_secs(1)),
};
/// What is left of the time for storing when the broker gives up, so that it can still say so.
const SAYING: Duration = Duration::from_millis(500);

/// A database that does not serve.
#[derive(Debug, thiserror::Error)]
#[error("--journal {at}: {why}")]
pub struct NodesError {
    /// Which; its password is not told.
    pub at: DatabaseUrl,
    /// Why not.
    pub why: DatabaseError,
}

impl DatabaseUrl {
    /// Connects to it, to tables that are there unless it `makes_tables`.
    pub(super) fn open(&self, makes_tables: bool) -> Result<BusStore, NodesError> {
        let mut config = BusStoreConfig::default();
        config.makes_tables = makes_tables;
        BusStore::connect_with(self.as_str(), config).map_err(|why| NodesError { at: self.clone(), why })
    }

    /// Serves as one of its nodes.
    pub(super) fn serve(
        &self,
        serving: Serving<'_>,
        config: &BusConfig,
        lease: Option<Duration>,
    ) -> Result<(), RunError> {
        let mut settings = NodeSettings::default();
        settings.lease = lease.unwrap_or(settings.lease);
        if settings.lease < SHORTEST {
            return Err(RunError::Use("--lease: it is at least 1 s"));
        }
        settings.drain_timeout = TIMES.storing - SAYING;
        let mut store = self.open(true)?;
        let wake = serving.commander();
        // One that finds no room is no loss: there are others before it, and the node looks by itself.
        let wakes = store.wakes(move || {
            let _ = wake(BusCommand::Wake);
        });
        let _wakes = wakes.map_err(|why| NodesError { at: self.clone(), why })?;
        let service = BusService::node(Broker::node(config.clone(), settings));
        let carry_out =
            move |ask| store.carry_out(&ask).map_err(|error| StoreFailure::new(error.to_string()));
        serving.run(service, config, TIMES, carry_out)
    }
}
