//! Frames that no client library would send: out of order, twice, cut short, binary, acknowledging what nobody asked.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Bystander, raw::Raw};
use crate::support::{TestHub, metadata};

#[actix_rt::test]
async fn frames_that_nobody_asked_for_are_passed_over_or_end_their_line() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let session = hub.session("victim", &metadata()).await;
    let auth = json!({ "token": hub.base_token, "sessionId": session });
    let ping = r#"42/cli,0["ping"]"#;
    for frame in [
        // Acknowledgements of nothing, with numbers that are none.
        "43/cli,999[]",
        "43/cli,0[null]",
        "43/cli,18446744073709551616[]",
        "43/cli,-1[]",
        "43/cli,7{",
        "43/cli,7",
        "43/elsewhere,7[]",
        // Events that are none.
        "42/cli,",
        "42/cli,[]",
        "42/cli,[1]",
        "42/cli,[null,{}]",
        r#"42/cli,{"0":"ping"}"#,
        r#"42/cli,"ping""#,
        r#"42/cli,99999999999999999999["ping"]"#,
        r#"42/cli,-1["ping"]"#,
        r#"42/cli,1["ping""#,
        r#"42/elsewhere,["ping"]"#,
        r#"42["ping"]"#,
        r#"42/cli,["\ud800",{}]"#,
        r#"42/cli,["connect",{}]"#,
        r#"42/cli,["disconnect",{}]"#,
        // Packets of the engine that are the other side's to send, or nobody's.
        "0{}",
        "1",
        "2",
        "2probe",
        "3",
        "5",
        "6",
        "7",
        "9",
        "",
        "4",
        "49",
        "4\u{0}",
        "\u{1f600}",
        // The same handshake again, and its end twice.
        "40/cli,{}",
        "40/cli,{",
        "44/cli,{}",
        "41/cli,",
        "41/elsewhere,",
        // Binary packets: announced, and not followed.
        r#"451-/cli,["message",{"_placeholder":true,"num":0}]"#,
        r#"4518446744073709551615-/cli,["message",{"_placeholder":true,"num":0}]"#,
        "461-/cli,0[]",
    ] {
        let mut socket = Raw::join(&hub, "/cli", &auth).await;
        socket.send(frame).await;
        socket.send(frame).await;
        socket.send(ping).await;
        // Half of what was announced is still missing when the line goes.
        drop(socket);
        bystander.goes_on(&hub, &format!("the frame {frame}")).await;
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn binary_packets_are_passed_over() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let session = hub.session("victim", &metadata()).await;
    let auth = json!({ "token": hub.base_token, "sessionId": session });
    for announced in [
        format!(r#"451-/cli,["message",{{"sid":"{session}","message":{{"_placeholder":true,"num":0}}}}]"#),
        format!(
            r#"451-/cli,3["update-state",{{"sid":"{session}","expectedVersion":1,"agentState":{{"_placeholder":true,"num":9}}}}]"#
        ),
        r#"452-/cli,["ping",{"_placeholder":true,"num":0}]"#.to_owned(),
        "461-/cli,0[{\"_placeholder\":true,\"num\":0}]".to_owned(),
    ] {
        let mut socket = Raw::join(&hub, "/cli", &auth).await;
        socket.send_frame(Message::binary(vec![4, 1, 2, 3])).await;
        socket.send(&announced).await;
        socket.send_frame(Message::binary(vec![0; 100])).await;
        socket.send_frame(Message::binary(Vec::new())).await;
        socket.flush().await;
        bystander.goes_on(&hub, &announced).await;
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn frames_twice_and_in_another_order_are_what_they_say() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let (session, cli) = hub.live_session("victim", &metadata()).await;
    let web = hub.web().await;
    web.prompt(&session, &json!({ "text": "x", "localId": "p1" })).await;
    let auth = json!({ "token": hub.base_token, "sessionId": session });
    let mut socket = Raw::join(&hub, "/cli", &auth).await;
    let consumed =
        format!(r#"["messages-consumed",{{"sid":"{session}","localIds":["p1","p1","never",null]}}]"#);
    let end = format!(r#"["session-end",{{"sid":"{session}","time":1790000000000}}]"#);
    let alive = format!(r#"["session-alive",{{"sid":"{session}","time":1790000000000}}]"#);
    let ready = format!(r#"["session-ready",{{"sid":"{session}","time":1}}]"#);
    let say = format!(
        r#"["message",{{"sid":"{session}","localId":"m1","message":{{"role":"agent","content":{{"type":"output","data":{{"type":"text","text":"once"}}}}}}}}]"#
    );
    for frame in [&consumed, &end, &ready, &say, &end, &alive, &say, &consumed, &alive, &say] {
        // Asked for an acknowledgement that the event does not have, and not asked for one.
        socket.ask(frame).await;
        socket.emit(frame).await;
    }
    assert!(socket.flush().await);
    let rows = web.messages(&session).await;
    assert_eq!(rows.len(), 2, "a prompt and a message, each once: {rows:#?}");
    assert!(rows.iter().any(|row| row["localId"] == "p1" && row["invokedAt"].is_number()));
    assert_eq!(web.session(&session).await["active"], true);
    bystander.goes_on(&hub, "frames in any order").await;
    drop(cli);
    hub.stop().await;
}

#[actix_rt::test]
async fn clocks_that_are_years_off_move_nothing() {
    let mut hub = TestHub::start().await;
    let mut bystander = Bystander::of(&hub).await;
    let (session, cli) = hub.live_session("victim", &metadata()).await;
    let now = hub.clock.now();
    let web = hub.web().await;
    let years = 10 * 365 * 24 * 3_600_000_i64;
    for time in [now + years, now - years, 0, -1, i64::MAX, i64::MIN, 9_007_199_254_740_993] {
        cli.alive(time).await;
        let alive = json!({ "machineId": "m", "time": time });
        cli.emit("machine-alive", &alive);
        cli.emit(
            "message",
            &json!({ "sid": session, "createdAt": time, "message": { "role": "user", "content": { "type": "text", "text": "x" } } }),
        );
        cli.flush().await;
        let seen = web.session(&session).await;
        assert_eq!((seen["active"].as_bool(), seen["activeAt"].as_i64()), (Some(true), Some(now)), "{time}");
        assert!(seen["updatedAt"].as_i64().unwrap() <= now, "{time}: {seen}");
    }
    let rows = web.messages(&session).await;
    assert_eq!(rows.len(), 7);
    assert!(rows.iter().all(|row| (0..=now).contains(&row["createdAt"].as_i64().unwrap())), "{rows:#?}");
    // An end in the future ends it now; what follows is heard as ever.
    cli.end(now + years).await;
    assert_eq!(web.session(&session).await["active"], false);
    cli.alive(now).await;
    assert_eq!(web.session(&session).await["active"], true);
    bystander.goes_on(&hub, "odd clocks").await;
    hub.stop().await;
}
