//! Dictation, the voice assistant, and the keys of their providers. The providers are the test's own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::StatusCode, web};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use crate::support::{Answer, Setup, TestHub, Web, within};

const CREDENTIALS: &str = "/api/voice/transcription/credentials";
const TRANSCRIPTION: &str = "/api/voice/transcription";
const REALTIME: &str = "/api/voice/transcription/realtime-token";

/// What a provider was asked.
#[derive(Debug)]
struct Asked {
    what: String,
    key: Option<String>,
    content_type: String,
    body: Vec<u8>,
}

impl Asked {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

struct State {
    asked: mpsc::UnboundedSender<Asked>,
    answers: Mutex<HashMap<String, (u16, Value)>>,
    /// Answers wait for one of these.
    permits: Semaphore,
}

struct Providers {
    address: String,
    asked: mpsc::UnboundedReceiver<Asked>,
    state: Arc<State>,
    handle: ServerHandle,
}

async fn serve(state: web::Data<Arc<State>>, req: HttpRequest, body: web::Bytes) -> HttpResponse {
    let header = |name| req.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let asked = Asked {
        what: format!("{} {}", req.method(), req.uri()),
        key: header("authorization").or(header("xi-api-key")),
        content_type: header("content-type").unwrap_or_default(),
        body: body.to_vec(),
    };
    state.asked.send(asked).unwrap();
    state.permits.acquire().await.unwrap().forget();
    let answer = state.answers.lock().unwrap().get(req.path()).cloned();
    let (status, body) = answer.unwrap_or((404, json!({})));
    let elsewhere = ("Location", format!("http://{}/elsewhere", req.connection_info().host()));
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).insert_header(elsewhere).json(body)
}

impl Providers {
    fn start() -> Self {
        let (told, asked) = mpsc::unbounded_channel();
        let state =
            Arc::new(State { asked: told, answers: Mutex::default(), permits: Semaphore::new(1_000) });
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(shared.clone()))
                .app_data(web::PayloadConfig::new(64 << 20))
                .default_service(web::to(serve))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0].to_string();
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { address, asked, state, handle }
    }

    fn answer(&self, path: &str, status: u16, body: Value) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), (status, body));
    }

    /// A hub whose providers are all here.
    async fn hub(&self, more: &str) -> TestHub {
        let mut config = "[voice]\n".to_owned();
        for name in ["openai", "elevenlabs", "deepgram", "groq"] {
            config.push_str(&format!("{name}_url = \"http://{}/{name}/v1\"\n", self.address));
        }
        config.push_str(more);
        TestHub::with(Setup { config: config.leak(), ..Setup::default() }).await
    }

    async fn next(&mut self) -> Asked {
        within("a provider is asked", self.asked.recv()).await.unwrap()
    }

    async fn stop(self, mut hub: TestHub) {
        hub.stop().await;
        self.handle.stop(false).await;
    }
}

/// One field of a form: name, file name, type, content.
type Field<'a> = (&'a str, Option<&'a str>, Option<&'a str>, &'a [u8]);

fn form(fields: &[Field]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, kind, content) in fields {
        body.extend(format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"").into_bytes());
        body.extend(file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default().into_bytes());
        body.extend(kind.map(|kind| format!("\r\nContent-Type: {kind}")).unwrap_or_default().into_bytes());
        body.extend(b"\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--edge--\r\n");
    body
}

async fn send(web: &Web, body: Vec<u8>) -> Answer {
    let request = web.request(Method::POST, TRANSCRIPTION);
    web.answer(request.header("Content-Type", "multipart/form-data; boundary=edge").body(body)).await
}

const SPOKEN: Field<'static> = ("file", Some("a.webm"), Some("audio/webm;codecs=opus"), b"sound");

fn provider(id: &str) -> Field<'_> {
    ("provider", None, None, id.as_bytes())
}

async fn dictate(web: &Web, id: &str) -> Answer {
    send(web, form(&[SPOKEN, provider(id)])).await
}

async fn enter(web: &Web, keys: &Value) -> Answer {
    web.send(Method::PUT, CREDENTIALS, keys).await
}

fn settings(hub: &TestHub) -> Value {
    serde_json::from_str(&std::fs::read_to_string(hub.home().join("settings.json")).unwrap()).unwrap()
}

#[actix_rt::test]
async fn a_hub_without_keys_says_so() {
    let mut hub = TestHub::start().await;
    let web = hub.web_of("b").await;
    let body = |path: &'static str| async { web.get(path).await.body };
    assert_eq!(body("/api/voice/backend").await, json!({ "backend": null, "backends": [] }));
    assert_eq!(body("/api/voice/transcription/providers").await, json!({ "providers": [] }));
    assert_eq!(body("/api/voice/voices").await, json!({ "voices": [] }));
    for id in ["openai", "elevenlabs", "deepgram", "groq", "openai-compatible"] {
        let answer = dictate(&web, id).await;
        let told = format!("{id} transcription is not configured");
        assert_eq!((answer.status, answer.error()), (400, told.as_str()));
    }
    let answer = web.post(REALTIME, &json!({ "provider": "deepgram" })).await;
    assert_eq!((answer.status, answer.error()), (400, "deepgram transcription is not configured"));
    let refusals = [
        ("/api/voice/token", "ElevenLabs API key not configured"),
        ("/api/voice/gemini-token", "Gemini API key not configured (set GEMINI_API_KEY or GOOGLE_API_KEY)"),
        ("/api/voice/qwen-token", "DashScope API key not configured (set DASHSCOPE_API_KEY or QWEN_API_KEY)"),
    ];
    for (path, told) in refusals {
        let answer = web.post(path, &json!({ "customAgentId": "a" })).await;
        assert_eq!((answer.status, answer.body), (400, json!({ "allowed": false, "error": told })));
        assert_eq!(web.post_text(path, "garbage").await.status, 400);
    }
    // Where a web socket would begin, the token may stand in the address.
    let token = web.token.clone().unwrap();
    for (path, told) in [
        ("/api/voice/gemini-ws", "Gemini API key not configured"),
        ("/api/voice/qwen-ws", "DashScope API key not configured"),
    ] {
        assert_eq!(hub.guest().get(path).await.status, 401);
        let answer = hub.guest().get(&format!("{path}?token={token}")).await;
        assert_eq!((answer.status, answer.body), (400, json!(told)));
    }
    assert_eq!(hub.guest().get(&format!("/api/voice/backend?token={token}")).await.status, 401);
    hub.stop().await;
}

#[actix_rt::test]
async fn the_owner_enters_keys_that_nobody_sees_again() {
    let providers = Providers::start();
    let mut hub = providers.hub("groq_api_key = \"locked-groq-key\"\n").await;
    let (web, stranger) = (hub.web().await, hub.web_of("b").await);
    let denied = json!({ "error": "Provider credentials are only available to the hub owner" });
    for answer in [stranger.get(CREDENTIALS).await, enter(&stranger, &json!({ "other": 1 })).await] {
        assert_eq!((answer.status, &answer.body), (403, &denied));
    }
    let none = json!({ "configured": false, "source": "none", "hint": null, "editable": true });
    let groq = json!({ "configured": true, "source": "env", "hint": "••••-key", "editable": false });
    let empty = json!({
        "openai": none, "elevenlabs": none, "deepgram": none, "groq": groq,
        "openaiCompatible": {
            "configured": false, "source": "none", "baseUrl": null, "model": null,
            "baseUrlEditable": true, "modelEditable": true, "apiKey": none,
        },
        "voiceBackends": { "elevenlabs": none, "geminiLive": none, "qwenRealtime": none },
    });
    let answer = web.get(CREDENTIALS).await;
    assert_eq!((answer.status, &answer.body), (200, &empty));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let invalid = "Invalid transcription credentials payload";
    for body in [
        json!([]),
        json!({ "other": "x" }),
        json!({ "openai": 1 }),
        json!({ "openaiCompatible": { "key": "x" } }),
    ] {
        let answer = enter(&web, &body).await;
        assert_eq!((answer.status, answer.error()), (400, invalid), "{body}");
    }
    assert_eq!(web.answer(web.request(Method::PUT, CREDENTIALS).body("{")).await.error(), invalid);

    let file = hub.home().join("settings.json");
    let mut before = settings(&hub);
    before["machineId"] = json!("m");
    before["providerCredentials"] = json!({ "LATER_KEY": "kept", "GOOGLE_API_KEY": "google-key-1" });
    std::fs::write(&file, before.to_string()).unwrap();
    let answer = enter(&web, &json!({ "openai": " sk-openai-1234 ", "geminiLive": "gemini-key-2", "openaiCompatible": { "baseUrl": "http://localhost:1/v1", "model": "m" } })).await;
    let set =
        |hint: &str| json!({ "configured": true, "source": "settings", "hint": hint, "editable": true });
    let mut now = empty.clone();
    now["openai"] = set("••••1234");
    now["voiceBackends"]["geminiLive"] = set("••••ey-2");
    now["openaiCompatible"]["configured"] = json!(true);
    now["openaiCompatible"]["source"] = json!("settings");
    now["openaiCompatible"]["baseUrl"] = json!("http://localhost:1/v1");
    now["openaiCompatible"]["model"] = json!("m");
    assert_eq!((answer.status, &answer.body), (200, &now));
    before["providerCredentials"] = json!({
        "LATER_KEY": "kept", "GEMINI_API_KEY": "gemini-key-2", "OPENAI_API_KEY": "sk-openai-1234",
        "TRANSCRIPTION_BASE_URL": "http://localhost:1/v1", "TRANSCRIPTION_MODEL": "m",
    });
    assert_eq!(settings(&hub), before, "everything else is as it was");
    // It holds at once, for everybody. A backend that the hub does not serve is not offered.
    let backends = json!({ "backend": null, "backends": [] });
    assert_eq!(stranger.get("/api/voice/backend").await.body, backends);
    let known = stranger.get("/api/voice/transcription/providers").await;
    let both = json!(["standard", "realtime"]);
    let expected = json!({ "providers": [
        { "id": "openai", "label": "OpenAI", "modes": both },
        { "id": "groq", "label": "Groq", "modes": ["standard"] },
        { "id": "openai-compatible", "label": "OpenAI-compatible / local", "modes": ["standard"] },
    ] });
    assert_eq!(known.body, expected);

    for key in [json!("other"), json!(null)] {
        let answer = enter(&web, &json!({ "openai": "other", "groq": key })).await;
        assert_eq!(answer.status, 409);
        assert!(answer.error().contains("GROQ_API_KEY") && answer.error().contains("environment variable"));
    }
    assert_eq!(settings(&hub), before, "all or nothing");
    hub.restart().await;
    let web = hub.web().await;
    assert_eq!(web.get(CREDENTIALS).await.body, now);
    let cleared =
        json!({ "openai": null, "geminiLive": "", "openaiCompatible": { "baseUrl": null, "model": " " } });
    let answer = enter(&web, &cleared).await;
    assert_eq!((answer.status, &answer.body), (200, &empty));
    before["providerCredentials"] = json!({ "LATER_KEY": "kept" });
    assert_eq!(settings(&hub), before);

    // A file that somebody is mending is never replaced.
    std::fs::write(&file, "{").unwrap();
    for answer in [web.get(CREDENTIALS).await, enter(&web, &json!({ "openai": "x" })).await] {
        assert_eq!((answer.status, answer.error()), (500, "The settings file cannot be used"));
    }
    assert_eq!(web.get("/api/voice/voices").await.body, json!({ "voices": [] }));
    assert_eq!(std::fs::read(&file).unwrap(), b"{");
    std::fs::write(&file, before.to_string()).unwrap();
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn a_page_is_offered_only_what_the_hub_serves() {
    let keys = "[voice]\nelevenlabs_api_key = \"e\"\ngemini_api_key = \"g\"\nbackend = \"gemini-live\"\n";
    let mut hub = TestHub::with(Setup { config: keys, ..Setup::default() }).await;
    let web = hub.web().await;
    let backends = json!({ "backend": "elevenlabs", "backends": ["elevenlabs"] });
    assert_eq!(web.get("/api/voice/backend").await.body, backends);
    // With a key the reason is another.
    for (path, told) in [("gemini-token", "Gemini Live"), ("token", "makes no agents")] {
        let answer = web.post(&format!("/api/voice/{path}"), &json!({})).await;
        assert!(answer.status == 400 && answer.error().contains(told), "{answer:?}");
    }
    hub.stop().await;
}

#[actix_rt::test]
async fn every_provider_is_asked_in_its_own_way() {
    let mut providers = Providers::start();
    let hub = providers.hub("").await;
    let web = hub.web().await;
    let local = format!("http://{}/local/", providers.address);
    let keys = json!({
        "openai": "o-key", "elevenlabs": "e-key", "deepgram": "d-key", "groq": "g-key",
        "openaiCompatible": { "baseUrl": local },
    });
    assert_eq!(enter(&web, &keys).await.status, 200);
    let heard = json!({ "text": " hello \n", "language": "english and more" });
    for path in ["/openai/v1/audio/transcriptions", "/groq/v1/audio/transcriptions"] {
        providers.answer(path, 200, heard.clone());
    }
    providers.answer("/local/audio/transcriptions", 200, json!({ "text": "local", "language": "de" }));
    let scribed = json!({ "text": "scribed", "language_code": "eng", "words": [] });
    providers.answer("/elevenlabs/v1/speech-to-text", 200, scribed);
    let channel = json!({ "alternatives": [{ "transcript": "deep" }], "detected_language": "fr" });
    providers.answer("/deepgram/v1/listen", 200, json!({ "results": { "channels": [channel] } }));
    // Somebody of another namespace may speak too.
    let web = hub.web_of("b").await;
    let language = ("language", None, None, b"pt-BR".as_slice());
    let standard = ("mode", None, None, b"standard".as_slice());
    for (id, path, key, named) in [
        ("openai", "/openai/v1/audio/transcriptions", Some("Bearer o-key"), "gpt-4o-transcribe"),
        ("groq", "/groq/v1/audio/transcriptions", Some("Bearer g-key"), "whisper-large-v3-turbo"),
        ("openai-compatible", "/local/audio/transcriptions", None, "whisper-1"),
        ("elevenlabs", "/elevenlabs/v1/speech-to-text", Some("e-key"), "scribe_v1"),
    ] {
        let answer = send(&web, form(&[provider(id), language, SPOKEN, standard])).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let asked = providers.next().await;
        assert_eq!((asked.what.as_str(), asked.key.as_deref()), (format!("POST {path}").as_str(), key));
        assert!(asked.content_type.starts_with("multipart/form-data; boundary="), "{asked:?}");
        let told = asked.text();
        assert!(told.contains(&format!("\r\n\r\n{named}\r\n")) && told.contains("\r\n\r\npt\r\n"), "{told}");
        let file = "name=\"file\"; filename=\"audio.webm\"\r\nContent-Type: audio/webm\r\n\r\nsound\r\n";
        assert!(told.contains(file), "{told}");
        let expected = match id {
            "openai-compatible" => json!({ "text": "local", "language": "de" }),
            "elevenlabs" => json!({ "text": "scribed", "language": "eng" }),
            _ => json!({ "text": "hello" }),
        };
        assert_eq!(answer.body, expected);
    }
    let answer = send(&web, form(&[provider("deepgram"), SPOKEN])).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "text": "deep", "language": "fr" })));
    let asked = providers.next().await;
    let what = "POST /deepgram/v1/listen?model=nova-3&smart_format=true&detect_language=true";
    assert_eq!((asked.what.as_str(), asked.key.as_deref()), (what, Some("Token d-key")));
    assert_eq!((asked.content_type.as_str(), asked.body.as_slice()), ("audio/webm", b"sound".as_slice()));
    send(&web, form(&[provider("deepgram"), SPOKEN, language])).await;
    assert!(providers.next().await.what.ends_with("&language=pt-BR"));
    // A model and a key of one's own.
    let own = json!({ "openaiCompatible": { "model": "tiny", "apiKey": "l-key" } });
    assert_eq!(enter(&hub.web().await, &own).await.status, 200);
    assert_eq!(dictate(&web, "openai-compatible").await.status, 200);
    let asked = providers.next().await;
    assert_eq!(asked.key.as_deref(), Some("Bearer l-key"));
    assert!(asked.text().contains("\r\n\r\ntiny\r\n"));
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn the_first_thing_that_is_wrong_is_told() {
    let mut providers = Providers::start();
    let hub = providers.hub("openai_api_key = \"o-key\"\n").await;
    let web = hub.web().await;
    assert_eq!(send(&hub.guest(), form(&[SPOKEN])).await.status, 401);
    let text = |name: &'static str, value: &'static str| (name, None, None, value.as_bytes());
    let wrong = "Invalid form data";
    for (kind, body) in [
        ("application/json", "{}"),
        ("multipart/form-data", "--edge--\r\n"),
        ("multipart/form-data; boundary=edge", "garbage"),
        (
            "multipart/form-data; boundary=edge",
            "--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nx",
        ),
        ("multipart/form-data; boundary=edge", "--edge\r\nX: y\r\n\r\nx\r\n--edge--\r\n"),
    ] {
        let request = web.request(Method::POST, TRANSCRIPTION).header("Content-Type", kind).body(body);
        let answer = web.answer(request).await;
        assert_eq!((answer.status, answer.error()), (400, wrong), "{kind} {body}");
    }
    assert_eq!(web.answer(web.request(Method::POST, TRANSCRIPTION)).await.error(), wrong);
    let (id, language) = (text("provider", "openai"), text("language", "no language"));
    let mode = text("mode", "realtime");
    let empty = ("file", Some("a.webm"), Some("audio/webm"), b"".as_slice());
    let page = ("file", Some("a.webm"), Some("text/html"), b"x".as_slice());
    let long = "x".repeat(1_000);
    let cases: Vec<(Vec<Field>, &str)> = vec![
        (vec![text("provider", "other"), language, mode, page], "Invalid transcription provider"),
        (vec![text("provider", &*long.clone().leak()), SPOKEN], "Invalid transcription provider"),
        (vec![text("provider", "x"), id, SPOKEN], "Invalid transcription provider"),
        (vec![("provider", Some("f"), None, b"openai"), SPOKEN], "Invalid transcription provider"),
        (vec![page, mode, language, id], "Invalid transcription language"),
        (vec![page, mode, id], "This endpoint only accepts standard transcription"),
        (vec![id], "Missing audio file"),
        (vec![id, text("file", "sound")], "Missing audio file"),
        (vec![id, empty], "Audio file must be between 1 byte and 26214400 bytes"),
        (vec![id, page], "Unsupported audio file type"),
        (vec![text("provider", "groq"), SPOKEN], "groq transcription is not configured"),
    ];
    for (fields, told) in cases {
        let answer = send(&web, form(&fields)).await;
        assert_eq!((answer.status, answer.error()), (400, told));
    }
    // None of this was passed on; other fields and an unnamed type are fine.
    assert!(providers.asked.try_recv().is_err());
    providers.answer("/openai/v1/audio/transcriptions", 200, json!({ "text": "" }));
    let untyped = ("file", Some("a.wav"), None, b"sound".as_slice());
    let answer = send(&web, form(&[text("other", "x"), untyped, id, text("language", "")])).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "text": "" })));
    assert!(providers.next().await.text().contains("filename=\"audio.wav\"\r\nContent-Type: audio/wav"));
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn a_recording_may_weigh_25_mebibytes() {
    let mut providers = Providers::start();
    let hub = providers.hub("openai_api_key = \"o-key\"\n").await;
    let web = hub.web().await;
    providers.answer("/openai/v1/audio/transcriptions", 200, json!({ "text": "long" }));
    let sound = vec![7_u8; (26 << 20) + 1];
    let of_size = |size: usize| {
        form(&[provider("openai"), ("file", Some("a.webm"), Some("audio/webm"), &sound[..size])])
    };
    assert_eq!(send(&web, of_size(25 << 20)).await.body, json!({ "text": "long" }));
    assert!(providers.next().await.body.len() > 25 << 20);
    let answer = send(&web, of_size((25 << 20) + 1)).await;
    let told = "Audio file must be between 1 byte and 26214400 bytes";
    assert_eq!((answer.status, answer.error()), (400, told));
    // Refused before it is sent, and, without a length, when it has become too much.
    let announced = web
        .request(Method::POST, TRANSCRIPTION)
        .header("Content-Type", "multipart/form-data; boundary=edge")
        .header("Content-Length", (26 << 20) + 1)
        .body(reqwest::Body::wrap_stream(futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>()));
    let answer = web.answer(announced).await;
    assert_eq!((answer.status, answer.error()), (413, "Audio file too large"));
    let chunks: Vec<Result<Vec<u8>, std::io::Error>> = vec![Ok(of_size((26 << 20) + 1))];
    let endless =
        futures_util::StreamExt::chain(futures_util::stream::iter(chunks), futures_util::stream::pending());
    let unannounced = web
        .request(Method::POST, TRANSCRIPTION)
        .header("Content-Type", "multipart/form-data; boundary=edge")
        .body(reqwest::Body::wrap_stream(endless));
    let answer = web.answer(unannounced).await;
    assert_eq!((answer.status, answer.error()), (413, "Audio file too large"));
    let answer = send(&web, of_size((26 << 20) + 1)).await;
    assert_eq!((answer.status, answer.error()), (413, "Audio file too large"));
    assert!(providers.asked.try_recv().is_err());
    assert_eq!(dictate(&web, "openai").await.status, 200);
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn a_provider_that_fails_is_a_bad_gateway() {
    let mut providers = Providers::start();
    let hub =
        providers.hub("openai_api_key = \"o-key\"\nelevenlabs_api_key = \"e-key\"\ntimeout_ms = 500\n").await;
    let web = hub.web().await;
    let path = "/openai/v1/audio/transcriptions";
    // A redirect is not followed: it would carry the key elsewhere.
    for status in [302, 401, 429, 500] {
        providers.answer(path, status, json!({ "error": { "message": "wrong key o-key" } }));
        let answer = dictate(&web, "openai").await;
        assert_eq!((answer.status, answer.error()), (502, format!("OpenAI answered {status}").as_str()));
        assert_eq!(providers.next().await.what, format!("POST {path}"));
        assert!(providers.asked.try_recv().is_err());
    }
    for unusable in [json!({}), json!([]), json!({ "text": 5 })] {
        providers.answer(path, 200, unusable);
        let answer = dictate(&web, "openai").await;
        assert_eq!((answer.status, answer.error()), (502, "OpenAI gave an answer that cannot be used"));
    }
    providers.answer(path, 200, json!({ "text": "x".repeat(17 << 20) }));
    assert_eq!(dictate(&web, "openai").await.status, 502, "more than anybody says");
    // It never answers.
    providers.state.permits.forget_permits(1_000);
    let answer = dictate(&web, "openai").await;
    assert_eq!((answer.status, answer.error()), (502, "OpenAI took too long"));
    assert_eq!(web.get("/api/voice/voices").await.body, json!({ "voices": [] }));
    providers.handle.stop(false).await;
    let answer = dictate(&web, "openai").await;
    assert_eq!((answer.status, answer.error()), (502, "OpenAI cannot be reached"));
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn browsers_get_tokens_that_soon_expire() {
    let mut providers = Providers::start();
    let hub = providers.hub("").await;
    let web = hub.web().await;
    let keys = json!({ "openai": "o-key", "elevenlabs": "e-key", "deepgram": "d-key", "groq": "g-key" });
    assert_eq!(enter(&web, &keys).await.status, 200);
    providers.answer("/openai/v1/realtime/client_secrets", 200, json!({ "value": "ek" }));
    providers.answer("/elevenlabs/v1/single-use-token/realtime_scribe", 200, json!({ "token": "sutkn" }));
    providers.answer("/deepgram/v1/auth/grant", 200, json!({ "access_token": "jwt", "expires_in": 30 }));
    for (id, path, key, token) in [
        ("openai", "/openai/v1/realtime/client_secrets", "Bearer o-key", "ek"),
        ("elevenlabs", "/elevenlabs/v1/single-use-token/realtime_scribe", "e-key", "sutkn"),
        ("deepgram", "/deepgram/v1/auth/grant", "Token d-key", "jwt"),
    ] {
        let answer = web.post(REALTIME, &json!({ "provider": id, "language": "en-GB" })).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "token": token })), "{id}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let asked = providers.next().await;
        assert_eq!((asked.what, asked.key.as_deref()), (format!("POST {path}"), Some(key)));
        if id == "openai" {
            let session: Value = serde_json::from_slice(&asked.body).unwrap();
            let expected = json!({ "model": "gpt-4o-transcribe", "language": "en" });
            assert_eq!(session["session"]["type"], "transcription");
            assert_eq!(session["session"]["audio"]["input"]["transcription"], expected);
        }
    }
    let unknown = "Invalid realtime transcription provider";
    for body in ["", "{", "[]", r#"{"provider":"groq"}"#, r#"{"provider":5}"#] {
        let answer = web.post_text(REALTIME, body).await;
        assert_eq!((answer.status, answer.error()), (400, unknown), "{body}");
    }
    for language in [json!("no language"), json!(null), json!(5)] {
        let answer = web.post(REALTIME, &json!({ "provider": "openai", "language": language })).await;
        assert_eq!((answer.status, answer.error()), (400, "Invalid transcription language"));
    }
    let answer = web.post(REALTIME, &json!({ "provider": "openai", "more": "x".repeat(8 << 10) })).await;
    assert_eq!((answer.status, answer.error()), (413, "Realtime token request too large"));
    providers.answer("/openai/v1/realtime/client_secrets", 200, json!({ "value": "" }));
    assert_eq!(web.post(REALTIME, &json!({ "provider": "openai" })).await.status, 502);
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn an_agent_at_elevenlabs_can_be_talked_to() {
    let mut providers = Providers::start();
    let hub = providers.hub("").await;
    let web = hub.web().await;
    let path = "/api/voice/token";
    providers.answer("/elevenlabs/v1/convai/conversation/token", 200, json!({ "token": "t" }));
    let own = json!({ "customAgentId": "agent_1", "customApiKey": "own-key" });
    let answer = web.post(path, &own).await;
    let expected = json!({ "allowed": true, "token": "t", "agentId": "agent_1" });
    assert_eq!((answer.status, &answer.body), (200, &expected));
    let asked = providers.next().await;
    let what = "GET /elevenlabs/v1/convai/conversation/token?agent_id=agent_1";
    assert_eq!((asked.what.as_str(), asked.key.as_deref()), (what, Some("own-key")));
    assert_eq!(enter(&web, &json!({ "elevenlabs": "e-key" })).await.status, 200);
    assert_eq!(web.post(path, &json!({ "customAgentId": "agent_1" })).await.body, expected);
    assert_eq!(providers.next().await.key.as_deref(), Some("e-key"));
    let answer = web.post(path, &json!({ "customAgentId": 5 })).await;
    let invalid = json!({ "allowed": false, "error": "Invalid request body" });
    assert_eq!((answer.status, answer.body), (400, invalid));
    providers.answer("/elevenlabs/v1/convai/conversation/token", 401, json!({}));
    let answer = web.post(path, &own).await;
    let failed = json!({ "allowed": false, "error": "ElevenLabs answered 401" });
    assert_eq!((answer.status, answer.body), (500, failed));

    let voices = json!({ "voices": [
        { "voice_id": "v1", "name": "Ann", "preview_url": "https://x/a.mp3", "category": "premade", "more": 1 },
        { "voice_id": "v2", "name": "Ben", "preview_url": null },
    ] });
    providers.answer("/elevenlabs/v1/voices", 200, voices);
    let expected = json!({ "voices": [
        { "id": "v1", "name": "Ann", "previewUrl": "https://x/a.mp3", "category": "premade" },
        { "id": "v2", "name": "Ben" },
    ] });
    assert_eq!(web.get("/api/voice/voices").await.body, expected);
    providers.answer("/elevenlabs/v1/voices", 200, json!({ "voices": [{ "name": 1 }] }));
    assert_eq!(web.get("/api/voice/voices").await.body, json!({ "voices": [] }));
    providers.stop(hub).await;
}

#[actix_rt::test]
async fn pages_report_what_went_wrong() {
    let mut hub = TestHub::start().await;
    let web = hub.web().await;
    let path = "/api/voice/telemetry";
    let whole = json!({ "stage": "connect", "message": "closed", "sessionId": "s", "voiceId": "v", "language": "en", "details": { "code": 1006 } });
    for body in [whole, json!({ "stage": "s", "message": "m", "other": 1 })] {
        let answer = web.post(path, &body).await;
        assert_eq!((answer.status, answer.body), (200, json!({ "ok": true })));
    }
    let refused = json!({ "ok": false, "error": "Invalid telemetry payload" });
    for body in [
        json!({}),
        json!([]),
        json!({ "stage": "", "message": "m" }),
        json!({ "stage": "s" }),
        json!({ "stage": "s", "message": "m", "details": [] }),
        json!({ "stage": "s", "message": "m", "language": null }),
    ] {
        let answer = web.post(path, &body).await;
        assert_eq!((answer.status, &answer.body), (400, &refused), "{body}");
    }
    assert_eq!(web.post_text(path, "garbage").await.body, refused);
    assert_eq!(hub.guest().post(path, &json!({})).await.status, 401);
    hub.stop().await;
}
