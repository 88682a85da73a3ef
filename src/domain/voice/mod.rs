//! Which providers turn speech into text, which speak, and what may be asked of them.

pub mod audio;
pub mod key;
pub mod telemetry;

use key::Key;

/// Turns speech into text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    OpenAi,
    ElevenLabs,
    Deepgram,
    Groq,
    OpenAiCompatible,
}

impl Provider {
    pub const ALL: [Self; 5] =
        [Self::OpenAi, Self::ElevenLabs, Self::Deepgram, Self::Groq, Self::OpenAiCompatible];

    pub fn id(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::ElevenLabs => "elevenlabs",
            Self::Deepgram => "deepgram",
            Self::Groq => "groq",
            Self::OpenAiCompatible => "openai-compatible",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAI",
            Self::ElevenLabs => "ElevenLabs",
            Self::Deepgram => "Deepgram",
            Self::Groq => "Groq",
            Self::OpenAiCompatible => "OpenAI-compatible / local",
        }
    }

    /// Without this one nothing can be asked of it.
    pub fn key(self) -> Key {
        match self {
            Self::OpenAi => Key::OpenAi,
            Self::ElevenLabs => Key::ElevenLabs,
            Self::Deepgram => Key::Deepgram,
            Self::Groq => Key::Groq,
            Self::OpenAiCompatible => Key::CompatibleUrl,
        }
    }

    /// Whether browsers may speak to it directly, with a token that soon expires.
    pub fn is_realtime(self) -> bool {
        matches!(self, Self::OpenAi | Self::ElevenLabs | Self::Deepgram)
    }

    pub fn find(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.id() == id)
    }
}

/// Leads a conversation by voice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    ElevenLabs,
    GeminiLive,
    QwenRealtime,
}

impl Backend {
    pub const ALL: [Self; 3] = [Self::ElevenLabs, Self::GeminiLive, Self::QwenRealtime];

    pub fn id(self) -> &'static str {
        match self {
            Self::ElevenLabs => "elevenlabs",
            Self::GeminiLive => "gemini-live",
            Self::QwenRealtime => "qwen-realtime",
        }
    }

    pub fn key(self) -> Key {
        match self {
            Self::ElevenLabs => Key::ElevenLabs,
            Self::GeminiLive => Key::Gemini,
            Self::QwenRealtime => Key::DashScope,
        }
    }

    /// The hub does not stand between a page and the other two.
    pub fn is_served(self) -> bool {
        self == Self::ElevenLabs
    }

    /// The one that pages begin with: the wished one, else the first, which is `ElevenLabs` when that has a key.
    pub fn choose(wish: Option<&str>, configured: &[Self]) -> Option<Self> {
        let wished = configured.iter().find(|backend| Some(backend.id()) == wish);
        wished.or(configured.first()).copied()
    }
}

const LONGEST_LANGUAGE: usize = 35;

/// Whether a text looks like `en`, `pt-BR` or `zh-Hans-CN`.
pub fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_first =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let is_next =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= LONGEST_LANGUAGE && parts.next().is_some_and(is_first) && parts.all(is_next)
}

/// The language without its region, as most providers want it.
pub fn plain_language(language: &str) -> &str {
    language.split_once('-').map_or(language, |(plain, _)| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_found_by_its_id() {
        for provider in Provider::ALL {
            assert_eq!(Provider::find(provider.id()), Some(provider));
        }
        for id in ["", "OpenAI", "whisper"] {
            assert_eq!(Provider::find(id), None, "{id}");
        }
    }

    #[test]
    fn a_wish_counts_only_when_it_can_be_met() {
        use Backend::*;
        let choose = Backend::choose;
        assert_eq!(choose(Some("qwen-realtime"), &[ElevenLabs, QwenRealtime]), Some(QwenRealtime));
        assert_eq!(choose(Some("gemini-live"), &[ElevenLabs, QwenRealtime]), Some(ElevenLabs));
        assert_eq!(choose(None, &[GeminiLive, QwenRealtime]), Some(GeminiLive));
        assert_eq!(choose(Some("gemini-live"), &[]), None);
    }

    #[test]
    fn languages_look_like_languages() {
        for text in ["en", "pt-BR", "zh-Hans-CN", "de-1996", "auto"] {
            assert!(is_language(text), "{text}");
        }
        let long = format!("en{}", "-abcdefgh".repeat(4));
        for text in ["", "e", "en-", "-en", "en_US", "e1", "en US", "ü-de", "en-\r\n", long.as_str()] {
            assert!(!is_language(text), "{text}");
        }
        assert_eq!((plain_language("pt-BR"), plain_language("en")), ("pt", "en"));
    }
}
