//! The way to a database.

use crate::address::Address;
use crate::dial::{Driver, in_time, reached};
use crate::encryption::Encryption;
use crate::error::DatabaseError;
use crate::form::Form;
use crate::link::Link;
use std::time::Duration;
use tokio_postgres::Client;

/// Where a database is, and the connection to it while that is good.
pub(crate) struct Way {
    pub(crate) address: Address,
    pub(crate) encryption: Encryption,
    /// How long an ask may take.
    pub(crate) timeout: Duration,
    connect_timeout: Duration,
    form: &'static Form,
    link: Option<Link>,
}

impl Way {
    /// That of a URL. Without a password there `PGPASSWORD` of the environment is taken.
    pub(crate) fn to(
        url: &str,
        [connect_timeout, timeout]: [Duration; 2],
        form: &'static Form,
    ) -> Result<Self, DatabaseError> {
        let address = Address::parse(url, std::env::var("PGPASSWORD").ok())?;
        let encryption = Encryption::new(address.is_encrypted)?;
        Ok(Self { address, encryption, timeout, connect_timeout, form, link: None })
    }

    /// Host, port and database, for people.
    pub(crate) fn place(&self) -> &str {
        &self.address.place
    }

    /// Whether there is a connection, as far as is known.
    pub(crate) const fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Connects for the first time. Where it `makes_tables`, they are brought to the form of today, which may take its time.
    pub(crate) async fn open(&mut self, makes_tables: bool) -> Result<(), DatabaseError> {
        self.link = Some(if makes_tables {
            let (client, driver) = in_time(self.connect_timeout, self.place(), self.reached()).await?;
            self.form.migrate(&client, self.place()).await?;
            Link::new(client, driver)
        } else {
            self.dial().await?
        });
        Ok(())
    }

    /// A connection, to be [kept](Self::keep) if it is good; whatever fails takes it with it, and its transaction. Dials where there is none.
    pub(crate) async fn link(&mut self) -> Result<Link, DatabaseError> {
        match self.link.take() {
            Some(link) if !is_lost(&link).await => Ok(link),
            _ => self.dial().await,
        }
    }

    /// The connection is good.
    pub(crate) fn keep(&mut self, link: Link) {
        self.link = Some(link);
    }

    async fn dial(&self) -> Result<Link, DatabaseError> {
        let made = async {
            let (client, driver) = self.reached().await?;
            self.form.check(&client, self.place()).await?;
            Ok(Link::new(client, driver))
        };
        in_time(self.connect_timeout, self.place(), made).await
    }

    async fn reached(&self) -> Result<(Client, Driver), DatabaseError> {
        reached(&self.address, &self.encryption, self.timeout).await
    }
}

/// Whether the server has ended the connection since the last ask: nobody looked meanwhile.
async fn is_lost(link: &Link) -> bool {
    // The first lets the runtime hear of it, the second the connection.
    for _ in 0..2 {
        tokio::task::yield_now().await;
    }
    link.is_closed()
}
