//! People who are not looking are told: by a toast on the pages they look at, else by a push to their browsers.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use diesel::{Connection, RunQueryDsl};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    Browser, Cli, Event, Events, PushService, Setup, TestHub, Web, agent_says, metadata, within,
};

const PUSHES: &str = "[push]\nallow_private = true\nretry_ms = 5\nsubject = 'mailto:me@hub.example'\n";

async fn hub() -> TestHub {
    TestHub::with(Setup { config: PUSHES, ..Setup::default() }).await
}

/// A session with an agent, and the stream of somebody who does not look.
struct Scene {
    id: String,
    cli: Cli,
    events: Events,
    version: i64,
}

impl Scene {
    async fn of(hub: &TestHub, namespace: &str, tag: &str) -> Self {
        let id = hub.session_of(namespace, tag, &metadata()).await;
        let cli = hub.cli_of(namespace, &id).await;
        let events = Events::open(&hub.web_of(namespace).await, "all=true", None).await;
        cli.alive(hub.clock.now()).await;
        events.until_patch(&id, "active", &json!(true)).await;
        Self { id, cli, events, version: 1 }
    }

    async fn new(hub: &TestHub) -> Self {
        Self::of(hub, "default", "t").await
    }

    /// The agent asks all of these now. When this returns, notices of it are only a matter of time.
    async fn ask(&mut self, requests: &[(&str, &str)]) {
        let requests: Map<String, Value> = requests
            .iter()
            .map(|(id, tool)| {
                ((*id).to_owned(), json!({ "tool": tool, "arguments": { "command": "make test" } }))
            })
            .collect();
        self.write(json!({ "requests": requests })).await;
    }

    async fn write(&mut self, state: Value) {
        assert_eq!(self.cli.write_state(self.version, &state).await["result"], "success");
        self.version += 1;
        let version = self.version;
        let is_it = |event: &Event| {
            (event.session() == self.id && event.patch()["agentState"]["version"] == version).then_some(())
        };
        self.events.until("the questions", is_it).await;
    }

    /// Asks one thing and lets the time pass after which people are told.
    async fn ask_and_wait(&mut self, hub: &TestHub, requests: &[(&str, &str)]) {
        self.ask(requests).await;
        hub.clock.advance(500);
    }

    /// The agent says something; when this returns, it is known.
    async fn say(&self, content: Value) {
        let before = self.events.all().iter().filter(|event| event.is("message-received")).count();
        self.cli.say(&json!({ "role": "agent", "content": content })).await;
        let is_there = |events: &[Event]| {
            (events.iter().filter(|event| event.is("message-received")).count() > before).then_some(())
        };
        self.events.until_all("the message", is_there).await;
    }
}

async fn subscribe(web: &Web, browser: &Browser, service: &PushService) {
    let answer = web.post("/api/push/subscribe", &browser.subscription(service)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn toasts(events: &[Event]) -> Vec<Value> {
    events.iter().filter(|event| event.is("toast")).map(|event| event.data.clone()).collect()
}

async fn until_toasts(events: &Events, count: usize) -> Vec<Value> {
    let enough = |events: &[Event]| Some(toasts(events)).filter(|toasts| toasts.len() >= count);
    events.until_all(&format!("{count} toasts"), enough).await
}

fn toast(session: &str, title: &str, body: &str) -> Value {
    let url = format!("/sessions/{session}");
    json!({ "type": "toast", "data": { "title": title, "body": body, "sessionId": session, "url": url } })
}

/// What the next push says. Nothing came before it.
async fn next_body(service: &mut PushService, browser: &Browser) -> String {
    let pushed = service.next().await;
    browser.open(&pushed)["body"].as_str().unwrap().to_owned()
}

/// What is kept of browsers, and how often in a row each was refused.
fn subscriptions(hub: &TestHub) -> Vec<String> {
    #[derive(diesel::QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let mut conn = diesel::SqliteConnection::establish(hub.database().to_str().unwrap()).unwrap();
    let query =
        "SELECT namespace || ' ' || endpoint || ' ' || refused AS line FROM push_subscriptions ORDER BY key";
    let rows: Vec<Line> = diesel::sql_query(query).load(&mut conn).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

async fn until_subscriptions(hub: &TestHub, expected: &[&String]) {
    let settled = async {
        while subscriptions(hub).iter().ne(expected.iter().copied()) {
            tokio::task::yield_now().await;
        }
    };
    within(&format!("only these are left: {expected:?}"), settled).await;
}

/// Reads on until this text came by; answers all that was read.
async fn until_read(line: &mut TcpStream, text: &str) -> String {
    let read = async {
        let (mut read, mut chunk) = (Vec::new(), vec![0; 64 * 1024]);
        loop {
            let count = line.read(&mut chunk).await.unwrap();
            assert!(count > 0, "the line was cut before {text}");
            let from = read.len().saturating_sub(text.len());
            read.extend_from_slice(&chunk[..count]);
            if memchr::memmem::find(&read[from..], text.as_bytes()).is_some() {
                return String::from_utf8_lossy(&read).into_owned();
            }
        }
    };
    within(text, read).await
}

#[actix_rt::test]
async fn who_is_looking_is_shown_a_toast_and_nothing_is_pushed() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let web = hub.web().await;
    let browser = Browser::new("phone");
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    // Whatever a stream is about, and also one that is packed.
    let machine = Events::open(&web, "visibility=visible", None).await;
    let packed = Events::open_with(&web, "all=true&visibility=visible", None, "gzip").await;
    assert!(packed.is_packed);
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    let expected = toast(&scene.id, "Permission Request", "app (Bash)");
    assert_eq!(until_toasts(&machine, 1).await, std::slice::from_ref(&expected));
    assert_eq!(until_toasts(&packed, 1).await, [expected]);
    let shown = machine.all().into_iter().find(|event| event.is("toast")).unwrap();
    assert_eq!(shown.id, None, "a toast is in no journal");
    // Nobody looks any more: what is pushed next is pushed alone.
    for stream in [&machine, &packed] {
        let hidden = json!({ "subscriptionId": stream.subscription(), "visibility": "hidden" });
        assert_eq!(web.post("/api/visibility", &hidden).await.status, 200);
    }
    scene.ask_and_wait(&hub, &[("q1", "Bash"), ("q2", "Edit")]).await;
    let pushed = service.next().await;
    assert_eq!(browser.open(&pushed)["body"], "app (Edit)", "each new question is told itself");
    assert!(service.unread().is_empty());
    assert_eq!(toasts(&scene.events.all()), [] as [Value; 0]);
    // And back again.
    let visible = json!({ "subscriptionId": packed.subscription(), "visibility": "visible" });
    assert_eq!(web.post("/api/visibility", &visible).await.status, 200);
    scene.ask_and_wait(&hub, &[("q3", "Write")]).await;
    assert_eq!(until_toasts(&packed, 2).await[1], toast(&scene.id, "Permission Request", "app (Write)"));
    assert_eq!(toasts(&machine.all()).len(), 1);
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_push_is_sealed_for_the_browser_and_signed_by_the_hub() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let web = hub.web().await;
    let browser = Browser::new("phone");
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    let pushed = service.next().await;
    let id = &scene.id;
    let data = json!({ "type": "permission-request", "sessionId": id, "url": format!("/sessions/{id}"), "requestId": "q1" });
    let expected = json!({ "title": "Permission Request", "body": "app (Bash)", "tag": format!("permission-{id}"), "data": data });
    assert_eq!(browser.open(&pushed), expected);
    assert_eq!(pushed.headers["ttl"], "2419200");
    assert_eq!(pushed.headers["urgency"], "high");
    assert!(pushed.headers["topic"].len() == 32 && !pushed.headers["topic"].contains(id.as_str()));

    let authorization = pushed.headers["authorization"].strip_prefix("vapid t=").unwrap();
    let (token, key) = authorization.split_once(", k=").unwrap();
    assert_eq!(web.get("/api/push/vapid-public-key").await.body["publicKey"], key);
    let point = BASE64.decode(key).unwrap();
    let parts = [&point[1..33], &point[33..]].map(|part| BASE64.encode(part));
    let key = DecodingKey::from_ec_components(&parts[0], &parts[1]).unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&[format!("http://{}", service.address)]);
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap().claims;
    assert_eq!(claims["sub"], "mailto:me@hub.example");
    let ahead = claims["exp"].as_i64().unwrap() - hub.clock.now() / 1_000;
    assert!((1..=24 * 3_600).contains(&ahead), "{ahead}");
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn questions_that_come_together_are_told_together() {
    let mut hub = hub().await;
    let mut scene = Scene::new(&hub).await;
    let page = Events::open(&hub.web().await, "visibility=visible", None).await;
    scene.ask(&[("q1", "Bash")]).await;
    hub.clock.advance(300);
    scene.ask(&[("q1", "Bash"), ("q2", "Edit")]).await;
    hub.clock.advance(300);
    // Neither what is there still nor what was answered meanwhile is news.
    scene.ask(&[("q1", "Bash"), ("q2", "Edit"), ("q3", "Write")]).await;
    scene.ask(&[("q1", "Bash"), ("q2", "Edit")]).await;
    hub.clock.advance(500);
    until_toasts(&page, 1).await;
    let questions = json!([{ "question": "Which colour?" }, { "header": "Size" }]);
    let input = json!({ "tool": "functions.AskUserQuestion", "arguments": { "questions": questions } });
    scene.write(json!({ "requests": { "q1": { "tool": "Bash" }, "q4": input } })).await;
    hub.clock.advance(500);
    let expected = [
        toast(&scene.id, "Permission Request", "app (2 requests: Bash, Edit)"),
        toast(&scene.id, "Claude needs your input", "Which colour?\n+1 more question\napp"),
    ];
    assert_eq!(until_toasts(&page, 2).await, expected);
    hub.stop().await;
}

#[actix_rt::test]
async fn nothing_crosses_from_one_namespace_to_another() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let (phone, tablet) = (Browser::new("phone"), Browser::new("tablet"));
    let (web, other) = (hub.web().await, hub.web_of("b").await);
    subscribe(&web, &phone, &service).await;
    subscribe(&other, &tablet, &service).await;
    let page = Events::open(&other, "all=true&visibility=visible", None).await;
    let mut scene = Scene::new(&hub).await;
    let mut theirs = Scene::of(&hub, "b", "t").await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    assert_eq!(next_body(&mut service, &phone).await, "app (Bash)");
    theirs.ask_and_wait(&hub, &[("q1", "Edit")]).await;
    let expected = toast(&theirs.id, "Permission Request", "app (Edit)");
    assert_eq!(until_toasts(&page, 1).await, [expected]);
    let hidden = json!({ "subscriptionId": page.subscription(), "visibility": "hidden" });
    assert_eq!(other.post("/api/visibility", &hidden).await.status, 200);
    theirs.ask_and_wait(&hub, &[("q2", "Write")]).await;
    assert_eq!(next_body(&mut service, &tablet).await, "app (Write)");
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn what_was_told_is_not_told_again_after_a_restart() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let browser = Browser::new("phone");
    subscribe(&hub.web().await, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    assert_eq!(next_body(&mut service, &browser).await, "app (Bash)");
    // Raised and not yet told when the hub stops.
    scene.ask(&[("q1", "Bash"), ("q2", "Edit")]).await;
    let (id, version) = (scene.id.clone(), scene.version);
    drop(scene);
    for round in 0..2 {
        if round == 0 {
            hub.restart().await;
        } else {
            hub.crash().await;
            hub.start_again().await;
        }
        let cli = hub.cli(&id).await;
        let events = hub.events().await;
        cli.alive(hub.clock.now()).await;
        events.until_patch(&id, "active", &json!(true)).await;
        hub.clock.advance(500);
        if round == 0 {
            assert_eq!(next_body(&mut service, &browser).await, "app (Edit)");
        } else {
            let mut scene = Scene { id: id.clone(), cli, events, version };
            scene.ask_and_wait(&hub, &[("q1", "Bash"), ("q2", "Edit"), ("q3", "Write")]).await;
            assert_eq!(next_body(&mut service, &browser).await, "app (Write)");
        }
    }
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_session_that_is_gone_asks_nobody() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let browser = Browser::new("phone");
    subscribe(&hub.web().await, &browser, &service).await;
    let mut gone = Scene::new(&hub).await;
    let mut other = Scene::of(&hub, "default", "other").await;
    gone.ask(&[("q1", "Bash")]).await;
    gone.cli.emit("session-end", &json!({ "sid": gone.id, "time": hub.clock.now(), "reason": "terminated" }));
    gone.events.until_patch(&gone.id, "active", &json!(false)).await;
    hub.clock.advance(500);
    other.ask_and_wait(&hub, &[("q1", "Edit")]).await;
    assert_eq!(next_body(&mut service, &browser).await, "app (Edit)");
    // Its question still waits when it comes back.
    gone.cli.alive(hub.clock.now()).await;
    let is_back = |events: &[Event]| {
        let of_it = |event: &&Event| event.session() == gone.id && event.patch()["active"] == true;
        (events.iter().filter(of_it).count() > 1).then_some(())
    };
    gone.events.until_all("it is back", is_back).await;
    hub.clock.advance(500);
    assert_eq!(next_body(&mut service, &browser).await, "app (Bash)");
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn an_answered_question_is_no_news() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let browser = Browser::new("phone");
    let web = hub.web().await;
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    scene.ask(&[("q1", "Bash"), ("q2", "Edit")]).await;
    let path = format!("/api/sessions/{}/permissions/q1/approve", scene.id);
    assert_eq!(web.post(&path, &json!({})).await.status, 200);
    hub.clock.advance(500);
    assert_eq!(next_body(&mut service, &browser).await, "app (Edit)");
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_waiting_agent_is_told_now_and_then_and_never_lost() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let browser = Browser::new("phone");
    let web = hub.web().await;
    subscribe(&web, &browser, &service).await;
    let scene = Scene::new(&hub).await;
    let ready = json!({ "type": "event", "data": { "type": "ready" } });
    scene.say(ready.clone()).await;
    let pushed = service.next().await;
    let told = browser.open(&pushed);
    assert_eq!(
        (&told["title"], &told["body"]),
        (&json!("Ready for input"), &json!("Claude is waiting in app"))
    );
    assert_eq!(told["tag"], format!("ready-{}", scene.id));
    assert_eq!((&told["data"]["type"], pushed.headers["urgency"].as_str()), (&json!("ready"), "normal"));
    // Too soon for another; a person answers one of them, the other is told later.
    hub.clock.advance(1_000);
    scene.say(ready.clone()).await;
    assert_eq!(web.prompt(&scene.id, &json!({ "text": "go on", "localId": "l1" })).await.status, 200);
    scene.events.until_message("go on").await;
    hub.clock.advance(5_000);
    let data = json!({ "type": "system", "subtype": "task_notification", "summary": "tests broke", "status": "failed" });
    scene.say(json!({ "type": "output", "data": data })).await;
    let told = browser.open(&service.next().await);
    assert_eq!(
        (&told["title"], &told["body"]),
        (&json!("Task failed"), &json!("Claude · app · tests broke"))
    );
    assert_eq!((told.get("tag"), &told["data"]["type"]), (None, &json!("task-notification")));
    scene.say(ready.clone()).await;
    assert_eq!(next_body(&mut service, &browser).await, "Claude is waiting in app");
    hub.clock.advance(1_000);
    scene.say(ready).await;
    assert!(service.unread().is_empty());
    hub.clock.advance(4_000);
    assert_eq!(next_body(&mut service, &browser).await, "Claude is waiting in app");
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_session_that_ends_with_its_work_done_is_told_once() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let browser = Browser::new("phone");
    subscribe(&hub.web().await, &browser, &service).await;
    let scene = Scene::new(&hub).await;
    let mut other = Scene::of(&hub, "default", "other").await;
    for _ in 0..2 {
        scene.cli.end(hub.clock.now()).await;
    }
    let told = browser.open(&service.next().await);
    assert_eq!((&told["title"], &told["body"]), (&json!("Session completed"), &json!("Claude · app")));
    assert_eq!(told["data"]["type"], "session-completion");
    other.ask_and_wait(&hub, &[("q1", "Edit")]).await;
    assert_eq!(next_body(&mut service, &browser).await, "app (Edit)");
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn push_services_are_asked_again_and_believed() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let [gone, busy, shut, broken] = ["gone", "busy", "shut", "broken"].map(Browser::new);
    let (web, other) = (hub.web().await, hub.web_of("b").await);
    for browser in [&gone, &busy, &shut] {
        subscribe(&web, browser, &service).await;
    }
    subscribe(&other, &gone, &service).await;
    let nonsense = json!({ "endpoint": broken.endpoint(&service), "keys": { "p256dh": "p", "auth": "a" } });
    assert_eq!(web.post("/api/push/subscribe", &nonsense).await.status, 200);
    service.answer("gone", &[410]);
    service.answer("busy", &[503, 429]);
    service.answer("shut", &[403, 201, 400, 403, 400]);
    let of = |namespace: &str, browser: &Browser, refused: i64| {
        format!("{namespace} {} {refused}", browser.endpoint(&service))
    };
    let (theirs, willing) = (of("b", &gone, 0), of("default", &busy, 0));
    let [forgiven, once, twice] = [0, 1, 2].map(|refused| of("default", &shut, refused));
    let [odd, odder] = [1, 2].map(|refused| of("default", &broken, refused));
    let rounds = [
        // One that is gone is asked once, one that is busy until it takes it.
        (["busy", "busy", "busy", "gone", "shut"].as_slice(), vec![&willing, &once, &theirs, &odd]),
        (&["busy", "shut"], vec![&willing, &forgiven, &theirs, &odder]),
        (&["busy", "shut"], vec![&willing, &once, &theirs]),
        (&["busy", "shut"], vec![&willing, &twice, &theirs]),
        (&["busy", "shut"], vec![&willing, &theirs]),
        (&["busy"], vec![&willing, &theirs]),
    ];
    let mut scene = Scene::new(&hub).await;
    for (number, (asked, left)) in rounds.into_iter().enumerate() {
        scene.ask_and_wait(&hub, &[(&format!("q{number}"), "Bash")]).await;
        let mut told = Vec::new();
        while told.len() < asked.len() {
            told.push(service.next().await.to);
        }
        told.sort_unstable();
        assert_eq!(told, asked, "round {number}");
        until_subscriptions(&hub, &left).await;
    }
    assert!(service.unread().is_empty());
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn a_page_that_takes_nothing_was_not_told() {
    let (mut hub, mut service) = (hub().await, PushService::start());
    let web = hub.web().await;
    let browser = Browser::new("phone");
    subscribe(&web, &browser, &service).await;
    let mut scene = Scene::new(&hub).await;
    // A phone in a pocket: its page counts as visible, and nobody reads its line.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut line = socket.connect(hub.address.parse().unwrap()).await.unwrap();
    let token = web.token.clone().unwrap();
    let request = format!(
        "GET /api/events?all=true&visibility=visible HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    line.write_all(request.as_bytes()).await.unwrap();
    until_read(&mut line, "connection-changed").await;
    // More than all buffers on the way hold.
    for _ in 0..24 {
        let large = json!({ "type": "text", "text": "x".repeat(512 * 1024) });
        scene.cli.say(&json!({ "role": "user", "content": large })).await;
    }
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    assert_eq!(next_body(&mut service, &browser).await, "app (Bash)");
    // When it is taken out, the toast is no news any more.
    let read = until_read(&mut line, "\"q1\"").await;
    scene.cli.say(&agent_says("the end")).await;
    let rest = until_read(&mut line, "the end").await;
    assert!(!read.contains("\"toast\"") && !rest.contains("\"toast\""));
    // One that reads again is told again.
    scene.ask_and_wait(&hub, &[("q2", "Edit")]).await;
    until_read(&mut line, "app (Edit)").await;
    assert!(service.unread().is_empty());
    drop(line);
    hub.stop().await;
    service.stop().await;
}

#[actix_rt::test]
async fn what_it_is_about_comes_along_where_people_want_it() {
    let mut hub = TestHub::with(Setup { config: "[push]\ndetails = true\n", ..Setup::default() }).await;
    let mut scene = Scene::new(&hub).await;
    let page = Events::open(&hub.web().await, "visibility=visible", None).await;
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    until_toasts(&page, 1).await;
    let said = "All is well.\nAGENT_NOTIFY_SUMMARY {\"summary\":\"Fixed it\",\"action\":\"review\"}";
    let block = json!([{ "type": "text", "text": said }]);
    scene
        .say(json!({ "type": "output", "data": { "type": "assistant", "message": { "content": block } } }))
        .await;
    scene.say(json!({ "type": "event", "data": { "type": "ready" } })).await;
    let expected = [
        toast(&scene.id, "Permission Request", "Claude Bash: make test\nSession: app"),
        toast(&scene.id, "Claude - app", "Fixed it\n-> review"),
    ];
    assert_eq!(until_toasts(&page, 2).await, expected);
    hub.stop().await;
}
