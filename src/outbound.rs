//! Calls to other servers: encrypted by rustls, never redirected, and with keys that no library writes into a log.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use awc::{Client, Connector, http::header::HeaderValue};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

/// A client for the thread it is made on. `None` when this program cannot encrypt.
pub fn client(timeout: Duration, is_encrypted: bool) -> Option<Client> {
    let mut connector = Connector::new();
    if is_encrypted {
        connector = connector.rustls_0_23(tls()?);
    }
    // A redirect would carry the key elsewhere.
    Some(Client::builder().connector(connector).timeout(timeout).disable_redirects().finish())
}

/// A header's value with a key in it, marked as a secret. `None` when the key fits into no header.
pub fn secret_header(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Reading the system's certificates takes a while and their number is large, so all clients share them.
fn tls() -> Option<Arc<ClientConfig>> {
    static TLS: OnceLock<Option<Arc<ClientConfig>>> = OnceLock::new();
    TLS.get_or_init(|| load_tls().map(Arc::new)).clone()
}

fn load_tls() -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let (trusted, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if trusted == 0 {
        tracing::warn!("the system trusts no certificate authority, so no encrypted server can be reached");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    Some(config.ok()?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_does_not_show() {
        let value = secret_header("Bearer s3cret").unwrap();
        assert_eq!(value, "Bearer s3cret");
        assert!(!format!("{value:?}").contains("s3cret"));
        assert_eq!(secret_header("a\nb"), None);
    }

    #[test]
    fn encrypted_addresses_get_a_connector() {
        assert!(tls().is_some());
    }
}
