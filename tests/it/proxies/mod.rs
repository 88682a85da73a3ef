//! The hub behind what people put in front of it.

mod behind_nginx;
mod cuts;
mod documented;
mod nginx;
mod page;
mod trust;
