//! Changes as statements, one for all of a kind.

use super::failing::Failing;
use super::rows::{gaps_bytes, progress_text};
use super::stage::{Fate, Stage};
use super::sums;
use super::turn::Turn;
use crate::text::to_sql;
use std::borrow::Cow;
use std::collections::BTreeMap;
use wharf::service::bus::{Accepted, Death, Name, Numbers, Progress, Seq};

const ACCEPT: &str = "INSERT INTO bus_messages \
    (seq, taken, size, at, id, sender, receiver, kind, body, sum, state_sum) \
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[], \
    $8::text[], $9::bytea[], $10::bigint[], $11::bigint[])";
const PROGRESS: &str = "UPDATE bus_messages m SET progress = d.progress, state_sum = d.sum, is_again = d.is_again \
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::boolean[]) AS d (seq, progress, sum, is_again) \
    WHERE m.seq = d.seq AND m.died_at IS NULL";
const REMOVE: &str = "DELETE FROM bus_messages WHERE seq = ANY ($1) AND died_at IS NULL";
const BURY: &str = "UPDATE bus_messages m SET progress = d.progress, state_sum = d.sum, died_at = d.at, reason = d.reason, \
    taken = 0, is_again = false \
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::text[]) AS d (seq, progress, sum, at, reason) \
    WHERE m.seq = d.seq AND m.died_at IS NULL";
const REMEMBER_IDS: &str = "INSERT INTO bus_ids (sender, id, seq, sum) \
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])";
pub(crate) const FORGET_IDS: &str = "DELETE FROM bus_ids i USING unnest($1::text[], $2::text[]) AS d (sender, id) \
    WHERE i.sender = d.sender AND i.id = d.id";
const REMEMBER_NUMBERS: &str = "INSERT INTO bus_numbers (sender, prefix, used, high, gaps, sum) \
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[]) \
    ON CONFLICT (sender, prefix) DO UPDATE SET used = excluded.used, high = excluded.high, gaps = excluded.gaps, \
    sum = excluded.sum RETURNING xmax = 0";
pub(crate) const FORGET_NUMBERS: &str = "DELETE FROM bus_numbers n USING unnest($1::text[], $2::text[]) AS d (sender, prefix) \
    WHERE n.sender = d.sender AND n.prefix = d.prefix";

/// Makes all changes of a stage. `taken` has the claims that messages are taken under.
pub(crate) async fn make(
    turn: &mut Turn<'_>,
    stage: &Stage<'_>,
    taken: &BTreeMap<Seq, i64>,
) -> Result<(), Failing> {
    let (mut accepted, mut progress, mut removed, mut buried) = (vec![], vec![], vec![], vec![]);
    for (seq, fate) in &stage.messages {
        match fate {
            Fate::Accepted(message) => accepted.push(*message),
            Fate::Progress(now) => progress.push((*seq, *now)),
            Fate::Removed => removed.push(stored(*seq)),
            Fate::Buried(death) => buried.push((*seq, *death)),
        }
    }
    if !accepted.is_empty() {
        accept(turn, &accepted, taken).await?;
    }
    if !progress.is_empty() {
        write_progress(turn, &progress).await?;
    }
    if !removed.is_empty() {
        turn.change(removed.len(), REMOVE, &[&removed]).await?;
    }
    if !buried.is_empty() {
        bury(turn, &buried).await?;
    }
    remember(turn, stage).await
}

async fn accept(
    turn: &mut Turn<'_>,
    messages: &[&Accepted],
    taken: &BTreeMap<Seq, i64>,
) -> Result<(), Failing> {
    let numbers = |of: fn(&Accepted) -> i64| messages.iter().map(|message| of(message)).collect::<Vec<_>>();
    let names = |of: fn(&Accepted) -> &Name| messages.iter().map(|m| of(m).as_str()).collect::<Vec<_>>();
    let seqs = numbers(|message| stored(message.seq));
    let claims: Vec<i64> =
        messages.iter().map(|message| taken.get(&message.seq).copied().unwrap_or_default()).collect();
    let sizes = numbers(|message| message.size().cast_signed());
    let times = numbers(|message| message.at.as_millis().cast_signed());
    let (ids, senders) = (names(|message| &message.id), names(|message| &message.from));
    let receivers = names(|message| &message.to);
    let kinds: Vec<Cow<'_, str>> = messages.iter().map(|message| to_sql(&message.kind)).collect();
    let bodies: Vec<&[u8]> = messages.iter().map(|message| &message.body[..]).collect();
    let sums = numbers(sums::of_content);
    let states = numbers(|message| sums::of_state(message.seq, None, None));
    let columns: [&(dyn tokio_postgres::types::ToSql + Sync); 11] =
        [&seqs, &claims, &sizes, &times, &ids, &senders, &receivers, &kinds, &bodies, &sums, &states];
    turn.change(messages.len(), ACCEPT, &columns).await
}

async fn write_progress(turn: &mut Turn<'_>, all: &[(Seq, &Progress)]) -> Result<(), Failing> {
    let seqs: Vec<i64> = all.iter().map(|(seq, _)| stored(*seq)).collect();
    let texts = all.iter().map(|(_, progress)| text_of(progress)).collect::<Result<Vec<_>, _>>()?;
    let sums: Vec<i64> =
        all.iter().zip(&texts).map(|((seq, _), text)| sums::of_state(*seq, text.as_deref(), None)).collect();
    let again: Vec<bool> = all.iter().map(|(_, progress)| progress.deliveries > 0).collect();
    turn.change(all.len(), PROGRESS, &[&seqs, &texts, &sums, &again]).await
}

async fn bury(turn: &mut Turn<'_>, all: &[(Seq, &Death)]) -> Result<(), Failing> {
    let seqs: Vec<i64> = all.iter().map(|(seq, _)| stored(*seq)).collect();
    let texts = all.iter().map(|(_, death)| text_of(&death.progress)).collect::<Result<Vec<_>, _>>()?;
    let reasons: Vec<String> = all.iter().map(|(_, death)| death.reason.to_string()).collect();
    let sum = |((seq, death), (text, reason)): (&(Seq, &Death), (&Option<String>, &String))| {
        sums::of_state(*seq, text.as_deref(), Some((death.at, reason)))
    };
    let sums: Vec<i64> = all.iter().zip(texts.iter().zip(&reasons)).map(sum).collect();
    let times: Vec<i64> = all.iter().map(|(_, death)| death.at.as_millis().cast_signed()).collect();
    let reasons: Vec<Cow<'_, str>> = reasons.iter().map(|reason| to_sql(reason)).collect();
    turn.change(all.len(), BURY, &[&seqs, &texts, &sums, &times, &reasons]).await
}

/// What is to be forgotten may be forgotten already: a batch that was refused has remembered nothing.
async fn remember(turn: &mut Turn<'_>, stage: &Stage<'_>) -> Result<(), Failing> {
    let (mut ids, mut gone) = ((vec![], vec![], vec![], vec![]), (vec![], vec![]));
    for ((from, id), seq) in &stage.ids {
        let (from, id) = (from.as_str(), id.as_str());
        if let Some(seq) = seq {
            ids.0.push(from);
            ids.1.push(id);
            ids.2.push(stored(*seq));
            ids.3.push(sums::of_id(from, id, *seq));
        } else {
            gone.0.push(from);
            gone.1.push(id);
        }
    }
    if !ids.0.is_empty() {
        turn.change(ids.0.len(), REMEMBER_IDS, &[&ids.0, &ids.1, &ids.2, &ids.3]).await?;
    }
    if !gone.0.is_empty() {
        turn.remembered -= turn.execute(FORGET_IDS, &[&gone.0, &gone.1]).await? as i64;
    }
    turn.remembered += ids.0.len() as i64;
    let numbers: Vec<&Numbers> = stage.numbers.values().copied().flatten().collect();
    if !numbers.is_empty() {
        remember_numbers(turn, &numbers).await?;
    }
    let gone = stage.numbers.iter().filter(|(_, numbers)| numbers.is_none());
    let gone: (Vec<&str>, Vec<&str>) =
        gone.map(|((from, prefix), _)| (from.as_str(), prefix.as_str())).unzip();
    if !gone.0.is_empty() {
        turn.remembered -= turn.execute(FORGET_NUMBERS, &[&gone.0, &gone.1]).await? as i64;
    }
    Ok(())
}

async fn remember_numbers(turn: &mut Turn<'_>, all: &[&Numbers]) -> Result<(), Failing> {
    let senders: Vec<&str> = all.iter().map(|numbers| numbers.from.as_str()).collect();
    let prefixes: Vec<&str> = all.iter().map(|numbers| numbers.prefix.as_str()).collect();
    let used: Vec<i64> = all.iter().map(|numbers| stored(numbers.used)).collect();
    let high: Vec<i64> = all.iter().map(|numbers| numbers.high.cast_signed()).collect();
    let gaps: Vec<Vec<u8>> = all.iter().map(|numbers| gaps_bytes(&numbers.gaps)).collect();
    let sums: Vec<i64> =
        all.iter().zip(&gaps).map(|(numbers, gaps)| sums::of_numbers(numbers, gaps)).collect();
    let rows = turn.query(REMEMBER_NUMBERS, &[&senders, &prefixes, &used, &high, &gaps, &sums]).await?;
    for row in rows {
        turn.remembered += i64::from(row.try_get::<_, bool>(0)?);
    }
    Ok(())
}

fn text_of(progress: &Progress) -> Result<Option<String>, Failing> {
    progress_text(progress).map_err(Failing::Misfit)
}

/// A place as the database has it.
pub(crate) fn stored(seq: Seq) -> i64 {
    seq.0.cast_signed()
}
