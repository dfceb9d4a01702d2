//! Batches as statements.

use crate::failing::Failing;
use crate::link::Link;
use crate::page::{entry, number};
use crate::schema::TURN;
use crate::text::to_sql;
use std::borrow::Cow;
use std::collections::BTreeMap;
use tokio_postgres::Row;
use wharf::service::history::{Batch, Draft, Entry, Key, Session, Stored, TokenHash};

/// All drafts of a batch, in their order; those whose key or reference is there are left out.
const INSERT: &str = "INSERT INTO messages (room_id, user_id, name, content, \"timestamp\", ref, key) \
    SELECT d.room_id, d.user_id, d.name, d.content, d.at, d.ref, d.key \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bytea[]) \
    WITH ORDINALITY AS d (room_id, user_id, name, content, at, ref, key, place) ORDER BY d.place \
    ON CONFLICT DO NOTHING RETURNING id, key";
const WITHDRAW: &str = "DELETE FROM messages WHERE key = ANY ($1::bytea[])";
const BY_KEY: &str = "SELECT id, key FROM messages WHERE key = ANY ($1::bytea[])";
const BY_REFERENCE: &str = "SELECT m.id, m.room_id, m.user_id, m.name, m.content, m.\"timestamp\", m.ref \
    FROM unnest($1::text[], $2::text[]) AS d (user_id, ref) \
    JOIN messages m ON m.user_id = d.user_id AND m.ref = d.ref";
const PUT: &str = "INSERT INTO sessions (token, user_id, name, rooms, expires) \
    SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bigint[]) \
    ON CONFLICT (token) DO UPDATE SET user_id = excluded.user_id, name = excluded.name, rooms = excluded.rooms, \
    expires = excluded.expires";
const EXPIRE: &str = "DELETE FROM sessions WHERE expires <= $1";

/// Writes a batch: all of it or nothing.
pub(crate) async fn write(link: &mut Link, batch: &Batch) -> Result<Vec<Stored>, Failing> {
    if batch.is_empty() {
        return Ok(Vec::new());
    }
    link.client.batch_execute(&format!("BEGIN; {TURN}")).await?;
    if !batch.withdraw.is_empty() {
        // Whatever a lost connection has inserted is there or gone by now: it had its turn before it was sent.
        let keys: Vec<&[u8]> = batch.withdraw.iter().map(|key| &key.0[..]).collect();
        link.execute(WITHDRAW, &[&keys]).await?;
    }
    let stored = if batch.drafts.is_empty() { Vec::new() } else { store(link, &batch.drafts).await? };
    if !batch.sessions.is_empty() {
        put(link, &batch.sessions).await?;
    }
    if let Some(now) = batch.expire {
        link.execute(EXPIRE, &[&number(now.as_millis())]).await?;
    }
    link.client.batch_execute("COMMIT").await?;
    Ok(stored)
}

/// Stores drafts, and says of each what became of it.
async fn store(link: &mut Link, drafts: &[Draft]) -> Result<Vec<Stored>, Failing> {
    let column =
        |part: fn(&Draft) -> &str| drafts.iter().map(|draft| to_sql(part(draft))).collect::<Vec<_>>();
    let [rooms, users] = [column(|draft| &draft.room), column(|draft| &draft.user)];
    let [names, contents] = [column(|draft| &draft.name), column(|draft| &draft.content)];
    let times: Vec<i64> = drafts.iter().map(|draft| number(draft.at.as_millis())).collect();
    let references: Vec<Option<Cow<'_, str>>> =
        drafts.iter().map(|draft| draft.reference.as_deref().map(to_sql)).collect();
    let keys: Vec<&[u8]> = drafts.iter().map(|draft| &draft.key.0[..]).collect();
    let rows = link.query(INSERT, &[&rooms, &users, &names, &contents, &times, &references, &keys]).await?;
    let mut ids = ids_by_key(&rows)?;
    let missing: Vec<&[u8]> =
        drafts.iter().filter(|draft| !ids.contains_key(&draft.key)).map(|draft| &draft.key.0[..]).collect();
    if !missing.is_empty() {
        ids.extend(ids_by_key(&link.query(BY_KEY, &[&missing]).await?)?);
    }
    let before = before(link, drafts.iter().filter(|draft| !ids.contains_key(&draft.key))).await?;
    let became = |draft: &Draft| {
        if let Some(id) = ids.get(&draft.key) {
            return Ok(Stored::New(*id));
        }
        let entry = before
            .iter()
            .find(|entry| entry.user == draft.user && entry.reference == draft.reference)
            .filter(|_| draft.reference.is_some());
        entry.cloned().map(Stored::Before).ok_or(Failing::Refused("it contradicts what is stored"))
    };
    drafts.iter().map(became).collect()
}

/// The entries that have the references of these drafts.
async fn before(link: &mut Link, drafts: impl Iterator<Item = &Draft>) -> Result<Vec<Entry>, Failing> {
    let pairs = drafts.filter_map(|draft| Some((to_sql(&draft.user), to_sql(draft.reference.as_deref()?))));
    let (users, references): (Vec<_>, Vec<_>) = pairs.unzip();
    if users.is_empty() {
        return Ok(Vec::new());
    }
    let rows = link.query(BY_REFERENCE, &[&users, &references]).await?;
    rows.iter().map(entry).collect()
}

fn ids_by_key(rows: &[Row]) -> Result<BTreeMap<Key, u64>, Failing> {
    let pair = |row: &Row| {
        let key = row.try_get::<_, &[u8]>(1)?.try_into().map_err(|_| Failing::Refused("a key is none"))?;
        Ok((Key(key), row.try_get::<_, i64>(0)?.cast_unsigned()))
    };
    rows.iter().map(pair).collect()
}

async fn put(link: &mut Link, sessions: &[Session]) -> Result<(), Failing> {
    // Of several of one token the last one counts.
    let sessions: BTreeMap<TokenHash, &Session> =
        sessions.iter().map(|session| (session.token, session)).collect();
    let tokens: Vec<&[u8]> = sessions.keys().map(|token| &token.0[..]).collect();
    let users: Vec<_> = sessions.values().map(|session| to_sql(&session.user)).collect();
    let names: Vec<_> = sessions.values().map(|session| to_sql(&session.name)).collect();
    let rooms = |session: &&Session| {
        let rooms: Vec<&str> = session.rooms.iter().map(|room| &**room).collect();
        serde_json::to_string(&rooms).map_err(|_| Failing::Refused("its rooms cannot be written down"))
    };
    let rooms = sessions.values().map(rooms).collect::<Result<Vec<_>, _>>()?;
    let expires: Vec<i64> = sessions.values().map(|session| number(session.expires.as_millis())).collect();
    link.execute(PUT, &[&tokens, &users, &names, &rooms, &expires]).await?;
    Ok(())
}
