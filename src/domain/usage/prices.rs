//! What tokens cost, by the name of the model. A model without a price costs an unknown amount, not nothing.

use super::Tokens;

/// US dollars for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    pub input: f64,
    pub cache_read: f64,
    pub cache_write: f64,
    pub output: f64,
}

impl Price {
    pub fn cost(self, tokens: Tokens) -> f64 {
        let cached = tokens.cache_read.saturating_add(tokens.cache_creation);
        let plain = tokens.input.saturating_sub(cached).max(0);
        millions(plain) * self.input
            + millions(tokens.cache_read) * self.cache_read
            + millions(tokens.cache_creation) * self.cache_write
            + millions(tokens.output) * self.output
    }
}

fn millions(tokens: i64) -> f64 {
    const MILLION: i64 = 1_000_000;
    let whole = i32::try_from(tokens / MILLION).unwrap_or(i32::MAX);
    let rest = i32::try_from(tokens % MILLION).unwrap_or(0);
    f64::from(whole) + f64::from(rest) / 1e6
}

/// Prices by pattern; the first that fits a model's name decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices(Vec<(String, Price)>);

impl Prices {
    /// Reads lines like `claude-sonnet-4* = 3 0.3 3.75 15`: a name in which `*` stands for anything, then dollars for
    /// a million tokens of input, cache read, cache write and output.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let filled = lines.into_iter().map(str::trim).filter(|line| !line.is_empty());
        filled.map(entry).collect::<Option<_>>().map(Self)
    }

    /// These prices, and where they say nothing, those.
    pub fn or(mut self, others: &Self) -> Self {
        self.0.extend(others.0.iter().cloned());
        self
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn of(&self, model: &str) -> Option<Price> {
        let model = model.to_lowercase();
        self.0.iter().find(|(pattern, _)| fits(pattern, &model)).map(|(_, price)| *price)
    }
}

impl std::fmt::Display for Prices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (pattern, price)) in self.0.iter().enumerate() {
            let Price { input, cache_read, cache_write, output } = price;
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{pattern} = {input} {cache_read} {cache_write} {output}")?;
        }
        Ok(())
    }
}

fn entry(line: &str) -> Option<(String, Price)> {
    let (pattern, numbers) = line.rsplit_once('=')?;
    let numbers: Option<Vec<f64>> = numbers
        .split_whitespace()
        .map(|number| number.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0))
        .collect();
    let [input, cache_read, cache_write, output] = numbers?.try_into().ok()?;
    let pattern = pattern.trim().to_lowercase();
    (!pattern.is_empty()).then_some((pattern, Price { input, cache_read, cache_write, output }))
}

fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match name.find(part).and_then(|at| name.get(at + part.len()..)) {
            Some(behind) => name = behind,
            None => return false,
        }
    }
    name.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pattern_that_fits_decides() {
        let own = Prices::parse(["*sonnet-4-5 = 1 1 1 1"]).unwrap();
        let list =
            Prices::parse(["*Sonnet-4* = 3 0.3 3.75 15", " ", "gpt-*-mini = 0.25 0.025 0.25 2"]).unwrap();
        let prices = own.or(&list);
        assert_eq!(prices.of("us.anthropic/claude-sonnet-4-5").unwrap().input, 1.0);
        assert_eq!(prices.of("Claude-Sonnet-4-20250514").unwrap().input, 3.0);
        assert_eq!(prices.of("gpt-5.1-mini").unwrap().output, 2.0);
        assert_eq!(prices.of("gpt-5.1-mini-x"), None);
        assert_eq!(
            Prices::parse([prices.to_string().split(", ").last().unwrap()]).unwrap().to_string(),
            "gpt-*-mini = 0.25 0.025 0.25 2"
        );
    }

    #[test]
    fn a_price_is_four_numbers() {
        for wrong in ["x", "x = 1 2 3", "x = 1 2 3 4 5", "= 1 2 3 4", "x = 1 2 3 -4", "x = 1 2 3 nan"] {
            assert_eq!(Prices::parse([wrong]), None, "{wrong}");
        }
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let price = Price { input: 3.0, cache_read: 0.3, cache_write: 3.75, output: 15.0 };
        let tokens =
            Tokens { input: 3_000_000, output: 1_000_000, cache_read: 1_000_000, cache_creation: 1_000_000 };
        assert!((price.cost(tokens) - (3.0 + 0.3 + 3.75 + 15.0)).abs() < 1e-9);
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_and_name_are_compared(pattern in "[a-c*]{0,8}", name in "[a-c]{0,8}") {
            let expected = {
                // The obvious, slow way: either the star takes a letter, or it is passed by.
                fn slow(pattern: &[u8], name: &[u8]) -> bool {
                    match (pattern.first(), name.first()) {
                        (None, None) => true,
                        (Some(b'*'), _) => slow(&pattern[1..], name) || (!name.is_empty() && slow(pattern, &name[1..])),
                        (Some(a), Some(b)) if a == b => slow(&pattern[1..], &name[1..]),
                        _ => false,
                    }
                }
                slow(pattern.as_bytes(), name.as_bytes())
            };
            proptest::prop_assert_eq!(fits(&pattern, &name), expected);
        }
    }
}
