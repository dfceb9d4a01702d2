//! What is stored, read.

use crate::failing::Failing;
use crate::link::Link;
use crate::text::{from_sql, to_sql};
use std::sync::Arc;
use tokio_postgres::Row;
use wharf::base::Wall;
use wharf::service::history::{Entry, MAX_PAGE, Page, PageAsk, Session, Span, TokenHash};

/// Of each room the index gives as many as the page may have, so the work is bounded by rooms and page and not by what is stored.
const AFTER: &str = "SELECT m.id, m.room_id, m.user_id, m.name, m.content, m.\"timestamp\", m.ref \
    FROM unnest($1::text[]) AS r (room_id) CROSS JOIN LATERAL \
    (SELECT * FROM messages WHERE messages.room_id = r.room_id AND id > $2 ORDER BY id LIMIT $3) AS m \
    ORDER BY m.id LIMIT $3";
const BELOW: &str = "SELECT m.id, m.room_id, m.user_id, m.name, m.content, m.\"timestamp\", m.ref \
    FROM unnest($1::text[]) AS r (room_id) CROSS JOIN LATERAL \
    (SELECT * FROM messages WHERE messages.room_id = r.room_id AND id < $2 ORDER BY id DESC LIMIT $3) AS m \
    ORDER BY m.id DESC LIMIT $3";
/// The number of its transaction tells a look-up from those before: they grow, for whoever asks.
const SESSION: &str = "SELECT user_id, name, rooms, expires, txid_current() \
    FROM sessions WHERE token = $1 AND expires > $2";
const LAST: &str = "SELECT coalesce(max(id), 0) FROM messages";

/// A number as PostgreSQL has them. Times beyond are as good as for ever, and ids beyond are none.
pub(crate) fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Reads a page.
pub(crate) async fn page(link: &mut Link, ask: &PageAsk) -> Result<Page, Failing> {
    let (statement, from) = match ask.span {
        Span::After(id) => (AFTER, number(id)),
        Span::Newest { below } => (BELOW, number(below.unwrap_or(u64::MAX))),
        _ => return Err(Failing::Refused("it is asked for a span that it does not know")),
    };
    let limit = ask.limit.clamp(1, MAX_PAGE);
    let mut rooms: Vec<_> = ask.rooms.iter().map(|room| to_sql(room)).collect();
    rooms.sort_unstable();
    rooms.dedup();
    // One more than asked for tells whether there are more.
    let rows = link.query(statement, &[&rooms, &from, &number(limit as u64 + 1)]).await?;
    let mut entries = rows.iter().take(limit).map(entry).collect::<Result<Vec<_>, _>>()?;
    if matches!(ask.span, Span::Newest { .. }) {
        entries.reverse();
    }
    Ok(Page::new(entries, rows.len() > limit))
}

/// The entry in a row.
pub(crate) fn entry(row: &Row) -> Result<Entry, Failing> {
    let text = |at: usize| row.try_get::<_, &str>(at).map(from_sql);
    let id = row.try_get::<_, i64>(0)?.cast_unsigned();
    let at = Wall::from_millis(row.try_get::<_, i64>(5)?.max(0).cast_unsigned());
    let mut entry = Entry::new(id, text(1)?, text(2)?, text(3)?, text(4)?, at);
    entry.reference = row.try_get::<_, Option<&str>>(6)?.map(from_sql);
    Ok(entry)
}

/// Whose a token is at that time.
pub(crate) async fn session(
    link: &mut Link,
    token: &TokenHash,
    now: Wall,
) -> Result<Option<Session>, Failing> {
    let now = number(now.as_millis());
    let rows = link.query(SESSION, &[&&token.0[..], &now]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let rooms: Vec<String> = serde_json::from_str(row.try_get(2)?)
        .map_err(|_| Failing::Refused("the rooms of a user cannot be read"))?;
    let rooms = rooms.into_iter().map(Arc::from).collect();
    let [user, name] = [from_sql(row.try_get(0)?), from_sql(row.try_get(1)?)];
    let expires = Wall::from_millis(row.try_get::<_, i64>(3)?.max(0).cast_unsigned());
    let mut session = Session::new(*token, user, name, rooms, expires);
    session.epoch = row.try_get::<_, i64>(4)?.cast_unsigned();
    Ok(Some(session))
}

/// The greatest id. Ids appear in their order, so all below it that will ever be there are there.
pub(crate) async fn last(link: &mut Link) -> Result<u64, Failing> {
    let rows = link.query(LAST, &[]).await?;
    let last: i64 = rows.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(last.cast_unsigned())
}
