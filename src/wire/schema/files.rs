//! What sessions' processes answer about their files.

use utoipa::ToSchema;

/// What a git command printed.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CommandResult {
    pub success: bool,
    #[schema(required = false)]
    pub stdout: String,
    #[schema(required = false)]
    pub stderr: String,
    #[schema(required = false)]
    pub exit_code: i32,
    #[schema(required = false)]
    pub error: String,
}

#[derive(ToSchema)]
pub struct FileContent {
    pub success: bool,
    /// Base64.
    #[schema(required = false)]
    pub content: String,
    /// Bytes.
    #[schema(required = false)]
    pub size: f64,
    #[schema(required = false)]
    pub modified: f64,
    #[schema(required = false)]
    pub error: String,
}

#[derive(ToSchema)]
pub struct DirectoryListing {
    pub success: bool,
    #[schema(required = false)]
    pub entries: Vec<DirectoryEntry>,
    #[schema(required = false)]
    pub error: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DirectoryEntry {
    pub name: String,
    pub r#type: EntryType,
    /// Bytes.
    #[schema(required = false)]
    pub size: f64,
    #[schema(required = false)]
    pub modified: f64,
    /// Told by machines, not by sessions.
    #[schema(required = false)]
    pub is_git_repo: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum EntryType {
    File,
    Directory,
    Other,
}

#[derive(ToSchema)]
pub struct FileSearch {
    pub success: bool,
    #[schema(required = false)]
    pub files: Vec<FoundFile>,
    #[schema(required = false)]
    pub error: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct FoundFile {
    pub file_name: String,
    /// The directory, empty at the root.
    pub file_path: String,
    pub full_path: String,
    /// `file`.
    pub file_type: String,
    /// Bytes.
    #[schema(required = false)]
    pub size: f64,
    #[schema(required = false)]
    pub modified: f64,
}

#[derive(ToSchema)]
pub struct SlashCommands {
    pub success: bool,
    #[schema(required = false)]
    pub commands: Vec<SlashCommand>,
    #[schema(required = false)]
    pub error: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SlashCommand {
    pub name: String,
    #[schema(required = false)]
    pub description: String,
    /// `builtin`, `user`, `plugin` or `project`.
    pub source: String,
    #[schema(required = false)]
    pub content: String,
    #[schema(required = false)]
    pub plugin_name: String,
}

#[derive(ToSchema)]
pub struct UploadAnswer {
    pub success: bool,
    /// On the machine of the session.
    #[schema(required = false)]
    pub path: String,
    #[schema(required = false)]
    pub error: String,
}
