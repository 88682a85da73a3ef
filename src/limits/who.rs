//! Whose share something counts against.

use std::net::IpAddr;

use crate::{domain::ids::Namespace, identity};

/// One holder of a token, or one address that has shown none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The pages and scripts of one user.
    Page { namespace: Namespace, user: String },
    /// The processes of a namespace, which have one token in common.
    Cli { namespace: Namespace },
    /// The network of an address.
    Stranger(IpAddr),
}

/// Who shares a limit beside their own ones. Strangers have one of their own, so that they take nothing from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    Namespace(Namespace),
    Strangers,
}

impl Who {
    pub fn stranger(address: IpAddr) -> Self {
        Self::Stranger(identity::network(address))
    }

    pub fn group(&self) -> Group {
        match self {
            Self::Page { namespace, .. } | Self::Cli { namespace } => Group::Namespace(namespace.clone()),
            Self::Stranger(_) => Group::Strangers,
        }
    }

    pub fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_is_one_stranger() {
        let of = |text: &str| Who::stranger(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
