//! Shapes that exist only to describe JSON in the OpenAPI document: the hub itself passes on what agents wrote, or
//! renders from its own state.
//!
//! Three kinds of optional fields: `#[schema(required = false)] T` may be left out and is never `null`,
//! `#[schema(required)] Option<T>` is always there and may be `null`, a plain `Option<T>` may be both.
//! Times are epoch milliseconds.

mod agent_state;
mod cli;
mod cursor;
mod files;
mod health;
mod history;
mod limits;
mod local_history;
mod machine;
mod machine_requests;
mod message;
mod metadata;
mod permissions;
mod push;
mod scratchlist;
mod session;
mod session_requests;
mod summary;
mod telegram;
mod voice;

pub use agent_state::*;
pub use cli::*;
pub use cursor::*;
pub use files::*;
pub use health::*;
pub use history::*;
pub use limits::*;
pub use local_history::*;
pub use machine::*;
pub use machine_requests::*;
pub use message::*;
pub use metadata::*;
pub use permissions::*;
pub use push::*;
pub use scratchlist::*;
pub use session::*;
pub use session_requests::*;
pub use summary::*;
pub use telegram::*;
pub use voice::*;
