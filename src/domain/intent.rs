//! The steps of a session's life that need more than one process, and so are recorded before they begin.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A runner brings a session back, perhaps under another id.
    Resume,
    /// A child is made with the conversation up to a point.
    Fork,
    /// The conversation goes back to a point.
    Rewind,
    /// An empty session takes the place of one.
    Clear,
    /// A session went into another, with all that belonged to it.
    Merge,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resume => "resume",
            Self::Fork => "fork",
            Self::Rewind => "rewind",
            Self::Clear => "clear",
            Self::Merge => "merge",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Resume, Self::Fork, Self::Rewind, Self::Clear, Self::Merge]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}
