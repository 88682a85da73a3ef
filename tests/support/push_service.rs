//! A push service of the test's own, and browsers that it pushes to: they open what was sealed for them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, http::StatusCode, web};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use p256::{PublicKey, SecretKey, ecdh::diffie_hellman, elliptic_curve::sec1::ToEncodedPoint};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::mpsc;

use super::log::within;

/// What the service received for one browser.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub to: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

pub struct PushService {
    pub address: String,
    received: mpsc::UnboundedReceiver<Pushed>,
    state: Arc<State>,
    handle: ServerHandle,
}

struct State {
    received: mpsc::UnboundedSender<Pushed>,
    /// What browsers by name are answered next; 201 when nothing is set.
    answers: Mutex<HashMap<String, VecDeque<u16>>>,
}

async fn take(
    state: web::Data<Arc<State>>,
    to: web::Path<String>,
    req: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let to = to.into_inner();
    let headers = req
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let answer = state.answers.lock().unwrap().get_mut(&to).and_then(VecDeque::pop_front).unwrap_or(201);
    state.received.send(Pushed { to, headers, body: body.to_vec() }).unwrap();
    HttpResponse::new(StatusCode::from_u16(answer).unwrap())
}

impl PushService {
    pub fn start() -> Self {
        let (told, received) = mpsc::unbounded_channel();
        let state = Arc::new(State { received: told, answers: Mutex::default() });
        let shared = state.clone();
        let server = HttpServer::new(move || {
            App::new().app_data(web::Data::new(shared.clone())).route("/push/{to}", web::post().to(take))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(0)
        .bind(("127.0.0.1", 0))
        .unwrap();
        let address = server.addrs()[0].to_string();
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self { address, received, state, handle }
    }

    pub fn answer(&self, to: &str, statuses: &[u16]) {
        let mut answers = self.state.answers.lock().unwrap();
        answers.entry(to.to_owned()).or_default().extend(statuses);
    }

    /// The next push to whomever.
    pub async fn next(&mut self) -> Pushed {
        within("a push", self.received.recv()).await.unwrap()
    }

    /// What came and nobody asked for yet.
    pub fn unread(&mut self) -> Vec<Pushed> {
        std::iter::from_fn(|| self.received.try_recv().ok()).collect()
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// A browser that asked for pushes.
pub struct Browser {
    pub name: String,
    key: SecretKey,
    auth: [u8; 16],
}

impl Browser {
    pub fn new(name: &str) -> Self {
        let key = SecretKey::from_slice(&rand::random::<[u8; 32]>()).unwrap();
        Self { name: name.to_owned(), key, auth: rand::random() }
    }

    pub fn endpoint(&self, service: &PushService) -> String {
        format!("http://{}/push/{}", service.address, self.name)
    }

    pub fn subscription(&self, service: &PushService) -> Value {
        let point = self.key.public_key().to_encoded_point(false);
        let keys = json!({ "p256dh": BASE64.encode(point.as_bytes()), "auth": BASE64.encode(self.auth) });
        json!({ "endpoint": self.endpoint(service), "keys": keys })
    }

    /// Opens what was sealed for this browser, as RFC 8291 has it.
    pub fn open(&self, pushed: &Pushed) -> Value {
        assert_eq!(pushed.to, self.name);
        assert_eq!(pushed.headers["content-encoding"], "aes128gcm");
        let (head, rest) = pushed.body.split_at(21);
        let (salt, sizes) = head.split_at(16);
        assert_eq!(sizes, [0, 0, 16, 0, 65], "records of 4096 bytes, a key of 65");
        let (point, record) = rest.split_at(65);
        let sender = PublicKey::from_sec1_bytes(point).unwrap();
        let shared = diffie_hellman(self.key.to_nonzero_scalar(), sender.as_affine());
        let own = self.key.public_key().to_encoded_point(false);
        let about = [b"WebPush: info\0".as_slice(), own.as_bytes(), point].concat();
        let secret = derive(&self.auth, shared.raw_secret_bytes(), &about, 32);
        let key = derive(salt, &secret, b"Content-Encoding: aes128gcm\0", 16);
        let nonce = derive(salt, &secret, b"Content-Encoding: nonce\0", 12);
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap());
        let nonce = Nonce::try_assume_unique_for_key(&nonce).unwrap();
        let mut record = record.to_vec();
        let text = key.open_in_place(nonce, Aad::empty(), &mut record).unwrap();
        let (end, text) = text.split_last().unwrap();
        assert_eq!(*end, 2, "the last record");
        serde_json::from_slice(text).unwrap()
    }
}

/// HKDF, as far as one block goes.
fn derive(salt: &[u8], secret: &[u8], about: &[u8], length: usize) -> Vec<u8> {
    let mac = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mixed = mac(salt, &[secret]);
    mac(&mixed, &[about, &[1]])[..length].to_vec()
}
