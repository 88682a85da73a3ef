//! What is set for the whole hub, and the room that it takes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{TestHub, agent_says, metadata};

const PATH: &str = "/api/hub-settings";

#[actix_rt::test]
async fn the_owner_sets_and_everybody_reads() {
    let mut hub = TestHub::start().await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let settings = |contract: bool, in_chat: bool| json!({ "sessionSummaryContract": contract, "sessionSummaryInChat": in_chat });
    let answer = stranger.get(PATH).await;
    assert_eq!((answer.status, &answer.body), (200, &settings(false, false)));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // Who may not is told so before what was sent is looked at.
    for body in [json!({ "sessionSummaryContract": true }), json!({})] {
        let answer = stranger.send(Method::PUT, PATH, &body).await;
        let denied = json!({ "error": "Hub settings are only available to the hub owner" });
        assert_eq!((answer.status, answer.body), (403, denied));
    }
    for body in [
        json!({}),
        json!([]),
        json!({ "other": true }),
        json!({ "sessionSummaryContract": 1 }),
        json!({ "sessionSummaryContract": null }),
        json!({ "sessionSummaryContract": true, "sessionSummaryInChat": "yes" }),
    ] {
        let answer = web.send(Method::PUT, PATH, &body).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid body"), "{body}");
    }
    let file = hub.home().join("settings.json");
    let read = || -> Value { serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap() };
    let mut before = read();
    before["machineId"] = json!("m");
    std::fs::write(&file, before.to_string()).unwrap();
    let answer = web.send(Method::PUT, PATH, &json!({ "sessionSummaryInChat": true, "other": 1 })).await;
    assert_eq!((answer.status, &answer.body), (200, &settings(false, true)));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    before["sessionSummaryInChat"] = json!(true);
    assert_eq!(read(), before, "everything else is as it was");
    hub.restart().await;
    assert_eq!(hub.web().await.get(PATH).await.body, settings(false, true));
    hub.stop().await;
}

#[actix_rt::test]
async fn agents_are_told_of_the_contract_when_they_start() {
    let mut hub = TestHub::start().await;
    let (web, agent) = (hub.web().await, hub.agent());
    let new = json!({ "tag": "t", "metadata": metadata() });
    let answer = agent.post("/cli/sessions", &new).await;
    assert_eq!(answer.body["sessionSummaryContract"], false);
    let one = format!("/cli/sessions/{}", answer.body["session"]["id"].as_str().unwrap());
    for is_wanted in [true, false] {
        web.send(Method::PUT, PATH, &json!({ "sessionSummaryContract": is_wanted })).await;
        assert_eq!(agent.post("/cli/sessions", &new).await.body["sessionSummaryContract"], is_wanted);
        assert_eq!(agent.get(&one).await.body["sessionSummaryContract"], is_wanted);
    }
    // Agents of every namespace, and also while the file is being mended.
    web.send(Method::PUT, PATH, &json!({ "sessionSummaryContract": true })).await;
    let other = hub.guest().with_token(&hub.token("b"));
    assert_eq!(other.post("/cli/sessions", &new).await.body["sessionSummaryContract"], true);
    let file = hub.home().join("settings.json");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, "{").unwrap();
    let answer = agent.post("/cli/sessions", &new).await;
    assert_eq!((answer.status, &answer.body["sessionSummaryContract"]), (200, &json!(false)));
    let answer = web.get(PATH).await;
    assert_eq!((answer.status, answer.error()), (500, "The settings file cannot be used"));
    let answer = web.send(Method::PUT, PATH, &json!({ "sessionSummaryContract": true })).await;
    assert_eq!((answer.status, std::fs::read(&file).unwrap().as_slice()), (500, b"{".as_slice()));
    std::fs::write(&file, whole).unwrap();
    hub.stop().await;
}

#[actix_rt::test]
async fn the_owner_sees_the_size_of_the_database() {
    let mut hub = TestHub::start().await;
    let path = "/api/storage/sqlite";
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("hello")).await;
    let web = hub.web().await;
    let answer = web.get(path).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{id}");
    assert_eq!(answer.body["path"], json!(hub.database()));
    let size = |key: &str| answer.body[key].as_u64().unwrap();
    assert_eq!(size("databaseBytes"), std::fs::metadata(hub.database()).unwrap().len());
    assert!(size("walBytes") > 0, "{:?}", answer.body);
    assert_eq!(size("totalBytes"), size("databaseBytes") + size("walBytes") + size("shmBytes"));
    let answer = hub.web_of("b").await.get(path).await;
    let denied = json!({ "error": "Storage usage is only available to the hub owner" });
    assert_eq!((answer.status, answer.body), (403, denied));

    let aside = hub.home().join("aside.db");
    std::fs::rename(hub.database(), &aside).unwrap();
    let answer = web.get(path).await;
    assert!(answer.status == 500 && answer.error().contains("database file"), "{answer:?}");
    std::fs::rename(&aside, hub.database()).unwrap();
    drop(cli);
    hub.stop().await;
}
