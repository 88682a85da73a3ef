//! Socket.IO links, and connections of any kind.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use super::{assert_refused, hub};
use crate::support::{Cli, Events, TestHub, Viewer, Web, agent_says, metadata, within};

const POLL: &str = "/socket.io/?EIO=4&transport=polling";

type Line = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn websocket(hub: &TestHub) -> Line {
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", hub.address);
    within("a websocket opens", tokio_tungstenite::connect_async(url)).await.unwrap().0
}

async fn say(line: &mut Line, frame: String) {
    within("a frame is taken", line.send(Message::text(frame))).await.unwrap();
}

/// Everything that is said on a line until it ends.
async fn heard(line: &mut Line) -> Vec<Message> {
    within("the line ends", async {
        let mut all = Vec::new();
        while let Some(Ok(message)) = line.next().await {
            all.push(message);
        }
        all
    })
    .await
}

/// Turned back: no word of the protocol is said that would make a client stay away, and the end has a reason.
async fn assert_turned_back(line: &mut Line, reason: &Value) {
    let heard = heard(line).await;
    for message in &heard {
        let text = message.to_text().unwrap_or_default();
        assert!(!text.starts_with("40/") && !text.starts_with("44/"), "{heard:?}");
    }
    let Some(Message::Close(Some(close))) = heard.last() else { panic!("{heard:?}") };
    assert_eq!(u16::from(close.code), 1013, "{heard:?}");
    assert_eq!(serde_json::from_str::<Value>(&close.reason).unwrap(), *reason);
}

async fn until_links(web: &Web, place: &str, count: u64) {
    let what = format!("{count} links at {place}");
    let is_there = |answer: &crate::support::Answer| {
        answer.body.pointer(&format!("/{place}/links/used")).unwrap() == count
    };
    web.until("/api/limits", &what, is_there).await;
}

#[actix_rt::test]
async fn a_link_too_many_ends_without_a_refusal_and_comes_in_when_there_is_room() {
    let mut hub = hub("[limits]\nlinks_per_token = 1\nlinks_per_namespace = 2\n").await;
    let web = hub.web().await;
    let (session, cli) = hub.live_session("t", &metadata()).await;
    let auth = json!({ "token": hub.base_token, "sessionId": session });
    let mut second = websocket(&hub).await;
    say(&mut second, format!("40/cli,{auth}")).await;
    let reason = json!({ "code": "too_many_links", "retryAfterSeconds": 5 });
    assert_turned_back(&mut second, &reason).await;
    until_links(&web, "cliToken", 1).await;
    // A terminal comes with another token, and fills the namespace; neighbours are not concerned.
    let viewer = Viewer::connect(&hub).await;
    until_links(&web, "namespace", 2).await;
    let mut third = websocket(&hub).await;
    let token = json!({ "token": web.token });
    say(&mut third, format!("40/terminal,{token}")).await;
    assert_turned_back(&mut third, &reason).await;
    let other = hub.session_of("b", "t", &metadata()).await;
    hub.cli_of("b", &other).await.alive(hub.clock.now()).await;
    cli.say(&agent_says("still there")).await;

    drop((cli, viewer));
    until_links(&web, "namespace", 0).await;
    let again = hub.cli(&session).await;
    again.say(&agent_says("back")).await;
    assert_eq!(web.messages(&session).await.len(), 2);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_session_by_polling_that_is_too_many_is_closed() {
    let mut hub = hub("[limits]\nlinks_per_token = 1\n").await;
    let (web, guest) = (hub.web().await, hub.guest());
    let viewer = Viewer::connect(&hub).await;
    let open = guest.get(POLL).await;
    let open: Value = serde_json::from_str(open.body.as_str().unwrap().strip_prefix('0').unwrap()).unwrap();
    let address = format!("{POLL}&sid={}", open["sid"].as_str().unwrap());
    let token = json!({ "token": web.token });
    guest.post_text(&address, &format!("40/terminal,{token}")).await;
    // Whatever is still said before the end, it is no refusal and no welcome.
    within("the session is closed", async {
        loop {
            let answer = guest.get(&address).await;
            let text = answer.body.as_str().unwrap_or_default();
            assert!(!text.contains("40/terminal") && !text.contains("44/terminal"), "{text}");
            if answer.status == 400 {
                return;
            }
        }
    })
    .await;
    until_links(&web, "token", 1).await;
    drop(viewer);
    until_links(&web, "hub", 0).await;
    let viewer = Viewer::connect(&hub).await;
    until_links(&web, "token", 1).await;
    drop(viewer);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_full_hub_refuses_the_handshake() {
    let mut hub = hub("[limits]\nlinks = 2\n").await;
    let web = hub.web().await;
    let session = hub.session("t", &metadata()).await;
    let (one, two) = (hub.cli(&session).await, hub.cli(&session).await);
    let text = "The hub has no room for more sockets at the moment";
    assert_refused(&hub.guest().get(POLL).await, 503, "hub_full", text, "5");
    let url = format!("ws://{}/socket.io/?EIO=4&transport=websocket", hub.address);
    let refused = within("an answer", tokio_tungstenite::connect_async(url)).await.err().unwrap();
    assert!(refused.to_string().contains("503"), "{refused}");
    drop((one, two));
    until_links(&web, "hub", 0).await;
    hub.cli(&session).await.alive(hub.clock.now()).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn who_shows_no_token_makes_room_for_the_next_and_who_did_stays() {
    let mut hub = hub("[limits]\nlinks_per_address = 1\n").await;
    let web = hub.web().await;
    let session = hub.session("t", &metadata()).await;
    let cli = hub.cli(&session).await;
    let second = hub.cli(&session).await;
    until_links(&web, "cliToken", 2).await;
    // Whoever only waits makes room for the next, whatever way each of them came.
    let mut stranger = websocket(&hub).await;
    let polled = hub.guest().get(POLL).await;
    assert_eq!(polled.status, 200, "{polled:?}");
    heard(&mut stranger).await;
    let open: Value = serde_json::from_str(polled.body.as_str().unwrap().strip_prefix('0').unwrap()).unwrap();
    let polled = format!("{POLL}&sid={}", open["sid"].as_str().unwrap());
    let mut stranger = websocket(&hub).await;
    hub.guest().until(&polled, "the session by polling is closed", |answer| answer.status == 400).await;
    let third = hub.cli(&session).await;
    heard(&mut stranger).await;
    for one in [&cli, &second, &third] {
        one.say(&agent_says("not concerned")).await;
    }
    until_links(&web, "hub", 3).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_thousand_wrong_tokens_keep_no_honest_client_out() {
    let mut hub = hub("[limits]\nrate_per_address = 1\nburst_per_address = 10\n").await;
    let web = hub.web().await;
    let events = Events::open(&web, "all=true", None).await;
    let (session, cli) = hub.live_session("t", &metadata()).await;
    let mut hostile = Vec::new();
    for number in 0..1_000 {
        let mut line = websocket(&hub).await;
        say(&mut line, format!("40/cli,{}", json!({ "token": format!("wrong-{number}") }))).await;
        hostile.push(line);
    }
    let forged = hub.guest().with_token("wrong");
    for _ in 0..100 {
        assert!([401, 429].contains(&forged.get("/api/sessions").await.status));
    }
    // All of it came from the address of these.
    until_links(&web, "hub", 1_001).await;
    cli.say(&agent_says("as before")).await;
    events.until_message("as before").await;
    let newcomer =
        Cli::connect(&hub, &json!({ "token": hub.base_token, "sessionId": session }), &session).await;
    newcomer.say(&agent_says("let in")).await;
    events.until_message("let in").await;
    assert_eq!(hub.web().await.get("/api/sessions").await.status, 200);
    drop(Viewer::connect(&hub).await);
    drop((hostile, newcomer));
    until_links(&web, "hub", 1).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn one_connection_too_many_is_told_so_but_the_hub_shows_that_it_is_up() {
    let mut hub = hub("[limits]\nconnections = 2\n").await;
    let web = hub.web().await;
    let (one, two) = (websocket(&hub).await, websocket(&hub).await);
    let text = "The hub has no room for more connections at the moment";
    assert_refused(&web.get("/api/sessions").await, 503, "hub_full", text, "5");
    assert_refused(&web.get("/").await, 503, "hub_full", text, "5");
    assert_eq!(web.get("/health").await.status, 200);
    drop((one, two));
    web.until("/api/sessions", "there is room", |answer| answer.status == 200).await;
    hub.stop().await;
}
