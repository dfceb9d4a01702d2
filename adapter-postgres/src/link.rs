//! A connection, with the statements that it has been asked for.

use crate::dial::Driver;
use std::collections::BTreeMap;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

/// A connection. Dropped, it is closed with the next turn of the runtime, and its transaction with it.
pub(crate) struct Link {
    pub(crate) client: Client,
    driver: Driver,
    /// By their text. There are as many as there are statements in this crate.
    statements: BTreeMap<&'static str, Statement>,
}

/// What stands for the numbered places of a statement.
pub(crate) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Link {
    pub(crate) const fn new(client: Client, driver: Driver) -> Self {
        Self { client, driver, statements: BTreeMap::new() }
    }

    /// Whether it can no longer be used, as far as is known.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed() || self.driver.is_finished()
    }

    /// The rows that a statement gives.
    pub(crate) async fn query(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let statement = self.prepared(sql).await?;
        self.client.query(&statement, params).await
    }

    /// How many rows a statement changes.
    pub(crate) async fn execute(
        &mut self,
        sql: &'static str,
        params: Params<'_>,
    ) -> Result<u64, tokio_postgres::Error> {
        let statement = self.prepared(sql).await?;
        self.client.execute(&statement, params).await
    }

    async fn prepared(&mut self, sql: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql).await?;
        self.statements.insert(sql, statement.clone());
        Ok(statement)
    }
}
