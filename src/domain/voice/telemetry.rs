//! What pages report of their voice features, as far as it may stand in a log.

const LONGEST: usize = 200;
const LONGEST_WORD: usize = 32;
const MASK: &str = "***";

/// A text for the log: one short line, in which nothing that could be a key, a token or an address is left.
pub fn loggable(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        let is_secret = word.len() > LONGEST_WORD || word.contains(['=', '@', '/']) || has_key_shape(word);
        let word = if is_secret { MASK } else { word };
        if line.len() + word.len() >= LONGEST {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Keys mix letters and digits at some length; words and numbers do not.
fn has_key_shape(word: &str) -> bool {
    word.len() >= 12
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_secret_is_masked() {
        let text = "WebSocket wss://x/?token=ey.a\nclosed: 1006 \u{1b}[31m sk-proj-12345678 apiKey=abc";
        assert_eq!(loggable(text), "WebSocket *** closed: 1006 [31m *** ***");
        assert_eq!(loggable(&"x".repeat(33)), MASK);
        assert_eq!(loggable("microphone permission denied"), "microphone permission denied");
    }

    proptest::proptest! {
        #[test]
        fn a_line_stays_short_and_single(text in "\\PC{0,400}|[\\s\\S]{0,400}") {
            let line = loggable(&text);
            proptest::prop_assert!(line.len() <= LONGEST);
            proptest::prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
