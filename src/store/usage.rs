//! Rows of usage: an index over messages that can be dropped and made again. It is brought up to date in two steps, so
//! that the writer never waits for contents to be read: a reader collects samples, a job writes them down.

use diesel::{
    connection::DefaultLoadingMode,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
    sqlite::SqliteConnection,
};

use super::{
    codec,
    error::Result,
    schema::{messages, sessions, usage_events, usage_scans},
};
use crate::domain::{
    ids::{Millis, Namespace},
    json,
    usage::{self, Amount, Bucket, Readings, Sample, Source, Tokens},
};

/// Whose messages are meant.
#[derive(Clone, Debug)]
pub enum Scope {
    Namespace(Namespace),
    Session(i64),
}

impl Scope {
    /// Both as parameters of a query; the one that is not meant is `NULL`.
    fn parameters(&self) -> (Option<&str>, Option<i64>) {
        match self {
            Self::Namespace(namespace) => (Some(namespace.as_str()), None),
            Self::Session(key) => (None, Some(*key)),
        }
    }
}

/// A session with messages that were not looked through yet, and how far the look went.
#[derive(QueryableByName)]
struct PendingRow {
    #[diesel(sql_type = BigInt)]
    key: i64,
    #[diesel(sql_type = BigInt)]
    message_epoch: i64,
    #[diesel(sql_type = Nullable<Text>)]
    metadata: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    scanned_epoch: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    last_seq: Option<i64>,
}

const PENDING: &str = "
    SELECT s.key, s.message_epoch, s.metadata, u.message_epoch AS scanned_epoch, u.last_seq
    FROM sessions s LEFT JOIN usage_scans u ON u.session_key = s.key
    WHERE (s.namespace = ?1 OR s.key = ?2)
      AND (u.session_key IS NULL OR u.message_epoch <> s.message_epoch
           OR EXISTS (SELECT 1 FROM messages m WHERE m.session_key = s.key AND m.seq > u.last_seq))
    LIMIT ?3";

/// What a look through some messages of one session found.
#[derive(Debug)]
pub struct Scan {
    session_key: i64,
    message_epoch: i64,
    /// How far the look before this went; `None` when it starts anew.
    after: Option<i64>,
    last_seq: i64,
    samples: Vec<(i64, Millis, Sample)>,
}

/// Looks through the next messages of sessions that have some: at most `budget` rows. Nothing is left when the answer
/// is empty.
pub fn scan(conn: &mut SqliteConnection, scope: &Scope, budget: usize) -> Result<Vec<Scan>> {
    let (namespace, session) = scope.parameters();
    let pending: Vec<PendingRow> = sql_query(PENDING)
        .bind::<Nullable<Text>, _>(namespace)
        .bind::<Nullable<BigInt>, _>(session)
        .bind::<BigInt, _>(i64::try_from(budget).unwrap_or(i64::MAX))
        .load(conn)?;
    let mut left = budget;
    let mut scans = Vec::new();
    for row in pending {
        if left == 0 {
            break;
        }
        let (scan, looked_at) = scan_session(conn, &row, left)?;
        // A session without messages costs a little too.
        left = left.saturating_sub(looked_at.max(1));
        scans.push(scan);
    }
    Ok(scans)
}

fn scan_session(conn: &mut SqliteConnection, row: &PendingRow, limit: usize) -> Result<(Scan, usize)> {
    let metadata = row.metadata.as_deref().and_then(json::read_text).unwrap_or_default();
    let text = |key: &str| metadata.get(key).and_then(serde_json::Value::as_str);
    let flavor = text("flavor");
    let is_imported = text("lifecycleState") == Some("imported") || text("codexSourceSessionId").is_some();
    let after = row.last_seq.filter(|_| row.scanned_epoch == Some(row.message_epoch));
    let mut scan = Scan {
        session_key: row.key,
        message_epoch: row.message_epoch,
        after,
        last_seq: after.unwrap_or(0),
        samples: Vec::new(),
    };
    let rows = messages::table
        .filter(messages::session_key.eq(row.key).and(messages::seq.gt(scan.last_seq)))
        .order(messages::seq.asc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((
            messages::id,
            messages::local_id,
            messages::seq,
            messages::created_at,
            messages::encoding,
            messages::content,
        ))
        .load_iter::<(String, Option<String>, i64, i64, i16, Vec<u8>), DefaultLoadingMode>(conn)?;
    let mut looked_at = 0;
    for row in rows {
        let (id, local_id, seq, created_at, encoding, content) = row?;
        looked_at += 1;
        scan.last_seq = seq;
        let content = codec::decode(encoding, content)?;
        if !usage::may_report(&content) {
            continue;
        }
        let source = Source { message_id: &id, local_id: local_id.as_deref(), flavor, is_imported };
        if let Some(sample) = json::read_text(&content).and_then(|message| usage::sample(&message, &source)) {
            scan.samples.push((seq, created_at, sample));
        }
    }
    Ok((scan, looked_at))
}

/// Writes down what was found, unless the session changed or another look came first.
pub fn keep(conn: &mut SqliteConnection, scan: Scan) -> Result<()> {
    let epoch: Option<i64> =
        sessions::table.find(scan.session_key).select(sessions::message_epoch).first(conn).optional()?;
    let known: Option<(i64, i64, String)> = usage_scans::table
        .find(scan.session_key)
        .select((usage_scans::message_epoch, usage_scans::last_seq, usage_scans::readings))
        .first(conn)
        .optional()?;
    let current = known.filter(|(epoch, ..)| *epoch == scan.message_epoch);
    if epoch != Some(scan.message_epoch) || scan.after != current.as_ref().map(|(_, last_seq, _)| *last_seq) {
        return Ok(());
    }
    let mut readings: Readings = match &current {
        Some((.., readings)) => serde_json::from_str(readings).unwrap_or_default(),
        None => {
            let of_session = usage_events::table.filter(usage_events::session_key.eq(scan.session_key));
            diesel::delete(of_session).execute(conn)?;
            Readings::default()
        }
    };
    for (seq, at, sample) in scan.samples {
        keep_sample(conn, scan.session_key, seq, at, sample, &mut readings)?;
    }
    diesel::replace_into(usage_scans::table)
        .values((
            usage_scans::session_key.eq(scan.session_key),
            usage_scans::message_epoch.eq(scan.message_epoch),
            usage_scans::last_seq.eq(scan.last_seq),
            usage_scans::readings.eq(serde_json::to_string(&readings).unwrap_or_default()),
        ))
        .execute(conn)?;
    Ok(())
}

fn keep_sample(
    conn: &mut SqliteConnection,
    session_key: i64,
    seq: i64,
    at: Millis,
    sample: Sample,
    readings: &mut Readings,
) -> Result<()> {
    let tokens = match sample.amount {
        Amount::Difference(tokens) => tokens,
        Amount::Total { stream, total, last } => {
            // A total that was told before is history played again, not a counter that fell.
            let known: i64 = usage_events::table
                .filter(
                    usage_events::session_key.eq(session_key).and(usage_events::source_key.eq(&sample.key)),
                )
                .count()
                .get_result(conn)?;
            if known > 0 {
                return Ok(());
            }
            let Some(used) = readings.advance(&stream, total, last) else { return Ok(()) };
            used
        }
    };
    diesel::replace_into(usage_events::table)
        .values((
            usage_events::session_key.eq(session_key),
            usage_events::source_key.eq(sample.key),
            usage_events::message_seq.eq(seq),
            usage_events::created_at.eq(at),
            usage_events::agent.eq(sample.agent),
            usage_events::model.eq(sample.model),
            usage_events::input_tokens.eq(tokens.input),
            usage_events::output_tokens.eq(tokens.output),
            usage_events::cache_read_tokens.eq(tokens.cache_read),
            usage_events::cache_creation_tokens.eq(tokens.cache_creation),
        ))
        .execute(conn)?;
    Ok(())
}

#[derive(QueryableByName)]
struct BucketRow {
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    session: String,
    #[diesel(sql_type = Text)]
    agent: String,
    #[diesel(sql_type = Nullable<Text>)]
    model: Option<String>,
    #[diesel(sql_type = BigInt)]
    input: i64,
    #[diesel(sql_type = BigInt)]
    output: i64,
    #[diesel(sql_type = BigInt)]
    cache_read: i64,
    #[diesel(sql_type = BigInt)]
    cache_creation: i64,
    #[diesel(sql_type = BigInt)]
    requests: i64,
}

/// The midnights of all time zones lie between quarters of an hour, never within one.
const BUCKETS: &str = "
    SELECT e.created_at / 900000 * 900000 AS at, s.id AS session, e.agent, e.model,
        SUM(e.input_tokens) AS input, SUM(e.output_tokens) AS output, SUM(e.cache_read_tokens) AS cache_read,
        SUM(e.cache_creation_tokens) AS cache_creation, COUNT(*) AS requests
    FROM usage_events e JOIN sessions s ON s.key = e.session_key
    WHERE (s.namespace = ?1 OR s.key = ?2) AND e.created_at BETWEEN ?3 AND ?4
    GROUP BY 1, e.session_key, e.agent, e.model";

/// Everything counted from one moment to another, both included.
pub fn buckets(
    conn: &mut SqliteConnection,
    scope: &Scope,
    from: Option<Millis>,
    to: Millis,
) -> Result<Vec<Bucket>> {
    let (namespace, session) = scope.parameters();
    let rows: Vec<BucketRow> = sql_query(BUCKETS)
        .bind::<Nullable<Text>, _>(namespace)
        .bind::<Nullable<BigInt>, _>(session)
        .bind::<BigInt, _>(from.unwrap_or(i64::MIN))
        .bind::<BigInt, _>(to)
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|row| Bucket {
            at: row.at,
            session: row.session,
            agent: row.agent,
            model: row.model,
            tokens: Tokens {
                input: row.input,
                output: row.output,
                cache_read: row.cache_read,
                cache_creation: row.cache_creation,
            },
            requests: row.requests,
        })
        .collect())
}

/// The metadata of sessions, by their ids.
pub fn metadata(conn: &mut SqliteConnection, ids: &[&str]) -> Result<Vec<(String, Option<String>)>> {
    let mut found = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(500) {
        let rows: Vec<(String, Option<String>)> = sessions::table
            .filter(sessions::id.eq_any(chunk))
            .select((sessions::id, sessions::metadata))
            .load(conn)?;
        found.extend(rows);
    }
    Ok(found)
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
