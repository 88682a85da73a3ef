//! Metadata of sessions and machines: what clients may write, what is kept of it, and what is shown.

mod machine;
mod merge;
mod session;
mod session_shape;

pub use machine::{health, machine_view, merge_machine_metadata, merge_runner_state, runner_state_view};
pub use merge::{HUB_OWNED_KEYS, merge_from_cli, native_ids_changed};
pub use session::{
    agent_session_id, flavor, flavor_name, host, is_shared, lifecycle_state, machine_id, native_id, path,
    preferred_agent_mode, preferred_permission_mode, resume_id, summary_view, view,
};
