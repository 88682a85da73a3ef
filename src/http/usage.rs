//! What agents consumed and what it cost: of everything, for the hub's owner, and of one session.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpResponse, web};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;

use super::{
    Shared,
    auth::Caller,
    error::{ApiError, ApiResult},
    owner,
};
use crate::{
    domain::{ids::Millis, json, title, usage::Breakdown},
    indexer::{self, ScanUsage},
    namespace::Hub,
    session::GetKey,
    store::{self, usage::Scope},
    wire::{rest, usage::UsageSummary},
};

const DAY: Millis = 24 * 3_600_000;
const LONGEST_ZONE_NAME: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageQuery {
    range: Option<String>,
    time_zone: Option<String>,
}

impl UsageQuery {
    fn time_zone(&self) -> ApiResult<TimeZone> {
        let name = self.time_zone.as_deref().unwrap_or("UTC");
        if name.is_empty() || name.len() > LONGEST_ZONE_NAME {
            return Err(ApiError::invalid_time_zone());
        }
        TimeZone::get(name).map_err(|_| ApiError::invalid_time_zone())
    }

    fn days(&self, otherwise: Option<i64>) -> Option<i64> {
        match self.range.as_deref() {
            Some("all") => None,
            Some("30d") => Some(30),
            Some("7d") => Some(7),
            _ => otherwise,
        }
    }
}

/// What all sessions consumed, read out of their messages as far as that was not done before.
#[utoipa::path(
    get, path = "/api/usage/summary", tag = "usage",
    params(
        ("range" = Option<String>, Query, description = "`7d` (also for anything else), `30d` or `all`"),
        ("timeZone" = Option<String>, Query, description = "IANA name, `UTC` by default"),
    ),
    responses(
        (status = 200, body = UsageSummary), (status = 400, body = rest::ErrorBody, description = "no such time zone"),
        (status = 403, body = rest::ErrorBody, description = "not the hub's owner"),
    ),
)]
pub async fn summary(
    caller: Caller,
    shared: web::Data<Arc<Shared>>,
    query: web::Query<UsageQuery>,
) -> ApiResult<HttpResponse> {
    owner::only(&caller, "Usage summary is")?;
    answer(&shared, &query, Some(7), Scope::Namespace(caller.namespace)).await
}

/// What one session consumed.
#[utoipa::path(
    get, path = "/api/sessions/{id}/usage", tag = "usage",
    params(
        ("id" = String, Path),
        ("range" = Option<String>, Query, description = "`7d`, `30d` or `all`, the default"),
        ("timeZone" = Option<String>, Query, description = "IANA name, `UTC` by default"),
    ),
    responses((status = 200, body = UsageSummary), (status = 404, body = rest::ErrorBody)),
)]
pub async fn of_session(
    caller: Caller,
    hub: web::Data<Hub>,
    shared: web::Data<Arc<Shared>>,
    id: web::Path<String>,
    query: web::Query<UsageQuery>,
) -> ApiResult<HttpResponse> {
    let session = super::session(&hub, &caller, &id).await?;
    let (key, _) = session.send(GetKey).await??;
    answer(&shared, &query, None, Scope::Session(key)).await
}

async fn answer(
    shared: &Shared,
    query: &UsageQuery,
    otherwise: Option<i64>,
    scope: Scope,
) -> ApiResult<HttpResponse> {
    let zone = query.time_zone()?;
    let to = shared.env.clock.now();
    let from = query.days(otherwise).map(|days| to - days * DAY);
    let scan = ScanUsage { scope: scope.clone(), until: indexer::until(indexer::FOR_A_SUMMARY) };
    let is_complete = shared.usage_index.send(scan).await??;
    let prices = shared.prices.clone();
    let read = shared.env.store.read(move |conn| {
        let buckets = store::usage::buckets(conn, &scope, from, to)?;
        let found = Breakdown::of(&buckets, &prices, |at| day(at, &zone));
        let ids: Vec<&str> = found.by_session.iter().map(|(id, _)| id.as_str()).collect();
        let metadata: HashMap<String, Option<String>> =
            store::usage::metadata(conn, &ids)?.into_iter().collect();
        let title = |id: &str| {
            let metadata = metadata.get(id).and_then(|text| json::read_text(text.as_deref()?));
            title::display(metadata.as_ref(), id)
        };
        Ok(UsageSummary::new(from, to, found, is_complete, title))
    });
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(read.await?))
}

/// The calendar day of a moment.
fn day(at: Millis, zone: &TimeZone) -> String {
    // Moments are between 1970 and now.
    let at = Timestamp::from_millisecond(at).unwrap_or_default();
    zone.to_datetime(at).date().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_change_at_the_readers_midnight() {
        // 2026-11-20 23:30 UTC.
        let late = 1_795_217_400_000;
        let day = |zone: &str| super::day(late, &TimeZone::get(zone).unwrap());
        assert_eq!(day("UTC"), "2026-11-20");
        assert_eq!(day("Europe/Berlin"), "2026-11-21");
        assert_eq!(day("America/New_York"), "2026-11-20");
        assert_eq!(day("Asia/Kathmandu"), "2026-11-21");
    }
}
