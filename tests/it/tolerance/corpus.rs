//! Values that no well-meaning client sends. They are JSON text, since many of them are beyond a JSON library.

/// Nesting that overflows the stack of a careless reader.
const DEEP: usize = 10_000;

/// One input, with a name for messages.
#[derive(Clone, Debug)]
pub struct Odd {
    pub name: &'static str,
    pub text: String,
}

fn odd(name: &'static str, text: impl Into<String>) -> Odd {
    Odd { name, text: text.into() }
}

pub fn nested(open: &str, inside: &str, close: &str, depth: usize) -> String {
    format!("{}{inside}{}", open.repeat(depth), close.repeat(depth))
}

/// All that is JSON by its grammar.
pub fn values() -> Vec<Odd> {
    let mut all: Vec<Odd> = [
        ("null", "null"),
        ("true", "true"),
        ("false", "false"),
        ("zero", "0"),
        ("minus zero", "-0"),
        ("minus one", "-1"),
        ("a fraction", "1.5"),
        ("beyond a double", "1e400"),
        ("below a double", "-1e400"),
        ("the largest double", "1.7976931348623157e308"),
        ("the smallest double", "5e-324"),
        ("no safe integer", "9007199254740993"),
        ("a negative unsafe integer", "-9007199254740993"),
        ("the largest i64", "9223372036854775807"),
        ("the smallest i64", "-9223372036854775808"),
        ("the largest u64", "18446744073709551615"),
        ("beyond u64", "18446744073709551616"),
        ("years ahead", "4102444800000"),
        ("years ago", "86400000"),
        ("an empty string", r#""""#),
        ("blanks", r#""   \t\n""#),
        ("not a number", r#""NaN""#),
        ("infinity", r#""-Infinity""#),
        ("a number in a string", r#""1""#),
        ("a NUL", r#""\u0000""#),
        ("a NUL inside", r#""a\u0000b""#),
        ("control characters", r#""\u0007\u001b[31m\u007f\u0085""#),
        ("text directions", r#""\u202e\u2066\ufeff""#),
        ("half a character", r#""\ud800""#),
        ("the other half", r#""x\udfff""#),
        ("halves the wrong way round", r#""\udc00\ud800""#),
        ("a path upwards", r#""../../../etc/passwd""#),
        ("percent-encoded slashes", r#""%2F..%2f%00""#),
        ("a query", r#""x?y=1&z#w""#),
        ("an unknown word", r#""no-such-word""#),
        ("JSON in a string", r#""{\"role\":\"agent\",\"content\":null}""#),
        ("broken JSON in a string", r#""{\"role\":""#),
        ("an empty list", "[]"),
        ("an empty object", "{}"),
        ("a list of nothing", "[null]"),
        ("a mixed list", r#"[1,"x",{"y":[]},null,"\ud800"]"#),
        ("a key twice", r#"{"a":1,"a":2}"#),
        ("keys of a prototype", r#"{"__proto__":{"x":1},"constructor":1,"":2,"\u0000":3}"#),
        ("half a character as key", r#"{"\ud800":"\udc00"}"#),
    ]
    .map(|(name, text)| odd(name, text))
    .into();
    all.push(odd("a long string", format!("\"{}\"", "x".repeat(100_000))));
    all.push(odd("a long string of large characters", format!("\"{}\"", "\u{1f600}".repeat(20_000))));
    all.push(odd("many items", format!("[{}0]", "0,".repeat(20_000))));
    all.push(odd("deep lists", nested("[", "", "]", DEEP)));
    all.push(odd("deep objects", nested("{\"a\":", "1", "}", DEEP)));
    all
}

/// What looks like JSON and is none.
pub fn garbage() -> Vec<Odd> {
    let mut all: Vec<Odd> = [
        ("nothing", ""),
        ("a bare word", "NaN"),
        ("an open object", "{"),
        ("an open string", "\"x"),
        ("a comma too many", "[1,]"),
        ("two values", "{} {}"),
        ("a real control character", "\"\u{1}\""),
        ("a bad escape", r#""\x""#),
    ]
    .map(|(name, text)| odd(name, text))
    .into();
    all.push(odd("unclosed lists", "[".repeat(DEEP)));
    all
}

/// For addresses: segments and query values, percent-encoded.
pub fn encoded() -> Vec<Odd> {
    let mut all: Vec<Odd> = [
        ("a slash", "%2F"),
        ("upwards", "..%2F..%2Fetc%2Fpasswd"),
        ("upwards the other way", "..%5C..%5C"),
        ("a NUL", "%00"),
        ("a line end", "x%0d%0aSet-Cookie:%20y"),
        ("no UTF-8", "%ff%fe"),
        ("an open escape", "%"),
        ("half an escape", "%2"),
        ("no escape", "%zz"),
        ("twice encoded", "%252F"),
        ("blanks", "%20%20"),
        ("minus one", "-1"),
        ("zero", "0"),
        ("minus zero", "-0"),
        ("a fraction", "1.5"),
        ("beyond a double", "1e400"),
        ("no number", "NaN"),
        ("endless", "Infinity"),
        ("hexadecimal", "0x10"),
        ("beyond u64", "18446744073709551616"),
        ("no safe integer", "9007199254740993"),
        ("the smallest i64", "-9223372036854775808"),
        ("quotes", "%22%27%60%3B--"),
        ("an object's key", "__proto__"),
        ("a large character", "%F0%9F%98%80"),
    ]
    .map(|(name, text)| odd(name, text))
    .into();
    all.push(odd("a long id", "x".repeat(8_000)));
    all
}
