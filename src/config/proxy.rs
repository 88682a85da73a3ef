//! Lists of proxies that are believed, and of the headers they are believed in.

use config::Value;

use super::value::Setting;
use crate::domain::caller::Network;

/// Addresses and networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Networks(pub Vec<Network>);

impl Setting for Networks {
    fn parse(value: Value) -> Result<Self, &'static str> {
        let expected = "a list of addresses or networks such as 10.0.0.0/8";
        let texts = <Vec<String>>::parse(value).map_err(|_| expected)?;
        let networks = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        networks.map(Self).map_err(|_| expected)
    }

    fn show(&self) -> String {
        if self.0.is_empty() {
            return "none".to_owned();
        }
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Names of headers, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames(pub Vec<String>);

impl Setting for HeaderNames {
    fn parse(value: Value) -> Result<Self, &'static str> {
        let expected = "a list of header names such as x-forwarded-for";
        let texts = <Vec<String>>::parse(value).map_err(|_| expected)?;
        let names: Vec<String> = texts.iter().map(|text| text.trim().to_ascii_lowercase()).collect();
        let is_name = |name: &String| http::HeaderName::try_from(name).is_ok();
        if names.is_empty() || !names.iter().all(is_name) {
            return Err(expected);
        }
        Ok(Self(names))
    }

    fn show(&self) -> String {
        self.0.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_read_and_shown() {
        let read = |text: &str| Networks::parse(Value::from(text)).map(|networks| networks.show());
        assert_eq!(read("127.0.0.1, ::1 ,10.0.0.0/8"), Ok("127.0.0.1, ::1, 10.0.0.0/8".to_owned()));
        assert_eq!(
            Networks::parse(Value::from(Vec::<String>::new())).map(|none| none.show()),
            Ok("none".to_owned())
        );
        for bad in ["proxy.example", "127.0.0.1/33", "127.0.0.1,,::1"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_of_headers_are_kept_in_lower_case_and_in_order() {
        let read = |text: &str| HeaderNames::parse(Value::from(text)).map(|names| names.0.join(" "));
        assert_eq!(
            read("CF-Connecting-IP, X-Forwarded-For"),
            Ok("cf-connecting-ip x-forwarded-for".to_owned())
        );
        for bad in ["a b", "", "x:y"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
