use super::*;

fn text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn message(state: Option<&str>, invoked_at: Option<i64>) -> MessageRow {
    MessageRow {
        id: text("m"),
        content: text("{}"),
        delivery_state: state.and_then(text),
        created_at: Some(5),
        seq: Some(1),
        invoked_at,
        ..MessageRow::default()
    }
}

#[test]
fn only_prompts_that_nobody_took_can_be_of_uncertain_delivery() {
    for (state, invoked_at, expected) in [
        (None, None, DeliveryState::Queued),
        (Some("queued"), None, DeliveryState::Queued),
        (Some("dispatching"), None, DeliveryState::Indeterminate),
        (Some("dispatching"), Some(6), DeliveryState::Queued),
        (Some("indeterminate"), None, DeliveryState::Indeterminate),
        (Some("from the future"), None, DeliveryState::Indeterminate),
    ] {
        let converted = Repairs::default().message(message(state, invoked_at), false).unwrap();
        assert_eq!(converted.delivery_state, expected, "{state:?} {invoked_at:?}");
    }
}

#[test]
fn files_from_before_prompts_waited_have_taken_everything() {
    let taken = Repairs::default().message(message(None, None), true).unwrap();
    assert_eq!((taken.invoked_at, taken.position().at), (Some(5), 5));
    let waits = Repairs::default().message(message(None, None), false).unwrap();
    assert_eq!(waits.invoked_at, None);
}

#[test]
fn what_is_missing_in_a_session_has_the_meaning_of_its_age() {
    let mut repairs = Repairs::default();
    let row = SessionRow { id: text("s"), created_at: Some(7), ..SessionRow::default() };
    let Adopted { record, seq_floor } = repairs.session(row, 0);
    assert_eq!((record.namespace.as_str(), record.updated_at, record.active_at), ("default", 7, 7));
    assert_eq!((record.metadata_version, record.agent_state_version, record.message_epoch), (1, 1, 1));
    assert_eq!((record.metadata.is_none(), record.pin, seq_floor, record.seen_at), (true, Pin::None, 0, 7));
    assert_eq!(repairs, Repairs::default());
}

#[test]
fn odd_values_are_replaced_and_counted() {
    let mut repairs = Repairs::default();
    let row = SessionRow {
        id: text("s"),
        tag: Some(b"a\xff".to_vec()),
        metadata: text("no json"),
        agent_state: text(r#"{"a":"\ud83d"}"#),
        todos: text("null"),
        created_at: Some(-1),
        metadata_version: Some(i64::MAX),
        pinned: Some(1),
        global_pinned: Some(1),
        ..SessionRow::default()
    };
    let record = repairs.session(row, i64::MAX).record;
    assert_eq!(record.tag.as_deref(), Some("a\u{fffd}"));
    assert!(record.metadata.is_none() && record.todos.is_none());
    assert_eq!(record.agent_state.as_ref().map(|raw| raw.get()), Some(r#"{"a":"\uFFFD"}"#));
    assert_eq!((record.created_at, record.metadata_version, record.pin), (0, MAX_SAFE, Pin::Global));
    assert_eq!(record.message_epoch, MAX_SAFE);
    let expected =
        Repairs { repaired_texts: 2, unreadable_fields: 1, clamped_numbers: 3, ..Repairs::default() };
    assert_eq!(repairs, expected);
}

#[test]
fn a_row_without_its_name_is_no_row() {
    let mut repairs = Repairs::default();
    assert!(repairs.message(MessageRow::default(), false).is_none());
    assert!(repairs.machine(MachineRow::default()).is_none());
    assert!(repairs.note(NoteRow::default(), 1).is_none());
    assert!(repairs.user(UserRow::default()).is_none());
    assert!(repairs.push_subscription(PushRow::default()).is_none());
    assert!(repairs.device(DeviceRow::default()).is_none());
}
