//! Answers of people to what an agent asks. The first answer wins; it is stored, and delivered to every process of
//! the session that comes until the agent's own state shows that the question is closed.

use std::collections::HashSet;

use actix::prelude::*;
use serde::Serialize;
use serde_json::Value;

use super::{Atomic, LiveSession, Outcome, SessionError, now_ready};
use crate::{
    domain::{
        decision::Answer,
        flavor::Flavor,
        ids::Millis,
        json,
        session::{Changes, Session},
    },
    link::{LinkId, RpcError, rpc},
    store::{self, decisions::DecisionRow, journal::NewEntry},
    wire::events::{Contact, DecisionView},
};

/// How far an answer got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Stored; no process has taken it yet.
    Pending,
    /// A process said that it got it; the question is still open in the agent's state.
    Delivered,
    Confirmed,
    /// The session ended first.
    Dropped,
    /// The agent refused it: a person may decide again.
    Released,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Confirmed => "confirmed",
            Self::Dropped => "dropped",
            Self::Released => "released",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "delivered" => Self::Delivered,
            "confirmed" => Self::Confirmed,
            "dropped" => Self::Dropped,
            "released" => Self::Released,
            _ => Self::Pending,
        }
    }
}

/// A decision on a question that is still open.
pub(super) struct Decision {
    row: DecisionRow,
    answer: Answer,
    state: State,
    /// Each process is told once.
    told: HashSet<LinkId>,
}

impl Decision {
    fn is_on(&self, request: &str, asked_at: Millis) -> bool {
        self.row.request_id == request && self.row.request_created_at == asked_at
    }

    fn view(&self) -> DecisionView {
        view(&self.row, self.state)
    }
}

fn view(row: &DecisionRow, state: State) -> DecisionView {
    let answer: Value = serde_json::from_str(&row.answer).unwrap_or_default();
    DecisionView {
        request_id: row.request_id.clone(),
        request_created_at: row.request_created_at,
        approved: answer.get("approved").and_then(Value::as_bool).unwrap_or(false),
        answer,
        state: state.as_str().to_owned(),
        by: row.decided_by.clone(),
        from: row.decided_from.clone(),
        at: row.decided_at,
    }
}

/// Decisions on questions that are open in the session as it was stored.
pub(super) fn restore(rows: Vec<DecisionRow>, session: &Session) -> Vec<Decision> {
    rows.into_iter()
        .filter_map(|row| {
            let state = State::parse(&row.state);
            let is_open = is_open(session, &row.request_id, row.request_created_at);
            let answer = serde_json::from_str(&row.answer).ok()?;
            (is_open && matches!(state, State::Pending | State::Delivered)).then(|| Decision {
                row,
                answer,
                state,
                told: HashSet::new(),
            })
        })
        .collect()
}

fn is_open(session: &Session, request: &str, asked_at: Millis) -> bool {
    session.facts.request(request).is_some_and(|open| open.created_at.unwrap_or(0) == asked_at)
}

/// A person answers.
#[derive(Message)]
#[rtype(result = "Result<Delivery, SessionError>")]
pub struct Decide {
    pub request: String,
    pub answer: Answer,
    /// Who, and from where: shown to everybody else.
    pub by: String,
    pub from: String,
}

/// Where an accepted answer stands at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Kept until the agent's process is in contact.
    Pending,
    /// Handed to the agent's process.
    Sent,
}

impl Handler<Decide> for LiveSession {
    type Result = Atomic<Delivery>;

    fn handle(&mut self, decide: Decide, _: &mut Self::Context) -> Self::Result {
        let asked_at = match self.admit(&decide) {
            Ok(asked_at) => asked_at,
            Err(error) => return now_ready(Err(error)),
        };
        if let Some(winner) = self.decisions.iter().find(|known| known.is_on(&decide.request, asked_at)) {
            return now_ready(if winner.answer.is_same(&decide.answer) {
                Ok(self.delivery())
            } else {
                Err(SessionError::AlreadyDecided(Box::new(winner.view())))
            });
        }
        let row = DecisionRow {
            session_key: self.state.record.key,
            request_id: decide.request,
            request_created_at: asked_at,
            answer: json::write(&decide.answer).get().to_owned(),
            decided_by: decide.by,
            decided_from: decide.from,
            decided_at: self.now(),
            state: State::Pending.as_str().to_owned(),
        };
        let decision =
            Decision { row: row.clone(), answer: decide.answer, state: State::Pending, told: HashSet::new() };
        let entry = self.events().decision(&decision.view());
        let commit =
            self.commit(Changes::default(), vec![entry], move |tx| store::decisions::put(tx.conn, &row));
        AtomicResponse::new(Box::pin(commit.map(|outcome, this: &mut Self, ctx| {
            outcome?;
            this.decisions.push(decision);
            this.deliver_decisions(ctx);
            Ok(this.delivery())
        })))
    }
}

impl LiveSession {
    /// Whether the question may be answered so; when it was asked.
    fn admit(&self, decide: &Decide) -> Result<Millis, SessionError> {
        if !self.state.turn.active {
            return Err(SessionError::Inactive);
        }
        let open = self.state.facts.request(&decide.request).ok_or(SessionError::NoSuchRequest)?;
        if let Some(mode) = &decide.answer.mode
            && !Flavor::permission_modes(self.state.facts.flavor()).contains(&mode.as_str())
        {
            return Err(SessionError::Unfit("Invalid permission mode for session flavor".into()));
        }
        Ok(open.created_at.unwrap_or(0))
    }

    fn delivery(&self) -> Delivery {
        if self.methods.owner("permission").is_some() { Delivery::Sent } else { Delivery::Pending }
    }

    /// Tells the process that serves this session every open decision it has not been told, in order.
    pub(super) fn deliver_decisions(&mut self, ctx: &mut Context<Self>) {
        let Some(owner) = self.methods.owner("permission") else { return };
        let links = self.link_refs();
        let scope = self.state.id().clone();
        for decision in &mut self.decisions {
            if !decision.told.insert(owner) {
                continue;
            }
            let params = decision.answer.rpc_params(&decision.row.request_id);
            let call = rpc::call(&self.methods, &links, scope.as_str(), "permission", &params, rpc::PATIENCE);
            let (request, asked_at) = (decision.row.request_id.clone(), decision.row.request_created_at);
            let this = ctx.address();
            actix_rt::spawn(async move {
                let outcome = call.await.map(|answer| {
                    let refusal = json::read(&answer)?.get("error")?.as_str()?.to_owned();
                    Some(refusal)
                });
                let _ = this.send(Answered { request, asked_at, outcome }).await;
            });
        }
    }

    /// The decisions that are confirmed because their question is no longer open in `after`. Their events are added to
    /// `entries`; [`Self::forget_decisions`] follows once they are durable.
    pub(super) fn confirmed_decisions(&self, after: &Session, entries: &mut Vec<NewEntry>) -> Vec<Key> {
        self.closed_decisions(entries, State::Confirmed, |decision| {
            !is_open(after, &decision.row.request_id, decision.row.request_created_at)
        })
    }

    /// The session ended: answers that the agent has not confirmed are dropped, and told so.
    pub(super) fn dropped_decisions(&self, entries: &mut Vec<NewEntry>) -> Vec<Key> {
        self.closed_decisions(entries, State::Dropped, |_| true)
    }

    fn closed_decisions(
        &self,
        entries: &mut Vec<NewEntry>,
        state: State,
        is_closed: impl Fn(&Decision) -> bool,
    ) -> Vec<Key> {
        let closed = self.decisions.iter().filter(|decision| is_closed(decision));
        closed
            .map(|decision| {
                entries.push(self.events().decision(&view(&decision.row, state)));
                (decision.row.request_id.clone(), decision.row.request_created_at)
            })
            .collect()
    }

    pub(super) fn forget_decisions(&mut self, keys: &[Key]) {
        self.decisions
            .retain(|decision| !keys.iter().any(|(request, asked_at)| decision.is_on(request, *asked_at)));
    }
}

/// A question: its id and when it was asked.
pub(super) type Key = (String, Millis);

/// Writes how far decisions got.
pub(super) fn set_states(
    conn: &mut store::Connection,
    session_key: i64,
    keys: &[Key],
    state: &str,
) -> store::Result<()> {
    for (request, asked_at) in keys {
        store::decisions::set_state(conn, session_key, request, *asked_at, state)?;
    }
    Ok(())
}

/// A process answered the relayed decision, or did not.
#[derive(Message)]
#[rtype(result = "Result<(), SessionError>")]
struct Answered {
    request: String,
    asked_at: Millis,
    /// The text with which it refused, if it did.
    outcome: Result<Option<String>, RpcError>,
}

impl Handler<Answered> for LiveSession {
    type Result = Atomic<()>;

    fn handle(&mut self, answered: Answered, _: &mut Self::Context) -> Self::Result {
        let Answered { request, asked_at, outcome } = answered;
        let Some(place) = self.decisions.iter().position(|known| known.is_on(&request, asked_at)) else {
            return now_ready(Ok(()));
        };
        let state = match outcome {
            // Nobody knows whether it arrived: the next process that comes is told again.
            Err(_) => return now_ready(Ok(())),
            Ok(None) => State::Delivered,
            Ok(Some(refusal)) => {
                tracing::info!(session = %self.id(), %request, %refusal, "the agent refused a decision");
                State::Released
            }
        };
        let Some(decision) = self.decisions.get_mut(place) else { return now_ready(Ok(())) };
        if decision.state == state {
            return now_ready(Ok(()));
        }
        decision.state = state;
        let told = decision.view();
        if state == State::Released {
            self.decisions.remove(place);
        }
        let entry = self.events().decision(&told);
        let key = self.state.record.key;
        AtomicResponse::new(self.commit(Changes::default(), vec![entry], move |tx| {
            store::decisions::set_state(tx.conn, key, &request, asked_at, state.as_str())
        }))
    }
}

/// What our own page shows beside the session itself.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Status {
    pub contact: Contact,
    /// Newest last.
    pub decisions: Vec<DecisionView>,
}

#[derive(Message)]
#[rtype(result = "Result<Status, SessionError>")]
pub struct GetStatus;

impl Handler<GetStatus> for LiveSession {
    type Result = ResponseActFuture<Self, Outcome<Status>>;

    fn handle(&mut self, _: GetStatus, _: &mut Self::Context) -> Self::Result {
        let key = self.state.record.key;
        let contact = self.contact;
        let store = self.env.store.clone();
        Box::pin(
            async move {
                let rows = store.read(move |conn| store::decisions::of_session(conn, key)).await?;
                let decisions = rows.iter().map(|row| view(row, State::parse(&row.state))).collect();
                Ok(Status { contact, decisions })
            }
            .into_actor(self),
        )
    }
}
