//! A real nginx in front of a test's hub, with the configuration of the documentation.

use std::{path::Path, process::Stdio, rc::Rc, sync::Arc, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::ServerName},
};

use super::page;
use crate::support::{TestHub, Web, within};

const NAME: &str = "hub.example";

/// Ends with its drop.
pub struct Nginx {
    /// Where it speaks HTTP/1.1 without TLS.
    pub plain: String,
    /// A way to where it speaks HTTP/2 with TLS; the way itself has none, so that any client can take it.
    pub secure: String,
    _program: Child,
    way: JoinHandle<()>,
    folder: Rc<TempDir>,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.way.abort();
    }
}

impl Nginx {
    /// Everything that this hub's clients do goes by way of nginx from now on.
    pub async fn before(hub: &mut TestHub) -> Self {
        let this = Self::start(&hub.address).await;
        hub.address.clone_from(&this.plain);
        this
    }

    async fn start(hub: &str) -> Self {
        let folder = Rc::new(tempfile::tempdir().unwrap());
        let certified = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
        // A port that is free now may be taken by another test a moment later.
        for _ in 0..5 {
            let (plain, secure) = free_ports();
            configure(folder.path(), hub, &plain, &secure);
            let Some(program) = run(folder.path(), &plain).await else { continue };
            let (way, secure) = secure_way(certified.cert.der().clone(), secure).await;
            return Self { plain, secure, _program: program, way, folder };
        }
        panic!("nginx does not start: {}", errors(folder.path()));
    }

    /// What it complained about so far.
    pub fn errors(&self) -> String {
        errors(self.folder.path())
    }

    /// A client of the default namespace that speaks HTTP/2 over TLS.
    pub async fn web(&self, hub: &TestHub) -> Web {
        let token = hub.web().await.token.unwrap();
        Web::over_http2(&self.secure).with_token(&token)
    }
}

fn errors(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("error.log")).unwrap_or_default()
}

fn free_ports() -> (String, String) {
    let [one, two] = [0, 0].map(|port| std::net::TcpListener::bind(("127.0.0.1", port)).unwrap());
    (one.local_addr().unwrap().to_string(), two.local_addr().unwrap().to_string())
}

/// The configuration of the documentation, with the places of this test in it.
fn configure(folder: &Path, hub: &str, plain: &str, secure: &str) {
    let at = folder.display();
    let mut server = page::block("nginx");
    for (written, here) in [
        ("listen 443 ssl http2;", format!("listen {secure} ssl http2; listen {plain};")),
        ("/etc/letsencrypt/live/hub.example/fullchain.pem", format!("{at}/cert.pem")),
        ("/etc/letsencrypt/live/hub.example/privkey.pem", format!("{at}/key.pem")),
        ("127.0.0.1:3006", hub.to_owned()),
    ] {
        assert_eq!(server.matches(written).count(), 1, "{written}");
        server = server.replace(written, &here);
    }
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path {at}/{kind};\n"))
        .collect();
    let whole = format!(
        "daemon off;\nmaster_process off;\npid {at}/pid;\nerror_log {at}/error.log;\n\
         events {{ worker_connections 512; }}\nhttp {{\n    access_log off;\n{temporary}{server}\n}}\n"
    );
    std::fs::write(folder.join("nginx.conf"), whole).unwrap();
}

/// Starts it, and waits until it listens; `None` when it ended instead.
async fn run(folder: &Path, plain: &str) -> Option<Child> {
    let mut command = Command::new(program());
    command
        .arg("-e")
        .arg(folder.join("error.log"))
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut program = command.spawn().unwrap();
    let listens = async {
        loop {
            if program.try_wait().unwrap().is_some() {
                return false;
            }
            if TcpStream::connect(plain).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("nginx listens", listens).await.then_some(program)
}

fn program() -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps it where only root's path leads.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|folder| folder.join("nginx")).find(|program| program.is_file());
    found.unwrap_or_else(|| {
        panic!("nginx is not installed: run `tests/run`, which installs it, or `apt-get install nginx-light`")
    })
}

/// Takes connections without TLS and carries them to `to` with TLS, where HTTP/2 is agreed on.
async fn secure_way(
    certificate: tokio_rustls::rustls::pki_types::CertificateDer<'static>,
    to: String,
) -> (JoinHandle<()>, String) {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = config.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let way = actix_rt::spawn(async move {
        while let Ok((mut plain, _)) = listener.accept().await {
            let (connector, to) = (connector.clone(), to.clone());
            actix_rt::spawn(async move {
                let connection = TcpStream::connect(to).await.unwrap();
                let name = ServerName::try_from(NAME).unwrap();
                let mut secure = connector.connect(name, connection).await.unwrap();
                assert_eq!(secure.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
                let _ = copy_bidirectional(&mut plain, &mut secure).await;
            });
        }
    });
    (way, address)
}
