//! Sessions that turn out to be one conversation are joined, and old addresses lead on.

use serde_json::{Value, json};

use crate::support::{Answer, Cli, Event, Events, TestHub, agent_says};

fn metadata(native_id: Option<&str>) -> Value {
    let mut metadata = json!({ "path": "/srv/app", "host": "box", "flavor": "codex" });
    if let Some(id) = native_id {
        metadata["codexSessionId"] = json!(id);
    }
    metadata
}

async fn becomes(cli: &Cli, native_id: &str) {
    assert_eq!(cli.write_metadata(1, &metadata(Some(native_id))).await["result"], "success");
}

#[actix_rt::test]
async fn a_conversation_that_comes_back_under_another_id_is_joined_by_itself() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (old, cli) = hub.live_session("t", &metadata(Some("native"))).await;
    cli.say(&agent_says("long ago")).await;
    assert_eq!(web.prompt(&old, &json!({ "text": "waits", "localId": "l1" })).await.status, 200);
    cli.end(hub.clock.now()).await;
    drop(cli);
    let events = Events::open(&web, "all=true", None).await;
    let (new, agent) = hub.live_session("u", &metadata(None)).await;
    agent.say(&agent_says("now")).await;
    assert_eq!(web.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(), 2);
    becomes(&agent, "native").await;
    let is_joined =
        |event: &Event| (event.is("session-merged") && event.session() == old).then(|| event.data.clone());
    assert_eq!(events.until("the old one is joined", is_joined).await["into"], json!(new));
    let is_alone = |answer: &Answer| answer.body["sessions"].as_array().is_some_and(|rows| rows.len() == 1);
    web.until("/api/sessions", "one is left", is_alone).await;
    assert_eq!(web.messages(&new).await.len(), 3);
    assert_eq!(agent.until_updates("new-message", 1).await[0]["body"]["message"]["localId"], "l1");
    let gone = web.get(&format!("/api/sessions/{old}")).await;
    let expected = json!({ "error": "Session not found", "movedTo": new });
    assert_eq!((gone.status, gone.body), (404, expected.clone()));
    // Also after a restart, and not across namespaces.
    hub.restart().await;
    assert_eq!(hub.web().await.get(&format!("/api/sessions/{old}")).await.body, expected);
    let elsewhere = hub.web_of("elsewhere").await.get(&format!("/api/sessions/{old}")).await;
    assert_eq!((elsewhere.status, elsewhere.body), (404, json!({ "error": "Session not found" })));
    hub.stop().await;
}

#[actix_rt::test]
async fn two_that_live_are_joined_only_when_one_has_ended() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (first, one) = hub.live_session("t", &metadata(Some("native"))).await;
    one.say(&agent_says("first")).await;
    let (second, two) = hub.live_session("u", &metadata(None)).await;
    becomes(&two, "native").await;
    two.say(&agent_says("second")).await;
    one.say(&agent_says("first again")).await;
    assert_eq!(web.messages(&first).await.len(), 2);
    assert_eq!(web.messages(&second).await.len(), 1);
    one.end(hub.clock.now()).await;
    let path = format!("/api/sessions/{first}");
    web.until(&path, "the ended one is joined", |answer| answer.status == 404).await;
    assert_eq!(web.messages(&second).await.len(), 3);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_prompt_that_both_kept_under_one_local_id_is_not_lost() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (old, cli) = hub.live_session("t", &metadata(Some("native"))).await;
    for (local_id, text) in [("same", "told twice"), ("other", "of the old")] {
        assert_eq!(web.prompt(&old, &json!({ "text": text, "localId": local_id })).await.status, 200);
    }
    cli.end(hub.clock.now()).await;
    let (new, agent) = hub.live_session("u", &metadata(None)).await;
    for (local_id, text) in [("same", "told twice"), ("other", "of the new")] {
        assert_eq!(web.prompt(&new, &json!({ "text": text, "localId": local_id })).await.status, 200);
    }
    becomes(&agent, "native").await;
    web.until(&format!("/api/sessions/{old}"), "joined", |answer| answer.status == 404).await;
    let messages = web.messages(&new).await;
    let mut waiting: Vec<&str> = messages
        .iter()
        .filter(|row| row["invokedAt"].is_null())
        .filter_map(|row| row["content"]["content"]["text"].as_str())
        .collect();
    waiting.sort_unstable();
    assert_eq!(waiting, ["of the new", "of the old", "told twice"]);
    hub.stop().await;
}
