//! Links, addresses and routes.
//!
//! What is asked of the kernel by one handle is done in the order in which it is
//! asked, so what builds on another is asked right after it, and waited for together.

use std::net::Ipv4Addr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicU32, Ordering};

use eyre::{Result, WrapErr, eyre};
use rtnetlink::packet_route::link::{InfoData, InfoVeth};
use rtnetlink::{
    Handle, LinkBridge, LinkMessageBuilder, LinkUnspec, LinkVeth, RouteMessageBuilder,
};

use super::claim::{Claim, PREFIX};
use super::netns::Netns;
use super::outside::Outside;

const LOOPBACK: u32 = 1;
/// Indices that we give to interfaces of new namespaces.
const ETH0: u32 = 2;
const BRIDGE: u32 = 1000;

/// The bridge and what is needed to add to it.
pub(super) struct Links {
    netns: Netns,
    handle: Handle,
    mtu: u32,
    next: AtomicU32,
}

impl Links {
    /// Makes the namespace with the bridge and the link to the host.
    pub(super) async fn make(claim: &Claim, outside: &Outside) -> Result<(Netns, Self)> {
        let host = outside.handle()?;
        let (netns, handle) = Netns::make().await?;
        let mtu = outside.mtu().unwrap_or_else(uplink_mtu);
        let index_of = |name: &str| {
            let name = name.to_owned();
            outside.run(move || index_of(&name))
        };

        let name = claim.interface();
        if let Some(index) = index_of(&name).await? {
            // Of a killed invocation that had the same number: about to vanish.
            let _ = host.link().del(index).execute().await;
        }
        let uplink = async {
            let uplink = veth(&name, "uplink", &netns, mtu).build();
            let added = host.link().add(uplink).execute().await;
            added.map_err(|e| refused(&e))?;
            let index = index_of(&name).await?;
            index.ok_or_else(|| eyre!("the link `{name}` has vanished"))
        };
        let bridge = async {
            let bridge = LinkBridge::new("bridge").index(BRIDGE).mtu(mtu).build();
            Ok(handle.link().add(bridge).execute().await?)
        };
        let (index, ()) = tokio::try_join!(uplink, bridge)?;
        let up = by_index(index).up().build();
        let port = by_name("uplink").controller(BRIDGE).up().build();
        let (gateway, bridge) = (claim.gateway().into(), claim.bridge().into());
        tokio::try_join!(
            host.address().add(index, gateway, PREFIX).execute(),
            host.link().change(up).execute(),
            handle.link().change(port).execute(),
            handle.address().add(BRIDGE, bridge, PREFIX).execute(),
            finish(&handle, claim),
        )?;
        let links = Self {
            netns: netns.clone(),
            handle,
            mtu,
            next: AtomicU32::new(0),
        };
        Ok((netns, links))
    }

    /// Connects a new namespace to the bridge.
    pub(super) async fn attach(
        &self,
        claim: &Claim,
        (netns, handle): (Netns, Handle),
        address: Ipv4Addr,
    ) -> Result<Netns> {
        let port = format!("c{}", self.next.fetch_add(1, Ordering::Relaxed));
        let link = veth("eth0", &port, &self.netns, self.mtu)
            .index(ETH0)
            .build();
        let added = handle.link().add(link).execute().await;
        added.map_err(|e| refused(&e))?;
        let port = by_name(&port).controller(BRIDGE).up().build();
        let up = by_index(ETH0).up().build();
        tokio::try_join!(
            self.handle.link().change(port).execute(),
            handle.address().add(ETH0, address.into(), PREFIX).execute(),
            handle.link().change(up).execute(),
            finish(&handle, claim),
        )?;
        Ok(netns)
    }

    /// Gives the bridge one more address.
    pub(super) async fn add_address(&self, address: Ipv4Addr) -> Result<()> {
        let add = self
            .handle
            .address()
            .add(BRIDGE, address.into(), 32)
            .replace();
        add.execute()
            .await
            .wrap_err_with(|| format!("cannot add the address `{address}`"))
    }
}

/// What every namespace needs: loopback and the way out.
async fn finish(handle: &Handle, claim: &Claim) -> Result<(), rtnetlink::Error> {
    let out = RouteMessageBuilder::<Ipv4Addr>::new()
        .gateway(claim.gateway())
        .build();
    let up = by_index(LOOPBACK).up().build();
    tokio::try_join!(
        handle.link().change(up).execute(),
        handle.route().add(out).execute(),
    )?;
    Ok(())
}

/// A pair of interfaces, the peer in another namespace.
fn veth(name: &str, peer: &str, peer_netns: &Netns, mtu: u32) -> LinkMessageBuilder<LinkVeth> {
    let peer = by_name(peer)
        .setns_by_fd(peer_netns.as_fd().as_raw_fd())
        .mtu(mtu)
        .build();
    LinkVeth::new(name, "")
        .set_info_data(InfoData::Veth(InfoVeth::Peer(peer)))
        .mtu(mtu)
}

fn refused(error: &rtnetlink::Error) -> eyre::Report {
    eyre!(
        "cannot make a network link: {error}; poniard needs root with `CAP_NET_ADMIN` and the kernel module `veth`"
    )
}

/// Index of an interface of the host.
fn index_of(name: &str) -> Option<u32> {
    let name = std::ffi::CString::new(name).ok()?;
    // SAFETY: the name ends in a zero byte and outlives the call.
    Some(unsafe { libc::if_nametoindex(name.as_ptr()) }).filter(|index| *index != 0)
}

/// Largest packet of the interface by which the host leaves, so that containers
/// need not find it out.
fn uplink_mtu() -> u32 {
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let of = |interface: &str| {
        let text = std::fs::read_to_string(format!("/sys/class/net/{interface}/mtu")).ok()?;
        text.trim().parse().ok()
    };
    let default = routes
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut default = default.filter(|fields| fields.get(1) == Some(&"00000000"));
    default
        .find_map(|fields| of(fields.first()?))
        .unwrap_or(1500)
}

fn by_index(index: u32) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_index(index)
}

fn by_name(name: &str) -> LinkMessageBuilder<LinkUnspec> {
    LinkUnspec::new_with_name(name)
}

/// A link between the host and another namespace, with an address at each end.
#[cfg(test)]
pub(super) async fn pair(
    host: &Handle,
    name: &str,
    here: Ipv4Addr,
    other: &Handle,
    netns: &Netns,
    there: Ipv4Addr,
) -> Result<()> {
    host.link()
        .add(veth(name, "eth0", netns, 1500).build())
        .execute()
        .await?;
    let index = index_of(name).ok_or_else(|| eyre!("no link `{name}`"))?;
    host.address().add(index, here.into(), 30).execute().await?;
    host.link()
        .change(by_index(index).up().build())
        .execute()
        .await?;
    other
        .link()
        .change(by_name("eth0").up().build())
        .execute()
        .await?;
    let index = netns
        .run(|| index_of("eth0"))
        .await?
        .ok_or_else(|| eyre!("no link"))?;
    other
        .address()
        .add(index, there.into(), 30)
        .execute()
        .await?;
    Ok(())
}
