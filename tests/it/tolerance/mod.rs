//! Whatever a client sends, the hub answers or passes over it, and everybody else goes on.
//!
//! The inputs are generated: hostile values ([`corpus`]) take the place of each field of a valid example. Events come
//! from one table ([`catalogue`]), routes from the hub's own description ([`rest`]).

mod catalogue;
mod corpus;
mod engine;
mod events;
mod frames;
mod large;
mod raw;
mod rest;
mod schema;

use serde_json::json;

use crate::support::{Cli, Events, TestHub, Web, agent_says, metadata, panics};

/// Somebody who does nothing unusual, beside whatever a test does.
struct Bystander {
    session: String,
    cli: Cli,
    web: Web,
    events: Events,
    count: usize,
}

impl Bystander {
    async fn of(hub: &TestHub) -> Self {
        panics::watch();
        let (session, cli) = hub.live_session("bystander", &metadata()).await;
        let web = hub.web().await;
        let events = Events::open(&web, &format!("sessionId={session}"), None).await;
        Self { session, cli, web, events, count: 0 }
    }

    /// The hub is up, has not panicked, and a session works from end to end: prompt, answer, state, stream.
    async fn goes_on(&mut self, hub: &TestHub, after: &str) {
        self.count += 1;
        assert_eq!(panics::seen(), Vec::<String>::new(), "after {after}");
        assert_eq!(hub.guest().get("/health").await.status, 200, "after {after}");
        let local_id = format!("prompt-{}", self.count);
        let sent = self.web.prompt(&self.session, &json!({ "text": after, "localId": local_id })).await;
        assert_eq!(sent.status, 200, "after {after}: {sent:?}");
        self.cli.until_updates("new-message", self.count).await;
        self.cli.consume(&[&local_id]).await;
        let said = format!("{} {after}", self.count);
        self.cli.say(&agent_says(&said)).await;
        self.events.until_message(&said).await;
        self.cli.alive(hub.clock.now()).await;
        let version = i64::try_from(self.count).unwrap();
        let written = self.cli.write_state(version, &json!({ "turn": self.count })).await;
        assert_eq!(written["result"], "success", "after {after}: {written}");
    }

    /// An event larger than what is held for all readers may leave them behind: they come back by number.
    async fn comes_back(&mut self) {
        let last = self.events.last_id();
        self.events = Events::open(&self.web, &format!("sessionId={}", self.session), last.as_deref()).await;
        assert_eq!(self.events.resume(), "ok");
    }
}
