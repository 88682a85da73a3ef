//! Which origins may call the hub from a browser.

use url::{Origin, Url};

/// The allow-list, normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    Any,
    /// Exact origins, each once.
    List(Vec<String>),
}

impl CorsOrigins {
    /// Trims, drops what is empty, reduces addresses to their origin and keeps each once. One `*` allows all.
    pub fn normalise<S: AsRef<str>>(entries: &[S]) -> Self {
        let mut origins: Vec<String> = Vec::new();
        for entry in entries.iter().map(|entry| entry.as_ref().trim()).filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                return Self::Any;
            }
            let origin = origin(entry);
            if !origins.contains(&origin) {
                origins.push(origin);
            }
        }
        Self::List(origins)
    }

    pub fn allows(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::List(origins) => origins.iter().any(|allowed| allowed == origin),
        }
    }

    pub fn is_empty(&self) -> bool {
        matches!(self, Self::List(origins) if origins.is_empty())
    }
}

/// What is no address stays as it is. Apps have schemes of their own (`capacitor://localhost`), which have no origin by
/// the web's rules and yet send one.
pub fn origin(entry: &str) -> String {
    let Ok(url) = Url::parse(entry) else { return entry.to_owned() };
    match (url.origin(), url.host_str(), url.port()) {
        (origin @ Origin::Tuple(..), ..) => origin.ascii_serialization(),
        (Origin::Opaque(_), Some(host), None) => format!("{}://{host}", url.scheme()),
        (Origin::Opaque(_), Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Origin::Opaque(_), None, _) => entry.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        match CorsOrigins::normalise(entries) {
            CorsOrigins::Any => vec!["*".to_owned()],
            CorsOrigins::List(origins) => origins,
        }
    }

    #[test]
    fn addresses_become_origins_and_each_is_kept_once() {
        let entries = [
            " https://A.example/x ",
            "",
            "https://a.example:443",
            "not an address",
            "capacitor://localhost/",
        ];
        assert_eq!(list(&entries), ["https://a.example", "not an address", "capacitor://localhost"]);
    }

    #[test]
    fn an_origin_is_allowed_only_when_it_is_in_the_list() {
        let origins = CorsOrigins::normalise(&["https://a.example"]);
        assert!(origins.allows("https://a.example"));
        assert!(!origins.allows("https://a.example.evil"));
        assert!(CorsOrigins::Any.allows("https://b.example"));
    }

    proptest::proptest! {
        #[test]
        fn normalising_twice_changes_nothing(
            entries in proptest::collection::vec("([a-z]{1,6}://)?[ -~é]{0,12}(:[0-9]{1,4})?(/[a-z]*)?", 0..6),
        ) {
            let once = list(&entries.iter().map(String::as_str).collect::<Vec<_>>());
            let again = list(&once.iter().map(String::as_str).collect::<Vec<_>>());
            proptest::prop_assert_eq!(once, again);
        }

        #[test]
        fn a_star_absorbs_all(mut entries in proptest::collection::vec("[a-z:/.]{0,12}", 0..6), at in 0_usize..6) {
            entries.insert(at.min(entries.len()), " * ".to_owned());
            proptest::prop_assert_eq!(CorsOrigins::normalise(&entries), CorsOrigins::Any);
        }
    }
}
