//! The words of each notice. Where people ask for details, what an agent is about to do and what it said come along.

use serde_json::Value;

use super::{
    Kind, Notice, Task, arguments,
    cut::{DOTS, ELLIPSIS, cut},
    question,
    summary::{Said, said},
};
use crate::domain::{flavor::Flavor, ids::SessionId, session::Session, title};

/// Names come from agents and may be of any length.
const LONGEST_NAME: usize = 120;
const LONGEST_SUMMARY: usize = 2_000;
const LONGEST_ARGUMENT: usize = 120;
/// So many of several requests are named.
const NAMED: usize = 3;

/// Whom a notice is about.
#[derive(Clone, Debug)]
pub struct About {
    session: SessionId,
    name: String,
    agent: &'static str,
    has_details: bool,
}

/// A question that waits for a person.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: String,
    pub tool: String,
    pub arguments: Value,
}

impl About {
    pub fn of(session: &Session, has_details: bool) -> Self {
        let facts = &session.facts;
        let flavor = facts.flavor_name.as_deref().and_then(Flavor::parse);
        let name = title::display(facts.metadata.as_ref(), session.id().as_str());
        Self {
            session: session.id().clone(),
            name: cut(&name, LONGEST_NAME, ELLIPSIS),
            agent: flavor.map_or("Agent", Flavor::label),
            has_details,
        }
    }

    fn notice(&self, kind: Kind, title: String, body: String) -> Notice {
        Notice { kind, title, body, session: self.session.clone(), request: None }
    }
}

/// Questions that nobody was told of yet, in the order in which the agent asked. `None` when there are none.
pub fn requests(about: &About, new: &[Request]) -> Option<Notice> {
    let first = new.first()?;
    let notice = if new.iter().all(|request| question::is_question(&request.tool)) {
        let title = format!("{} needs your input", about.agent);
        let body = question::body(new.iter().map(|request| &request.arguments), &about.name);
        about.notice(Kind::Input, title, body)
    } else {
        let body = if about.has_details { with_details(about, new) } else { tools(about, new) };
        about.notice(Kind::Permission, "Permission Request".to_owned(), body)
    };
    Some(Notice { request: Some(first.id.clone()), ..notice })
}

fn tool(request: &Request) -> String {
    cut(&request.tool, LONGEST_NAME, ELLIPSIS)
}

fn tools(about: &About, new: &[Request]) -> String {
    if let [only] = new {
        return format!("{} ({})", about.name, tool(only));
    }
    let named: Vec<String> = new.iter().take(NAMED).map(tool).collect();
    let rest = if new.len() > NAMED { ", …" } else { "" };
    format!("{} ({} requests: {}{rest})", about.name, new.len(), named.join(", "))
}

fn with_details(about: &About, new: &[Request]) -> String {
    let with_argument = |request: &Request| match arguments::compact(&request.tool, &request.arguments) {
        compact if compact.is_empty() => tool(request),
        compact => format!("{}: {compact}", tool(request)),
    };
    let [only] = new else {
        let each = new.iter().take(NAMED).map(with_argument);
        return std::iter::once(tools(about, new)).chain(each).collect::<Vec<_>>().join("\n");
    };
    let mut lines = vec![format!("{} {}", about.agent, with_argument(only))];
    if about.name != about.agent {
        lines.push(format!("Session: {}", about.name));
    }
    let compact = arguments::compact(&only.tool, &only.arguments);
    let detailed = arguments::detailed(&only.tool, &only.arguments, LONGEST_ARGUMENT);
    if !detailed.is_empty() && detailed != compact {
        lines.push(detailed);
    }
    lines.join("\n")
}

/// The agent waits. `last` is what it said last.
pub fn ready(about: &About, last: Option<&str>) -> Notice {
    match last.filter(|_| about.has_details).and_then(said) {
        Some(Said::Summary(body)) => {
            about.notice(Kind::Ready, format!("{} - {}", about.agent, about.name), body)
        }
        Some(Said::Text(body)) => about.notice(Kind::Ready, "Ready for input".to_owned(), body),
        None => {
            let body = format!("{} is waiting in {}", about.agent, about.name);
            about.notice(Kind::Ready, "Ready for input".to_owned(), body)
        }
    }
}

pub fn task_ended(about: &About, task: &Task) -> Notice {
    let title = if task.has_failed { "Task failed" } else { "Task completed" };
    let summary = cut(&task.summary, LONGEST_SUMMARY, DOTS);
    about.notice(Kind::Task, title.to_owned(), format!("{} · {} · {summary}", about.agent, about.name))
}

/// The agent ended the session by itself, its work done.
pub fn completion(about: &About) -> Notice {
    about.notice(
        Kind::Completion,
        "Session completed".to_owned(),
        format!("{} · {}", about.agent, about.name),
    )
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use serde_json::json;

    use super::*;

    fn about(has_details: bool) -> About {
        About { session: "5f0c".into(), name: "app".into(), agent: "Claude", has_details }
    }

    fn request(id: &str, tool: &str, arguments: Value) -> Request {
        Request { id: id.into(), tool: tool.into(), arguments }
    }

    fn told(new: &[Request], has_details: bool) -> (String, String, Option<String>) {
        let notice = requests(&about(has_details), new).unwrap();
        (notice.title, notice.body, notice.request)
    }

    #[test]
    fn requests_are_named_or_counted() {
        assert!(requests(&about(false), &[]).is_none());
        let bash = request("q1", "Bash", json!({ "command": "make" }));
        let edit = request("q2", "Edit", json!({ "path": "/a/b/c", "old_string": "x" }));
        let ask = request("q3", "AskUserQuestion", json!({ "questions": [{ "question": "Which?" }] }));
        let permission = |body: &str, id: &str| ("Permission Request".into(), body.into(), Some(id.into()));
        assert_eq!(told(from_ref(&bash), false), permission("app (Bash)", "q1"));
        let both = [edit.clone(), bash.clone()];
        assert_eq!(told(&both, false), permission("app (2 requests: Edit, Bash)", "q2"));
        let four = [bash.clone(), ask.clone(), edit.clone(), edit.clone()];
        assert_eq!(told(&four, false), permission("app (4 requests: Bash, AskUserQuestion, Edit, …)", "q1"));
        let input = |body: &str| ("Claude needs your input".into(), body.into(), Some("q3".into()));
        assert_eq!(told(from_ref(&ask), false), input("Which?\napp"));
        assert_eq!(told(&[ask.clone(), ask], true), input("Which?\n+1 more question\napp"));
        assert_eq!(told(&[bash], true), permission("Claude Bash: make\nSession: app", "q1"));
        let long = "Claude Edit: .../b/c\nSession: app\n/a/b/c\n\"x\" → \"\"";
        assert_eq!(told(&[edit], true), permission(long, "q2"));
        let lines = "app (2 requests: Edit, Bash)\nEdit: .../b/c\nBash: make";
        assert_eq!(told(&both, true), permission(lines, "q2"));
    }

    #[test]
    fn other_notices_say_who_and_where() {
        let notice = ready(&about(false), Some("AGENT_NOTIFY_SUMMARY {\"summary\":\"Done\"}"));
        assert_eq!(
            (notice.title.as_str(), notice.body.as_str()),
            ("Ready for input", "Claude is waiting in app")
        );
        assert_eq!(notice.tag().as_deref(), Some("ready-5f0c"));
        let notice = ready(&about(true), Some("AGENT_NOTIFY_SUMMARY {\"summary\":\"Done\"}"));
        assert_eq!((notice.title.as_str(), notice.body.as_str()), ("Claude - app", "Done"));
        let notice = ready(&about(true), Some("I am done."));
        assert_eq!((notice.title.as_str(), notice.body.as_str()), ("Ready for input", "I am done."));
        assert_eq!(ready(&about(true), Some(" ")).body, "Claude is waiting in app");
        let task = Task { summary: "tests broke".into(), has_failed: true };
        let notice = task_ended(&about(false), &task);
        assert_eq!(
            (notice.title.as_str(), notice.body.as_str()),
            ("Task failed", "Claude · app · tests broke")
        );
        assert_eq!((notice.tag(), notice.url().as_str()), (None, "/sessions/5f0c"));
        let notice = completion(&about(false));
        assert_eq!((notice.title.as_str(), notice.body.as_str()), ("Session completed", "Claude · app"));
    }
}
