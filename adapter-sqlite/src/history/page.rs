//! What is stored, read.

use super::failing::Failing;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::sync::Arc;
use wharf::base::Wall;
use wharf::service::history::{Entry, MAX_PAGE, Page, PageAsk, Session, Span, TokenHash};

/// A number as SQLite has them. Times beyond are as good as for ever, and ids beyond are none.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a page, of one state of the file.
///
/// Of each room the index gives as many ids as the page may have, so the work is bounded by rooms and page and not by what is stored.
pub(crate) fn page(connection: &mut Connection, ask: &PageAsk) -> Result<Page, Failing> {
    let transaction = connection.transaction()?;
    let limit = ask.limit.clamp(1, MAX_PAGE);
    let mut ids = Vec::new();
    for (at, room) in ask.rooms.iter().enumerate() {
        if !ask.rooms[..at].contains(room) {
            // One more than asked for tells whether there are more.
            ids_of(&transaction, room, ask.span, limit + 1, &mut ids)?;
        }
    }
    let is_newest = matches!(ask.span, Span::Newest { .. });
    ids.sort_unstable();
    let more = ids.len() > limit;
    let beyond = ids.len().saturating_sub(limit);
    drop(if is_newest { ids.drain(..beyond) } else { ids.drain(limit.min(ids.len())..) });
    let mut by_id = transaction.prepare_cached(BY_ID)?;
    let entries = ids.iter().map(|id| by_id.query_row([id], entry)).collect::<Result<_, _>>()?;
    Ok(Page::new(entries, more))
}

fn ids_of(
    connection: &Connection,
    room: &str,
    span: Span,
    limit: usize,
    ids: &mut Vec<i64>,
) -> Result<(), Failing> {
    let (sql, from) = match span {
        Span::After(id) => (AFTER, number(id)),
        Span::Newest { below } => (BELOW, number(below.unwrap_or(u64::MAX))),
        _ => return Err(Failing::Refused("it is asked for a span that it does not know")),
    };
    let mut statement = connection.prepare_cached(sql)?;
    for id in statement.query_map(params![room, from, number(limit as u64)], |row| row.get(0))? {
        ids.push(id?);
    }
    Ok(())
}

pub(crate) const AFTER: &str = "SELECT id FROM messages WHERE room_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
pub(crate) const BELOW: &str =
    "SELECT id FROM messages WHERE room_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
const BY_ID: &str = "SELECT id, room_id, user_id, name, content, timestamp, ref FROM messages WHERE id = ?1";
pub(crate) const BY_REFERENCE: &str = "SELECT id, room_id, user_id, name, content, timestamp, ref FROM messages \
                                       WHERE user_id = ?1 AND ref = ?2";

/// The entry of a user that has this reference.
pub(crate) fn entry_by_reference(
    connection: &Connection,
    user: &str,
    reference: &str,
) -> Result<Option<Entry>, Failing> {
    let mut statement = connection.prepare_cached(BY_REFERENCE)?;
    Ok(statement.query_row([user, reference], entry).optional()?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let text = |at| row.get_ref(at)?.as_str().map(Arc::<str>::from).map_err(rusqlite::Error::from);
    let at = Wall::from_millis(row.get::<_, i64>(5)?.max(0).cast_unsigned());
    let id = row.get::<_, i64>(0)?.cast_unsigned();
    let mut entry = Entry::new(id, text(1)?, text(2)?, text(3)?, text(4)?, at);
    entry.reference = row.get_ref(6)?.as_str_or_null().map_err(rusqlite::Error::from)?.map(Arc::from);
    Ok(entry)
}

/// Whose a token is at that time.
pub(crate) fn session(
    connection: &Connection,
    token: &TokenHash,
    now: Wall,
) -> Result<Option<Session>, Failing> {
    let sql = "SELECT user_id, name, rooms, expires FROM sessions WHERE token = ?1 AND expires > ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row(params![&token.0[..], number(now.as_millis())], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .optional()?;
    let Some((user, name, rooms, expires)) = found else { return Ok(None) };
    let rooms: Vec<String> =
        serde_json::from_str(&rooms).map_err(|_| Failing::Refused("the rooms of a user cannot be read"))?;
    let rooms = rooms.into_iter().map(Arc::from).collect();
    let expires = Wall::from_millis(expires.max(0).cast_unsigned());
    Ok(Some(Session::new(*token, user.into(), name.into(), rooms, expires)))
}

/// The greatest id.
pub(crate) fn last(connection: &Connection) -> Result<u64, Failing> {
    let mut statement = connection.prepare_cached("SELECT coalesce(max(id), 0) FROM messages")?;
    Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
}
