//! How much of the hub a namespace has, and how much it may have.

use std::sync::Arc;

use actix_web::{HttpResponse, web};

use super::{Shared, auth::Caller, owner};
use crate::{
    limits::{Limits, Pace, Pool, Who},
    wire::schema::{HubShare, LimitsAnswer, RequestPace, Share, Usage},
};

/// What the caller's namespace uses of its limits, and what its tokens use of theirs.
#[utoipa::path(get, path = "/api/limits", tag = "hub", responses((status = 200, body = LimitsAnswer)))]
pub async fn limits(caller: Caller, shared: web::Data<Arc<Shared>>) -> HttpResponse {
    let limits = &*shared.limits;
    let page = caller.who();
    let cli = Who::Cli { namespace: caller.namespace.clone() };
    let answer = LimitsAnswer {
        namespace: Share {
            streams: of_namespace(&limits.streams, &page),
            links: of_namespace(&limits.links, &page),
            body_bytes: of_namespace(&limits.bytes, &page),
            requests: pace(limits.paces().namespace),
        },
        token: of_token(limits, &page),
        cli_token: of_token(limits, &cli),
        hub: owner::is(&caller).then(|| HubShare {
            connections: Usage { used: limits.connections.open(), limit: limits.connections.ceiling() },
            streams: of_hub(&limits.streams, &page),
            links: of_hub(&limits.links, &page),
            body_bytes: of_hub(&limits.bytes, &page),
        }),
    };
    HttpResponse::Ok().insert_header(("Cache-Control", "no-store")).json(answer)
}

fn of_token(limits: &Limits, who: &Who) -> Share {
    let usage = |pool: &Pool| Usage { used: pool.taken(who).2, limit: pool.ceilings(who).member };
    Share {
        streams: usage(&limits.streams),
        links: usage(&limits.links),
        body_bytes: usage(&limits.bytes),
        requests: pace(limits.paces().token),
    }
}

fn of_namespace(pool: &Pool, who: &Who) -> Usage {
    Usage { used: pool.taken(who).1, limit: pool.ceilings(who).group }
}

fn of_hub(pool: &Pool, who: &Who) -> Usage {
    Usage { used: pool.taken(who).0, limit: pool.ceilings(who).hub }
}

fn pace(Pace { per_second, burst }: Pace) -> RequestPace {
    RequestPace { per_second: Some(per_second).filter(|per_second| *per_second > 0), burst }
}
