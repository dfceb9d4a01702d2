//! The form of tables, and how a database comes to have them.

use crate::error::DatabaseError;
use crate::failing::text_of;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// The tables of something that is kept.
#[derive(Debug)]
pub(crate) struct Form {
    /// What that is, for people.
    pub(crate) of: &'static str,
    /// The table that has the version, of one row.
    pub(crate) table: &'static str,
    /// Waits for whoever makes the tables at the same time.
    pub(crate) turn: &'static str,
    /// From no table at all to those of today. Each step makes one version of the one before, and is never changed: a new database takes all.
    pub(crate) steps: &'static [&'static str],
}

impl Form {
    /// The version that is written.
    const fn version(&self) -> i32 {
        self.steps.len() as i32
    }

    /// Brings a database to the form of today, in one transaction, whoever else does so at the same time. It takes the time that it takes:
    /// of many rows it is much.
    pub(crate) async fn migrate(&self, client: &Client, place: &str) -> Result<(), DatabaseError> {
        let failed = |error: tokio_postgres::Error| {
            let what = text_of(&error).into();
            match error.code() {
                Some(&SqlState::DUPLICATE_TABLE) => {
                    DatabaseError::Foreign { place: place.into(), of: self.of, what }
                }
                _ => DatabaseError::Failed { place: place.into(), what },
            }
        };
        // Whoever may only use the tables need not be allowed to make them.
        if self.version_of(client, place).await? == self.version() {
            return Ok(());
        }
        client.batch_execute("BEGIN; SET LOCAL statement_timeout = 0").await.map_err(failed)?;
        client.batch_execute(self.turn).await.map_err(failed)?;
        let version = self.version_of(client, place).await?;
        let Self { table, steps, .. } = self;
        if version == 0 {
            let made = format!(
                "CREATE TABLE {table} (one int PRIMARY KEY CHECK (one = 1), version int NOT NULL); \
                 INSERT INTO {table} VALUES (1, 0)"
            );
            client.batch_execute(&made).await.map_err(failed)?;
        }
        for step in &steps[version as usize..] {
            client.batch_execute(step).await.map_err(failed)?;
        }
        let done = format!("UPDATE {table} SET version = {}; COMMIT", self.version());
        client.batch_execute(&done).await.map_err(failed)
    }

    /// Refuses a database that has not the form of today: another one may have brought it to a newer one meanwhile.
    pub(crate) async fn check(&self, client: &Client, place: &str) -> Result<(), DatabaseError> {
        match self.version_of(client, place).await? {
            0 => Err(DatabaseError::Missing { place: place.into(), of: self.of }),
            version if version == self.version() => Ok(()),
            version => Err(self.strange(place, version)),
        }
    }

    /// The version of a database's form: 0 of one without ours.
    async fn version_of(&self, client: &Client, place: &str) -> Result<i32, DatabaseError> {
        let failed = |error| DatabaseError::failed(place, text_of(&error));
        let table = self.table;
        // By the catalogue's table, which is locked for that: a name alone is looked up in what the session has cached, and who waited for
        // another to make the tables would go on without them.
        let asked =
            format!("SELECT EXISTS (SELECT FROM pg_catalog.pg_class WHERE oid = to_regclass('{table}'))");
        let is_there = client.query_one(&asked, &[]).await.map_err(failed)?;
        if !is_there.try_get::<_, bool>(0).map_err(failed)? {
            return Ok(0);
        }
        let row = client.query_one(&format!("SELECT version FROM {table}"), &[]).await.map_err(failed)?;
        let version = row.try_get(0).map_err(failed)?;
        if (1..=self.version()).contains(&version) { Ok(version) } else { Err(self.strange(place, version)) }
    }

    fn strange(&self, place: &str, version: i32) -> DatabaseError {
        DatabaseError::Version { place: place.into(), of: self.of, version, known: self.version() }
    }
}
