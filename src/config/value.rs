//! The kinds of value a setting can have: how each is read from a layer, and how it is shown.

use std::path::PathBuf;

use config::{Value, ValueKind};

use super::{CorsOrigins, Secret};
use crate::domain::usage::Prices;

/// Reads one value. The error says what would have been right; the wrong value is not repeated, it may be a secret.
pub trait Setting: Sized {
    fn parse(value: Value) -> Result<Self, &'static str>;
    fn show(&self) -> String;
}

macro_rules! positive {
    ($($number:ty),*) => {$(
        impl Setting for $number {
            fn parse(value: Value) -> Result<Self, &'static str> {
                let number = whole(value).and_then(|number| Self::try_from(number).ok());
                number.filter(|number| *number > 0).ok_or("a positive whole number")
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

positive!(i64, u32, u64, usize);

/// The most there may be of something; 0 stands for no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ceiling(pub Option<u64>);

impl Setting for Ceiling {
    fn parse(value: Value) -> Result<Self, &'static str> {
        let number = whole(value).and_then(|number| u64::try_from(number).ok());
        let number = number.ok_or("a whole number, or 0 for no limit")?;
        Ok(Self(Some(number).filter(|number| *number > 0)))
    }

    fn show(&self) -> String {
        self.0.map_or_else(|| "no limit".to_owned(), |number| number.to_string())
    }
}

impl Setting for u16 {
    fn parse(value: Value) -> Result<Self, &'static str> {
        whole(value).and_then(|port| Self::try_from(port).ok()).ok_or("a port from 1 to 65535")
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for bool {
    fn parse(value: Value) -> Result<Self, &'static str> {
        match value.kind {
            ValueKind::Boolean(is) => Ok(is),
            ValueKind::String(text) => text.parse().map_err(|_| "true or false"),
            _ => Err("true or false"),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    fn parse(value: Value) -> Result<Self, &'static str> {
        match value.kind {
            ValueKind::String(text) if !text.trim().is_empty() => Ok(text.trim().to_owned()),
            _ => Err("a text"),
        }
    }

    fn show(&self) -> String {
        self.clone()
    }
}

/// Empty text means "not set".
impl Setting for Option<String> {
    fn parse(value: Value) -> Result<Self, &'static str> {
        match value.kind {
            ValueKind::String(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            _ => Err("a text"),
        }
    }

    fn show(&self) -> String {
        self.clone().unwrap_or_else(|| "not set".to_owned())
    }
}

impl Setting for Option<PathBuf> {
    fn parse(value: Value) -> Result<Self, &'static str> {
        Ok(<Option<String>>::parse(value)?.map(PathBuf::from))
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "not set".to_owned(), |path| path.display().to_string())
    }
}

impl Setting for Option<Secret> {
    fn parse(value: Value) -> Result<Self, &'static str> {
        Ok(<Option<String>>::parse(value)?.map(Secret::new))
    }

    fn show(&self) -> String {
        if self.is_some() { "hidden" } else { "not set" }.to_owned()
    }
}

/// A list, or text with commas.
impl Setting for Vec<String> {
    fn parse(value: Value) -> Result<Self, &'static str> {
        match value.kind {
            ValueKind::String(text) => Ok(text.split(',').map(str::to_owned).collect()),
            ValueKind::Array(items) => items
                .into_iter()
                .map(|item| match item.kind {
                    ValueKind::String(text) => Ok(text),
                    _ => Err("a list of texts"),
                })
                .collect(),
            _ => Err("a list of texts"),
        }
    }

    fn show(&self) -> String {
        self.join(", ")
    }
}

impl Setting for Prices {
    fn parse(value: Value) -> Result<Self, &'static str> {
        let expected = "a list of texts like `model* = 3 0.3 3.75 15`";
        let lines = <Vec<String>>::parse(value).map_err(|_| expected)?;
        Self::parse(lines.iter().map(String::as_str)).ok_or(expected)
    }

    /// A long list would bury the other settings.
    fn show(&self) -> String {
        match self.len() {
            0 => "none".to_owned(),
            1..=3 => self.to_string(),
            many => format!("{many} lines"),
        }
    }
}

impl Setting for CorsOrigins {
    fn parse(value: Value) -> Result<Self, &'static str> {
        Ok(Self::normalise(&<Vec<String>>::parse(value)?))
    }

    fn show(&self) -> String {
        match self {
            Self::Any => "*".to_owned(),
            Self::List(origins) => origins.join(", "),
        }
    }
}

/// Unlike the `config` crate's own conversion, this takes no rounded fractions and no words such as `yes` for 1.
fn whole(value: Value) -> Option<i64> {
    match value.kind {
        ValueKind::I64(number) => Some(number),
        ValueKind::U64(number) => i64::try_from(number).ok(),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}
