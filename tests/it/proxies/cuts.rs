//! Proxies that cut streams: an idle one is kept open by its heartbeat, and one that is cut goes on where it was.

use std::time::Duration;

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::json;

use crate::support::{Cuts, Event, Events, Proxy, Setup, TestHub, Web, agent_says, metadata};

/// Cloudflare allows 100 s and the hub beats every 25 s; here both are a hundred times as fast.
const LIMIT: Duration = Duration::from_millis(1_000);
const BEATING: Setup = Setup { config: "[events]\nheartbeat_ms = 250\n", poison: None, patience: None };
/// Of a hub that beats so seldom, such a proxy hears nothing.
const SILENT: Setup = Setup { config: "[events]\nheartbeat_ms = 45000\n", poison: None, patience: None };

fn of_idle() -> Cuts {
    Cuts { idle: Some(LIMIT), after: Vec::new() }
}

/// A client by way of the proxy.
async fn through(hub: &TestHub, proxy: &Proxy) -> Web {
    let token = hub.web().await.token.unwrap();
    Web::new(&proxy.address).with_token(&token)
}

fn ids(events: &[Event]) -> Vec<String> {
    let told = events.iter().filter(|event| !event.is("connection-changed") && !event.is("heartbeat"));
    told.filter_map(|event| event.id.clone()).collect()
}

#[actix_rt::test]
async fn an_idle_stream_outlives_the_patience_of_a_proxy() {
    let mut hub = TestHub::with(BEATING).await;
    let proxy = Proxy::before(&hub.address, of_idle()).await;
    let web = through(&hub, &proxy).await;
    let plain = Events::open(&web, "all=true", None).await;
    let packed = Events::open_with(&web, "all=true", None, "gzip").await;
    // Three and a half times the limit.
    for stream in [&plain, &packed] {
        let beats = |events: &[Event]| {
            (events.iter().filter(|event| event.is("heartbeat")).count() >= 14).then_some(())
        };
        stream.until_all("fourteen heartbeats", beats).await;
    }
    assert_eq!(proxy.cuts(), 0);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_silent_stream_is_cut_and_resumes_with_nothing_lost() {
    let mut hub = TestHub::with(SILENT).await;
    let proxy = Proxy::before(&hub.address, of_idle()).await;
    let web = through(&hub, &proxy).await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let whole = hub.events().await;
    let first = Events::open(&web, "all=true", None).await;
    cli.say(&agent_says("before")).await;
    first.until_message("before").await;
    assert_eq!(first.until_over().await, None, "the hub had no part in it");
    assert_eq!(proxy.cuts(), 1);
    for number in 0..10 {
        cli.say(&agent_says(&format!("missed {number}"))).await;
    }
    let second = Events::open(&web, "all=true", first.last_id().as_deref()).await;
    assert_eq!(second.resume(), "ok");
    cli.say(&agent_says("after")).await;
    second.until_message("after").await;
    whole.until_message("after").await;
    assert_eq!([ids(&first.all()), ids(&second.all())].concat(), ids(&whole.all()));
    hub.stop().await;
}

#[actix_rt::test]
async fn a_stalled_line_is_cut_and_the_stream_resumes() {
    let mut hub = TestHub::with(BEATING).await;
    let proxy = Proxy::before(&hub.address, of_idle()).await;
    let web = through(&hub, &proxy).await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let whole = hub.events().await;
    let first = Events::open(&web, "all=true", None).await;
    cli.say(&agent_says("before")).await;
    first.until_message("before").await;
    proxy.stall(true);
    for number in 0..10 {
        cli.say(&agent_says(&format!("swallowed {number}"))).await;
    }
    first.until_over().await;
    proxy.stall(false);
    let second = Events::open(&web, "all=true", first.last_id().as_deref()).await;
    assert_eq!(second.resume(), "ok");
    cli.say(&agent_says("after")).await;
    second.until_message("after").await;
    whole.until_message("after").await;
    assert_eq!([ids(&first.all()), ids(&second.all())].concat(), ids(&whole.all()));
    hub.stop().await;
}

/// Cuts in the middle of lines and of packed blocks, while events flow.
#[actix_rt::test]
async fn wherever_a_stream_is_cut_all_parts_together_are_the_whole() {
    let mut runner = TestRunner::deterministic();
    for encoding in ["identity", "gzip"] {
        let mut hub = TestHub::with(BEATING).await;
        let (_, cli) = hub.live_session("t", &metadata()).await;
        let whole = hub.events().await;
        let mut last = whole.all()[0].id.clone();
        let places = proptest::collection::vec(1usize..6_000, 25).new_tree(&mut runner).unwrap().current();
        let proxy = Proxy::before(&hub.address, Cuts { idle: Some(LIMIT), after: places }).await;
        let web = through(&hub, &proxy).await;
        let speaker = actix_rt::spawn(async move {
            for number in 0..300 {
                cli.say(&agent_says(&format!("m{number}"))).await;
            }
            cli.say(&agent_says("the end")).await;
            cli
        });
        let (mut parts, mut resumed) = (Vec::new(), 0);
        let is_end = |event: &Event| event.message_text() == Some("the end");
        loop {
            let Some(part) = Events::try_open(&web, "all=true", last.as_deref(), encoding).await else {
                continue;
            };
            assert_eq!(part.resume(), "ok", "after {last:?}");
            part.until_or_over("the end", |event| is_end(event).then_some(())).await;
            let events = part.all();
            resumed += 1;
            parts.extend(ids(&events));
            last = part.last_id().or(last);
            if events.iter().any(is_end) {
                break;
            }
        }
        let cli = speaker.await.unwrap();
        whole.until_message("the end").await;
        assert_eq!(parts, ids(&whole.all()), "{encoding}");
        assert!(proxy.cuts() >= 8 && resumed >= 5, "{} cuts, {resumed} parts", proxy.cuts());
        drop(cli);
        hub.stop().await;
    }
}

/// What the proxies on the way go by.
#[actix_rt::test]
async fn a_stream_says_that_it_is_to_be_passed_on_as_it_is() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    for encoding in ["identity", "gzip"] {
        let request =
            web.request(reqwest::Method::GET, "/api/events?all=true").header("Accept-Encoding", encoding);
        let response = request.send().await.unwrap();
        let headers = response.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-cache, no-transform");
        assert_eq!(headers["x-accel-buffering"], "no");
        assert!(headers.get_all("vary").iter().any(|vary| vary == "Accept-Encoding"));
        assert_eq!(headers.get("content-length"), None);
        assert_eq!(headers.get("content-encoding").is_some(), encoding == "gzip");
    }
    let refused = web.get("/api/events?sessionId=none").await;
    assert_eq!((refused.status, refused.body["error"].is_string()), (404, true), "{}", json!(refused.body));
    hub.stop().await;
}
