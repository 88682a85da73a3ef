//! How much of its journal a namespace keeps: by age, by number of events and by bytes. What is too much goes from
//! those sessions that hold most, oldest first, so that a noisy session trims its own history and nobody else's.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text},
    sqlite::SqliteConnection,
};

use super::Committed;
use crate::{
    domain::{
        ids::{Millis, Namespace, SessionId},
        shares,
    },
    store::{
        error::Result,
        schema::{journal, journal_floors},
    },
};

/// How much history each namespace keeps.
#[derive(Clone, Copy, Debug)]
pub struct Retention {
    pub rows: i64,
    pub bytes: i64,
    pub age: Millis,
}

impl Default for Retention {
    fn default() -> Self {
        Self { rows: 50_000, bytes: 256 * 1024 * 1024, age: 7 * 24 * 3_600_000 }
    }
}

/// Events are trimmed in steps, so that the cost is one small delete every so many inserts.
const STEP: i64 = 512;
/// Rows that are looked at by one query.
const PAGE: i64 = 2_048;
/// Sessions whose own floor is remembered. Beyond, the oldest floors become the floor of all.
const FLOORS: i64 = 2_000;

const ALL_SESSIONS: &str = "*";

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    rows: i64,
    bytes: i64,
    /// No event of the session is older.
    oldest: i64,
}

/// What the journal of one namespace holds, by session.
#[derive(Debug)]
struct Holdings {
    shares: HashMap<Option<SessionId>, Share>,
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Nullable<Text>)]
    session_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    held: i64,
    #[diesel(sql_type = BigInt)]
    weight: i64,
    #[diesel(sql_type = BigInt)]
    first: i64,
    #[diesel(sql_type = BigInt)]
    last: i64,
}

#[derive(QueryableByName)]
struct Candidate {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Nullable<Text>)]
    session_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    weight: i64,
}

const HELD: &str = "SELECT session_id, COUNT(*) AS held, COALESCE(SUM(OCTET_LENGTH(body)), 0) AS weight, \
     MIN(seq) AS first, MAX(seq) AS last FROM journal WHERE namespace = ? AND seq <= ? GROUP BY session_id";
const CANDIDATES: &str = "SELECT seq, session_id, COALESCE(OCTET_LENGTH(body), 0) AS weight FROM journal \
     WHERE namespace = ? AND seq >= ? ORDER BY seq LIMIT ?";

fn held(conn: &mut SqliteConnection, namespace: &Namespace, up_to: i64) -> Result<Vec<Held>> {
    let query = diesel::sql_query(HELD);
    Ok(query.bind::<Text, _>(namespace.as_str()).bind::<BigInt, _>(up_to).load(conn)?)
}

impl Holdings {
    /// Counts what is there, once for each namespace and run.
    fn read(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<Self> {
        let mut shares = HashMap::new();
        for Held { session_id, held, weight, first, .. } in held(conn, namespace, i64::MAX)? {
            shares
                .insert(session_id.map(SessionId::from), Share { rows: held, bytes: weight, oldest: first });
        }
        Ok(Self { shares })
    }

    fn add(&mut self, event: &Committed) {
        let share = self.shares.entry(event.session.clone()).or_default();
        if share.rows == 0 {
            share.oldest = event.seq;
        }
        share.rows += 1;
        // The row of a message refers to it and weighs nothing here.
        share.bytes += if event.is_message { 0 } else { i64::try_from(event.json.len()).unwrap_or(i64::MAX) };
    }

    fn total(&self, of: impl Fn(&Share) -> i64) -> i64 {
        self.shares.values().map(of).sum()
    }

    fn take(&mut self, session: &Option<SessionId>, gone: Share, oldest: i64) {
        if let Some(share) = self.shares.get_mut(session) {
            share.rows -= gone.rows;
            share.bytes -= gone.bytes;
            share.oldest = share.oldest.max(oldest);
            if share.rows <= 0 {
                self.shares.remove(session);
            }
        }
    }
}

/// Keeps the journals of all namespaces as large as they may be.
#[derive(Debug, Default)]
pub struct Trimmer {
    retention: Retention,
    fresh: HashMap<Namespace, (i64, Millis)>,
    holdings: HashMap<Namespace, Holdings>,
}

impl Trimmer {
    pub fn new(retention: Retention) -> Self {
        Self { retention, ..Self::default() }
    }

    /// These events are durable.
    pub fn note(&mut self, namespace: &Namespace, events: &[Committed]) {
        if let Some(holdings) = self.holdings.get_mut(namespace) {
            events.iter().for_each(|event| holdings.add(event));
        }
        let (fresh, at) = self.fresh.entry(namespace.clone()).or_default();
        *fresh += i64::try_from(events.len()).unwrap_or(STEP);
        *at = events.iter().map(|event| event.at).fold(*at, Millis::max);
    }

    /// Trims the namespaces that have grown by a step.
    pub fn trim(&mut self, conn: &mut SqliteConnection) -> Result<()> {
        let due: Vec<_> = self.fresh.iter().filter(|(_, (fresh, _))| *fresh >= STEP).collect();
        let due: Vec<_> = due.into_iter().map(|(namespace, (_, at))| (namespace.clone(), *at)).collect();
        for (namespace, now) in due {
            self.fresh.remove(&namespace);
            // Read anew after a failure: what it holds is then not known.
            let mut holdings = match self.holdings.remove(&namespace) {
                Some(holdings) => holdings,
                None => Holdings::read(conn, &namespace)?,
            };
            let retention = self.retention;
            conn.transaction(|conn| retention.enforce(conn, &namespace, &mut holdings, now))?;
            self.holdings.insert(namespace, holdings);
        }
        Ok(())
    }
}

impl Retention {
    fn enforce(
        self,
        conn: &mut SqliteConnection,
        namespace: &Namespace,
        holdings: &mut Holdings,
        now: Millis,
    ) -> Result<()> {
        self.drop_old(conn, namespace, holdings, now)?;
        let rows = shares::excess(
            holdings.shares.iter().map(|(session, share)| (session.clone(), share.rows)),
            holdings.total(|share| share.rows) - self.rows,
        );
        let bytes = shares::excess(
            holdings.shares.iter().map(|(session, share)| (session.clone(), share.bytes)),
            holdings.total(|share| share.bytes) - self.bytes,
        );
        if !rows.is_empty() || !bytes.is_empty() {
            drop_excess(conn, namespace, holdings, rows, bytes)?;
        }
        Ok(())
    }

    fn drop_old(
        self,
        conn: &mut SqliteConnection,
        namespace: &Namespace,
        holdings: &mut Holdings,
        now: Millis,
    ) -> Result<()> {
        let of_namespace = journal::table.filter(journal::namespace.eq(namespace.as_str()));
        // From the old end, so that nothing is looked at that stays.
        let young: Option<i64> = of_namespace
            .filter(journal::at.ge(now - self.age))
            .order(journal::seq.asc())
            .select(journal::seq)
            .first(conn)
            .optional()?;
        let Some(young) = young else { return Ok(()) };
        let gone = held(conn, namespace, young - 1)?;
        if gone.is_empty() {
            return Ok(());
        }
        for Held { session_id, held, weight, last, .. } in gone {
            raise_floor(conn, namespace, session_id.as_deref(), last)?;
            let gone = Share { rows: held, bytes: weight, oldest: 0 };
            holdings.take(&session_id.map(SessionId::from), gone, young);
        }
        diesel::delete(of_namespace.filter(journal::seq.lt(young))).execute(conn)?;
        Ok(())
    }
}

type Excess = HashMap<Option<SessionId>, i64>;

/// Deletes from each session what it holds too much of, oldest first.
fn drop_excess(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    holdings: &mut Holdings,
    mut rows: Excess,
    mut bytes: Excess,
) -> Result<()> {
    let of = |session: &Option<SessionId>| holdings.shares.get(session).map(|share| share.oldest);
    let Some(mut from) = rows.keys().chain(bytes.keys()).filter_map(of).min() else { return Ok(()) };
    while rows.values().chain(bytes.values()).any(|left| *left > 0) {
        let candidates: Vec<Candidate> = diesel::sql_query(CANDIDATES)
            .bind::<Text, _>(namespace.as_str())
            .bind::<BigInt, _>(from)
            .bind::<BigInt, _>(PAGE)
            .load(conn)?;
        let Some(last) = candidates.last().map(|candidate| candidate.seq) else { break };
        from = last + 1;
        let mut gone: HashMap<Option<SessionId>, (Share, i64)> = HashMap::new();
        let mut doomed = BTreeSet::new();
        for Candidate { seq, session_id, weight } in candidates {
            let session = session_id.map(SessionId::from);
            let is_too_much =
                [&rows, &bytes].iter().any(|left| left.get(&session).is_some_and(|left| *left > 0));
            if !is_too_much {
                continue;
            }
            rows.entry(session.clone()).and_modify(|left| *left -= 1);
            bytes.entry(session.clone()).and_modify(|left| *left -= weight);
            let (share, last) = gone.entry(session).or_default();
            share.rows += 1;
            share.bytes += weight;
            *last = seq;
            doomed.insert(seq);
        }
        for (session, (share, last)) in gone {
            raise_floor(conn, namespace, session.as_ref().map(SessionId::as_str), last)?;
            holdings.take(&session, share, last + 1);
        }
        let of_namespace = journal::table.filter(journal::namespace.eq(namespace.as_str()));
        diesel::delete(of_namespace.filter(journal::seq.eq_any(doomed))).execute(conn)?;
    }
    lower_many(conn, namespace)
}

fn raise_floor(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    session: Option<&str>,
    seq: i64,
) -> Result<()> {
    use journal_floors::dsl;
    diesel::replace_into(dsl::journal_floors)
        .values((
            dsl::namespace.eq(namespace.as_str()),
            dsl::session_id.eq(session.unwrap_or_default()),
            dsl::seq.eq(seq),
        ))
        .execute(conn)?;
    Ok(())
}

/// Makes the oldest half of too many floors one floor of all sessions.
fn lower_many(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<()> {
    use journal_floors::dsl;
    let of_namespace = dsl::journal_floors.filter(dsl::namespace.eq(namespace.as_str()));
    let count: i64 = of_namespace.count().get_result(conn)?;
    if count <= FLOORS {
        return Ok(());
    }
    let middle: i64 = of_namespace.order(dsl::seq.asc()).offset(FLOORS / 2).select(dsl::seq).first(conn)?;
    diesel::delete(of_namespace.filter(dsl::seq.le(middle))).execute(conn)?;
    raise_floor(conn, namespace, Some(ALL_SESSIONS), middle)
}

/// The number up to which events may be missing: for streams of one session, or of more.
pub fn floor(conn: &mut SqliteConnection, namespace: &Namespace, session: Option<&SessionId>) -> Result<i64> {
    use journal_floors::dsl;
    let of_namespace = dsl::journal_floors.filter(dsl::namespace.eq(namespace.as_str()));
    let max = diesel::dsl::max(dsl::seq);
    let floor: Option<i64> = match session {
        Some(session) => of_namespace
            .filter(dsl::session_id.eq_any([ALL_SESSIONS, session.as_str()]))
            .select(max)
            .first(conn)?,
        None => of_namespace.select(max).first(conn)?,
    };
    Ok(floor.unwrap_or(0))
}
