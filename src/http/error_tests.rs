use super::*;
use crate::{identity::TelegramError, wire::events::DecisionView};

fn winner() -> DecisionView {
    DecisionView {
        request_id: "r".into(),
        request_created_at: 1,
        approved: true,
        answer: json!({ "approved": true }),
        state: "pending".into(),
        by: "7".into(),
        from: "127.0.0.1 browser".into(),
        at: 2,
    }
}

/// Released clients branch on these statuses, texts and codes.
#[test]
fn every_body_is_as_clients_know_it() {
    let missing = || RpcError::NotRegistered("s:abort".into());
    let errors: Vec<ApiError> = vec![
        ApiError::missing_token(),
        ApiError::invalid_token(),
        ApiError::invalid_token_payload(),
        ApiError::invalid_access_token(),
        ApiError::missing_authorization_header(),
        ApiError::invalid_authorization_header(),
        ApiError::locked_out(30),
        ApiError::telegram_disabled(),
        ApiError::unproven(&TelegramError::TooOld),
        ApiError::not_bound(),
        ApiError::already_bound(),
        ApiError::invalid_body(),
        ApiError::invalid_query(),
        ApiError::invalid_time_zone(),
        ApiError::too_large(),
        ApiError::upload_too_large(),
        ApiError::session_not_found(),
        ApiError::session_denied(),
        ApiError::machine_not_found(),
        ApiError::machine_denied(),
        ApiError::unknown_path(),
        ApiError::subscription_not_found(),
        ApiError::session_inactive(),
        ApiError::shared_session(),
        ApiError::runner_upgrade_required(),
        ApiError::machine_offline(),
        ApiError::restart_unsupported(),
        ApiError::restart_failed("gone"),
        ApiError::not_connected(),
        ApiError::titles_not_configured(),
        TitleError::NothingSaid.into(),
        TitleError::TooOften { wait: 1 }.into(),
        ApiError::busy(),
        SessionError::NoSuchRequest.into(),
        SessionError::AlreadyDecided(Box::new(winner())).into(),
        SessionError::LocalIdTaken.into(),
        SessionError::Unfit("no such mode".into()).into(),
        SessionError::NotApplied("not now".into()).into(),
        SessionError::StillActive.into(),
        SessionError::NotRunning.into(),
        SessionError::Rpc(missing()).into(),
        setting_failed(SessionError::Rpc(RpcError::TimedOut)),
        CreateError::TagTaken.into(),
        CreateError::IdTaken.into(),
        CreateError::MachineDenied.into(),
        ResumeError::NoMachineOnline.into(),
        ResumeError::Unavailable("no id".into()).into(),
        ResumeError::Failed("no luck".into()).into(),
        coded_find(FindError::NotFound),
        coded_find(FindError::Denied),
        coded_find(FindError::Down),
        LocalError::NoFolder.into(),
        LocalError::Shared.into(),
        LocalError::AlreadyLocal.into(),
        LocalError::NotLetGo.into(),
    ];
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    401 {"error":"Missing authorization token"}
    401 {"error":"Invalid token"}
    401 {"error":"Invalid token payload"}
    401 {"error":"Invalid access token"}
    401 {"error":"Missing Authorization header"}
    401 {"error":"Invalid Authorization header"}
    429 {"error":"Too many failed sign-ins","code":"too_many_attempts"}
    503 {"error":"Telegram authentication is disabled. Configure TELEGRAM_BOT_TOKEN."}
    401 {"error":"initData is too old"}
    401 {"error":"not_bound"}
    409 {"error":"already_bound"}
    400 {"error":"Invalid body"}
    400 {"error":"Invalid query"}
    400 {"error":"Invalid timeZone"}
    413 {"error":"Request body too large"}
    413 {"success":false,"error":"File too large (max 50MB)"}
    404 {"error":"Session not found"}
    403 {"error":"Session access denied"}
    404 {"error":"Machine not found"}
    403 {"error":"Machine access denied"}
    404 {"error":"There is nothing at this address","code":"unknown_path"}
    404 {"error":"Subscription not found"}
    409 {"error":"Session is inactive","code":"session_inactive"}
    409 {"error":"Shared sessions do not switch modes","code":"control_mode_not_applicable"}
    409 {"error":"This runner must be upgraded before creating sessions","code":"runner_upgrade_required"}
    503 {"error":"Machine is offline","code":"machine_offline"}
    502 {"error":"The runner is not started by a supervisor, so it would not come back","code":"restart_unsupported"}
    502 {"error":"gone","code":"restart_failed"}
    503 {"error":"Not connected"}
    503 {"error":"Title suggestions are not configured on this Hub"}
    422 {"error":"There is no conversation yet that a title could be made from"}
    429 {"error":"Too many title suggestions; try again later"}
    503 {"error":"The hub cannot do this at the moment","code":"unavailable"}
    404 {"error":"Request not found"}
    409 {"error":"Somebody else has decided this request","code":"already_decided","winner":{"requestId":"r","requestCreatedAt":1,"approved":true,"answer":{"approved":true},"state":"pending","by":"7","from":"127.0.0.1 browser","at":2}}
    409 {"error":"This localId belongs to a message with another text","code":"local_id_conflict"}
    400 {"error":"no such mode"}
    409 {"error":"not now"}
    409 {"error":"Cannot delete active session. Archive it first."}
    409 {"error":"Session is inactive"}
    500 {"error":"RPC handler not registered: s:abort"}
    409 {"error":"operation has timed out"}
    409 {"error":"Session tag is already bound to a different id"}
    409 {"error":"Session id is already bound to a different session"}
    403 {"error":"Machine access denied"}
    503 {"error":"No machine online","code":"no_machine_online"}
    409 {"error":"no id","code":"resume_unavailable"}
    500 {"error":"no luck","code":"resume_failed"}
    404 {"error":"Session not found","code":"session_not_found"}
    403 {"error":"Session access denied","code":"access_denied"}
    503 {"error":"The hub cannot do this at the moment","code":"unavailable"}
    409 {"error":"Session metadata missing path","code":"resume_unavailable"}
    409 {"error":"Shared sessions attach without handoff","code":"control_mode_not_applicable"}
    409 {"error":"Session is already controlled by a local terminal","code":"already_local"}
    500 {"error":"Timed out waiting for remote session to hand off","code":"handoff_failed"}
    "#);
}
