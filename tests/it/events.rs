//! The event stream: nothing missed, nothing twice, whatever happens in between.

use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use crate::support::{Cli, Event, Events, Setup, TestHub, agent_says, metadata};

/// A little of everything that is told with a number.
async fn act(hub: &TestHub, cli: &Cli, kind: u8, number: usize) {
    hub.clock.advance(10);
    match kind {
        0 => cli.say(&agent_says(&format!("m{number}"))).await,
        1 => {
            let prompt = json!({ "text": "x", "localId": format!("p{number}") });
            let _ = hub.web().await.prompt(&cli.id, &prompt).await;
        }
        2 => cli.alive_with(hub.clock.now(), &json!({ "thinking": number.is_multiple_of(2) })).await,
        _ => {
            hub.session(&format!("s{number}"), &metadata()).await;
        }
    }
}

/// What was told under a number, without the handshake.
fn told(events: &Events) -> Vec<(String, Value)> {
    let events = events.all().into_iter().filter(|event| !event.is("connection-changed"));
    events.filter_map(|event| Some((event.id?, event.data))).collect()
}

fn ids(events: &Events) -> Vec<String> {
    told(events).into_iter().map(|(id, _)| id).collect()
}

/// Each event has the number after the one before it.
fn assert_gapless(events: &Events) {
    let told: Vec<Event> = events.all().into_iter().filter(|event| !event.is("heartbeat")).collect();
    let number = |event: &Event| event.id.as_ref().and_then(|id| id.split(':').nth(1)?.parse::<u64>().ok());
    let numbers: Vec<u64> = told.iter().filter_map(number).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

async fn until_id(events: &Events, id: &str) {
    events.until(&format!("event {id}"), |event| (event.id.as_deref() == Some(id)).then_some(())).await;
}

async fn last_told(events: &Events, mark: &str) -> String {
    events.until_message(mark).await.id.unwrap()
}

/// For any cut: what came before it and what a stream that resumes there gets are what an unbroken stream gets.
async fn nothing_is_missed_at_any_cut(setup: Setup, restarts: bool) {
    let mut hub = TestHub::with(setup).await;
    let mut runner = TestRunner::deterministic();
    let (id, mut cli) = hub.live_session("t", &metadata()).await;
    let mut whole: Vec<String> = Vec::new();
    let mut bodies = std::collections::HashMap::new();
    let first = hub.events().await;
    let begin = first.all()[0].id.clone().unwrap();
    for round in 0..if restarts { 2 } else { 1 } {
        let events =
            Events::open(&hub.web().await, "all=true", whole.last().or(Some(&begin)).map(String::as_str))
                .await;
        let kinds = proptest::collection::vec(0u8..4, 10..30).new_tree(&mut runner).unwrap().current();
        for (number, kind) in kinds.into_iter().enumerate() {
            act(&hub, &cli, kind, round * 100 + number).await;
        }
        let mark = format!("end {round}");
        cli.say(&agent_says(&mark)).await;
        last_told(&events, &mark).await;
        assert_eq!(events.resume(), "ok");
        whole.extend(ids(&events));
        bodies.extend(told(&events));
        if restarts {
            drop(cli);
            hub.restart().await;
            cli = hub.cli(&id).await;
            cli.alive(hub.clock.now()).await;
        }
    }
    cli.say(&agent_says("the end")).await;
    let last = Events::open(&hub.web().await, "all=true", whole.last().map(String::as_str)).await;
    last_told(&last, "the end").await;
    whole.extend(ids(&last));
    bodies.extend(told(&last));
    let mut once = whole.clone();
    once.dedup();
    assert_eq!(once, whole);

    let web = hub.web().await;
    let end = whole.last().unwrap().clone();
    for (place, cut) in std::iter::once(&begin).chain(&whole).enumerate() {
        let resumed = Events::open(&web, "all=true", Some(cut)).await;
        assert_eq!((resumed.resume().as_str(), resumed.all()[0].id.as_ref()), ("ok", Some(cut)));
        if place < whole.len() {
            until_id(&resumed, &end).await;
        }
        assert_eq!(ids(&resumed), whole[place..], "cut at {place}");
        for (id, data) in told(&resumed) {
            assert_eq!(data, bodies[&id], "cut at {place}");
        }
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn a_stream_that_resumes_misses_nothing_and_hears_nothing_twice() {
    nothing_is_missed_at_any_cut(Setup::default(), false).await;
}

#[actix_rt::test]
async fn a_stream_resumes_across_restarts_of_the_hub() {
    nothing_is_missed_at_any_cut(Setup::default(), true).await;
}

#[actix_rt::test]
async fn a_stream_resumes_beyond_what_is_held_in_memory() {
    nothing_is_missed_at_any_cut(Setup { config: "[journal]\ntail_frames = 3\n", ..Setup::default() }, true)
        .await;
}

#[actix_rt::test]
async fn a_place_that_means_nothing_here_is_a_gap() {
    let mut hub = TestHub::start().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    cli.say(&agent_says("one")).await;
    let id = last_told(&events, "one").await;
    let mut parts: Vec<&str> = id.split(':').collect();
    let ahead = (parts[1].parse::<i64>().unwrap() + 1).to_string();
    let web = hub.web().await;
    parts[1] = &ahead;
    let future = parts.join(":");
    parts[1] = "0";
    let zero = parts.join(":");
    parts[0] = "00000000";
    let other_epoch = parts.join(":");
    for cursor in [future.as_str(), &zero, &other_epoch, "x", "1:2", "1:2:3:4", &id.replace(':', ";")] {
        assert_eq!(Events::open(&web, "all=true", Some(cursor)).await.resume(), "gap", "{cursor}");
    }
    // Numbers of one namespace mean nothing in another.
    hub.session_of("b", "t", &metadata()).await;
    let stranger = hub.web_of("b").await;
    assert_eq!(Events::open(&stranger, "all=true", Some(&id)).await.resume(), "gap");
    assert_eq!(Events::open(&web, "all=true", None).await.resume(), "gap");
    // The header wins over the address, and a blank counts as absent.
    assert_eq!(Events::open(&web, &format!("all=true&lastEventId={id}"), None).await.resume(), "ok");
    assert_eq!(Events::open(&web, &format!("all=true&lastEventId={id}"), Some("x")).await.resume(), "gap");
    assert_eq!(Events::open(&web, &format!("all=true&lastEventId={id}"), Some(" ")).await.resume(), "ok");
    hub.stop().await;
}

#[actix_rt::test]
async fn who_missed_more_than_is_kept_is_told_to_start_over() {
    let config = "[journal]\nmax_rows = 20\ntail_frames = 3\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let events = hub.events().await;
    let begin = events.all()[0].id.clone().unwrap();
    for number in 0..600 {
        cli.emit("message", &json!({ "sid": id, "message": agent_says(&number.to_string()) }));
    }
    cli.say(&agent_says("the end")).await;
    let web = hub.web().await;
    assert_eq!(Events::open(&web, "all=true", Some(&begin)).await.resume(), "gap");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_stream_gets_what_it_asked_for() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let (one, cli) = hub.live_session("one", &metadata()).await;
    let (two, other) = hub.live_session("two", &metadata()).await;
    hub.machine("m1").await;
    let runner = hub.runner("m1").await;
    let of_one = Events::open(&web, &format!("sessionId={one}"), None).await;
    let of_machine = Events::open(&web, "machineId=m1", None).await;
    let of_both = Events::open(&web, &format!("sessionId={two}&machineId=m1"), None).await;
    let of_none = Events::open(&web, "", None).await;
    let of_all = Events::open(&web, "all=1", None).await;

    cli.say(&agent_says("for one")).await;
    other.say(&agent_says("for two")).await;
    runner.emit("machine-alive", &json!({ "machineId": "m1", "time": hub.clock.now() }));
    runner.flush().await;
    cli.end(hub.clock.now()).await;
    other.end(hub.clock.now()).await;
    let is_ended = |session: &str| {
        let session = session.to_owned();
        move |event: &Event| (event.is("session-ended") && event.session() == session).then_some(())
    };
    of_all.until("the end of two", is_ended(&two)).await;
    of_one.until("the end of one", is_ended(&one)).await;
    of_both.until("the end of two", is_ended(&two)).await;
    of_machine.until("the machine", |event| event.is("machine-updated").then_some(())).await;
    let texts = |events: &Events| -> Vec<String> {
        events.all().iter().filter_map(|event| event.message_text().map(str::to_owned)).collect()
    };
    assert_eq!(texts(&of_one), ["for one"]);
    assert_eq!(texts(&of_both), ["for two"]);
    assert_eq!(texts(&of_all), ["for one", "for two"]);
    assert!(of_one.all().iter().skip(1).all(|event| event.session() == one));
    assert!(of_machine.all().iter().skip(1).all(|event| event.data["machineId"] == "m1"));
    assert_eq!(of_none.all().len(), 1);

    // A stream that resumes after what it was not told of is not told of it either.
    let last = of_all.last_id().unwrap();
    let again = Events::open(&web, &format!("sessionId={one}"), Some(&last)).await;
    assert_eq!((again.resume().as_str(), again.all().len()), ("ok", 1));
    for filter in ["sessionId=unknown", "machineId=unknown"] {
        assert_eq!(web.get(&format!("/api/events?{filter}")).await.status, 404, "{filter}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn packed_frames_are_readable_one_by_one() {
    let mut hub = TestHub::with(Setup { config: "[journal]\ntail_frames = 3\n", ..Setup::default() }).await;
    let web = hub.web().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let packed = Events::open_with(&web, "all=true", None, "gzip, deflate, br").await;
    assert!(packed.is_packed);
    let begin = packed.all()[0].id.clone();
    for number in 0..20 {
        let text = format!("message {number} {}", "and so on ".repeat(number * 50));
        cli.say(&agent_says(&text)).await;
        packed.until_message(&text).await;
    }
    let plain = Events::open(&web, "all=true", begin.as_deref()).await;
    assert!(!plain.is_packed);
    let again = Events::open_with(&web, "all=true", begin.as_deref(), "gzip").await;
    let last = packed.last_id().unwrap();
    for resumed in [&plain, &again] {
        until_id(resumed, &last).await;
        assert_eq!(ids(resumed), ids(&packed));
    }
    assert!(!Events::open_with(&web, "all=true", None, "gzip;q=0, *").await.is_packed);
    hub.stop().await;
}

#[actix_rt::test]
async fn visibility_is_set_for_a_stream_that_is_there() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let events = Events::open(&web, "all=true&visibility=visible", None).await;
    let set = |subscription: &str, to: &str| json!({ "subscriptionId": subscription, "visibility": to });
    let answer = web.post("/api/visibility", &set(&events.subscription(), "hidden")).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    let answer = web.post("/api/visibility", &set("unknown", "hidden")).await;
    assert_eq!((answer.status, answer.error()), (404, "Subscription not found"));
    let stranger = hub.web_of("b").await;
    assert_eq!(stranger.post("/api/visibility", &set(&events.subscription(), "hidden")).await.status, 404);
    for bad in [json!({}), set("", "hidden"), set("x", "odd"), Value::Null] {
        assert_eq!(web.post("/api/visibility", &bad).await.status, 400, "{bad}");
    }
    let subscription = events.subscription();
    drop(events);
    let gone = async {
        while web.post("/api/visibility", &set(&subscription, "hidden")).await.status != 404 {
            tokio::task::yield_now().await;
        }
    };
    crate::support::within("the stream is forgotten", gone).await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_reader_that_stands_still_does_not_hold_up_the_others() {
    let mut hub = TestHub::with(Setup { config: "[journal]\ntail_frames = 8\n", ..Setup::default() }).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let web = hub.web().await;
    let stalled = web.request(reqwest::Method::GET, "/api/events?all=true").send().await.unwrap();
    let events = hub.events().await;
    // More than any buffer on the way takes.
    for number in 0..40 {
        let large = json!({ "role": "user", "content": { "type": "text", "text": "x".repeat(512 * 1024) } });
        cli.emit("message", &json!({ "sid": id, "message": large }));
        if number % 8 == 7 {
            cli.flush().await;
        }
    }
    cli.say(&agent_says("the end")).await;
    // A live reader that falls behind what is in memory goes on from the store.
    events.until_message("the end").await;
    assert_gapless(&events);
    drop(stalled);
    hub.stop().await;
}

#[actix_rt::test]
async fn numbers_of_a_database_that_was_put_back_mean_nothing() {
    let mut hub = TestHub::start().await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    cli.say(&agent_says("before the copy")).await;
    drop(cli);
    hub.stop().await;
    let copy = hub.home().join("copy.db");
    std::fs::copy(hub.database(), &copy).unwrap();
    hub.start_again().await;
    let events = hub.events().await;
    let cli = hub.cli(&id).await;
    cli.alive(hub.clock.now()).await;
    cli.say(&agent_says("after the copy")).await;
    let seen = last_told(&events, "after the copy").await;
    drop(cli);
    hub.stop().await;
    std::fs::copy(&copy, hub.database()).unwrap();
    hub.start_again().await;
    let cli = hub.cli(&id).await;
    for number in 0..20 {
        cli.say(&agent_says(&format!("another history {number}"))).await;
    }
    let resumed = Events::open(&hub.web().await, "all=true", Some(&seen)).await;
    assert_eq!(resumed.resume(), "gap");
    hub.stop().await;
}

#[actix_rt::test]
async fn a_reader_that_takes_nothing_is_cut_and_comes_back_with_its_number() {
    let config = "[journal]\ntail_frames = 8\n[events]\nheartbeat_ms = 200\nwrite_timeout_ms = 500\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let (id, cli) = hub.live_session("t", &metadata()).await;
    let web = hub.web().await;
    let mut stalled = web.request(reqwest::Method::GET, "/api/events?all=true").send().await.unwrap();
    let handshake = String::from_utf8(stalled.chunk().await.unwrap().unwrap().to_vec()).unwrap();
    let field = |begin: &str, end: char| {
        let start = handshake.find(begin).unwrap() + begin.len();
        handshake[start..].split(end).next().unwrap().to_owned()
    };
    let (subscription, begin) = (field("\"subscriptionId\":\"", '"'), field("\nid: ", '\n'));
    // More than any buffer on the way takes.
    for number in 0..24 {
        let large = json!({ "role": "user", "content": { "type": "text", "text": "x".repeat(512 * 1024) } });
        cli.emit("message", &json!({ "sid": id, "message": large }));
        if number % 8 == 7 {
            cli.flush().await;
        }
    }
    cli.say(&agent_says("the end")).await;
    let set = json!({ "subscriptionId": subscription, "visibility": "hidden" });
    let cut = async {
        while web.post("/api/visibility", &set).await.status != 404 {
            tokio::task::yield_now().await;
        }
    };
    crate::support::within("the stream is cut", cut).await;
    let resumed = Events::open(&web, "all=true", Some(&begin)).await;
    assert_eq!(resumed.resume(), "ok");
    resumed.until_message("the end").await;
    assert_gapless(&resumed);
    drop(stalled);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_quiet_stream_moves_on_while_others_talk() {
    let config = "[journal]\ntail_frames = 3\n[events]\nheartbeat_ms = 100\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let (_, noisy) = hub.live_session("noisy", &metadata()).await;
    let (id, cli) = hub.live_session("quiet", &metadata()).await;
    let web = hub.web().await;
    let (everything, filter) = (hub.events().await, format!("sessionId={id}"));
    let quiet = Events::open(&web, &filter, None).await;
    cli.say(&agent_says("first")).await;
    quiet.until_message("first").await;
    for number in 0..40 {
        noisy.say(&agent_says(&number.to_string())).await;
    }
    let newest = everything.until_message("39").await.id.unwrap();
    // The heartbeat tells a place that it was not written to, for everything up to there was for others.
    let beat = |event: &Event| (event.is("heartbeat") && event.id.as_ref() == Some(&newest)).then_some(());
    quiet.until("a heartbeat with the newest place", beat).await;
    cli.say(&agent_says("second")).await;
    quiet.until_message("second").await;
    let texts: Vec<String> =
        quiet.all().iter().filter_map(|event| event.message_text().map(str::to_owned)).collect();
    assert_eq!(texts, ["first", "second"]);
    // From there on it goes on, also when only the store still has what came since.
    for number in 0..40 {
        noisy.say(&agent_says(&format!("again {number}"))).await;
    }
    cli.say(&agent_says("third")).await;
    noisy.say(&agent_says("the end")).await;
    everything.until_message("the end").await;
    let resumed = Events::open(&web, &filter, Some(&newest)).await;
    assert_eq!(resumed.resume(), "ok");
    resumed.until_message("third").await;
    let texts: Vec<String> =
        resumed.all().iter().filter_map(|event| event.message_text().map(str::to_owned)).collect();
    assert_eq!(texts, ["second", "third"]);
    hub.stop().await;
}

#[actix_rt::test]
async fn a_noisy_session_does_not_cost_another_its_history() {
    let config = "[journal]\nmax_rows = 50\ntail_frames = 3\n";
    let mut hub = TestHub::with(Setup { config, ..Setup::default() }).await;
    let (noisy_id, noisy) = hub.live_session("noisy", &metadata()).await;
    let (id, cli) = hub.live_session("quiet", &metadata()).await;
    let web = hub.web().await;
    let filter = format!("sessionId={id}");
    let quiet = Events::open(&web, &filter, None).await;
    let begin = quiet.all()[0].id.clone().unwrap();
    cli.say(&agent_says("what must stay")).await;
    quiet.until_message("what must stay").await;
    for number in 0..1_200 {
        noisy.emit("message", &json!({ "sid": noisy_id, "message": agent_says(&number.to_string()) }));
    }
    noisy.flush().await;
    let of = async |filter: &str| Events::open(&web, filter, Some(&begin)).await;
    assert_eq!(of("all=true").await.resume(), "gap");
    assert_eq!(of(&format!("sessionId={noisy_id}")).await.resume(), "gap");
    let resumed = of(&filter).await;
    assert_eq!(resumed.resume(), "ok");
    resumed.until_message("what must stay").await;
    hub.stop().await;
}

#[actix_rt::test]
async fn a_page_that_reloads_hears_what_follows() {
    let mut hub = TestHub::start().await;
    let (_, cli) = hub.live_session("t", &metadata()).await;
    let web = hub.web().await;
    let mut events = Events::open(&web, "all=true", None).await;
    for number in 0..60 {
        let last = events.last_id();
        // The old stream ends while the new one is being opened.
        let leave = async { drop(events) };
        let (next, ()) = tokio::join!(Events::open(&web, "all=true", last.as_deref()), leave);
        assert_eq!(next.resume(), "ok");
        let text = format!("after reload {number}");
        cli.say(&agent_says(&text)).await;
        next.until_message(&text).await;
        events = next;
    }
    hub.stop().await;
}
