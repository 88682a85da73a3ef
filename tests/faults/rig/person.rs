//! Somebody who prompts agents and answers what they ask, and does not give up before there is an answer.

use std::{cell::Cell, rc::Rc, time::Duration};

use rand::{Rng, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde_json::json;
use tokio::task::spawn_local;

use super::{
    Scene, Web,
    ledger::{Decided, Prompt},
};

pub struct Person {
    is_settled: Rc<Cell<bool>>,
}

impl Person {
    pub fn start(scene: &Scene, sessions: &[String], number: usize, seed: u64) -> Self {
        let is_settled = Rc::new(Cell::new(false));
        let settled = is_settled.clone();
        let (scene, sessions) = (scene.clone(), sessions.to_vec());
        spawn_local(async move {
            let mut dice = StdRng::seed_from_u64(seed);
            let web = Web::signed_in(&scene.requests.address, &scene.token).await;
            let mut count = 0;
            while !scene.winding_down.is_cancelled() {
                let session = &sessions[dice.random_range(0..sessions.len())];
                if dice.random_ratio(3, 5) {
                    count += 1;
                    prompt(&scene, &web, session, number, count).await;
                } else {
                    decide(&scene, &web, session, number.is_multiple_of(2)).await;
                }
                tokio::time::sleep(Duration::from_millis(dice.random_range(5..50))).await;
            }
            settled.set(true);
        });
        Self { is_settled }
    }

    pub fn is_settled(&self) -> bool {
        self.is_settled.get()
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_millis(40)).await;
}

async fn prompt(scene: &Scene, web: &Web, session: &str, person: usize, number: u64) {
    let local_id = format!("prompt-{person}-{number}");
    let place = {
        let mut prompts = scene.ledger.prompts.borrow_mut();
        prompts.push(Prompt {
            session: session.to_owned(),
            person,
            number,
            local_id: local_id.clone(),
            is_acknowledged: false,
        });
        prompts.len() - 1
    };
    let body = json!({ "text": format!("person {person} {number}"), "localId": local_id });
    let path = format!("/api/sessions/{session}/messages");
    while !scene.over.is_cancelled() {
        match web.post(&path, &body).await {
            Some(reply) if reply.status == 200 => {
                scene.ledger.prompts.borrow_mut()[place].is_acknowledged = true;
                return;
            }
            // Until the session's process has been heard of.
            Some(reply) if reply.status == 503 || reply.code() == "session_inactive" => pause().await,
            Some(reply) => {
                scene.ledger.violation(format!("a prompt was answered with {reply:?}"));
                return;
            }
            None => pause().await,
        }
    }
}

async fn decide(scene: &Scene, web: &Web, session: &str, approved: bool) {
    let seen = web.send(Method::GET, &format!("/api/sessions/{session}"), None).await;
    let Some(seen) = seen.filter(|seen| seen.status == 200) else { return };
    let requests = seen.body["session"]["agentState"]["requests"].as_object().cloned().unwrap_or_default();
    let Some(request) = requests.keys().next() else { return };
    let verb = if approved { "approve" } else { "deny" };
    let path = format!("/api/sessions/{session}/permissions/{request}/{verb}");
    while !scene.over.is_cancelled() {
        let (status, winner) = match web.post(&path, &json!({})).await {
            Some(reply) if reply.status == 200 => (200, None),
            Some(reply) if reply.code() == "already_decided" => {
                (409, reply.body["winner"]["approved"].as_bool())
            }
            // It was closed meanwhile.
            Some(reply) if reply.status == 404 => return,
            Some(reply) if reply.status == 503 || reply.code() == "session_inactive" => {
                pause().await;
                continue;
            }
            Some(reply) => {
                scene.ledger.violation(format!("a decision was answered with {reply:?}"));
                return;
            }
            None => {
                pause().await;
                continue;
            }
        };
        let mut decided = scene.ledger.decided.borrow_mut();
        let key = (session.to_owned(), request.clone());
        decided.entry(key).or_default().push(Decided { approved, status, winner });
        return;
    }
}
