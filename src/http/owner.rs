//! What only the owner of the hub may see or change: whoever comes in without a namespace of their own.

use super::{
    auth::Caller,
    error::{ApiError, ApiResult},
};

const OWNER: &str = "default";

pub fn is(caller: &Caller) -> bool {
    caller.namespace.as_str() == OWNER
}

/// `what` begins the sentence that others are told.
pub fn only(caller: &Caller, what: &str) -> ApiResult<()> {
    if is(caller) { Ok(()) } else { Err(ApiError::owner_only(what)) }
}
