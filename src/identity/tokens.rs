//! Checks access tokens.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    config::Secret,
    domain::{ids::Namespace, token},
};

/// The tokens that open this hub. Only digests are kept: they are compared in a time that tells nothing, not even
/// the length of the right token.
#[derive(Clone)]
pub struct AccessTokens {
    base: [u8; 32],
}

impl AccessTokens {
    pub fn new(base: &Secret) -> Self {
        Self { base: digest(base.expose()) }
    }

    /// The namespace that this token opens.
    pub fn authenticate(&self, presented: &str) -> Option<Namespace> {
        let (base, namespace) = token::parse(presented)?;
        bool::from(digest(base).ct_eq(&self.base)).then_some(namespace)
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessTokens(hidden)")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_token_opens_any_namespace_and_no_other_token_does() {
        let tokens = AccessTokens::new(&Secret::new("right one"));
        assert_eq!(tokens.authenticate(" right one "), Some(Namespace::from("default")));
        assert_eq!(tokens.authenticate("right one:team"), Some(Namespace::from("team")));
        for wrong in ["", "right", "right one2", "Right one", "right one:", "right one:a:b", ":default"] {
            assert_eq!(tokens.authenticate(wrong), None, "{wrong:?}");
        }
    }
}
