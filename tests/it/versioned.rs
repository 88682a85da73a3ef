//! Metadata and agent state: of several writers with one version in hand, one wins.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{TestHub, agent_says, metadata};

#[actix_rt::test]
async fn of_many_writers_with_one_version_exactly_one_wins() {
    let mut hub = TestHub::start().await;
    let (id, first) = hub.live_session("t", &metadata()).await;
    let mut writers = vec![first];
    for _ in 0..7 {
        writers.push(hub.cli(&id).await);
    }
    for version in 1..=5 {
        let answers = join_all(writers.iter().enumerate().map(|(number, cli)| async move {
            cli.write_state(version, &json!({ "writer": number, "round": version })).await
        }))
        .await;
        let is_winner = |answer: &&Value| answer["result"] == "success";
        let winners: Vec<&Value> = answers.iter().filter(is_winner).collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert_eq!(
            (&winners[0]["version"], &winners[0]["agentState"]["round"]),
            (&json!(version + 1), &json!(version))
        );
        for loser in answers.iter().filter(|answer| !is_winner(answer)) {
            assert_eq!(
                (&loser["result"], &loser["version"]),
                (&json!("version-mismatch"), &json!(version + 1))
            );
            assert_eq!(loser["agentState"], winners[0]["agentState"], "the loser is told what stands");
        }
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_change_reaches_the_other_sockets_of_the_session_and_no_one_else() {
    let mut hub = TestHub::start().await;
    let (id, writer) = hub.live_session("t", &metadata()).await;
    let other = hub.cli(&id).await;
    let (_, neighbour) = hub.live_session("u", &metadata()).await;
    let events = hub.events().await;
    hub.clock.advance(1_000);
    let state = json!({ "controlledByUser": false, "requests": {} });
    assert_eq!(writer.write_state(1, &state).await["result"], "success");
    hub.clock.advance(1_000);
    let new = json!({ "path": "/srv/app", "host": "box", "flavor": "claude", "name": "n" });
    assert_eq!(writer.write_metadata(1, &new).await["result"], "success");
    let updates = other.until_updates("update-session", 2).await;
    let body = &updates[0]["body"];
    assert_eq!((&body["sid"], &body["metadata"]), (&json!(id), &Value::Null));
    assert_eq!(body["agentState"], json!({ "version": 2, "value": state }));
    let body = &updates[1]["body"];
    assert_eq!(
        (&body["agentState"], &body["metadata"]),
        (&Value::Null, &json!({ "version": 2, "value": new }))
    );
    let told = events.until_patch(&id, "metadata", &json!({ "version": 2, "value": new })).await;
    let keys: Vec<&String> = told.patch().as_object().unwrap().keys().collect();
    assert_eq!(keys, ["metadata", "updatedAt"], "an unknown key makes released pages read everything anew");
    writer.flush().await;
    neighbour.flush().await;
    assert!(writer.updates("update-session").is_empty() && neighbour.updates("update-session").is_empty());
    hub.stop().await;
}

#[actix_rt::test]
async fn identities_that_a_writer_left_out_are_carried_forward() {
    let mut hub = TestHub::start().await;
    let full = json!({
        "path": "/srv", "host": "box", "flavor": "claude", "machineId": "m", "claudeSessionId": "native", "name": "old",
    });
    let (_, cli) = hub.live_session("t", &full).await;
    let written =
        cli.write_metadata(1, &json!({ "host": "new", "claudeSessionId": null, "tools": ["Bash"] })).await;
    let expected =
        json!({ "host": "new", "tools": ["Bash"], "path": "/srv", "flavor": "claude", "machineId": "m" });
    assert_eq!(written["metadata"], expected);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_value_that_is_no_metadata_is_stored_and_shown_as_none() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &json!({})).await;
    let events = hub.events().await;
    assert_eq!(cli.write_metadata(1, &json!({ "odd": true })).await["metadata"], json!({ "odd": true }));
    events.until_patch(&id, "id", &json!(id)).await;
    let session = web.session(&id).await;
    assert_eq!((&session["metadata"], &session["metadataVersion"]), (&Value::Null, &json!(2)));
    hub.stop().await;
}

#[actix_rt::test]
async fn updates_of_what_is_not_there_are_refused_with_the_reason() {
    let mut hub = TestHub::start().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let foreign = hub.session_of("b", "t", &metadata()).await;
    for (sid, reason) in [("nowhere", "not-found"), (foreign.as_str(), "access-denied")] {
        let refused = json!([{ "result": "error", "reason": reason }]);
        let update = json!({ "sid": sid, "expectedVersion": 1, "metadata": {}, "agentState": {} });
        for event in ["update-metadata", "update-state"] {
            assert_eq!(cli.ask(event, &update).await, refused, "{event} {sid}");
        }
        let update = json!({ "machineId": sid, "expectedVersion": 1, "metadata": {}, "runnerState": {} });
        let answer = cli.ask("machine-update-state", &update).await;
        assert_eq!(answer[0]["result"], "error");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_machine_is_versioned_like_a_session() {
    let mut hub = TestHub::start().await;
    let machine = hub.machine("m1").await;
    assert_eq!((&machine["metadataVersion"], &machine["runnerStateVersion"]), (&json!(1), &json!(1)));
    let runner = hub.runner("m1").await;
    let other = hub.runner("m1").await;
    let update = |version: i64, pid: i64| json!({ "machineId": "m1", "expectedVersion": version, "runnerState": { "pid": pid } });
    let won = runner.ask("machine-update-state", &update(1, 1)).await;
    assert_eq!(won, json!([{ "result": "success", "version": 2, "runnerState": { "pid": 1 } }]));
    let lost = other.ask("machine-update-state", &update(1, 2)).await;
    assert_eq!(lost, json!([{ "result": "version-mismatch", "version": 2, "runnerState": { "pid": 1 } }]));
    let told = &other.until_updates("update-machine", 1).await[0]["body"];
    assert_eq!(
        (&told["machineId"], &told["runnerState"]),
        (&json!("m1"), &json!({ "version": 2, "value": { "pid": 1 } }))
    );
    hub.stop().await;
}

#[actix_rt::test]
async fn what_was_acknowledged_is_there_after_a_restart() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let state = json!({ "requests": { "r": { "tool": "Bash", "arguments": {}, "createdAt": 5 } } });
    cli.write_state(1, &state).await;
    cli.say(&agent_says("kept")).await;
    hub.restart().await;
    let session = hub.web().await.session(&id).await;
    assert_eq!((&session["agentState"], &session["agentStateVersion"]), (&state, &json!(2)));
    assert_eq!(hub.web().await.messages(&id).await.len(), 1);
    hub.stop().await;
}
