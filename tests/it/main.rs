//! The one integration binary; each module mirrors a part of the hub.

mod command;
