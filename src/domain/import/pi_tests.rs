use super::*;

fn says(text: &str) -> Value {
    json!({ "role": "user", "content": { "type": "text", "text": text }, "meta": { "sentFrom": "cli" } })
}

/// A conversation of entries `e0`, `e1` and so on, each with one message.
fn conversation(texts: &[&str]) -> Conversation {
    let messages: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            let (local_id, entry) = (format!("pi:p:{at}"), format!("e{at}"));
            json!({ "localId": local_id, "entryId": entry, "createdAt": at, "content": says(text) })
        })
        .collect();
    let branch: Vec<String> = (0..texts.len()).map(|at| format!("e{at}")).collect();
    let read = json!({
        "id": "p", "title": "P", "file": "/f", "modifiedAt": 9, "messageCount": texts.len(),
        "leafEntryId": branch.last(), "activeEntryIds": branch, "messages": messages,
    });
    Conversation::read(&read).unwrap()
}

fn row(local_id: Option<&str>, text: &str) -> Stored {
    Stored { local_id: local_id.map(str::to_owned), content: says(text) }
}

fn lacks(verdict: Verdict) -> Option<Vec<String>> {
    match verdict {
        Verdict::Lacks(arrivals) => Some(arrivals.into_iter().map(|one| one.local_id).collect()),
        Verdict::Diverged => None,
    }
}

fn at(leaf: &str) -> Value {
    json!({ "piHistoryLeafEntryId": leaf })
}

#[test]
fn an_empty_session_lacks_everything_and_an_imported_one_the_rest() {
    let all = conversation(&["a", "b", "c"]);
    assert_eq!(lacks(all.compare(None, &[])).unwrap().len(), 3);
    let first = [row(Some("pi:p:0"), "a")];
    assert_eq!(lacks(all.compare(Some(&at("e0")), &first)).unwrap(), ["pi:p:1", "pi:p:2"]);
    assert_eq!(lacks(all.compare(None, &first)).unwrap(), ["pi:p:1", "pi:p:2"]);
    let whole = [row(Some("pi:p:0"), "a"), row(Some("pi:p:1"), "b"), row(Some("pi:p:2"), "c")];
    assert_eq!(lacks(all.compare(Some(&at("e2")), &whole)), Some(Vec::new()));
}

#[test]
fn what_was_said_through_the_hub_is_not_imported_again() {
    let all = conversation(&["a", "b", "c"]);
    let live = [row(Some("loc-1"), "a"), row(None, "b")];
    assert_eq!(lacks(all.compare(Some(&at("e1")), &live)).unwrap(), ["pi:p:2"]);
    assert_eq!(lacks(all.compare(None, &live)), None, "nobody noted how far it went");
}

#[test]
fn what_was_noted_is_where_the_next_import_begins() {
    let place = Place { machine: "m".into(), host: "h".into() };
    let mut all = conversation(&["a", "b"]);
    for leaf in [Some("e1"), Some("of another branch"), None] {
        all.leaf = leaf.map(str::to_owned);
        let mut session = Map::new();
        all.mark(&mut session, &place, 1, None);
        assert_eq!(session["piHistoryLeafEntryId"], "e1");
        let whole = [row(Some("pi:p:0"), "a"), row(Some("pi:p:1"), "b")];
        assert_eq!(lacks(all.compare(Some(&session.into()), &whole)), Some(Vec::new()));
    }
}

#[test]
fn another_branch_or_another_text_is_another_conversation() {
    let all = conversation(&["a", "b"]);
    assert_eq!(lacks(all.compare(Some(&at("elsewhere")), &[])), None);
    assert_eq!(lacks(all.compare(None, &[row(Some("pi:p:0"), "x")])), None);
    assert_eq!(lacks(all.compare(None, &[row(Some("pi:p:7"), "a")])), None);
}
