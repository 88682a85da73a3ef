//! Whole rows of accounts elsewhere, and of browsers and phones that asked for pushes.

use diesel::{prelude::*, sqlite::SqliteConnection};

use crate::store::{
    Result,
    schema::{devices, push_subscriptions, users},
};

#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    pub platform: String,
    pub platform_user_id: String,
    pub namespace: String,
    pub created_at: i64,
}

#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = push_subscriptions)]
pub struct PushSubscription {
    pub namespace: String,
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
    pub created_at: i64,
}

#[derive(Clone, Debug, Insertable, Queryable, Selectable)]
#[diesel(table_name = devices)]
pub struct Device {
    pub namespace: String,
    pub token: String,
    pub platform: String,
    pub device_id: String,
    pub push_key: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// Says whether the row is new; an account that is already here keeps its namespace.
pub fn insert_user(conn: &mut SqliteConnection, user: &User) -> Result<bool> {
    Ok(diesel::insert_into(users::table).values(user).on_conflict_do_nothing().execute(conn)? == 1)
}

pub fn user(conn: &mut SqliteConnection, like: &User) -> Result<Option<User>> {
    let same = users::platform.eq(&like.platform).and(users::platform_user_id.eq(&like.platform_user_id));
    Ok(users::table.filter(same).select(User::as_select()).first(conn).optional()?)
}

/// Says whether the row is new.
pub fn insert_push_subscription(conn: &mut SqliteConnection, push: &PushSubscription) -> Result<bool> {
    let inserted = diesel::insert_into(push_subscriptions::table).values(push).on_conflict_do_nothing();
    Ok(inserted.execute(conn)? == 1)
}

pub fn push_subscription(
    conn: &mut SqliteConnection,
    like: &PushSubscription,
) -> Result<Option<PushSubscription>> {
    use push_subscriptions::{endpoint, namespace, table};
    let same = namespace.eq(&like.namespace).and(endpoint.eq(&like.endpoint));
    Ok(table.filter(same).select(PushSubscription::as_select()).first(conn).optional()?)
}

/// Says whether the row is new.
pub fn insert_device(conn: &mut SqliteConnection, device: &Device) -> Result<bool> {
    Ok(diesel::insert_into(devices::table).values(device).on_conflict_do_nothing().execute(conn)? == 1)
}

pub fn device(conn: &mut SqliteConnection, like: &Device) -> Result<Option<Device>> {
    use devices::{device_id, namespace, platform, table};
    let same =
        namespace.eq(&like.namespace).and(device_id.eq(&like.device_id)).and(platform.eq(&like.platform));
    Ok(table.filter(same).select(Device::as_select()).first(conn).optional()?)
}
