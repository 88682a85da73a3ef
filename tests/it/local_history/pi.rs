//! Conversations of Pi.

use serde_json::{Value, json};

use super::{Files, machine, says, texts, without_messages};
use crate::support::{TestHub, Web};

/// A conversation of Pi with entries `e0`, `e1` and so on.
fn conversation(id: &str, texts: &[&str]) -> Value {
    let entries: Vec<String> = (0..texts.len()).map(|at| format!("e{at}")).collect();
    let messages: Vec<Value> = texts
        .iter()
        .zip(&entries)
        .map(|(text, entry)| {
            json!({
                "localId": format!("pi:{id}:{entry}"), "entryId": entry, "createdAt": 1_780_000_000_000_i64,
                "content": says(text),
            })
        })
        .collect();
    json!({
        "id": id, "title": "A walk", "cwd": "/srv/app", "file": "/p/w.jsonl", "modifiedAt": 5,
        "leafEntryId": entries.last(), "messageCount": texts.len(), "activeEntryIds": entries,
        "messages": messages,
    })
}

async fn import(web: &Web, ids: &[&str]) -> Value {
    let answer = web.post("/api/pi/import-sessions", &json!({ "sessionIds": ids })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[actix_rt::test]
async fn a_conversation_of_pi_is_imported_and_goes_on_where_it_ended() {
    let mut hub = TestHub::start().await;
    let web = hub.web_of("default").await;
    let files = Files::default();
    files.borrow_mut().push(conversation("p", &["one", "two"]));
    let _runner = machine(&hub, "m", "listPiSessions", &files).await;
    let listed = web.get("/api/pi/sessions").await;
    assert_eq!((listed.status, &listed.body["machineId"]), (200, &json!("m")));
    assert_eq!(listed.body["sessions"], json!([without_messages(files.borrow()[0].clone())]));

    let first = import(&web, &["p"]).await;
    let result = &first["results"][0];
    assert_eq!(
        (&first["success"], &result["action"], &result["appended"]),
        (&json!(true), &json!("created"), &json!(2))
    );
    let id = result["hapiSessionId"].as_str().unwrap().to_owned();
    let session = web.session(&id).await;
    let metadata = &session["metadata"];
    assert_eq!((&metadata["flavor"], &metadata["piSessionId"]), (&json!("pi"), &json!("p")));
    assert_eq!((&metadata["machineId"], &metadata["piHistoryLeafEntryId"]), (&json!("m"), &json!("e1")));
    assert_eq!(metadata["piImportState"]["state"], "complete");
    let messages = web.messages(&id).await;
    assert_eq!(texts(&messages), ["one", "two"]);
    assert_eq!(messages[0]["localId"], "pi:p:e0");
    assert_eq!(messages[0]["invokedAt"], messages[0]["createdAt"]);
    let listed = web.get("/api/pi/sessions").await.body;
    assert_eq!(listed["sessions"][0]["hapiSessionId"], json!(id));
    assert_eq!(listed["sessions"][0]["importState"], "complete");

    let again = import(&web, &["p"]).await;
    assert_eq!(
        (&again["results"][0]["action"], &again["results"][0]["appended"]),
        (&json!("unchanged"), &json!(0))
    );
    assert_eq!(web.session(&id).await, session, "a repeated import changes nothing");

    files.borrow_mut()[0] = conversation("p", &["one", "two", "three"]);
    let grown = import(&web, &["p", "gone"]).await;
    assert_eq!(grown["success"], false, "one of the two is not there");
    let result = &grown["results"][0];
    assert_eq!(
        (&result["action"], &result["appended"], &result["hapiSessionId"]),
        (&json!("updated"), &json!(1), &json!(id))
    );
    assert_eq!(grown["results"][1]["error"]["code"], "not_found");
    assert_eq!(texts(&web.messages(&id).await), ["one", "two", "three"]);
    assert_eq!(web.session(&id).await["metadata"]["piHistoryLeafEntryId"], "e2");

    // What was imported says something else on the machine now.
    files.borrow_mut()[0] = conversation("p", &["one", "changed", "three"]);
    let diverged = import(&web, &["p"]).await;
    assert_eq!(diverged["results"][0]["error"]["code"], "transcript_diverged", "{diverged}");
    assert_eq!(web.session(&id).await["metadata"]["piImportState"]["state"], "diverged");
    assert_eq!(texts(&web.messages(&id).await), ["one", "two", "three"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn imports_of_one_conversation_at_a_time_make_one_session() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let files = Files::default();
    files.borrow_mut().push(conversation("p", &["one", "two"]));
    let _runner = machine(&hub, "m", "listPiSessions", &files).await;
    let ids = ["p"];
    let together = futures_util::future::join_all((0..6).map(|_| import(&web, &ids))).await;
    let sessions: std::collections::HashSet<&str> =
        together.iter().map(|answer| answer["results"][0]["hapiSessionId"].as_str().unwrap()).collect();
    assert_eq!(sessions.len(), 1, "{together:?}");
    assert!(together.iter().all(|answer| answer["success"] == true), "{together:?}");
    let listed = web.get("/api/sessions").await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 1);
    let id = sessions.into_iter().next().unwrap();
    assert_eq!(texts(&web.messages(id).await), ["one", "two"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn pi_imports_that_cannot_be_say_why() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let nobody = "No online machine available for Pi history import";
    let answer = web.get("/api/pi/sessions").await;
    assert_eq!(
        (answer.status, answer.body),
        (503, json!({ "success": false, "error": nobody, "sessions": [] }))
    );
    let answer = web.post("/api/pi/import-sessions", &json!({ "sessionIds": ["p"] })).await;
    assert_eq!(
        (answer.status, answer.body),
        (503, json!({ "success": false, "error": nobody, "results": [] }))
    );
    for body in [json!({}), json!({ "sessionIds": [7, ""] }), json!([])] {
        let answer = web.post("/api/pi/import-sessions", &body).await;
        let none = json!({ "success": false, "error": "No Pi sessions selected", "results": [] });
        assert_eq!((answer.status, answer.body), (400, none));
    }

    let files = Files::default();
    files.borrow_mut().push(conversation("p", &["one"]));
    let runner = machine(&hub, "m", "listPiSessions", &files).await;
    let of_pi =
        json!({ "path": "/srv/app", "host": "box", "flavor": "pi", "machineId": "m", "piSessionId": "p" });
    let (_id, cli) = hub.live_session("live", &of_pi).await;
    let busy = import(&web, &["p"]).await;
    assert_eq!(busy["results"][0]["error"]["code"], "session_active", "{busy}");
    // Somebody talked with the agent here, and nobody noted how far.
    cli.say(&says("live")).await;
    cli.end(hub.clock.now()).await;
    let unclear = import(&web, &["p"]).await;
    assert_eq!(unclear["results"][0]["error"]["code"], "transcript_diverged", "{unclear}");

    runner.serve("listPiSessions", |_| Some(json!({ "success": false, "error": "no folder" }))).await;
    let answer = web.get("/api/pi/sessions").await;
    let refused = json!({ "success": false, "error": "no folder", "sessions": [], "machineId": "m" });
    assert_eq!((answer.status, answer.body), (503, refused));
    runner.serve("listPiSessions", |_| Some(json!(7))).await;
    assert_eq!(web.get("/api/pi/sessions").await.status, 500);
    hub.stop().await;
}
