//! Where a value comes from, kept beside the value.

use std::{fmt, ops::Deref};

/// The layer that had the last word on a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    /// `wheelhouse.toml` in the home folder.
    File,
    /// `settings.json` in the home folder, which released clients share.
    Settings,
    /// The variable of this name.
    Environment(String),
    /// The flag as it is typed.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File => f.write_str("wheelhouse.toml"),
            Self::Settings => f.write_str("settings.json"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A value that knows its source. It reads as the value itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    pub value: T,
    pub source: Source,
}

impl<T> Sourced<T> {
    pub fn new(value: T, source: Source) -> Self {
        Self { value, source }
    }

    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced { value: change(self.value), source: self.source }
    }
}

impl<T> Deref for Sourced<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// One line of `wheelhouse config show`. Secrets are already masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub key: &'static str,
    pub value: String,
    pub source: Source,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}  ({})", self.key, self.value, self.source)
    }
}
