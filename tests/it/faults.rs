//! A crash stays small: it ends one session's actor, which is rebuilt from the store.

use serde_json::{Value, json};

use crate::support::{Cli, Setup, TestHub, agent_says, metadata};

const POISON: &str = "poisonous words";

async fn hub() -> TestHub {
    TestHub::with(Setup { poison: Some(POISON), ..Setup::default() }).await
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|row| row["content"]["content"]["data"]["text"].as_str().unwrap()).collect()
}

/// Says what brings the session's actor down. The hub's own complaint goes to the test's output.
async fn kill(cli: &Cli) {
    cli.say(&agent_says(POISON)).await;
}

#[actix_rt::test]
async fn a_poisoned_message_leaves_the_others_alone_and_is_kept() {
    let mut hub = hub().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let (neighbour, other) = hub.live_session("u", &metadata()).await;
    let events = hub.events().await;
    cli.say(&agent_says("before")).await;
    other.say(&agent_says("beside")).await;
    kill(&cli).await;
    other.say(&agent_says("still here")).await;
    assert_eq!(texts(&web.messages(&neighbour).await), ["beside", "still here"]);

    // The same socket goes on, and the poisonous message is there once.
    cli.say(&agent_says("after")).await;
    let path = format!("/api/sessions/{id}/messages");
    web.until(&path, "all three", |answer| {
        answer.body["messages"].as_array().is_some_and(|rows| rows.len() == 3)
    })
    .await;
    let mut seen = texts(&web.messages(&id).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
    seen.sort();
    assert_eq!(seen, ["after", "before", POISON]);
    events.until_message(POISON).await;
    cli.alive(hub.clock.now()).await;
    assert_eq!(web.session(&id).await["active"], true);
    assert_eq!(cli.write_state(1, &json!({})).await["result"], "success");

    // Nor does a restart bring it twice.
    hub.restart().await;
    assert_eq!(hub.web().await.messages(&id).await.len(), 3);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_new_actor_knows_the_sockets_of_the_old_one() {
    let mut hub = hub().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.serve("git-status", |_| Some(json!({ "success": true }))).await;
    kill(&cli).await;
    let path = format!("/api/sessions/{id}/git-status");
    let answer = web.until(&path, "it is served again", |answer| answer.body["success"] == true).await;
    assert_eq!(answer.status, 200);
    cli.alive(hub.clock.now()).await;
    assert_eq!(web.prompt(&id, &json!({ "text": "x", "localId": "l" })).await.status, 200);
    cli.until_updates("new-message", 1).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn who_dies_again_and_again_is_left_down_for_a_while() {
    let mut hub = hub().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let (neighbour, other) = hub.live_session("u", &metadata()).await;
    for _ in 0..5 {
        kill(&cli).await;
    }
    let path = format!("/api/sessions/{id}");
    let answer = web.until(&path, "it is down", |answer| answer.status == 503).await;
    assert_eq!((answer.code(), answer.header("retry-after")), ("unavailable", Some("1")));
    let answer = cli.write_state(1, &json!({})).await;
    assert_eq!(answer, json!({ "result": "error" }));
    // What it says meanwhile is kept.
    cli.say(&agent_says("while it was down")).await;
    other.say(&agent_says("beside")).await;
    assert_eq!(web.messages(&neighbour).await.len(), 1);
    assert_eq!(web.get("/api/sessions").await.body["sessions"].as_array().unwrap().len(), 2);

    hub.clock.advance(30_001);
    web.until(&path, "it is up again", |answer| answer.status == 200).await;
    let messages = format!("{path}/messages");
    let all = |answer: &crate::support::Answer| {
        answer.body["messages"].as_array().is_some_and(|rows| rows.len() == 6)
    };
    let answer = web.until(&messages, "everything it said", all).await;
    let rows = answer.body["messages"].as_array().unwrap().clone();
    let mut seen = texts(&rows);
    seen.sort_unstable();
    assert_eq!(seen, [POISON, POISON, POISON, POISON, POISON, "while it was down"]);
    cli.alive(hub.clock.now()).await;
    assert_eq!(cli.write_state(1, &json!({})).await["result"], "success");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_namespace_that_dies_takes_its_own_along_and_starts_anew() {
    let mut hub = hub().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("before")).await;
    let events = hub.events().await;
    let (neighbour, other) = {
        let id = hub.session_of("team-b", "t", &metadata()).await;
        let cli = hub.cli_of("team-b", &id).await;
        (id, cli)
    };

    let new = json!({ "tag": POISON, "metadata": metadata() });
    let answer = hub.agent().post("/cli/sessions", &new).await;
    assert_eq!((answer.status, answer.code()), (503, "unavailable"));

    // Nobody goes on under the old one: lines are cut and streams end, and both come back to the new.
    cli.until_over().await;
    assert_eq!(events.until_over().await.as_deref(), Some("3002 the namespace starts anew"));
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    let events = hub.events().await;
    cli.say(&agent_says("after")).await;
    events.until_message("after").await;
    assert_eq!(texts(&web.messages(&id).await), ["before", "after"]);

    // The other namespace never noticed.
    other.say(&agent_says("beside")).await;
    assert_eq!(hub.web_of("team-b").await.messages(&neighbour).await.len(), 1);
    hub.stop().await;
}
