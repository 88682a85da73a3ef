//! What the store says when a notice is due: whether the session is still there, which of its questions still wait and
//! nobody was told of, and what the agent said last.

use serde_json::Value;

use crate::{
    domain::{
        content,
        ids::{Millis, Namespace, SessionId},
        json,
        notice::{self, About, Notice, Request, Task},
        session::Session,
    },
    store::{
        self, Connection, Store,
        told::{self, Matter},
    },
};

/// So many of the newest messages are searched for what the agent said last.
const LOOK_BACK: i64 = 20;

/// Why people may have to be told.
#[derive(Clone, Debug)]
pub enum Occasion {
    Asked,
    Ready { message: String },
    TaskEnded { message: String, task: Task },
    Completed,
}

/// Everything a notice is made of.
struct Found {
    key: i64,
    about: About,
    subject: Subject,
}

enum Subject {
    Questions(Vec<(Matter, Request)>),
    Other(Matter, Box<Notice>),
}

/// The notice for an occasion. From the answer on it counts as told. `None` when there is nothing to tell any more.
pub async fn word(
    store: &Store,
    namespace: &Namespace,
    session: &SessionId,
    occasion: Occasion,
    has_details: bool,
    now: Millis,
) -> store::Result<Option<Notice>> {
    let (namespace, session) = (namespace.clone(), session.clone());
    let found = store.read(move |conn| find(conn, &namespace, &session, &occasion, has_details)).await?;
    let Some(Found { key, about, subject }) = found else { return Ok(None) };
    store
        .write(move |tx| match subject {
            Subject::Questions(questions) => {
                let mut new = Vec::new();
                for (matter, request) in questions {
                    if told::claim(tx.conn, key, &matter, now)? {
                        new.push(request);
                    }
                }
                Ok(notice::requests(&about, &new))
            }
            Subject::Other(matter, notice) => Ok(told::claim(tx.conn, key, &matter, now)?.then_some(*notice)),
        })
        .await
}

fn find(
    conn: &mut Connection,
    namespace: &Namespace,
    id: &SessionId,
    occasion: &Occasion,
    has_details: bool,
) -> store::Result<Option<Found>> {
    let Some(record) = store::sessions::by_id(conn, id)?.filter(|record| record.namespace == *namespace)
    else {
        return Ok(None);
    };
    let session = Session::resting(record, 0, None);
    if !session.turn.active && !matches!(occasion, Occasion::Completed) {
        return Ok(None);
    }
    let key = session.record.key;
    let about = About::of(&session, has_details);
    let said = |message: &str| Matter { kind: told::MESSAGE, subject: message.to_owned(), moment: 0 };
    let subject = match occasion {
        Occasion::Asked => Subject::Questions(open_questions(conn, &session)?),
        Occasion::Ready { message } => {
            let last = if has_details { last_said(conn, key)? } else { None };
            Subject::Other(said(message), Box::new(notice::ready(&about, last.as_deref())))
        }
        Occasion::TaskEnded { message, task } => {
            Subject::Other(said(message), Box::new(notice::task_ended(&about, task)))
        }
        Occasion::Completed => {
            // An end is told once, however often it is reported.
            let moment = session.record.active_at;
            let end = Matter { kind: told::COMPLETION, subject: String::new(), moment };
            Subject::Other(end, Box::new(notice::completion(&about)))
        }
    };
    Ok(Some(Found { key, about, subject }))
}

/// Questions that wait in the session and that nobody has answered.
fn open_questions(conn: &mut Connection, session: &Session) -> store::Result<Vec<(Matter, Request)>> {
    let decided = store::decisions::of_session(conn, session.record.key)?;
    let state = session.facts.agent_state.as_ref();
    let requests = state.and_then(|state| state.get("requests"));
    let pending = session.facts.pending.iter().map(|request| {
        let arguments = requests.and_then(|all| all.get(&request.id)?.get("arguments"));
        let moment = request.created_at.unwrap_or(0);
        (
            Matter { kind: told::REQUEST, subject: request.id.clone(), moment },
            Request {
                id: request.id.clone(),
                tool: request.tool.clone(),
                arguments: arguments.cloned().unwrap_or(Value::Null),
            },
        )
    });
    let is_answered = |matter: &Matter| {
        decided.iter().any(|row| {
            row.request_id == matter.subject
                && row.request_created_at == matter.moment
                && matches!(row.state.as_str(), "pending" | "delivered")
        })
    };
    Ok(pending.filter(|(matter, _)| !is_answered(matter)).collect())
}

fn last_said(conn: &mut Connection, key: i64) -> store::Result<Option<String>> {
    let rows = store::messages::before(conn, key, None, LOOK_BACK)?;
    Ok(rows.into_iter().find_map(|row| content::assistant_text(&json::read(&row.content)?)))
}
