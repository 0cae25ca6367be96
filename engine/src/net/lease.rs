//! Addresses of containers.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use eyre::{Result, eyre};

use super::claim::Claim;

/// The free addresses of a subnet. The one that has been free for the longest
/// time is given out first, as neighbours remember who had one.
#[derive(Clone)]
pub(super) struct Leases(Arc<Mutex<VecDeque<Ipv4Addr>>>);

impl Leases {
    pub(super) fn of(claim: &Claim) -> Self {
        Self(Arc::new(Mutex::new(
            (3..=254).map(|host| claim.address(host)).collect(),
        )))
    }

    pub(super) fn take(&self) -> Result<Lease> {
        let address = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let address =
            address.ok_or_else(|| eyre!("cannot start a container: 252 are running already"))?;
        Ok(Lease {
            address,
            free: self.clone(),
        })
    }
}

/// An address in use; free again when dropped.
pub(super) struct Lease {
    pub(super) address: Ipv4Addr,
    free: Leases,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut free = self.free.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push_back(self.address);
    }
}
