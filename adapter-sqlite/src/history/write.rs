//! Batches as statements.

use super::failing::Failing;
use super::page::{entry_by_reference, number};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use wharf::service::history::{Batch, Draft, Session, Stored};

/// Ids are below this: JavaScript's numbers are exact up to there.
const IDS: u64 = 1 << 53;

/// Writes a batch: all of it or nothing. `last` becomes the greatest id of those that are stored.
pub(crate) fn write(
    connection: &mut Connection,
    batch: &Batch,
    last: &mut u64,
) -> Result<Vec<Stored>, Failing> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for key in &batch.withdraw {
        transaction.prepare_cached("DELETE FROM messages WHERE key = ?1")?.execute([&key.0[..]])?;
    }
    let mut newest = *last;
    let mut stored = Vec::with_capacity(batch.drafts.len());
    for draft in &batch.drafts {
        stored.push(store(&transaction, draft, &mut newest)?);
    }
    for session in &batch.sessions {
        put(&transaction, session)?;
    }
    if let Some(now) = batch.expire {
        let sql = "DELETE FROM sessions WHERE expires <= ?1";
        transaction.prepare_cached(sql)?.execute([number(now.as_millis())])?;
    }
    transaction.commit()?;
    *last = newest;
    Ok(stored)
}

fn store(connection: &Connection, draft: &Draft, newest: &mut u64) -> Result<Stored, Failing> {
    let sql = "INSERT INTO messages (room_id, user_id, name, content, timestamp, ref, key) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let (room, user, name, content) = (&*draft.room, &*draft.user, &*draft.name, &*draft.content);
    let (reference, key) = (draft.reference.as_deref(), &draft.key.0[..]);
    let row = params![room, user, name, content, number(draft.at.as_millis()), reference, key];
    if connection.prepare_cached(sql)?.execute(row)? == 1 {
        let id = connection.last_insert_rowid().cast_unsigned();
        if id >= IDS {
            return Err(Failing::Refused("there are no ids left"));
        }
        *newest = id.max(*newest);
        return Ok(Stored::New(id));
    }
    let mut by_key = connection.prepare_cached("SELECT id FROM messages WHERE key = ?1")?;
    if let Some(id) = by_key.query_row([key], |row| row.get::<_, i64>(0)).optional()? {
        return Ok(Stored::New(id.cast_unsigned()));
    }
    let before = reference.map_or(Ok(None), |reference| entry_by_reference(connection, user, reference))?;
    before.map(Stored::Before).ok_or(Failing::Refused("it contradicts what is stored"))
}

fn put(connection: &Connection, session: &Session) -> Result<(), Failing> {
    let sql = "INSERT INTO sessions (token, user_id, name, rooms, expires) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (token) DO UPDATE SET user_id = excluded.user_id, name = excluded.name, \
               rooms = excluded.rooms, expires = excluded.expires";
    let rooms: Vec<&str> = session.rooms.iter().map(|room| &**room).collect();
    let rooms =
        serde_json::to_string(&rooms).map_err(|_| Failing::Refused("its rooms cannot be written down"))?;
    let expires = number(session.expires.as_millis());
    let row = params![&session.token.0[..], &*session.user, &*session.name, rooms, expires];
    connection.prepare_cached(sql)?.execute(row)?;
    Ok(())
}
