use serde_json::json;

use super::*;
use crate::domain::scratchlist::Attachment;

const NOW: Millis = 1_790_000_000_000;

fn session() -> Value {
    json!({
        "id": "s1", "createdAt": NOW - 86_400_000, "updatedAt": NOW, "model": "opus",
        "metadata": { "name": "Fix *login*", "path": "/srv/app", "host": "box", "flavor": "claude" },
    })
}

fn claude(kind: &str, content: Value) -> Value {
    let data = json!({ "type": kind, "message": { "content": content } });
    json!({ "role": "agent", "content": { "type": "output", "data": data } })
}

fn codex(data: Value) -> Value {
    json!({ "role": "agent", "content": { "type": "codex", "data": data } })
}

#[test]
fn a_conversation_reads_as_one() {
    let mut transcript = Transcript::of(&session());
    let mut text = transcript.opening(&session(), NOW);
    let prompt = json!({ "type": "text", "text": "why?", "attachments": [{ "filename": "a_b.png" }] });
    for message in [
        json!({ "role": "user", "content": prompt }),
        claude(
            "assistant",
            json!([{ "type": "thinking", "thinking": "hm" }, { "type": "text", "text": "Let me look." }]),
        ),
        claude(
            "assistant",
            json!([{ "type": "tool_use", "id": "c1", "name": "Bash", "input": { "command": "ls\npwd" } }]),
        ),
        claude(
            "user",
            json!([{ "type": "tool_result", "tool_use_id": "c1", "content": "a\n```", "is_error": true }]),
        ),
        json!({ "role": "agent", "content": { "type": "event", "data": { "type": "ready" } } }),
        json!({ "role": "agent", "content": { "type": "event", "data": { "type": "message", "message": "Aborted" } } }),
        claude("assistant", json!("Done: `x`\n```sh\nunfinished")),
        json!({ "role": "user", "content": "thanks" }),
    ] {
        text.push_str(&transcript.message(&message, NOW));
    }
    let file = Attachment {
        id: "i".into(),
        filename: "plan.pdf".into(),
        mime_type: "application/pdf".into(),
        size: 1_025,
        path: "p".into(),
    };
    let note = Entry {
        entry_id: "e".into(),
        text: "ask *again*".into(),
        created_at: NOW,
        updated_at: NOW,
        attachments: vec![file],
    };
    text.push_str(&transcript.notes(&[note]));
    insta::assert_snapshot!(text, @r##"
    # Fix \*login\*

    - **Agent:** Claude
    - **Model:** `opus`
    - **Folder:** `/srv/app`
    - **Computer:** box
    - **Session:** `s1`
    - **Started:** 2026-09-20 14:13 UTC
    - **Last change:** 2026-09-21 14:13 UTC
    - **Exported:** 2026-09-21 14:13 UTC

    ---

    ## You · 2026-09-21 14:13

    why?

    *Attached: a\_b.png*

    ## Claude · 2026-09-21 14:13

    <details><summary>Thinking</summary>

    hm

    </details>

    Let me look.

    <details><summary>Bash: <code>ls…</code></summary>

    ```sh
    ls
    pwd
    ```

    </details>

    <details><summary>Failure of Bash</summary>

    ````
    a
    ```
    ````

    </details>

    > Aborted

    Done: `x`
    ```sh
    unfinished
    ```

    ## You · 2026-09-21 14:13

    thanks

    ---

    # Notes

    ## 2026-09-21 14:13

    ask *again*

    *Attached: plan.pdf (2 KiB)*
    "##);
}

#[test]
fn other_agents_are_understood_too() {
    let mut transcript = Transcript::of(&json!({ "metadata": { "flavor": "codex" } }));
    let mut text = String::new();
    for data in [
        json!({ "type": "reasoning", "message": "half", "id": "r", "live": true }),
        json!({ "type": "token_count", "info": {} }),
        json!({ "type": "plan", "entries": [{ "content": "a", "status": "completed" }, { "content": "b" }] }),
        json!({ "type": "tool-call", "callId": "c", "name": "edit", "input": { "path": "x", "n": 1 } }),
        json!({ "type": "tool-call-result", "callId": "c", "output": { "ok": true } }),
        json!({ "type": "generated-image", "fileName": "cat.png" }),
        json!({ "type": "error", "message": "out of <luck>" }),
    ] {
        text.push_str(&transcript.message(&codex(data), NOW));
    }
    insta::assert_snapshot!(text, @r##"

    ## Codex · 2026-09-21 14:13

    - [x] a
    - [ ] b

    <details><summary>edit</summary>

    ```json
    {
      "path": "x",
      "n": 1
    }
    ```

    </details>

    <details><summary>Result of edit</summary>

    ```
    {
      "ok": true
    }
    ```

    </details>

    *Attached: cat.png*

    > Error: out of &lt;luck&gt;
    "##);
}

#[test]
fn a_file_is_called_after_the_title() {
    let named = |name: &str| {
        let mut session = session();
        session["metadata"]["name"] = json!(name);
        file_name(&session, NOW)
    };
    assert_eq!(named("Fix *login* / now!"), "fix-login-now-2026-09-21.md");
    assert_eq!(named("Änderung 2"), "änderung-2-2026-09-21.md");
    assert_eq!(named("../../.."), "session-2026-09-21.md");
    assert_eq!(named(&"a b ".repeat(100)).chars().count(), "-2026-09-21.md".len() + 59);
    assert_eq!(file_name(&json!({ "id": "0190c7a0-1", "metadata": null }), NOW), "0190c7a0-2026-09-21.md");
}

proptest::proptest! {
    #[test]
    fn any_message_is_written_without_panic(text in ".{0,40}", kind in "(codex|output|event|text)", data in "(message|tool_use|assistant|plan|system)") {
        let mut transcript = Transcript::of(&json!({}));
        let body = json!({ "type": data, "message": text, "content": [text], "name": text, "entries": [text] });
        let _ = transcript.message(&json!({ "role": "agent", "content": { "type": kind, "data": body } }), 0);
        let _ = transcript.message(&json!({ "role": "user", "content": [text] }), i64::MAX);
        let _ = transcript.message(&json!(text), i64::MIN);
    }
}
