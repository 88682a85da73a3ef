//! Recordings: which are taken, and what providers are told they are.

/// The largest recording, and the largest body that may carry it.
pub const LARGEST: usize = 25 * 1024 * 1024;
pub const LARGEST_BODY: usize = 26 * 1024 * 1024;

const UNKNOWN: &str = "application/octet-stream";

/// Ends of file names and what is in such files; the first of a type is the one that it gets.
const ENDINGS: [(&str, &str); 12] = [
    ("webm", "audio/webm"),
    ("webm", "video/webm"),
    ("m4a", "audio/mp4"),
    ("m4a", "audio/x-m4a"),
    ("mp4", "video/mp4"),
    ("mp3", "audio/mpeg"),
    ("mp3", "audio/mp3"),
    ("wav", "audio/wav"),
    ("wav", "audio/x-wav"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("aac", "audio/aac"),
];

/// What a recording is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub mime_type: String,
    ending: Option<&'static str>,
}

impl Kind {
    /// `declared` is the type that the upload came with, without parameters. A missing or empty one says nothing, so
    /// the end of the name has to. `None`: it is no recording.
    pub fn of(declared: Option<&str>, name: Option<&str>) -> Option<Self> {
        let by_name = name.and_then(ending_of_name);
        let declared = declared.map(str::to_ascii_lowercase).filter(|declared| !declared.is_empty());
        match declared {
            Some(declared) if is_recording(&declared) => {
                let ending = ENDINGS.iter().find(|(_, kind)| *kind == declared).map(|(ending, _)| *ending);
                Some(Self { ending: ending.or(by_name.map(|(ending, _)| ending)), mime_type: declared })
            }
            Some(declared) if declared != UNKNOWN => None,
            is_told => match by_name {
                Some((ending, kind)) => Some(Self { mime_type: kind.to_owned(), ending: Some(ending) }),
                None if is_told.is_some() => None,
                None => Some(Self { mime_type: UNKNOWN.to_owned(), ending: None }),
            },
        }
    }

    /// A name for it. Providers look at its end; nothing of the name that it came with is passed on.
    pub fn file_name(&self) -> String {
        self.ending.map_or_else(|| "audio".to_owned(), |ending| format!("audio.{ending}"))
    }
}

fn is_recording(kind: &str) -> bool {
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
    };
    matches!(kind, "video/webm" | "video/mp4") || kind.strip_prefix("audio/").is_some_and(is_token)
}

fn ending_of_name(name: &str) -> Option<(&'static str, &'static str)> {
    let (_, ending) = name.rsplit_once('.')?;
    ENDINGS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(declared: Option<&str>, name: Option<&str>) -> Option<(String, String)> {
        Kind::of(declared, name).map(|kind| (kind.mime_type.clone(), kind.file_name()))
    }

    fn kind(mime_type: &str, name: &str) -> Option<(String, String)> {
        Some((mime_type.to_owned(), name.to_owned()))
    }

    #[test]
    fn the_type_decides_and_else_the_name() {
        assert_eq!(told(Some("audio/webm"), Some("x.wav")), kind("audio/webm", "audio.webm"));
        assert_eq!(told(Some("Video/MP4"), None), kind("video/mp4", "audio.mp4"));
        assert_eq!(told(Some("audio/amr"), Some("x.WAV")), kind("audio/amr", "audio.wav"));
        assert_eq!(told(None, Some("a.b.OGG")), kind("audio/ogg", "audio.ogg"));
        assert_eq!(told(Some("application/octet-stream"), Some("a.mp3")), kind("audio/mpeg", "audio.mp3"));
        assert_eq!(told(None, Some("blob")), kind("application/octet-stream", "audio"));
        assert_eq!(told(Some(""), None), kind("application/octet-stream", "audio"));
    }

    #[test]
    fn what_is_no_recording_is_refused() {
        for declared in
            ["text/plain", "video/ogg", "audio/", "audio/a b", "application/octet-stream", "audio"]
        {
            assert_eq!(told(Some(declared), Some("x.txt")), None, "{declared}");
        }
    }
}
