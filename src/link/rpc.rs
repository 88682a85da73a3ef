//! Calls from the hub into a CLI, and who serves which method.

use std::{collections::HashMap, time::Duration};

use actix::Message;
use serde_json::{Value, json};

use super::{CallError, LinkId, LinkRef};
use crate::domain::json::{self as raw, Json};

/// How long most calls may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Relays a call to the process that serves a session or a machine.
#[derive(Message)]
#[rtype(result = "Result<Json, RpcError>")]
pub struct Call {
    pub method: &'static str,
    pub params: Value,
    pub within: Duration,
}

/// A link serves a method, given without the id of what it is a method of.
#[derive(Message)]
#[rtype(result = "()")]
pub struct RegisterMethod {
    pub link: LinkId,
    pub method: String,
}

#[derive(Message)]
#[rtype(result = "()")]
pub struct UnregisterMethod {
    pub link: LinkId,
    pub method: String,
}

/// Why a call has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RpcError {
    #[error("RPC handler not registered: {0}")]
    NotRegistered(String),
    #[error("RPC socket disconnected: {0}")]
    Disconnected(String),
    #[error("operation has timed out")]
    TimedOut,
}

impl RpcError {
    /// Nobody was asked, as opposed to: nobody answered.
    pub fn is_target_missing(&self) -> bool {
        matches!(self, Self::NotRegistered(_) | Self::Disconnected(_))
    }
}

/// Which link serves which method of one session or machine. The last registration wins, and what it took over does
/// not come back, but for one case: a registration that an old connection still carried arrives behind that of the new
/// connection. When the old one is gone, the younger serves again.
#[derive(Default)]
pub struct Methods {
    /// Who registered the method and may serve it, the owner last.
    links: HashMap<String, Vec<LinkId>>,
}

/// More than any released client registers, by far.
const MOST: usize = 512;

impl Methods {
    pub fn register(&mut self, method: &str, link: LinkId) {
        if self.links.len() >= MOST && !self.links.contains_key(method) {
            return;
        }
        let links = self.links.entry(method.to_owned()).or_default();
        links.retain(|known| *known != link);
        links.push(link);
    }

    pub fn unregister(&mut self, method: &str, link: LinkId) {
        if self.owner(method) == Some(link) {
            self.links.remove(method);
        } else if let Some(links) = self.links.get_mut(method) {
            links.retain(|known| *known != link);
        }
    }

    /// Forgets what the link still owns; methods that another link took over stay.
    pub fn forget(&mut self, link: LinkId) {
        self.links.retain(|_, links| {
            if links.last() == Some(&link) {
                links.retain(|known| *known > link);
            } else {
                links.retain(|known| *known != link);
            }
            !links.is_empty()
        });
    }

    pub fn owner(&self, method: &str) -> Option<LinkId> {
        self.links.get(method)?.last().copied()
    }
}

/// Calls `<scope>:<method>` on its owner. The future holds nothing of the actor that made it.
pub fn call(
    methods: &Methods,
    links: &[LinkRef],
    scope: &str,
    method: &str,
    params: &Value,
    within: Duration,
) -> impl Future<Output = Result<Json, RpcError>> + use<> {
    let full = format!("{scope}:{method}");
    let owner = methods.owner(method);
    let link = owner.and_then(|owner| links.iter().find(|link| link.id == owner)).cloned();
    let payload = raw::write(&json!({ "method": &full, "params": params.to_string() }));
    async move {
        let link = match (link, owner) {
            (Some(link), _) => link,
            (None, None) => return Err(RpcError::NotRegistered(full)),
            (None, Some(_)) => return Err(RpcError::Disconnected(full)),
        };
        let answer = link.peer.call("rpc-request", &payload, within).await.map_err(|error| match error {
            CallError::Gone => RpcError::Disconnected(full),
            CallError::TimedOut | CallError::Lost => RpcError::TimedOut,
        })?;
        Ok(unwrap(answer))
    }
}

/// CLIs answer a string that holds JSON, or a value. A string that holds none is the result itself.
fn unwrap(answer: Json) -> Json {
    if !answer.get().starts_with('"') {
        return answer;
    }
    let Ok(text) = serde_json::from_str::<String>(answer.get()) else {
        return raw::read(&answer)
            .as_ref()
            .and_then(Value::as_str)
            .and_then(|text| raw::raw(text.to_owned()))
            .unwrap_or(answer);
    };
    raw::raw(text).unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_registration_wins_and_does_not_come_back() {
        let (a, b) = (LinkId::next(), LinkId::next());
        let mut methods = Methods::default();
        methods.register("abort", a);
        methods.register("abort", b);
        methods.forget(a);
        assert_eq!(methods.owner("abort"), Some(b));
        methods.register("abort", a);
        methods.register("abort", b);
        methods.forget(b);
        assert_eq!(methods.owner("abort"), None);
        methods.register("abort", b);
        methods.register("abort", a);
        methods.unregister("abort", a);
        assert_eq!(methods.owner("abort"), None);
    }

    #[test]
    fn a_late_word_of_an_old_connection_does_not_silence_the_new_one() {
        let (old, new) = (LinkId::next(), LinkId::next());
        let mut methods = Methods::default();
        methods.register("permission", new);
        methods.register("permission", old);
        methods.forget(old);
        assert_eq!(methods.owner("permission"), Some(new));
    }

    #[test]
    fn a_string_that_holds_json_is_opened() {
        let open = |text: &str| unwrap(raw::raw(text.to_owned()).unwrap()).get().to_owned();
        assert_eq!(open(r#""{\"success\":true}""#), r#"{"success":true}"#);
        assert_eq!(open(r#""plain words""#), r#""plain words""#);
        assert_eq!(open("null"), "null");
        assert_eq!(open(r#"{"a":1}"#), r#"{"a":1}"#);
    }
}
