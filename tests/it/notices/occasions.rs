//! What is told, when, and that it is told once.

use serde_json::json;

use super::{Scene, hub, next_body, subscribe, toast, until_toasts};
use crate::support::{Browser, Event, Events, PushService, Setup, TestHub};

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
    let mut scene = Scene::new(&hub).await;
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
    // Too soon for another, and when it is time, a person has spoken: only what came since is told.
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
    scene.ask_and_wait(&hub, &[("q1", "Bash")]).await;
    assert_eq!(next_body(&mut service, &browser).await, "app (Bash)");
    scene.say(ready.clone()).await;
    assert_eq!(next_body(&mut service, &browser).await, "Claude is waiting in app");
    // Too soon again, and nobody spoke.
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
