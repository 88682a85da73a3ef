//! A language model suggests titles.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use crate::support::{Answer, Setup, TestHub, Web, metadata, within};

const KEY: &str = "key-that-nobody-may-see";

/// A provider of the test's own: answers what it is told to, and tells what it was asked.
struct Provider {
    address: String,
    asked: mpsc::UnboundedReceiver<(Option<String>, Value)>,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    asked: mpsc::UnboundedSender<(Option<String>, Value)>,
    status: AtomicU16,
    /// Answers wait for one of these.
    permits: Semaphore,
}

async fn complete(state: web::Data<Arc<State>>, req: HttpRequest, body: web::Json<Value>) -> HttpResponse {
    let key = req.headers().get("Authorization").and_then(|value| value.to_str().ok()).map(str::to_owned);
    state.asked.send((key, body.into_inner())).unwrap();
    state.permits.acquire().await.unwrap().forget();
    let status = state.status.load(Ordering::SeqCst);
    let answer = json!({ "choices": [{ "message": { "content": "\n\"Fix the login\"\nmore" } }] });
    let status = actix_web::http::StatusCode::from_u16(status).unwrap();
    HttpResponse::build(status).insert_header(("Location", "/v1/chat/completions")).json(answer)
}

impl Provider {
    fn start(permits: usize) -> Self {
        let (told, asked) = mpsc::unbounded_channel();
        let state =
            Arc::new(State { asked: told, status: AtomicU16::new(200), permits: Semaphore::new(permits) });
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(shared.clone()))
                .route("/v1/chat/completions", web::post().to(complete))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0].to_string();
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { address, asked, state, handle }
    }

    async fn hub(&self, more: &str) -> TestHub {
        let config = format!(
            "[title]\nbase_url = \"http://{}/v1/\"\napi_key = \"{KEY}\"\nmodel = \"small\"\n{more}",
            self.address
        );
        TestHub::with(Setup { config: config.leak(), ..Setup::default() }).await
    }
}

async fn suggest(web: &Web, id: &str) -> Answer {
    web.answer(web.request(reqwest::Method::POST, &format!("/api/sessions/{id}/title-suggestion"))).await
}

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text } })
}

fn assistant(content: Value) -> Value {
    json!({ "role": "agent", "content": { "type": "output", "data": { "type": "assistant", "message": { "content": content } } } })
}

#[actix_rt::test]
async fn a_title_is_suggested_from_what_was_said() {
    let mut provider = Provider::start(10);
    let mut hub = provider.hub("max_tokens = 32\n").await;
    let web = hub.web().await;
    assert_eq!(hub.guest().get("/health").await.body["capabilities"]["titleSuggestion"], true);
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let answer = suggest(&web, &id).await;
    assert_eq!(answer.status, 422, "{answer:?}");

    cli.say(&user("The login fails")).await;
    cli.say(&assistant(json!([{ "type": "tool_use", "name": "Bash", "input": { "command": "secret" } }])))
        .await;
    cli.say(&assistant(json!([{ "type": "text", "text": "I look into it" }]))).await;
    assert_eq!(web.prompt(&id, &json!({ "text": "still waits", "localId": "l" })).await.status, 200);
    let answer = suggest(&web, &id).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "title": "Fix the login" })));
    let (key, asked) = within("the provider is asked", provider.asked.recv()).await.unwrap();
    assert_eq!(key, Some(format!("Bearer {KEY}")));
    assert_eq!(
        (&asked["model"], &asked["temperature"], &asked["max_tokens"]),
        (&json!("small"), &json!(0.2), &json!(32))
    );
    assert_eq!(asked["messages"][1]["content"], "User: The login fails\n\nAssistant: I look into it");
    // Only told, not set.
    assert_eq!(web.session(&id).await["metadata"].get("name"), None);

    assert_eq!(suggest(&web, "made-up").await.status, 404);
    assert_eq!(suggest(&hub.web_of("b").await, &id).await.status, 403);
    hub.stop().await;
    provider.handle.stop(false).await;
}

#[actix_rt::test]
async fn one_at_a_time_and_five_within_ten_minutes() {
    let mut provider = Provider::start(0);
    let mut hub = provider.hub("").await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&user("hello")).await;
    let first = actix_rt::spawn({
        let (web, id) = (web.clone(), id.clone());
        async move { suggest(&web, &id).await.status }
    });
    within("the provider is asked", provider.asked.recv()).await.unwrap();
    let answer = suggest(&web, &id).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("1")));
    provider.state.permits.add_permits(10);
    assert_eq!(first.await.unwrap(), 200);
    // What fails counts too.
    provider.state.status.store(500, Ordering::SeqCst);
    for _ in 0..4 {
        assert_eq!(suggest(&web, &id).await.status, 502);
    }
    provider.state.status.store(200, Ordering::SeqCst);
    let answer = suggest(&web, &id).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("600")));
    // Another session has its own allowance, and time gives it back.
    let (other, cli) = hub.live_session("u", &metadata()).await;
    cli.say(&user("hello")).await;
    assert_eq!(suggest(&web, &other).await.status, 200);
    hub.clock.advance(600_001);
    assert_eq!(suggest(&web, &id).await.status, 200);
    hub.stop().await;
    provider.handle.stop(false).await;
}

#[actix_rt::test]
async fn a_provider_that_fails_is_a_bad_gateway() {
    let provider = Provider::start(100);
    let mut hub = provider.hub("timeout_ms = 300\nrate_limit = 100\n").await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&user("hello")).await;
    // A redirect is not followed: it would carry the key elsewhere.
    for status in [302, 401, 429, 500] {
        provider.state.status.store(status, Ordering::SeqCst);
        let answer = suggest(&web, &id).await;
        assert_eq!((answer.status, answer.error()), (502, "The title provider failed"), "{status}");
    }
    // It never answers.
    provider.state.permits.forget_permits(100);
    assert_eq!(suggest(&web, &id).await.status, 502);
    provider.state.permits.add_permits(100);
    provider.handle.stop(false).await;
    assert_eq!(suggest(&web, &id).await.status, 502);
    hub.stop().await;
}

#[actix_rt::test]
async fn without_all_three_settings_nothing_is_suggested() {
    let config = "[title]\nbase_url = \"http://127.0.0.1:1\"\nmodel = \"small\"\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let id = hub.session("t", &metadata()).await;
    let answer = suggest(&hub.web().await, &id).await;
    assert_eq!((answer.status, answer.error()), (503, "Title suggestions are not configured on this Hub"));
    assert_eq!(hub.guest().get("/health").await.body["capabilities"]["titleSuggestion"], false);
    hub.stop().await;
}
