//! Rows of browsers and phones that asked for pushes. Keys in them are secrets: nothing here can be printed.

use diesel::{prelude::*, sqlite::SqliteConnection};

use super::{
    error::Result,
    schema::{devices, push_subscriptions},
};
use crate::domain::ids::{Millis, Namespace};

/// A browser that asked for pushes.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = push_subscriptions)]
pub struct Subscription {
    pub endpoint: String,
    pub p256dh: String,
    pub auth: String,
}

/// A phone or a watch that asked for pushes.
#[derive(Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = devices)]
pub struct Device {
    pub token: String,
    pub platform: String,
    pub device_id: String,
    pub push_key: Option<String>,
}

/// Keeps a subscription; its keys take the place of those that its address had.
pub fn subscribe(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    new: &Subscription,
    now: Millis,
) -> Result<()> {
    let keys = (
        push_subscriptions::p256dh.eq(&new.p256dh),
        push_subscriptions::auth.eq(&new.auth),
        push_subscriptions::refused.eq(0),
    );
    diesel::insert_into(push_subscriptions::table)
        .values((
            push_subscriptions::namespace.eq(namespace.as_str()),
            push_subscriptions::endpoint.eq(&new.endpoint),
            keys,
            push_subscriptions::created_at.eq(now),
        ))
        .on_conflict((push_subscriptions::namespace, push_subscriptions::endpoint))
        .do_update()
        .set(keys)
        .execute(conn)?;
    Ok(())
}

/// Forgets a subscription. There need not be one.
pub fn unsubscribe(conn: &mut SqliteConnection, namespace: &Namespace, endpoint: &str) -> Result<()> {
    let of_namespace = push_subscriptions::namespace.eq(namespace.as_str());
    diesel::delete(
        push_subscriptions::table.filter(of_namespace.and(push_subscriptions::endpoint.eq(endpoint))),
    )
    .execute(conn)?;
    Ok(())
}

pub fn subscriptions(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<Vec<Subscription>> {
    Ok(push_subscriptions::table
        .filter(push_subscriptions::namespace.eq(namespace.as_str()))
        .order(push_subscriptions::key.asc())
        .select(Subscription::as_select())
        .load(conn)?)
}

type OfOne<'a> = diesel::dsl::And<
    diesel::dsl::And<
        diesel::dsl::Eq<push_subscriptions::namespace, &'a str>,
        diesel::dsl::Eq<push_subscriptions::endpoint, &'a str>,
    >,
    diesel::dsl::Eq<push_subscriptions::auth, &'a str>,
>;

/// The very subscription that was pushed to: one that was renewed since has other keys.
fn this_one<'a>(namespace: &'a Namespace, sent_to: &'a Subscription) -> OfOne<'a> {
    push_subscriptions::namespace
        .eq(namespace.as_str())
        .and(push_subscriptions::endpoint.eq(sent_to.endpoint.as_str()))
        .and(push_subscriptions::auth.eq(sent_to.auth.as_str()))
}

/// The push service took something for it.
pub fn forgive(conn: &mut SqliteConnection, namespace: &Namespace, sent_to: &Subscription) -> Result<()> {
    let refused =
        push_subscriptions::table.filter(this_one(namespace, sent_to).and(push_subscriptions::refused.gt(0)));
    diesel::update(refused).set(push_subscriptions::refused.eq(0)).execute(conn)?;
    Ok(())
}

/// The push service refused it once more: at `most` times in a row it is forgotten. Answers whether it is.
pub fn refuse(
    conn: &mut SqliteConnection,
    namespace: &Namespace,
    sent_to: &Subscription,
    most: i64,
) -> Result<bool> {
    diesel::update(push_subscriptions::table.filter(this_one(namespace, sent_to)))
        .set(push_subscriptions::refused.eq(push_subscriptions::refused + 1))
        .execute(conn)?;
    let is_over = push_subscriptions::refused.ge(most);
    let spent = push_subscriptions::table.filter(this_one(namespace, sent_to).and(is_over));
    Ok(diesel::delete(spent).execute(conn)? > 0)
}

/// The push service does not know it any more.
pub fn forget(conn: &mut SqliteConnection, namespace: &Namespace, sent_to: &Subscription) -> Result<()> {
    diesel::delete(push_subscriptions::table.filter(this_one(namespace, sent_to))).execute(conn)?;
    Ok(())
}

/// Keeps a device. A token is of one device in one namespace at a time: whoever had it before is forgotten.
pub fn register(conn: &mut SqliteConnection, namespace: &Namespace, new: &Device, now: Millis) -> Result<()> {
    let is_other = devices::namespace
        .ne(namespace.as_str())
        .or(devices::device_id.ne(&new.device_id))
        .or(devices::platform.ne(&new.platform));
    diesel::delete(devices::table.filter(devices::token.eq(&new.token).and(is_other))).execute(conn)?;
    let kept =
        (devices::token.eq(&new.token), devices::push_key.eq(&new.push_key), devices::updated_at.eq(now));
    diesel::insert_into(devices::table)
        .values((
            devices::namespace.eq(namespace.as_str()),
            devices::platform.eq(&new.platform),
            devices::device_id.eq(&new.device_id),
            kept,
            devices::created_at.eq(now),
        ))
        .on_conflict((devices::namespace, devices::device_id, devices::platform))
        .do_update()
        .set(kept)
        .execute(conn)?;
    Ok(())
}

/// Forgets the devices of a namespace that have this token.
pub fn unregister(conn: &mut SqliteConnection, namespace: &Namespace, token: &str) -> Result<()> {
    let of_namespace = devices::namespace.eq(namespace.as_str());
    diesel::delete(devices::table.filter(of_namespace.and(devices::token.eq(token)))).execute(conn)?;
    Ok(())
}

pub fn devices(conn: &mut SqliteConnection, namespace: &Namespace) -> Result<Vec<Device>> {
    Ok(devices::table
        .filter(devices::namespace.eq(namespace.as_str()))
        .order(devices::key.asc())
        .select(Device::as_select())
        .load(conn)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::open;

    fn device(token: &str, platform: &str, device_id: &str) -> Device {
        Device { token: token.into(), platform: platform.into(), device_id: device_id.into(), push_key: None }
    }

    fn tokens(conn: &mut SqliteConnection, namespace: &str) -> Vec<(String, String)> {
        let found = devices(conn, &namespace.into()).unwrap();
        found.into_iter().map(|row| (row.token, row.platform)).collect()
    }

    #[tokio::test]
    async fn a_token_is_of_one_device_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        store
            .write(|tx| {
                let (a, b): (Namespace, Namespace) = ("a".into(), "b".into());
                assert!(tokens(tx.conn, "a").is_empty());
                register(tx.conn, &a, &device("t1", "phone", "d"), 1)?;
                register(tx.conn, &a, &device("t2", "wear", "d"), 1)?;
                register(tx.conn, &a, &device("t3", "phone", "d"), 2)?;
                let pair = |token: &str, platform: &str| (token.to_owned(), platform.to_owned());
                assert_eq!(tokens(tx.conn, "a"), [pair("t3", "phone"), pair("t2", "wear")]);
                register(tx.conn, &b, &device("t3", "ios", "e"), 3)?;
                unregister(tx.conn, &b, "t2")?;
                assert_eq!(tokens(tx.conn, "a"), [pair("t2", "wear")]);
                assert_eq!(tokens(tx.conn, "b"), [pair("t3", "ios")]);
                unregister(tx.conn, &b, "t3")?;
                assert!(devices(tx.conn, &b)?.is_empty());
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
    }

    #[tokio::test]
    async fn a_subscription_that_is_refused_again_and_again_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        store
            .write(|tx| {
                let (a, b): (Namespace, Namespace) = ("a".into(), "b".into());
                let of = |auth: &str| Subscription {
                    endpoint: "https://push.example/x".into(),
                    p256dh: "p".into(),
                    auth: auth.into(),
                };
                for namespace in [&a, &b] {
                    subscribe(tx.conn, namespace, &of("1"), 1)?;
                }
                assert!(!refuse(tx.conn, &a, &of("1"), 2)?);
                forgive(tx.conn, &a, &of("1"))?;
                assert!(!refuse(tx.conn, &a, &of("1"), 2)?);
                subscribe(tx.conn, &a, &of("2"), 2)?;
                forget(tx.conn, &a, &of("1"))?;
                assert!(!refuse(tx.conn, &a, &of("1"), 1)?, "it was renewed since");
                assert!(!refuse(tx.conn, &a, &of("2"), 2)?);
                assert!(refuse(tx.conn, &a, &of("2"), 2)?);
                assert!(subscriptions(tx.conn, &a)?.is_empty());
                forget(tx.conn, &a, &of("1"))?;
                assert!(subscriptions(tx.conn, &b)? == [of("1")]);
                forget(tx.conn, &b, &of("1"))?;
                assert!(subscriptions(tx.conn, &b)?.is_empty());
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
    }

    #[tokio::test]
    async fn a_subscription_is_kept_once_with_its_newest_keys() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder);
        store
            .write(|tx| {
                let (a, b): (Namespace, Namespace) = ("a".into(), "b".into());
                let with = |auth: &str| Subscription {
                    endpoint: "https://push.example/x".into(),
                    p256dh: "p".into(),
                    auth: auth.into(),
                };
                for (namespace, auth) in [(&a, "old"), (&b, "other"), (&a, "new")] {
                    subscribe(tx.conn, namespace, &with(auth), 1)?;
                }
                assert!(subscriptions(tx.conn, &a)? == [with("new")]);
                unsubscribe(tx.conn, &a, "https://push.example/x")?;
                unsubscribe(tx.conn, &a, "https://push.example/x")?;
                assert!(subscriptions(tx.conn, &a)?.is_empty());
                assert!(subscriptions(tx.conn, &b)? == [with("other")]);
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
    }
}
