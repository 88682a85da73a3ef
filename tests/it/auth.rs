//! Who may come in, and what they may see.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{Cli, Events, Setup, TestHub, agent_says, metadata};

#[actix_rt::test]
async fn a_token_names_its_namespace_behind_the_last_colon() {
    let mut hub = TestHub::start().await;
    let guest = hub.guest();
    let base = hub.base_token.clone();
    for token in [base.clone(), format!("{base}:team"), format!("  {base}:team\n")] {
        let answer = guest.post("/api/auth", &json!({ "accessToken": token })).await;
        assert_eq!(answer.status, 200, "{token:?}");
        assert_eq!(answer.body["user"]["firstName"], "Web User");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    for token in
        [format!("{base}:"), format!(":{base}"), format!("{base}: team"), format!("{base}:a:b"), "x".into()]
    {
        let answer = guest.post("/api/auth", &json!({ "accessToken": token })).await;
        assert_eq!((answer.status, answer.error()), (401, "Invalid access token"), "{token:?}");
    }
    for body in [json!({}), json!({ "accessToken": 5 }), json!([]), json!("x")] {
        let answer = guest.post("/api/auth", &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
    }
    let answer = guest.post("/api/auth", &json!({ "initData": "x" })).await;
    assert_eq!(answer.status, 503);
    hub.stop().await;
}

#[actix_rt::test]
async fn who_is_not_signed_in_is_told_what_is_missing() {
    let mut hub = TestHub::start().await;
    let guest = hub.guest();
    let refusal = |body: &Value| body["error"].as_str().unwrap().to_owned();
    for path in ["/api/sessions", "/api/events?all=true", "/api/machines", "/api/nowhere"] {
        let answer = guest.get(path).await;
        assert_eq!(
            (answer.status, answer.body.clone()),
            (401, json!({ "error": "Missing authorization token" })),
            "{path}"
        );
        let answer = guest.with_token("a.b.c").get(path).await;
        assert_eq!(
            (answer.status, answer.body.clone()),
            (401, json!({ "error": "Invalid token" })),
            "{path}"
        );
    }
    // The access token is no web token, and the other way round.
    let answer = hub.agent().get("/api/sessions").await;
    assert_eq!((answer.status, refusal(&answer.body).as_str()), (401, "Invalid token"));
    let web = hub.web().await;
    let answer = web.get("/cli/sessions/x").await;
    assert_eq!((answer.status, refusal(&answer.body).as_str()), (401, "Invalid token"));
    let answer = guest.get("/cli/sessions/x").await;
    assert_eq!((answer.status, refusal(&answer.body).as_str()), (401, "Missing Authorization header"));
    let odd = guest.request(reqwest::Method::GET, "/cli/sessions/x").header("Authorization", "Basic abc");
    let answer = guest.answer(odd).await;
    assert_eq!((answer.status, refusal(&answer.body).as_str()), (401, "Invalid Authorization header"));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_web_token_dies_of_old_age_and_only_the_event_stream_takes_it_from_the_address() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let token = web.token.clone().unwrap();
    let guest = hub.guest();
    assert_eq!(guest.get(&format!("/api/sessions?token={token}")).await.status, 401);
    let stream = Events::open(&guest, &format!("all=true&token={token}"), None).await;
    assert_eq!(stream.resume(), "gap");
    hub.clock.advance(14_400_000 + 61_000);
    assert_eq!(web.get("/api/sessions").await.status, 401);
    hub.stop().await;
}

#[actix_rt::test]
async fn namespaces_are_walls() {
    let mut hub = TestHub::start().await;
    let session = hub.session_of("a", "t", &metadata()).await;
    let register =
        json!({ "id": "box-a", "metadata": { "host": "box", "platform": "linux", "happyCliVersion": "1" } });
    let agent = hub.guest().with_token(&hub.token("a"));
    assert_eq!(agent.post("/cli/machines", &register).await.status, 200);
    let cli = hub.cli_of("a", &session).await;
    let ours = Events::open(&hub.web_of("a").await, "all=true", None).await;
    let web = hub.web_of("b").await;
    let theirs = Events::open(&web, "all=true", None).await;

    for path in ["", "/messages", "/status", "/git-status"] {
        let answer = web.get(&format!("/api/sessions/{session}{path}")).await;
        assert_eq!((answer.status, answer.error()), (403, "Session access denied"), "{path}");
    }
    for path in ["abort", "archive", "permissions/r/approve", "messages", "resume"] {
        let answer = web.post(&format!("/api/sessions/{session}/{path}"), &json!({ "text": "x" })).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(web.delete(&format!("/api/sessions/{session}")).await.status, 403);
    let answer = web.get("/api/machines/box-a/codex-models").await;
    assert_eq!((answer.status, answer.error()), (403, "Machine access denied"));
    for filter in [format!("sessionId={session}"), "machineId=box-a".to_owned()] {
        assert_eq!(web.get(&format!("/api/events?{filter}")).await.status, 403, "{filter}");
    }
    let stranger = hub.guest().with_token(&hub.token("b"));
    assert_eq!(stranger.get(&format!("/cli/sessions/{session}")).await.status, 403);
    assert_eq!(stranger.post("/cli/machines", &register).await.status, 403);
    assert_eq!(web.get("/api/sessions").await.body["sessions"], json!([]));
    assert_eq!(web.get("/api/machines").await.body["machines"], json!([]));

    // A socket of another namespace neither speaks for the session nor hears of it.
    let intruder = hub.cli_of("b", &session).await;
    intruder.say(&agent_says("forged")).await;
    assert_eq!(intruder.until_event("error").await["code"], "access-denied");
    cli.say(&agent_says("real")).await;
    ours.until_message("real").await;
    hub.session_of("b", "t", &metadata()).await;
    theirs.until("its own session", |event| event.is("session-added").then_some(())).await;
    assert!(theirs.all().iter().all(|event| event.session() != session));
    assert!(ours.all().iter().all(|event| event.message_text() != Some("forged")));
    assert!(intruder.updates("new-message").is_empty());
    hub.stop().await;
}

#[actix_rt::test]
async fn a_socket_with_a_wrong_token_is_turned_away() {
    let mut hub = TestHub::start().await;
    for auth in
        [json!({}), json!({ "token": "wrong" }), json!({ "token": 5 }), json!({ "namespace": "default" })]
    {
        let refusal = Cli::try_connect(&hub, &auth, "x").await.err().unwrap();
        assert_eq!(refusal, json!({ "message": "Invalid token" }), "{auth}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn guessing_is_slowed_down_and_a_right_token_always_passes() {
    let mut hub =
        TestHub::with(Setup { config: "[login]\nfailures = 3\nwindow_seconds = 60\n", ..Setup::default() })
            .await;
    let guest = hub.guest();
    let wrong = json!({ "accessToken": "wrong" });
    for _ in 0..3 {
        assert_eq!(guest.post("/api/auth", &wrong).await.status, 401);
    }
    let answer = guest.post("/api/auth", &wrong).await;
    assert_eq!((answer.status, answer.code()), (429, "too_many_attempts"));
    assert_eq!(answer.header("retry-after"), Some("20"));
    hub.web().await;
    hub.clock.advance(20_000);
    assert_eq!(guest.post("/api/auth", &wrong).await.status, 401);
    assert_eq!(guest.post("/api/auth", &wrong).await.status, 429);
    hub.stop().await;
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_rt::test]
async fn tokens_never_reach_a_log() {
    let sink = Sink::default();
    let writer = sink.clone();
    let logger = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    // With several tests in one process the first that asks gets the log; nextest gives each its own.
    let is_ours = logger.try_init().is_ok();
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let token = web.token.clone().unwrap();
    let (session, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("hello")).await;
    let guest = hub.guest();
    drop(Events::open(&guest, &format!("all=true&token={token}"), None).await);
    web.get(&format!("/api/sessions/{session}/messages")).await;
    assert_eq!(guest.get(&format!("/api/events?token={token}x")).await.status, 401);
    assert_eq!(
        guest.post("/api/auth", &json!({ "accessToken": format!("{}x", hub.base_token) })).await.status,
        401
    );
    let _ = Cli::try_connect(&hub, &json!({ "token": format!("{}x", hub.base_token) }), "x").await;
    drop(cli);
    hub.stop().await;
    let logged = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    if is_ours {
        assert!(logged.contains("/api/events?"), "requests are logged at this level");
    }
    for secret in [&token, &hub.base_token] {
        let leak = logged.lines().find(|line| line.contains(secret.as_str()));
        assert_eq!(leak, None);
    }
}

#[actix_rt::test]
async fn older_clients_name_their_namespace_where_that_is_allowed() {
    let auth = |session: &str| json!({ "namespace": "default", "sessionId": session });
    let mut hub = TestHub::start().await;
    let id = hub.session("t", &metadata()).await;
    let refusal = Cli::try_connect(&hub, &auth(&id), &id).await.err().unwrap();
    assert_eq!(refusal["message"], "Invalid token");
    hub.stop().await;

    let setup = Setup { config: "[auth]\nlegacy_handshake = true\n", ..Setup::default() };
    let mut hub = TestHub::with(setup).await;
    let id = hub.session("t", &metadata()).await;
    let cli = Cli::connect(&hub, &auth(&id), &id).await;
    cli.alive(hub.clock.now()).await;
    assert_eq!(hub.web().await.session(&id).await["active"], true);

    let error = |code: &str, message: &str, id: &str| json!({ "message": message, "code": code, "scope": "session", "id": id });
    let unknown = Cli::connect(&hub, &auth("nobody"), "nobody").await;
    assert_eq!(unknown.until_event("error").await, error("not-found", "session not found", "nobody"));
    let foreign = hub.session_of("team-b", "t", &metadata()).await;
    let denied = Cli::connect(&hub, &auth(&foreign), &foreign).await;
    assert_eq!(denied.until_event("error").await, error("access-denied", "session access denied", &foreign));
    let nowhere = Cli::connect(&hub, &json!({ "sessionId": id }), &id).await;
    nowhere.emit("session-ready", &json!({ "sid": id, "time": 1 }));
    assert_eq!(nowhere.until_event("error").await, error("namespace-missing", "Namespace missing", &id));
    hub.stop().await;
}
