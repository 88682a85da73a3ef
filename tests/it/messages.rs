//! What agents say: stored as it came, told to whoever listens, read in pages.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use crate::support::{Cli, TestHub, Web, agent_says, metadata};

#[actix_rt::test]
async fn a_message_is_told_and_stays() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let other = hub.cli(&id).await;
    let events = hub.events().await;
    cli.say(&agent_says("hello")).await;
    let told = events.until_message("hello").await.data["message"].clone();
    let relayed = &other.until_updates("new-message", 1).await[0]["body"];
    assert_eq!((&relayed["sid"], &relayed["message"]["id"]), (&json!(id), &told["id"]));
    assert!(cli.updates("new-message").is_empty(), "its own words are not sent back");
    for is_restarted in [false, true] {
        if is_restarted {
            hub.restart().await;
        }
        let messages = hub.web().await.messages(&id).await;
        assert_eq!(messages, std::slice::from_ref(&told));
        let message = &messages[0];
        assert_eq!((&message["seq"], &message["content"]), (&json!(1), &agent_says("hello")));
        assert_eq!(message["invokedAt"], message["createdAt"]);
    }
    hub.stop().await;
}

/// Reads page after page in one direction and puts them together, oldest first.
async fn read_all(web: &Web, session: &str, limit: usize, forwards: bool) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    let mut cursor = if forwards { "&afterSeq=1&afterAt=0".to_owned() } else { String::new() };
    loop {
        let answer = web.get(&format!("/api/sessions/{session}/messages?limit={limit}{cursor}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let page = &answer.body["page"];
        let rows = answer.body["messages"].as_array().unwrap().clone();
        assert!(rows.len() <= limit, "{} rows of {limit}", rows.len());
        if forwards {
            all.extend(rows);
            cursor = format!("&afterSeq={}&afterAt={}", page["nextAfterSeq"], page["nextAfterAt"]);
        } else {
            all.splice(..0, rows);
            cursor = format!("&beforeSeq={}&beforeAt={}", page["nextBeforeSeq"], page["nextBeforeAt"]);
        }
        if page["hasMore"] != true {
            return all;
        }
    }
}

#[actix_rt::test]
async fn pages_together_are_the_whole_list() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let mut runner = TestRunner::deterministic();
    for round in 0..8 {
        // Ages with many ties, so that only the number decides; and how many are asked for at a time.
        let sample = (proptest::collection::vec(0i64..12, 0..45), 1usize..60);
        let (ages, limit) = sample.new_tree(&mut runner).unwrap().current();
        let (id, cli) = hub.live_session(&format!("t{round}"), &metadata()).await;
        let now = hub.clock.now();
        for (number, age) in ages.iter().enumerate() {
            let message = agent_says(&number.to_string());
            cli.emit("message", &json!({ "sid": id, "message": message, "createdAt": now - age * 1_000 }));
        }
        cli.flush().await;
        let whole = web.messages(&id).await;
        let mut wanted: Vec<(i64, usize)> =
            ages.iter().enumerate().map(|(place, age)| (now - age * 1_000, place)).collect();
        wanted.sort_unstable();
        let seen: Vec<(i64, usize)> = whole
            .iter()
            .map(|row| {
                let text = row["content"]["content"]["data"]["text"].as_str().unwrap();
                (row["createdAt"].as_i64().unwrap(), text.parse().unwrap())
            })
            .collect();
        assert_eq!(seen, wanted);
        for forwards in [false, true] {
            assert_eq!(
                read_all(&web, &id, limit, forwards).await,
                whole,
                "{ages:?} by {limit}, forwards: {forwards}"
            );
        }
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_message_from_the_past_makes_older_cursors_start_over() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    hub.clock.advance(10_000);
    cli.say(&agent_says("one")).await;
    let path = format!("/api/sessions/{id}/messages");
    let before = web.get(&path).await.body;
    let epoch = before["page"]["epoch"].as_i64().unwrap();
    let row = &before["messages"][0];
    let after = format!("{path}?afterSeq={}&afterAt={}&epoch={epoch}", row["seq"], row["createdAt"]);
    cli.say(&agent_says("two")).await;
    let next = web.get(&after).await.body;
    assert_eq!((&next["page"]["reset"], &next["page"]["epoch"]), (&json!(false), &json!(epoch)));
    assert_eq!(next["messages"].as_array().unwrap().len(), 1);

    let late = json!({ "sid": id, "message": agent_says("earlier"), "createdAt": hub.clock.now() - 5_000 });
    cli.emit("message", &late);
    cli.flush().await;
    let reset = web.get(&after).await.body;
    assert_eq!((&reset["page"]["reset"], &reset["page"]["epoch"]), (&json!(true), &json!(epoch + 1)));
    assert_eq!(reset["page"]["direction"], "latest");
    assert_eq!(reset["messages"].as_array().unwrap().len(), 3);
    // A time that has not come is not believed.
    cli.emit(
        "message",
        &json!({ "sid": id, "message": agent_says("later"), "createdAt": hub.clock.now() + 99_000 }),
    );
    cli.flush().await;
    assert_eq!(web.messages(&id).await[3]["createdAt"], hub.clock.now());
    for bad in
        ["limit=0", "limit=201", "limit=x", "beforeSeq=1", "beforeAt=1", "epoch=1", "untilSeq=1&untilAt=1"]
    {
        let answer = web.get(&format!("{path}?{bad}")).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid query"), "{bad}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn numbers_have_no_gaps_however_many_write_at_once() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, first) = hub.live_session("t", &metadata()).await;
    let mut writers = vec![first];
    for _ in 0..3 {
        writers.push(hub.cli(&id).await);
    }
    for number in 0..40 {
        for (writer, cli) in writers.iter().enumerate() {
            let text = format!("{writer} {number}");
            cli.emit("message", &json!({ "sid": id, "message": agent_says(&text) }));
        }
    }
    let prompts = (0..20).map(|number| {
        let prompt = json!({ "text": "x", "localId": format!("p{number}") });
        let (web, id) = (web.clone(), id.clone());
        async move { assert_eq!(web.prompt(&id, &prompt).await.status, 200) }
    });
    futures_util::future::join_all(prompts).await;
    futures_util::future::join_all(writers.iter().map(Cli::flush)).await;
    let rows = web.messages(&id).await;
    let mut numbers: Vec<i64> = rows.iter().map(|row| row["seq"].as_i64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=180).collect::<Vec<_>>());
    // What one socket sent stays in its order.
    for writer in 0..writers.len() {
        let said: Vec<String> = rows
            .iter()
            .filter_map(|row| row["content"]["content"]["data"]["text"].as_str())
            .filter_map(|text| text.strip_prefix(&format!("{writer} ")).map(str::to_owned))
            .collect();
        assert_eq!(said, (0..40).map(|number| number.to_string()).collect::<Vec<_>>());
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_local_id_names_one_message() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    for text in ["first", "second"] {
        cli.emit("message", &json!({ "sid": id, "message": agent_says(text), "localId": "l1" }));
    }
    cli.flush().await;
    assert_eq!(web.messages(&id).await.len(), 1);
    // The one that is stored is told both times.
    let told = |event: &crate::support::Event| event.message_text() == Some("first");
    events
        .until_all("it is told twice", |all| {
            (all.iter().filter(|event| told(event)).count() == 2).then_some(())
        })
        .await;

    let prompt = |text: &str| json!({ "text": text, "localId": "p1" });
    assert_eq!(web.prompt(&id, &prompt("do it")).await.status, 200);
    assert_eq!(web.prompt(&id, &prompt("do it")).await.status, 200);
    let answer = web.prompt(&id, &prompt("do that")).await;
    assert_eq!((answer.status, answer.code()), (409, "local_id_conflict"));
    assert_eq!(web.messages(&id).await.len(), 2);
    hub.stop().await;
}

#[actix_rt::test]
async fn overlong_texts_of_agents_are_cut_and_those_of_people_are_not() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let long = format!("{}{}", "a".repeat(60_000), "z".repeat(60_000));
    cli.say(&agent_says(&long)).await;
    cli.say(&json!({ "role": "user", "content": { "type": "text", "text": long } })).await;
    let messages = web.messages(&id).await;
    let cut = messages[0]["content"]["content"]["data"]["text"].as_str().unwrap();
    assert!(
        cut.starts_with("aaa") && cut.ends_with("zzz") && cut.contains("truncated 58560 chars"),
        "{}",
        cut.len()
    );
    assert!(cut.len() < 62_000);
    assert_eq!(messages[1]["content"]["content"]["text"].as_str(), Some(long.as_str()));
    hub.stop().await;
}

#[actix_rt::test]
async fn half_characters_and_deep_nesting_are_kept_and_hurt_nobody() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    let half =
        r#"{"role":"agent","content":{"type":"output","data":{"type":"text","text":"half \ud83d here"}}}"#;
    cli.emit_text(&format!(r#"["message",{{"sid":"{id}","message":{half}}}]"#));
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    cli.emit_text(&format!(r#"["message",{{"sid":"{id}","message":{{"role":"agent","content":{deep}}}}}]"#));
    cli.say(&agent_says("after")).await;
    events.until_message("after").await;

    let last = events.last_id();
    for is_restarted in [false, true] {
        if is_restarted {
            hub.restart().await;
        }
        let web = hub.web().await;
        let page = web.get(&format!("/api/sessions/{id}/messages")).await;
        assert_eq!(page.status, 200);
        let text = String::from_utf8(page.bytes).unwrap();
        assert!(text.contains(&deep), "the nesting is kept");
        assert!(
            text.contains(r"half \ud83d here") || text.contains("half \u{fffd} here"),
            "the text is kept"
        );
        assert!(text.contains(r#""after""#));
    }
    // Everybody else's reads work too.
    assert_eq!(hub.web().await.get("/api/sessions").await.status, 200);
    assert!(last.is_some() && web.address != hub.address);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_message_of_forty_mebibytes_arrives_whole() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let large = "x".repeat(40 * 1024 * 1024);
    cli.say(&json!({ "role": "user", "content": { "type": "text", "text": large } })).await;
    cli.say(&agent_says("after")).await;
    let messages = web.messages(&id).await;
    assert_eq!(messages.len(), 2);
    assert!(
        messages[0]["content"]["content"]["text"].as_str() == Some(large.as_str()),
        "it is the same text"
    );
    hub.stop().await;
}

#[actix_rt::test]
async fn events_of_the_wrong_shape_are_passed_over() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let odd = [
        json!(null),
        json!(5),
        json!("text"),
        json!([]),
        json!({}),
        json!({ "sid": 5 }),
        json!({ "sid": id }),
        json!({ "sid": id, "time": "now", "localIds": "l" }),
    ];
    let names = [
        "message",
        "session-alive",
        "session-ready",
        "session-end",
        "messages-consumed",
        "messages-indeterminate",
        "machine-alive",
        "machine-agy-models-changed",
        "rpc-register",
        "rpc-unregister",
        "terminal:output",
        "nonsense",
    ];
    for name in names {
        odd.iter().for_each(|payload| cli.emit(name, payload));
    }
    for text in [r#"["message"]"#, r#"["message",{"sid":"x","message":1},"more"]"#] {
        cli.emit_text(text);
    }
    for name in ["update-metadata", "update-state", "machine-update-metadata", "machine-update-state"] {
        for payload in &odd {
            assert_eq!(cli.ask(name, payload).await, json!([{ "result": "error" }]), "{name} {payload}");
            // Without an acknowledgement nobody waits, and nothing breaks.
            cli.emit(name, payload);
        }
    }
    assert_eq!(cli.ask("messages-steer-state", &json!({ "sid": id })).await, json!([{ "ok": false }]));
    cli.say(&agent_says("still here")).await;
    assert_eq!(web.messages(&id).await.len(), 1);
    // What is no event at all ends its own connection, and no other.
    let broken = hub.cli(&id).await;
    broken.emit_text("[5, nonsense");
    broken.until_over().await;
    cli.say(&agent_says("not disturbed")).await;
    assert_eq!(web.messages(&id).await.len(), 2);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_cli_that_was_away_reads_what_it_missed() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("one")).await;
    web.prompt(&id, &json!({ "text": "two", "localId": "l2" })).await;
    web.prompt(&id, &json!({ "text": "later", "localId": "l3", "scheduledAt": hub.clock.now() + 60_000 }))
        .await;
    let agent = hub.agent();
    let seen = |body: &Value| -> Vec<i64> {
        body["messages"].as_array().unwrap().iter().map(|row| row["seq"].as_i64().unwrap()).collect()
    };
    let path = format!("/cli/sessions/{id}/messages");
    assert_eq!(seen(&agent.get(&format!("{path}?afterSeq=0")).await.body), [1, 2]);
    assert_eq!(seen(&agent.get(&format!("{path}?afterSeq=1")).await.body), [2]);
    assert_eq!(seen(&agent.get(&format!("{path}?afterSeq=0&limit=1")).await.body), [1]);
    for bad in ["", "?afterSeq=-1", "?afterSeq=x", "?afterSeq=0&limit=0", "?afterSeq=0&limit=201"] {
        assert_eq!(agent.get(&format!("{path}{bad}")).await.status, 400, "{bad}");
    }
    hub.stop().await;
}
