//! A person's answer to a question of the agent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::flavor;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approved,
    ApprovedForSession,
    Denied,
    Abort,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    pub approved: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_tools: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Texts by question, plain or wrapped in `{"answers": […]}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Value>,
}

impl Answer {
    /// The body of an approval; `None` when it has a wrong shape.
    pub fn approve(body: &Value) -> Option<Self> {
        let body = body.as_object()?;
        let mode =
            optional(body, "mode", |mode| mode.as_str().filter(|mode| flavor::is_permission_mode(mode)))?;
        Some(Self {
            approved: true,
            mode: mode.map(str::to_owned),
            allow_tools: optional(body, "allowTools", texts)?,
            decision: optional(body, "decision", decision)?,
            answers: optional(body, "answers", |answers| are_answers(answers).then(|| answers.clone()))?,
        })
    }

    /// The body of a refusal. Only the decision counts.
    pub fn deny(body: &Value) -> Option<Self> {
        let decision = optional(body.as_object()?, "decision", decision)?;
        Some(Self { approved: false, mode: None, allow_tools: None, decision, answers: None })
    }

    /// What the agent is sent. What was not said is left out.
    pub fn rpc_params(&self, request_id: &str) -> Value {
        let mut params = Map::new();
        params.insert("id".to_owned(), request_id.into());
        if let Ok(Value::Object(said)) = serde_json::to_value(self) {
            params.extend(said);
        }
        Value::Object(params)
    }

    /// Whether both tell the agent the same. The order of tools, the two spellings of answers and a decision that only
    /// repeats the approval make no difference.
    pub fn is_same(&self, other: &Self) -> bool {
        self.approved == other.approved
            && self.mode == other.mode
            && self.plain_decision() == other.plain_decision()
            && self.sorted_tools() == other.sorted_tools()
            && self.answers.as_ref().map(plain_answers) == other.answers.as_ref().map(plain_answers)
    }

    fn plain_decision(&self) -> Decision {
        self.decision.unwrap_or(if self.approved { Decision::Approved } else { Decision::Denied })
    }

    fn sorted_tools(&self) -> Vec<&String> {
        let mut tools: Vec<_> = self.allow_tools.iter().flatten().collect();
        tools.sort_unstable();
        tools.dedup();
        tools
    }
}

/// An absent key is fine, a wrong one spoils the body.
fn optional<'a, T>(
    body: &'a Map<String, Value>,
    key: &str,
    read: impl FnOnce(&'a Value) -> Option<T>,
) -> Option<Option<T>> {
    match body.get(key) {
        None => Some(None),
        Some(value) => read(value).map(Some),
    }
}

fn decision(value: &Value) -> Option<Decision> {
    Decision::deserialize(value).ok()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    Vec::deserialize(value).ok()
}

fn are_answers(answers: &Value) -> bool {
    let plain = |answer: &Value| texts(answer).is_some();
    let wrapped = |answer: &Value| answer.get("answers").is_some_and(plain);
    answers.as_object().is_some_and(|answers| answers.values().all(plain) || answers.values().all(wrapped))
}

fn plain_answers(answers: &Value) -> Value {
    let entries = answers.as_object().into_iter().flatten();
    entries
        .map(|(question, answer)| (question.clone(), answer.get("answers").unwrap_or(answer).clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn approve(body: Value) -> Answer {
        Answer::approve(&body).unwrap()
    }

    #[test]
    fn what_was_not_said_is_not_sent() {
        assert_eq!(approve(json!({})).rpc_params("r1"), json!({"id": "r1", "approved": true}));
        let full = json!({"mode": "acceptEdits", "allowTools": ["Bash"], "decision": "approved_for_session", "answers": {"q": ["a"]}});
        let mut expected = full.clone();
        expected["id"] = json!("r1");
        expected["approved"] = json!(true);
        assert_eq!(approve(full).rpc_params("r1"), expected);
        let denied = Answer::deny(&json!({"decision": "abort", "mode": 5})).unwrap();
        assert_eq!(denied.rpc_params("r:1"), json!({"id": "r:1", "approved": false, "decision": "abort"}));
    }

    #[test]
    fn wrong_shapes_are_refused() {
        for body in [
            json!(null),
            json!([]),
            json!({"mode": "fast"}),
            json!({"mode": null}),
            json!({"allowTools": "Bash"}),
            json!({"allowTools": [1]}),
            json!({"decision": "yes"}),
            json!({"answers": {"q": "a"}}),
            json!({"answers": {"q": ["a"], "r": {"answers": ["b"]}}}),
            json!({"answers": []}),
        ] {
            assert_eq!(Answer::approve(&body), None, "{body}");
        }
        assert_eq!(Answer::deny(&json!({"decision": 1})), None);
    }

    #[test]
    fn the_same_answer_is_known_in_another_dress() {
        let one = approve(json!({"allowTools": ["b", "a"], "answers": {"q": ["x"], "r": ["y"]}}));
        let two = approve(
            json!({"answers": {"r": {"answers": ["y"]}, "q": {"answers": ["x"]}}, "decision": "approved", "allowTools": ["a", "b"]}),
        );
        assert!(one.is_same(&two));
        let others = [
            json!({"allowTools": ["b", "a"], "answers": {"q": ["x"], "r": ["z"]}}),
            json!({"allowTools": ["b"], "answers": {"q": ["x"], "r": ["y"]}}),
            json!({"allowTools": ["b", "a"]}),
        ];
        assert!(others.into_iter().all(|other| !one.is_same(&approve(other))));
        assert!(!approve(json!({})).is_same(&Answer::deny(&json!({})).unwrap()));
        assert!(!approve(json!({})).is_same(&approve(json!({"decision": "approved_for_session"}))));
        assert!(!approve(json!({})).is_same(&approve(json!({"mode": "plan"}))));
    }

    #[test]
    fn an_answer_is_stored_and_read_back() {
        let answer = approve(json!({"allowTools": ["a"], "decision": "denied"}));
        let stored = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&stored).unwrap(), answer);
    }
}
