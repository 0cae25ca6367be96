//! The backups in a bucket: listed, told apart by their keys, and pruned.

use jiff::SignedDuration;
use jiff::civil::DateTime;
use poniard_sdk::prelude::*;

use crate::retention::Retention;
use db_worker::address::Address;
use db_worker::engine::Engine;
use db_worker::names::{self, Name};
use db_worker::s3::{Keys, Location, Store};
use db_worker::sidecar;

/// What was begun so long before now is under way no more.
const UNFINISHED: SignedDuration = SignedDuration::from_hours(3 * 24);

pub struct Shelf {
    store: Store,
    location: Location,
}

/// A backup of a listing.
pub struct Entry {
    pub key: String,
    pub bytes: u64,
    pub name: Name,
}

impl Shelf {
    pub async fn open(
        location: Location,
        access_key_id: &Secret,
        secret_access_key: &Secret,
        session_token: Option<&Secret>,
    ) -> Result<Self> {
        let keys = Keys {
            access_key_id: access_key_id.plaintext().await?,
            secret_access_key: secret_access_key.plaintext().await?,
            session_token: match session_token {
                Some(token) => Some(token.plaintext().await?),
                None => None,
            },
        };
        let store = Store::open(&location, keys)?;
        Ok(Self { store, location })
    }

    /// Everything with a description beside it, oldest first.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let objects = self.store.list(&self.location.prefix)?;
        let mut found: Vec<_> = objects
            .values()
            .filter(|object| objects.contains_key(&names::sidecar(&object.key)))
            .filter_map(|object| {
                Some(Entry {
                    name: Name::parse(&object.key)?,
                    key: object.key.clone(),
                    bytes: object.bytes,
                })
            })
            .collect();
        found.sort_unstable_by(|a, b| (a.name.created, &a.key).cmp(&(b.name.created, &b.key)));
        Ok(found)
    }

    /// Deletes the database's backups that need not stay; their keys. Nothing goes
    /// unless the newest one is whole.
    pub fn prune(&self, address: &Address, retention: Retention) -> Result<Vec<String>> {
        if retention.is_none() {
            return Ok(Vec::new());
        }
        let mut ours = self.list()?;
        ours.retain(|entry| is_of(&entry.name, address));
        let Some(newest) = ours.last() else {
            return Ok(Vec::new());
        };
        let described = sidecar(&self.store, &newest.key)?;
        ensure!(
            described.bytes == newest.bytes,
            "nothing is pruned: the newest backup `{}` has {} bytes and should have {}",
            newest.key,
            newest.bytes,
            described.bytes
        );
        let made: Vec<DateTime> = ours.iter().map(|entry| entry.name.created).collect();
        let mut gone = Vec::new();
        for index in retention.goes(&made) {
            let key = &ours[index].key;
            // Should it end between the two, nothing looks like a backup.
            let deleted = self
                .store
                .delete(key)
                .and_then(|()| self.store.delete(&names::sidecar(key)));
            deleted.wrap_err_with(|| format!("pruned {} backups, then failed", gone.len()))?;
            gone.push(key.clone());
        }
        Ok(gone)
    }

    /// Takes away what runs that were killed left of the database's backups: uploads
    /// that were never finished, whose parts nobody sees and which are paid for all the
    /// same, and descriptions without a backup.
    pub fn sweep(&self, address: &Address, now: DateTime) -> Result<()> {
        let left = |key: &str| {
            Name::parse(key).is_some_and(|name| {
                is_of(&name, address) && name.created < now.saturating_sub(UNFINISHED)
            })
        };
        for (key, upload_id) in self.store.unfinished(&self.location.prefix)? {
            if left(&key) {
                self.store.abort(&key, &upload_id)?;
            }
        }
        let objects = self.store.list(&self.location.prefix)?;
        for beside in objects.keys() {
            let described = names::described(beside);
            if described.is_some_and(|key| !objects.contains_key(key) && left(key)) {
                self.store.delete(beside)?;
            }
        }
        Ok(())
    }

    pub fn presign(&self, key: &str, ttl: u64) -> Result<String> {
        let most = db_worker::s3::MAX_TTL;
        ensure!(
            (1..=most.as_secs()).contains(&ttl),
            "ttl of {ttl} s: S3 takes 1 to {} s (7 days)",
            most.as_secs()
        );
        let ttl = std::time::Duration::from_secs(ttl);
        Ok(self.store.presign(key, ttl).into())
    }

    /// Fails unless it is a backup.
    pub fn check(&self, key: &str) -> Result<()> {
        sidecar(&self.store, key).map(drop)
    }
}

/// Whether it is a backup of the address's database, whose server may have become
/// another major, or MariaDB where it was MySQL.
fn is_of(name: &Name, address: &Address) -> bool {
    name.database == names::plain(&address.database)
        && (name.engine == Engine::Postgresql) == address.postgres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_that_name_on_another_kind_of_server_is_another() {
        let address = |url| Address::parse(url).unwrap();
        let name = |server| {
            let key = format!("shop-{server}-20260101T030000Z-000000.dump.zst");
            Name::parse(&key).unwrap()
        };
        let postgres = address("postgres://u:p@h/shop");
        assert!(is_of(&name("postgres-15"), &postgres));
        assert!(is_of(&name("postgres-17"), &postgres));
        assert!(!is_of(&name("mysql-8.4"), &postgres));
        let mysql = address("mysql://u:p@h/shop");
        assert!(is_of(&name("mariadb-10.11"), &mysql));
        assert!(!is_of(&name("postgres-15"), &mysql));
        assert!(!is_of(&name("mysql-8.4"), &address("mysql://u:p@h/shop2")));
    }
}
