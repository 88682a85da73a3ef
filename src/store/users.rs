//! Accounts elsewhere that belong to a namespace.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{error::Result, schema::users};
use crate::domain::ids::{Millis, Namespace};

/// The namespace that an account belongs to.
pub fn namespace_of(conn: &mut SqliteConnection, platform: &str, id: &str) -> Result<Option<Namespace>> {
    let namespace: Option<String> = users::table
        .filter(users::platform.eq(platform).and(users::platform_user_id.eq(id)))
        .select(users::namespace)
        .first(conn)
        .optional()?;
    Ok(namespace.map(Namespace::from))
}

/// Binds an account, unless it belongs to a namespace already. Answers the one it belongs to from now on.
pub fn bind(
    conn: &mut SqliteConnection,
    platform: &str,
    id: &str,
    namespace: &Namespace,
    now: Millis,
) -> Result<Namespace> {
    diesel::insert_or_ignore_into(users::table)
        .values((
            users::platform.eq(platform),
            users::platform_user_id.eq(id),
            users::namespace.eq(namespace.as_str()),
            users::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(namespace_of(conn, platform, id)?.ok_or(diesel::result::Error::NotFound)?)
}
