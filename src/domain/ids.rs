//! Identities as newtypes, so that a session id can never be taken for a machine id.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

identity! {
    /// A tenant. Nothing crosses from one to another.
    Namespace
}
identity! {
    /// One conversation with an agent. Unique over all namespaces.
    SessionId
}
identity! {
    /// One computer with a runner. Unique over all namespaces; any text the runner chose.
    MachineId
}
identity! {
    /// A question an agent asked. The agent chooses it, so it may come back within one session.
    RequestId
}

impl SessionId {
    pub fn random() -> Self {
        Self::from(uuid::Uuid::new_v4().to_string())
    }
}

/// Milliseconds since the Unix epoch, by the hub's clock unless said otherwise.
pub type Millis = i64;
