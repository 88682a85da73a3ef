//! Two sessions that are one conversation: how they are recognised, and which of them takes in the others.

use std::sync::Arc;

use super::{
    ids::{Millis, SessionId},
    metadata,
    session::Session,
};

/// Names the conversation of a session by the agent's own id. `None` while that may not be the last word.
pub fn conversation(session: &Session) -> Option<Arc<str>> {
    let stored = session.facts.metadata.as_ref()?;
    let (key, id) = metadata::native_id(stored)?;
    // One that was imported and not gone on with yet is joined only when a person says so.
    let is_imported = session.facts.lifecycle_state.as_deref() == Some("imported");
    let is_loading = session.is_cursor_acp() && session.turn.active && !session.is_ready;
    if is_loading || is_imported || stored.get("piResumeAttempt").is_some() {
        return None;
    }
    // Pi's ids are unique on one machine only.
    let machine = session.facts.machine_id.as_deref().filter(|_| key == "piSessionId").unwrap_or_default();
    Some(format!("{key}\n{id}\n{machine}").into())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub id: SessionId,
    pub is_active: bool,
    pub updated_at: Millis,
}

/// Which session takes in which others. `None`: nothing is to be done, above all while two of them are active, since
/// history is never moved between two that live.
pub fn choose(mut candidates: Vec<Candidate>) -> Option<(SessionId, Vec<SessionId>)> {
    if candidates.len() < 2 || candidates.iter().filter(|one| one.is_active).count() > 1 {
        return None;
    }
    candidates.sort_by(|a, b| {
        (b.is_active, b.updated_at).cmp(&(a.is_active, a.updated_at)).then_with(|| a.id.cmp(&b.id))
    });
    let mut ids = candidates.into_iter().map(|one| one.id);
    let target = ids.next()?;
    Some((target, ids.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(id: &str, is_active: bool, updated_at: Millis) -> Candidate {
        Candidate { id: id.into(), is_active, updated_at }
    }

    #[test]
    fn the_active_one_takes_in_the_others_then_the_most_recent() {
        let chosen = choose(vec![one("a", false, 9), one("b", true, 1), one("c", false, 5)]);
        assert_eq!(chosen, Some(("b".into(), vec!["a".into(), "c".into()])));
        let chosen = choose(vec![one("a", false, 5), one("b", false, 9)]);
        assert_eq!(chosen, Some(("b".into(), vec!["a".into()])));
    }

    #[test]
    fn two_that_live_are_left_alone() {
        assert_eq!(choose(vec![one("a", true, 5), one("b", true, 9), one("c", false, 1)]), None);
        assert_eq!(choose(vec![one("a", false, 5)]), None);
    }

    proptest::proptest! {
        #[test]
        fn everybody_is_accounted_for_once(
            rows in proptest::collection::vec((proptest::bool::ANY, 0..5_i64), 0..6),
        ) {
            let all: Vec<_> = rows.iter().enumerate().map(|(n, (active, at))| one(&n.to_string(), *active, *at)).collect();
            if let Some((target, sources)) = choose(all.clone()) {
                let mut ids: Vec<_> = sources.iter().cloned().chain([target.clone()]).collect();
                ids.sort();
                proptest::prop_assert_eq!(ids, all.iter().map(|one| one.id.clone()).collect::<Vec<_>>());
                let is_active = |id: &SessionId| all.iter().any(|one| one.id == *id && one.is_active);
                proptest::prop_assert!(!sources.iter().any(is_active));
            }
        }
    }
}
