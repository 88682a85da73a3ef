use proptest::prelude::*;
use serde_json::json;

use super::*;
use CancelStep::{Absent, Ask, Busy, Consume, Delete, Invoked, MarkIndeterminate};
use CancelVerdict::{Consumed, InFlight, Indeterminate, NotFound, Removed, TimedOut};

const VERDICTS: [CancelVerdict; 6] = [Consumed, Indeterminate, InFlight, Removed, TimedOut, NotFound];
const STATES: [DeliveryState; 3] =
    [DeliveryState::Queued, DeliveryState::Dispatching, DeliveryState::Indeterminate];

fn row(state: DeliveryState) -> PromptRow {
    PromptRow { has_local_id: true, is_invoked: false, is_future: false, state, is_shared: false }
}

#[test]
fn every_move_between_two_states_is_allowed() {
    for from in STATES {
        for to in STATES {
            assert_eq!(from.can_become(to), from != to);
        }
        assert_eq!(DeliveryState::parse(from.as_str()), Some(from));
        assert_eq!(serde_json::to_value(from).unwrap(), from.as_str());
    }
    assert_eq!(STATES.map(DeliveryState::shown), [None, Some("indeterminate"), Some("indeterminate")]);
}

#[test]
fn the_gravest_answer_decides() {
    let mut answers = CancelAnswers::default();
    assert_eq!(answers.verdict(), NotFound);
    answers.add_silence();
    assert_eq!(answers.verdict(), TimedOut);
    for (answer, expected) in [
        (json!({"removed": "yes"}), TimedOut),
        (json!({"removed": true}), Removed),
        (json!({"removed": false, "inFlight": true}), InFlight),
        (json!({"removed": true, "indeterminate": true}), Indeterminate),
        (json!({"removed": false, "consumed": true}), Consumed),
        (json!(null), Consumed),
    ] {
        answers.add(&answer);
        assert_eq!(answers.verdict(), expected);
    }
}

#[test]
fn simple_rows_need_no_question() {
    assert_eq!(cancel_step(None, true, None), Absent);
    let queued = row(DeliveryState::Queued);
    assert_eq!(cancel_step(Some(PromptRow { is_invoked: true, ..queued }), true, None), Invoked);
    assert_eq!(
        cancel_step(Some(PromptRow { is_future: true, ..queued }), true, None),
        Delete { tells_local_id: true }
    );
    let anonymous = PromptRow { has_local_id: false, ..queued };
    assert_eq!(cancel_step(Some(anonymous), true, None), Delete { tells_local_id: false });
}

#[test]
fn a_queued_row_follows_the_agents() {
    let queued = Some(row(DeliveryState::Queued));
    assert_eq!(cancel_step(queued, false, None), Delete { tells_local_id: true });
    assert_eq!(cancel_step(queued, true, None), Ask);
    let steps = VERDICTS.map(|verdict| cancel_step(queued, true, Some(verdict)));
    let deleted = Delete { tells_local_id: false };
    assert_eq!(steps, [Consume, MarkIndeterminate, Busy, deleted, MarkIndeterminate, MarkIndeterminate]);
}

#[test]
fn a_row_on_its_way_is_never_deleted() {
    let dispatching = Some(row(DeliveryState::Dispatching));
    assert_eq!(cancel_step(dispatching, true, None), Ask);
    assert_eq!(cancel_step(dispatching, false, None), MarkIndeterminate);
    for verdict in VERDICTS {
        let expected = if verdict == Consumed { Consume } else { MarkIndeterminate };
        assert_eq!(cancel_step(dispatching, true, Some(verdict)), expected);
    }
}

#[test]
fn an_indeterminate_row_is_deleted_when_nobody_has_it() {
    let unknown = Some(row(DeliveryState::Indeterminate));
    let deleted = Delete { tells_local_id: true };
    assert_eq!(cancel_step(unknown, false, None), deleted);
    assert_eq!(cancel_step(unknown, true, None), Ask);
    let steps = VERDICTS.map(|verdict| cancel_step(unknown, true, Some(verdict)));
    assert_eq!(steps, [Consume, Busy, Busy, deleted, Busy, deleted]);
}

#[test]
fn a_shared_session_gives_a_row_back_only_when_it_says_so() {
    for state in STATES {
        let shared = Some(PromptRow { is_shared: true, ..row(state) });
        let away = cancel_step(shared, false, None);
        assert!(matches!(away, MarkIndeterminate | Busy), "{state:?}: {away:?}");
        for verdict in VERDICTS {
            let step = cancel_step(shared, true, Some(verdict));
            assert!(verdict == Removed || !matches!(step, Delete { .. }), "{state:?} {verdict:?}: {step:?}");
        }
    }
}

#[test]
fn only_the_delivery_mode_is_degraded() {
    let steer = r#"{"role":"user","content":{"deliveryMode":"steer","text":"steer \ud83d"},"meta":{"a":{"deliveryMode":"steer"}, "deliveryMode" : "steer","z":1.0}}"#;
    let queue = r#"{"role":"user","content":{"deliveryMode":"steer","text":"steer \ud83d"},"meta":{"a":{"deliveryMode":"steer"}, "deliveryMode" : "queue","z":1.0}}"#;
    assert_eq!(degrade_steer(steer), queue);
    assert_eq!(degrade_steer(queue), queue);
    for other in [r#""steer""#, r#"["meta",["deliveryMode","steer"]]"#, r#"{"meta":["steer"]}"#] {
        assert_eq!(degrade_steer(other), other);
    }
}

proptest! {
    #[test]
    fn a_step_that_keeps_a_row_asks_for_an_allowed_move(
        state in prop::sample::select(&STATES[..]), connected: bool, is_future: bool, is_shared: bool,
        verdict in prop::option::of(prop::sample::select(&VERDICTS[..])),
    ) {
        let row = PromptRow { is_future, is_shared, ..row(state) };
        match cancel_step(Some(row), connected, verdict) {
            Ask => prop_assert!(connected && verdict.is_none(), "asks once, and only whom it can"),
            MarkIndeterminate => prop_assert!(state.can_become(DeliveryState::Indeterminate)),
            Consume => prop_assert_eq!(verdict, Some(Consumed)),
            Delete { .. } => prop_assert_ne!(state, DeliveryState::Dispatching),
            Busy => {}
            Absent | Invoked => prop_assert!(false, "the row is there and waits"),
        }
    }

    #[test]
    fn degrading_touches_nothing_else(mode in "steer|queue|other", text in ".*", local: bool) {
        let content = json!({"role": "user", "content": {"type": "text", "text": text}, "meta": {"deliveryMode": mode, "local": local}});
        let mut expected = content.clone();
        if mode == "steer" {
            expected["meta"]["deliveryMode"] = json!("queue");
        }
        let degraded: Value = serde_json::from_str(&degrade_steer(&content.to_string())).unwrap();
        prop_assert_eq!(degraded, expected);
    }
}
