//! The two wishes about summaries that people set in the web app. They lie in `settings.json`, beside what other
//! programs keep there.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Error, settings_file};
use crate::clock::Clock;

const CONTRACT: &str = "sessionSummaryContract";
const IN_CHAT: &str = "sessionSummaryInChat";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubSettings {
    /// Agents are asked to sum up what they did. Told to each when its session starts.
    pub session_summary_contract: bool,
    /// Such summaries are shown in the conversation.
    pub session_summary_in_chat: bool,
}

/// New values; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubSettingsChange {
    pub session_summary_contract: Option<bool>,
    pub session_summary_in_chat: Option<bool>,
}

impl HubSettings {
    /// What holds now, whoever wrote the file last. Blocks the thread.
    pub fn read(home: &Path) -> Result<Self, Error> {
        settings_file::read(&settings_file::path(home)).map(|settings| Self::of(&settings))
    }

    /// Changes the file and answers what holds afterwards. Blocks the thread.
    pub fn update(home: &Path, clock: &Clock, change: HubSettingsChange) -> Result<Self, Error> {
        settings_file::update(home, clock, |settings| {
            let values =
                [(CONTRACT, change.session_summary_contract), (IN_CHAT, change.session_summary_in_chat)];
            for (key, value) in values {
                if let Some(value) = value {
                    settings.insert(key.to_owned(), value.into());
                }
            }
            Self::of(settings)
        })
    }

    fn of(settings: &Map<String, Value>) -> Self {
        let is_set = |key: &str| settings.get(key) == Some(&Value::Bool(true));
        Self { session_summary_contract: is_set(CONTRACT), session_summary_in_chat: is_set(IN_CHAT) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_change_leaves_everything_else_alone() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(HubSettings::read(home.path()).unwrap(), HubSettings::default());
        let path = settings_file::path(home.path());
        fs::write(&path, r#"{"machineId":"m","sessionSummaryInChat":true}"#).unwrap();
        let change = HubSettingsChange { session_summary_contract: Some(true), ..Default::default() };
        let both = HubSettings { session_summary_contract: true, session_summary_in_chat: true };
        assert_eq!(HubSettings::update(home.path(), &Clock::system(), change).unwrap(), both);
        assert_eq!(HubSettings::read(home.path()).unwrap(), both);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("{\n  \"machineId\": \"m\",\n  \"sessionSummaryInChat\": true"), "{text}");
    }

    #[test]
    fn only_true_is_true() {
        let home = tempfile::tempdir().unwrap();
        fs::write(settings_file::path(home.path()), r#"{"sessionSummaryContract":"yes"}"#).unwrap();
        assert_eq!(HubSettings::read(home.path()).unwrap(), HubSettings::default());
    }
}
