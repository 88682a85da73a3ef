//! The team of agents that a session leads, followed through the tools its agent calls.

use serde_json::{Map, Value, json};

use super::{
    content::{ToolCall, tool_calls},
    ids::Millis,
    shape::{Shape, optional, required},
};

const MEMBER: Shape = Shape::Object(&[
    required("name", Shape::Text),
    optional("agentType", Shape::Text),
    optional("status", Shape::OneOf(&["active", "idle", "shutdown"])),
]);

const TASK_STATUSES: &[&str] = &["pending", "in_progress", "completed", "blocked"];

const TASK: Shape = Shape::Object(&[
    required("id", Shape::Text),
    required("title", Shape::Text),
    optional("description", Shape::Text),
    optional("status", Shape::OneOf(TASK_STATUSES)),
    optional("owner", Shape::Text),
]);

const MESSAGE_TYPES: &[&str] = &["message", "broadcast", "shutdown_request", "shutdown_response"];

const MESSAGE: Shape = Shape::Object(&[
    required("from", Shape::Text),
    required("to", Shape::Text),
    required("summary", Shape::Text),
    required("type", Shape::OneOf(MESSAGE_TYPES)),
    required("timestamp", Shape::Number),
]);

const TEAM: Shape = Shape::Object(&[
    required("teamName", Shape::Text),
    optional("description", Shape::Text),
    optional("members", Shape::List(&MEMBER)),
    optional("tasks", Shape::List(&TASK)),
    optional("messages", Shape::List(&MESSAGE)),
    optional("updatedAt", Shape::Number),
]);

const KEPT_MESSAGES: usize = 50;

/// What a message makes of the team. No state means that there is no team any more.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamChange {
    pub state: Option<Value>,
}

/// The public view.
pub fn view(state: &Value) -> Option<Value> {
    TEAM.narrow(state)
}

/// Folds the team tools of one message into the state. `None` when it calls none.
pub fn apply(message: &Value, current: Option<&Value>, now: Millis) -> Option<TeamChange> {
    let actions: Vec<_> = tool_calls(message).into_iter().filter_map(|call| action(call, now)).collect();
    if actions.is_empty() {
        return None;
    }
    let mut state = current.and_then(view);
    for action in actions {
        match action {
            Action::Create(team) => state = Some(team),
            Action::Delete => state = None,
            Action::Update(update) => {
                if let Some(team) = state.as_mut().and_then(Value::as_object_mut) {
                    update.apply_to(team);
                    team.insert("updatedAt".to_owned(), now.into());
                }
            }
        }
    }
    Some(TeamChange { state })
}

enum Action {
    Create(Value),
    Delete,
    Update(Update),
}

#[derive(Default)]
struct Update {
    member: Option<Map<String, Value>>,
    task: Option<Map<String, Value>>,
    message: Option<Value>,
    /// Its member is marked as shut down, if there is one.
    shut_down: Option<String>,
}

fn action(call: ToolCall<'_>, now: Millis) -> Option<Action> {
    let update = match call.name {
        "TeamCreate" => return create(call.input, now).map(Action::Create),
        "TeamDelete" => return Some(Action::Delete),
        "Task" => task(call.input)?,
        "TaskCreate" => Update { task: Some(task_create(call.input)?), ..Update::default() },
        "TaskUpdate" => Update { task: Some(task_update(call.input)?), ..Update::default() },
        "SendMessage" => send_message(call.input, now)?,
        _ => return None,
    };
    Some(Action::Update(update))
}

fn create(input: &Value, now: Millis) -> Option<Value> {
    let mut team = fields([
        ("teamName", Some(filled(input, "team_name")?)),
        ("description", filled(input, "description")),
    ]);
    for list in ["members", "tasks", "messages"] {
        team.insert(list.to_owned(), json!([]));
    }
    team.insert("updatedAt".to_owned(), now.into());
    Some(Value::Object(team))
}

/// An agent started for the team: a member, and a task when it is said what it does.
fn task(input: &Value) -> Option<Update> {
    filled(input, "team_name")?;
    let name = filled(input, "name")?;
    let member = fields([
        ("name", Some(name)),
        ("agentType", filled(input, "subagent_type")),
        ("status", Some("active")),
    ]);
    let id = format!("agent:{name}");
    let task = filled(input, "description").map(|title| {
        fields([
            ("id", Some(&*id)),
            ("title", Some(title)),
            ("status", Some("in_progress")),
            ("owner", Some(name)),
        ])
    });
    Some(Update { member: Some(member), task, ..Update::default() })
}

fn task_create(input: &Value) -> Option<Map<String, Value>> {
    Some(fields([
        ("id", Some(task_id(input)?)),
        ("title", Some(filled(input, "title").or_else(|| filled(input, "content"))?)),
        ("description", filled(input, "description")),
        ("status", Some(status(input).unwrap_or("pending"))),
        ("owner", filled(input, "owner")),
    ]))
}

fn task_update(input: &Value) -> Option<Map<String, Value>> {
    let change = fields([
        ("id", Some(task_id(input)?)),
        ("title", filled(input, "title")),
        ("description", filled(input, "description")),
        ("status", status(input)),
        ("owner", filled(input, "owner")),
    ]);
    (change.len() > 1).then_some(change)
}

fn send_message(input: &Value, now: Millis) -> Option<Update> {
    let kind = filled(input, "type")?;
    let kind = if MESSAGE_TYPES.contains(&kind) { kind } else { "message" };
    let recipient = filled(input, "recipient");
    let to = if kind == "broadcast" { "all" } else { recipient.unwrap_or("all") };
    let summary = input.get("summary").and_then(Value::as_str).unwrap_or_default();
    let message = json!({"from": "team-lead", "to": to, "summary": summary, "type": kind, "timestamp": now});
    let shut_down = recipient.filter(|_| kind == "shutdown_request").map(str::to_owned);
    Some(Update { message: Some(message), shut_down, ..Update::default() })
}

impl Update {
    fn apply_to(self, team: &mut Map<String, Value>) {
        if let Some(member) = self.member {
            change_list(team, "members", |members| upsert(members, "name", member, true));
        }
        if let Some(task) = self.task {
            let is_whole = task.contains_key("title");
            change_list(team, "tasks", |tasks| upsert(tasks, "id", task, is_whole));
        }
        if let Some(message) = self.message {
            change_list(team, "messages", |messages| {
                messages.push(message);
                messages.drain(..messages.len().saturating_sub(KEPT_MESSAGES));
            });
        }
        if let Some(name) = self.shut_down {
            let gone = fields([("name", Some(&*name)), ("status", Some("shutdown"))]);
            change_list(team, "members", |members| upsert(members, "name", gone, false));
        }
    }
}

/// Merges an entry into the one of the same key, or adds it if it may be added.
fn upsert(list: &mut Vec<Value>, key: &str, entry: Map<String, Value>, may_add: bool) {
    let id = entry.get(key);
    match list.iter_mut().find(|known| known.get(key) == id).and_then(Value::as_object_mut) {
        Some(known) => known.extend(entry),
        None if may_add => list.push(Value::Object(entry)),
        None => {}
    }
}

/// Changes a list of the team, which is made when it is missing. The state was narrowed, so it is nothing but a list.
fn change_list(team: &mut Map<String, Value>, key: &str, change: impl FnOnce(&mut Vec<Value>)) {
    if let Value::Array(list) = team.entry(key).or_insert_with(|| json!([])) {
        change(list);
    }
}

fn fields<const N: usize>(entries: [(&str, Option<&str>); N]) -> Map<String, Value> {
    entries.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))).collect()
}

fn filled<'a>(input: &'a Value, key: &str) -> Option<&'a str> {
    input.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn task_id(input: &Value) -> Option<&str> {
    filled(input, "task_id").or_else(|| filled(input, "id"))
}

fn status(input: &Value) -> Option<&str> {
    filled(input, "status").filter(|status| TASK_STATUSES.contains(status))
}

#[cfg(test)]
#[path = "team_tests.rs"]
mod tests;
