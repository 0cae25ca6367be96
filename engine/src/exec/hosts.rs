//! `/etc/hosts` of containers, to which names can be added while they run.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Names for a container beyond its own. Clones share them.
#[derive(Clone, Default)]
pub struct HostsFile(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    names: Vec<(String, IpAddr)>,
    /// Files of running containers.
    files: Vec<PathBuf>,
}

impl HostsFile {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name for containers that start later and for those that run.
    pub fn add(&self, name: &str, address: IpAddr) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = (name.to_owned(), address);
        if state.names.contains(&entry) {
            return Ok(());
        }
        for file in &state.files {
            // Appended in place: containers see this very file.
            let mut file = std::fs::OpenOptions::new().append(true).open(file)?;
            file.write_all(line(&entry).as_bytes())?;
        }
        state.names.push(entry);
        Ok(())
    }

    /// Writes the file of a container; it is kept current until the result is
    /// dropped.
    pub(super) fn write(
        &self,
        path: &Path,
        own: (&str, IpAddr),
        more: &[(String, IpAddr)],
    ) -> io::Result<Attached> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text =
            String::from("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
        if !own.0.is_empty() {
            text.push_str(&line(&(own.0.to_owned(), own.1)));
        }
        for entry in more.iter().chain(&state.names) {
            text.push_str(&line(entry));
        }
        std::fs::write(path, text)?;
        state.files.push(path.to_owned());
        Ok(Attached {
            hosts: self.clone(),
            path: path.to_owned(),
        })
    }
}

fn line((name, address): &(String, IpAddr)) -> String {
    let mut line = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(line, "{address}\t{name}");
    line
}

/// A file that is kept current.
pub(super) struct Attached {
    hosts: HostsFile,
    path: PathBuf,
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut state = self.hosts.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.files.retain(|file| *file != self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_added_later_reach_files_already_written() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        let hosts = HostsFile::new();
        let ip: IpAddr = [10, 87, 1, 9].into();
        let attached = hosts
            .write(&a, ("me", [10, 87, 1, 3].into()), &[("db".into(), ip)])
            .unwrap();
        hosts.add("web", ip).unwrap();
        hosts.add("web", ip).unwrap();
        let text = std::fs::read_to_string(&a).unwrap();
        assert!(
            text.ends_with("10.87.1.3\tme\n10.87.1.9\tdb\n10.87.1.9\tweb\n"),
            "{text}"
        );
        drop(attached);
        std::fs::remove_file(&a).unwrap();
        hosts.add("late", ip).unwrap();
        let _attached = hosts.write(&b, ("", ip), &[]).unwrap();
        assert!(
            std::fs::read_to_string(&b)
                .unwrap()
                .ends_with("web\n10.87.1.9\tlate\n")
        );
        assert!(!a.exists());
    }
}
