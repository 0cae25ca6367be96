//! A subnet that no other invocation on this host uses.

use std::io;
use std::net::Ipv4Addr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use eyre::{Result, WrapErr, bail};

/// A reserved /24 of 10.87.0.0/16; free again when dropped or when the process
/// ends, however it does.
pub(super) struct Claim {
    pub(super) number: u8,
    /// Its name is unique in the host's network namespace, which is the lock.
    _name: UnixDatagram,
}

/// Length of the network part of addresses.
pub(super) const PREFIX: u8 = 24;

impl Claim {
    /// The lowest free one, so that what a killed invocation left under its
    /// number is found and cleared away soon.
    pub(super) fn take() -> Result<Self> {
        let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
        for number in 1..=254 {
            if is_routed(&routes, number) {
                continue;
            }
            match Self::of(number) {
                Ok(claim) => return Ok(claim),
                Err(e) if e.kind() == io::ErrorKind::AddrInUse => {}
                Err(e) => return Err(e).wrap_err("cannot reserve a subnet"),
            }
        }
        bail!("cannot reserve a subnet: all of `10.87.0.0/16` is in use")
    }

    /// This one, if it is free.
    pub(super) fn of(number: u8) -> io::Result<Self> {
        let name = SocketAddr::from_abstract_name(format!("poniard/{number}"))?;
        let socket = UnixDatagram::bind_addr(&name)?;
        Ok(Self {
            number,
            _name: socket,
        })
    }

    /// The host's address on the network.
    pub(super) fn gateway(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// The bridge's own address.
    pub(super) fn bridge(&self) -> Ipv4Addr {
        self.address(2)
    }

    pub(super) fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 87, self.number, host)
    }

    /// Name of the interface on the host.
    pub(super) fn interface(&self) -> String {
        format!("poniard{}", self.number)
    }
}

/// Whether a route of the host other than the default one and our own leads to
/// the subnet (`/proc/net/route`: addresses are hexadecimal, lowest byte first).
fn is_routed(routes: &str, number: u8) -> bool {
    let subnet = u32::from(Ipv4Addr::new(10, 87, number, 0));
    routes.lines().skip(1).any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [interface, destination, _, _, _, _, _, mask, ..] = fields[..] else {
            return false;
        };
        let hex = |text| u32::from_str_radix(text, 16).map(u32::swap_bytes);
        let (Ok(destination), Ok(mask)) = (hex(destination), hex(mask)) else {
            return false;
        };
        let common = mask & 0xffff_ff00;
        !interface.starts_with("poniard") && mask != 0 && destination & common == subnet & common
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_claims_never_share_a_subnet() {
        let (a, b) = (Claim::take().unwrap(), Claim::take().unwrap());
        assert_ne!(a.number, b.number);
        assert_ne!(a.gateway(), b.gateway());
    }

    #[test]
    fn a_subnet_that_the_host_routes_elsewhere_is_left_alone() {
        let head =
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n";
        let default = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n";
        let whole = "vpn0\t0000570A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        let host = "vpn0\t0709570A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n";
        assert!(!is_routed(&format!("{head}{default}"), 9));
        assert!(is_routed(&format!("{head}{default}{whole}"), 9));
        assert!(is_routed(&format!("{head}{host}"), 9));
        assert!(!is_routed(&format!("{head}{host}"), 8));
    }
}
