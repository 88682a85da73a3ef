//! What people enter so that a provider can be used, and how much of it they get to see again.

use url::Url;

/// A key, or what stands beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    OpenAi,
    ElevenLabs,
    Deepgram,
    Groq,
    Gemini,
    DashScope,
    CompatibleUrl,
    CompatibleModel,
    CompatibleKey,
}

const LONGEST_KEY: usize = 1_024;
const LONGEST_MODEL: usize = 256;
const LONGEST_URL: usize = 2_048;
/// Shorter ones would be half told by their end.
const SHORTEST_HINT: usize = 8;
const BULLETS: &str = "••••";

impl Key {
    pub const ALL: [Self; 9] = [
        Self::OpenAi,
        Self::ElevenLabs,
        Self::Deepgram,
        Self::Groq,
        Self::Gemini,
        Self::DashScope,
        Self::CompatibleUrl,
        Self::CompatibleModel,
        Self::CompatibleKey,
    ];

    /// The names it goes by, the one it is written under first.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi => &["OPENAI_API_KEY"],
            Self::ElevenLabs => &["ELEVENLABS_API_KEY"],
            Self::Deepgram => &["DEEPGRAM_API_KEY"],
            Self::Groq => &["GROQ_API_KEY"],
            Self::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::DashScope => &["DASHSCOPE_API_KEY", "QWEN_API_KEY"],
            Self::CompatibleUrl => &["TRANSCRIPTION_BASE_URL"],
            Self::CompatibleModel => &["TRANSCRIPTION_MODEL"],
            Self::CompatibleKey => &["TRANSCRIPTION_API_KEY"],
        }
    }

    /// Whether a text can be one. Keys have to fit into a header, and an address gets a path behind it.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::CompatibleUrl => text.len() <= LONGEST_URL && is_base(text),
            Self::CompatibleModel => text.len() <= LONGEST_MODEL && !text.chars().any(char::is_control),
            _ => text.len() <= LONGEST_KEY && text.bytes().all(|byte| byte.is_ascii_graphic()),
        }
    }
}

fn is_base(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// Enough of a key to recognise it.
pub fn hint(key: &str) -> String {
    let length = key.chars().count();
    let skipped = if length < SHORTEST_HINT { length } else { length - 4 };
    let end: String = key.chars().skip(skipped).collect();
    format!("{BULLETS}{end}")
}

/// An address without what may be secret in it.
pub fn shown_address(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else { return String::new() };
    if url.username().is_empty() && url.password().is_none() && url.query().is_none() {
        return address.to_owned();
    }
    // Addresses with a host have a place for both.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_shows_the_end_of_a_long_key_only() {
        assert_eq!(hint("sk-12345678"), "••••5678");
        assert_eq!(hint("sk-ä€ö1"), "••••");
        assert_eq!(hint("sk-12ä€ö"), "••••2ä€ö");
        assert_eq!(hint(""), "••••");
    }

    #[test]
    fn keys_fit_into_a_header() {
        assert!(Key::OpenAi.accepts("sk-proj_A.b/c=="));
        for text in ["a b", "a\nb", "schlüssel", &"x".repeat(1_025)] {
            assert!(!Key::OpenAi.accepts(text), "{text}");
        }
        assert!(Key::CompatibleModel.accepts("Systran/faster whisper"));
        assert!(!Key::CompatibleModel.accepts("a\r\nb"));
    }

    #[test]
    fn an_address_can_take_a_path_behind_it() {
        for text in ["http://localhost:8000/v1", "https://x/", "http://[::1]:1"] {
            assert!(Key::CompatibleUrl.accepts(text), "{text}");
        }
        for text in
            ["x", "ftp://x", "file:///etc", "http://u:p@x", "http://u@x", "http://x?k=1", "http://x#a"]
        {
            assert!(!Key::CompatibleUrl.accepts(text), "{text}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        assert_eq!(shown_address("http://localhost:8000/v1"), "http://localhost:8000/v1");
        assert_eq!(shown_address("http://me:s3cret@x/v1?key=s3cret"), "http://x/v1");
        assert_eq!(shown_address("s3cret"), "");
    }

    #[test]
    fn no_two_keys_share_a_name() {
        let mut names: Vec<&str> = Key::ALL.iter().flat_map(|key| key.names()).copied().collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 11);
    }
}
