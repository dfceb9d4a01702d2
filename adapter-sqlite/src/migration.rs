//! From an older form to today's.

use crate::error::{Failure, OpenError};
use crate::opening::{check_content, check_integrity};
use crate::records::Standing;
use crate::schema::VERSION;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::path::Path;
use wharf::service::bus::{Record, RestoreError};

/// Brings a journal from the form that it names to the next one. It may refuse what it finds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The form that it begins with.
    pub(crate) from: u32,
    /// What is done, within one transaction with all other steps.
    pub(crate) run: fn(&Connection) -> rusqlite::Result<()>,
}

/// All steps, in their order. The first form was 1.
pub(crate) const STEPS: &[Step] = &[];

/// Migrates a journal and checks what comes out, in one transaction: if it is refused its content is as it was.
pub(crate) fn migrate<T>(
    path: &Path,
    version: u32,
    marked: Option<u64>,
    steps: &[Step],
    restore: impl FnOnce(&mut dyn Iterator<Item = Record>) -> Result<T, RestoreError>,
) -> Result<(Standing, T), OpenError> {
    let unknown = OpenError::Version { path: path.to_owned(), version };
    let steps = steps.iter().position(|step| step.from == version).map(|at| &steps[at..]).ok_or(unknown)?;
    let failed = |cause| Failure::new(path, "the journal cannot be migrated", cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    check_integrity(path, &connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    for step in steps {
        (step.run)(&transaction).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", VERSION).map_err(failed)?;
    let (standing, restored) = check_content(path, &transaction, marked, restore)?;
    let contradiction = |source| OpenError::Contradiction { path: path.to_owned(), source };
    let restored = restored.map_err(contradiction)?;
    transaction.commit().map_err(failed)?;
    Ok((standing, restored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::{Fingerprint, read, stored};
    use crate::folder::Folder;
    use crate::journal::{Journal, JournalConfig};
    use crate::opening;
    use crate::row::id_sum;
    use crate::schema::{TABLES, meta_sum};
    use crate::tally::{Table, Tallies};
    use rusqlite::params;
    use wharf::service::bus::{Batch, Change, Name, Seq};

    /// A form in which remembered ids had no checksums and nothing was counted.
    fn lay_version_0_down(path: &Path) {
        drop(Journal::open(path, |_| Ok(())).unwrap());
        let connection = Connection::open(path).unwrap();
        let sql = "DROP TABLE ids; CREATE TABLE ids (sender TEXT, id TEXT, seq INTEGER); \
                   INSERT INTO ids VALUES ('shop', 'm-1', 1), ('desk', 'm-2', 2); PRAGMA user_version = 0;";
        connection.execute_batch(sql).unwrap();
    }

    fn sums(connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch("ALTER TABLE ids RENAME TO old")?;
        connection.execute_batch(TABLES[1].1)?;
        let (mut print, mut tallies) = (Fingerprint::default(), Tallies::default());
        let mut statement = connection.prepare("SELECT sender, id, seq FROM old")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
        })?;
        for row in rows {
            let (sender, id, seq) = row?;
            let sum = id_sum(&mut print, &sender, &id, Seq(read(seq)));
            connection.execute("INSERT INTO ids VALUES (?1, ?2, ?3, ?4)", params![sender, id, seq, sum])?;
            tallies.put(Table::Ids, read(sum));
        }
        drop(statement);
        connection.execute_batch("DROP TABLE old")?;
        let row = params![stored(0), &tallies.to_bytes()[..], meta_sum(&mut print, 0, &tallies)];
        connection.execute("UPDATE meta SET batches = ?1, tallies = ?2, sum = ?3", row).map(drop)
    }

    fn open(path: &Path, steps: &[Step]) -> Result<(Journal, Vec<Record>), OpenError> {
        let opened = opening::open(path, steps, |records| Ok(records.collect()))?;
        Journal::of(opened, &JournalConfig::default())
    }

    fn version_of(path: &Path) -> u32 {
        opening::version(path, &Connection::open(path).unwrap()).unwrap()
    }

    #[test]
    fn an_older_journal_is_migrated_once() {
        let folder = Folder::new();
        let path = folder.path("bus.db");
        lay_version_0_down(&path);
        let record = |from: &str, id: &str, seq| Record::Id {
            from: Name::new(from).unwrap(),
            id: Name::new(id).unwrap(),
            seq: Seq(seq),
        };
        let (mut journal, records) = open(&path, &[Step { from: 0, run: sums }]).unwrap();
        assert_eq!(records, [record("desk", "m-2", 2), record("shop", "m-1", 1)]);
        let Record::Id { from, id, .. } = records[0].clone() else { panic!("another record") };
        journal.carry_out(&Batch::new(vec![Change::ForgetId { from, id }])).unwrap();
        journal.close().unwrap();
        assert_eq!(version_of(&path), VERSION);
        assert_eq!(open(&path, &[]).unwrap().1, [record("shop", "m-1", 1)]);
    }

    #[test]
    fn what_cannot_be_migrated_is_as_it_was() {
        let folder = Folder::new();
        let path = folder.path("bus.db");
        lay_version_0_down(&path);
        let before = std::fs::read(&path).unwrap();
        let unknown = open(&path, &[]).unwrap_err();
        assert!(matches!(unknown, OpenError::Version { version: 0, .. }), "{unknown}");
        // One step that fails after it has changed something, and one that leaves what is no journal.
        let fails = |connection: &Connection| connection.execute_batch("DROP TABLE ids; DROP TABLE nothing");
        let forgets = |connection: &Connection| connection.execute_batch("DROP TABLE ids");
        let failed = open(&path, &[Step { from: 0, run: fails }]).unwrap_err();
        assert!(matches!(failed, OpenError::Failed(_)), "{failed}");
        let damaged = open(&path, &[Step { from: 0, run: forgets }]).unwrap_err();
        assert!(matches!(damaged, OpenError::Damaged(_)), "{damaged}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(version_of(&path), 0);
        assert_eq!(open(&path, &[Step { from: 0, run: sums }]).unwrap().1.len(), 2);
    }
}
