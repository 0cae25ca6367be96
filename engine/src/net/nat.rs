//! Egress: the host forwards what containers send and gives it its own address.
//!
//! The table of rules is *owned* by a socket of ours: the kernel removes it when
//! that closes, however poniard ends. Kernels before 5.12 do not know owners;
//! there, what a killed invocation leaves is an idle table that the next one of the
//! same number replaces.

use std::io;
use std::net::Ipv4Addr;

use eyre::{Result, WrapErr, eyre};
use rustix::thread::UnshareFlags;

use super::claim::{Claim, PREFIX};
use super::nftables::{Batch, Expression, FORWARD, Filter, Interface, OWNED, POSTROUTING};
use super::outside::Outside;

/// Rules in force until dropped.
pub(super) struct Nat {
    table: String,
    filter: Filter,
}

impl Nat {
    pub(super) async fn start(claim: &Claim, outside: &Outside) -> Result<Self> {
        outside.run(forward_packets).await??;
        let table = claim.interface();
        let nat = outside.run(move || Self::of(table)).await?;
        let nat = nat.wrap_err("cannot reach the packet filter of the kernel")?;
        let subnet = claim.address(0);
        // Beside what goes on: the kernel may have to load a module for it.
        tokio::task::spawn_blocking(move || nat.make(subnet).map(|()| nat))
            .await?
            .map_err(|e| {
                eyre!("cannot set up NAT: {e}; poniard needs root with `CAP_NET_ADMIN` and a kernel with nftables NAT")
            })
    }

    /// No table yet. The calling thread is in the network that it is for.
    fn of(table: String) -> io::Result<Self> {
        Ok(Self {
            table,
            filter: Filter::open()?,
        })
    }

    fn make(&self, subnet: Ipv4Addr) -> io::Result<()> {
        let owned = self.make_with(subnet, OWNED);
        owned.or_else(|_| self.make_with(subnet, 0))
    }

    /// Makes the table anew. Invocations cannot reach each other.
    fn make_with(&self, subnet: Ipv4Addr, flags: u32) -> io::Result<()> {
        const PORTS: &str = "poniard";
        const _: () = assert!(PREFIX == 24, "a subnet is known by three bytes");
        let network = &subnet.octets()[..3];
        let drop = [
            Expression::From(Interface::Named(&self.table)),
            Expression::To(Interface::NamedLike(PORTS)),
            Expression::Drop,
        ];
        let masquerade = [
            Expression::Source(network),
            Expression::NotTo(Interface::NamedLike(PORTS)),
            Expression::Masquerade,
        ];
        let batch = Batch::about(&self.table)
            // One that was left is not there any more; to remove none is an error.
            .table(0)
            .delete()
            .table(flags)
            .chain("forward", &FORWARD)
            .rule("forward", &drop)
            .chain("leave", &POSTROUTING)
            .rule("leave", &masquerade);
        self.filter.run(batch)
    }
}

impl Drop for Nat {
    fn drop(&mut self) {
        // Where it cannot be removed, it goes as when poniard is killed.
        if self.filter.run(Batch::about(&self.table).delete()).is_ok() {
            self.filter.leave();
        }
    }
}

/// Whether the kernel has what rules are made of here.
///
/// # Errors
/// When it does not, or may not be asked.
pub fn packet_filter() -> io::Result<()> {
    let make = || {
        // SAFETY: only the network of this thread changes, which ends afterwards.
        unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNET) }?;
        Nat::of("poniard".to_owned())?.make(Ipv4Addr::UNSPECIFIED)
    };
    let made = std::thread::spawn(make).join();
    made.unwrap_or_else(|_| Err(io::Error::other("the thread has panicked")))
}

/// Lets the host pass packets on. Left as it is when it does already.
fn forward_packets() -> Result<()> {
    let path = "/proc/sys/net/ipv4/ip_forward";
    let now = std::fs::read_to_string(path).wrap_err_with(|| format!("cannot read `{path}`"))?;
    if now.trim() == "1" {
        return Ok(());
    }
    std::fs::write(path, "1").wrap_err_with(|| {
        format!("cannot let the host forward packets: cannot write `{path}`; set it with `sysctl -w net.ipv4.ip_forward=1`")
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn listed(what: &[&str]) -> String {
        let list = std::process::Command::new("nft")
            .arg("list")
            .args(what)
            .output()
            .unwrap();
        String::from_utf8(list.stdout).unwrap()
    }

    async fn nat(claim: &Claim) -> Nat {
        let outside = Outside::make(Path::new("/")).await.unwrap();
        Nat::start(claim, &outside).await.unwrap()
    }

    #[tokio::test]
    async fn rules_are_those_that_the_tool_would_make() {
        let claim = Claim::take().unwrap();
        let _nat = nat(&claim).await;
        let (table, subnet) = (claim.interface(), claim.address(0));
        let shown = listed(&["table", "ip", &table]);
        let lines: Vec<&str> = shown.lines().map(str::trim).collect();
        for line in [
            "type filter hook forward priority filter; policy accept;",
            &format!("iifname \"{table}\" oifname \"poniard*\" drop"),
            "type nat hook postrouting priority srcnat; policy accept;",
            &format!("ip saddr {subnet}/{PREFIX} oifname != \"poniard*\" masquerade"),
        ] {
            assert!(lines.contains(&line), "`{line}` is not in {shown}");
        }
        assert!(shown.contains("flags owner"), "{shown}");
    }

    /// As where tables have no owner.
    fn unowned(claim: &Claim) -> Nat {
        let nat = Nat::of(claim.interface()).unwrap();
        nat.make_with(claim.address(0), 0).unwrap();
        nat
    }

    #[tokio::test]
    async fn where_tables_have_no_owner_one_is_replaced_and_removed() {
        let claim = Claim::take().unwrap();
        let line = format!("table ip {}\n", claim.interface());
        // As if the first one were left by an invocation that was killed.
        std::mem::forget(unowned(&claim));
        let nat = unowned(&claim);
        assert_eq!(listed(&["tables"]).matches(&line).count(), 1);
        drop(nat);
        assert!(!listed(&["tables"]).contains(&line));
    }

    #[tokio::test]
    async fn a_table_that_was_left_does_not_hinder() {
        let claim = Claim::take().unwrap();
        let table = claim.interface();
        std::mem::forget(unowned(&claim));
        let nat = nat(&claim).await;
        assert!(listed(&["table", "ip", &table]).contains("flags owner"));
        drop(nat);
        assert!(!listed(&["tables"]).contains(&format!("table ip {table}\n")));
    }

    #[tokio::test]
    async fn the_table_goes_with_the_socket() {
        let claim = Claim::take().unwrap();
        let nat = nat(&claim).await;
        let line = format!("table ip {}\n", claim.interface());
        assert!(listed(&["tables"]).contains(&line));
        // As when poniard is killed: nobody removes the table.
        let nat = std::mem::ManuallyDrop::new(nat);
        // SAFETY: the original is never used again.
        drop(unsafe { std::ptr::read(&raw const nat.filter) });
        assert!(!listed(&["tables"]).contains(&line));
    }

    #[test]
    fn the_kernel_is_asked_without_a_trace() {
        packet_filter().unwrap();
        assert!(!listed(&["tables"]).contains("table ip poniard\n"));
    }
}
