//! What poniard puts on the host, by number: the interface `poniardN` and the
//! control groups `poniard-N-I-…`, where I is the network namespace. There it
//! reserves the number by the abstract socket `@poniard/N`, so what has no such
//! socket belongs to nobody.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub fn orphans() -> Vec<String> {
    // First what is there, then who is: not the other way round.
    let interfaces = names(Path::new("/sys/class/net"));
    let interfaces = interfaces.into_iter().filter_map(|name| {
        let number = name.strip_prefix("poniard")?.to_owned();
        Some((number, format!("interface {name}")))
    });
    let mut found: Vec<(String, String)> = interfaces.collect();
    let own = fs::metadata("/proc/self/ns/net").map_or(0, |found| found.ino());
    let hierarchies = Path::new("/sys/fs/cgroup");
    let mut roots = vec![hierarchies.to_path_buf()];
    roots.extend(
        names(hierarchies)
            .into_iter()
            .map(|name| hierarchies.join(name)),
    );
    for root in roots {
        found.extend(names(&root).into_iter().filter_map(|name| {
            let number = number_of(&name, own)?;
            Some((
                number.to_owned(),
                format!("control group {}", root.join(&name).display()),
            ))
        }));
    }
    let reserved = reserved(&fs::read_to_string("/proc/net/unix").unwrap_or_default());
    found.retain(|(number, _)| !reserved.contains(number));
    found.into_iter().map(|(_, what)| what).collect()
}

/// The number in the name of a control group. Nothing is known of those of another
/// network namespace.
fn number_of(group: &str, namespace: u64) -> Option<&str> {
    let (number, rest) = group.strip_prefix("poniard-")?.split_once('-')?;
    let (of, _) = rest.split_once('-')?;
    (of.parse() == Ok(namespace)).then_some(number)
}

/// The numbers in a table of sockets.
fn reserved(sockets: &str) -> BTreeSet<String> {
    let paths = sockets
        .lines()
        .filter_map(|line| line.split_whitespace().nth(7));
    paths
        .filter_map(|path| Some(path.strip_prefix("@poniard/")?.to_owned()))
        .collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    use super::*;

    #[test]
    fn a_group_of_another_network_namespace_is_not_ours() {
        assert_eq!(number_of("poniard-3-7-1", 7), Some("3"));
        for other in ["poniard-3-8-1", "poniard-3-7", "poniard3-7-1", "x"] {
            assert_eq!(number_of(other, 7), None, "{other}");
        }
    }

    #[test]
    fn a_number_is_reserved_by_its_socket() {
        let name = format!("poniard/of-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let socket = UnixDatagram::bind_addr(&address).expect("a socket");
        let table = fs::read_to_string("/proc/net/unix").expect("a table");
        let number = name.trim_start_matches("poniard/").to_owned();
        assert!(reserved(&table).contains(&number));
        drop(socket);
    }
}
