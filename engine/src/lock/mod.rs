//! The lock of a workspace, `.dagger/lock`: what names of images, git refs and
//! modules stood for when they were looked up.
//!
//! A [`Lookup`] is asked for in [`Locked`], the lock of a run, which reads the
//! [`entries`] when it is first asked and the [`Mode`] wants it, and writes what
//! is new at the end of the run.

mod entries;
mod lookup;
mod mode;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use eyre::{Result, WrapErr, bail};

use crate::credentials;
use crate::replace::replace;
pub use entries::{Entries, Policy};
use entries::{Entry, Key};
pub use lookup::Lookup;
pub use mode::Mode;

/// Where it is, from the caller's directory.
pub const FILE: &str = ".dagger/lock";

/// The lock as a run sees it.
pub struct Locked {
    mode: Mode,
    path: PathBuf,
    /// Once read.
    state: Mutex<Option<State>>,
}

struct State {
    all: Entries,
    /// Those of this run.
    new: Entries,
}

impl Locked {
    /// That of the caller's directory. Nothing is read yet.
    pub fn new(mode: Mode, workdir: &Path) -> Self {
        Self {
            mode,
            path: workdir.join(FILE),
            state: Mutex::default(),
        }
    }

    /// Whether results of lookups count, so that what an earlier run made of
    /// others does not.
    pub fn counts(&self) -> bool {
        self.mode != Mode::Disabled
    }

    /// What the lock says a name stands for; none when it is to be looked up.
    ///
    /// # Errors
    /// When the lock cannot be read, or has to have an entry and has none.
    pub fn pin(&self, lookup: &Lookup) -> Result<Option<String>> {
        if !self.counts() {
            return Ok(None);
        }
        let name = lookup.to_string();
        if credentials::are_in(&name) {
            bail!(
                "cannot lock `{}`: it holds a password, which a file must not have; leave it out, and give it to git (see `git help credentials`)",
                credentials::hidden(&name)
            );
        }
        let mut state = self.state();
        let entry = self.read(&mut state)?.all.get(&lookup.key());
        let value = match (self.mode, entry) {
            (Mode::Frozen, None) => bail!(
                "missing lock entry for `{name}` in `{FILE}`, which `--lock=frozen` asks for: run once with `--lock=pinned` to record it"
            ),
            (Mode::Frozen, Some(entry)) => &entry.value,
            (Mode::Pinned, Some(entry)) if entry.policy == Policy::Pin => &entry.value,
            _ => return Ok(None),
        };
        lookup.check(value)?;
        Ok(Some(value.clone()))
    }

    /// Notes what was looked up. An entry that is there keeps its policy.
    pub fn record(&self, lookup: &Lookup, value: &str, policy: Policy) -> Result<()> {
        if !self.mode.records() {
            return Ok(());
        }
        let key = lookup.key();
        let mut state = self.state();
        let state = self.read(&mut state)?;
        let policy = state.all.get(&key).map_or(policy, |entry| entry.policy);
        let value = value.to_owned();
        let entry = Entry { value, policy };
        state.new.set(key.clone(), entry.clone());
        state.all.set(key, entry);
        Ok(())
    }

    /// Whether there is something to write.
    pub fn has_news(&self) -> bool {
        let state = self.state();
        state
            .as_ref()
            .is_some_and(|state| state.new != Entries::default())
    }

    /// Writes what is new over what is there by now. Others who write have to wait.
    pub fn write(&self) -> Result<()> {
        let mut state = self.state();
        let Some(state) = state.as_mut() else {
            return Ok(());
        };
        let text = text(&self.path)?;
        let mut all = parse(&text)?;
        all.extend(std::mem::take(&mut state.new));
        let wanted = all.to_text();
        if wanted != text {
            replace(&self.path, &wanted).wrap_err_with(|| format!("cannot write `{FILE}`"))?;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<'a>(&self, state: &'a mut Option<State>) -> Result<&'a mut State> {
        let read = match state.take() {
            Some(read) => read,
            None => State {
                all: parse(&text(&self.path)?)?,
                new: Entries::default(),
            },
        };
        Ok(state.insert(read))
    }
}

/// What is in a lock; nothing where none is.
pub fn text(path: &Path) -> Result<String> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        read => read.wrap_err_with(|| format!("cannot read `{FILE}`")),
    }
}

/// Reads the text of a lock.
pub fn parse(text: &str) -> Result<Entries> {
    Entries::parse(text).wrap_err_with(|| format!("cannot read `{FILE}`"))
}

/// Looks up everything in a lock anew, as `look_up` does; policies stay.
///
/// # Errors
/// At the first entry that is of no known kind, before anything is looked up.
pub async fn renewed<F: Future<Output = Result<String>>>(
    entries: Entries,
    look_up: impl Fn(Lookup) -> F,
) -> Result<Entries> {
    /// Lookups under way at a time.
    const PARALLEL: usize = 4;
    use futures::{StreamExt, TryStreamExt};

    let keys = entries.keys().cloned();
    let lookups = keys.map(|key| Lookup::of(&key).map(|lookup| (key, lookup)));
    let lookups: Vec<(Key, Lookup)> = lookups
        .collect::<Result<_>>()
        .wrap_err_with(|| format!("cannot renew `{FILE}`"))?;
    let found = lookups.into_iter().map(|(key, lookup)| {
        let found = look_up(lookup);
        async { Ok::<_, eyre::Report>((key, found.await?)) }
    });
    let found: Vec<_> = futures::stream::iter(found)
        .buffered(PARALLEL)
        .try_collect()
        .await?;
    let mut renewed = entries;
    for (key, value) in found {
        let policy = renewed
            .get(&key)
            .map_or(Policy::Float, |entry| entry.policy);
        renewed.set(key, Entry { value, policy });
    }
    Ok(renewed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:abababababababababababababababababababababababababababababababab";
    const COMMIT: &str = "c0ffeec0ffeec0ffeec0ffeec0ffeec0ffeec0ff";

    fn image() -> Lookup {
        Lookup::Image {
            name: "docker.io/library/alpine:latest".to_owned(),
            platform: "linux/amd64".to_owned(),
        }
    }

    fn branch() -> Lookup {
        Lookup::Branch {
            url: "https://h/r.git".to_owned(),
            name: "main".to_owned(),
        }
    }

    /// A directory whose lock has an image that is pinned and a branch that floats.
    fn dir() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let mut entries = Entries::default();
        for (lookup, value) in [(image(), DIGEST), (branch(), COMMIT)] {
            let (value, policy) = (value.to_owned(), lookup.policy());
            entries.set(lookup.key(), Entry { value, policy });
        }
        replace(&dir.path().join(FILE), entries.to_text()).unwrap();
        dir
    }

    fn written(dir: &tempfile::TempDir) -> String {
        text(&dir.path().join(FILE)).unwrap()
    }

    #[test]
    fn each_mode_takes_what_it_says_from_the_lock() {
        let dir = dir();
        let tag = Lookup::Tag {
            url: "https://h/r.git".to_owned(),
            name: "v1".to_owned(),
        };
        for (mode, pinned, floating) in [
            (Mode::Disabled, None, None),
            (Mode::Live, None, None),
            (Mode::Pinned, Some(DIGEST), None),
            (Mode::Frozen, Some(DIGEST), Some(COMMIT)),
        ] {
            let lock = Locked::new(mode, dir.path());
            assert_eq!(lock.pin(&image()).unwrap().as_deref(), pinned, "{mode:?}");
            assert_eq!(
                lock.pin(&branch()).unwrap().as_deref(),
                floating,
                "{mode:?}"
            );
            match (mode, lock.pin(&tag)) {
                (Mode::Frozen, Err(error)) => {
                    let error = error.to_string();
                    let words = "missing lock entry for `git.tag https://h/r.git v1`";
                    assert!(
                        error.contains(words) && error.contains("--lock=pinned"),
                        "{error}"
                    );
                }
                (_, found) => assert_eq!(found.unwrap(), None, "{mode:?}"),
            }
        }
    }

    #[test]
    fn what_is_looked_up_is_written_and_keeps_its_policy() {
        for mode in [Mode::Live, Mode::Pinned] {
            let dir = dir();
            let lock = Locked::new(mode, dir.path());
            lock.record(&branch(), "beef", Policy::Pin).unwrap();
            let head = Lookup::Head {
                url: "https://h/r.git".to_owned(),
            };
            lock.record(&head, "f00d", head.policy()).unwrap();
            assert!(lock.has_news());
            // Written by somebody else in the meantime.
            let other = written(&dir).replace(DIGEST, "sha256:cd");
            replace(&dir.path().join(FILE), &other).unwrap();
            lock.write().unwrap();
            assert!(!lock.has_news());
            let lines = [
                r#"[["version","1"]]"#,
                r#"["","container.from",["docker.io/library/alpine:latest","linux/amd64"],"sha256:cd","pin"]"#,
                r#"["","git.branch",["https://h/r.git","main"],"beef","float"]"#,
                r#"["","git.head",["https://h/r.git"],"f00d","float"]"#,
            ];
            assert_eq!(written(&dir), lines.join("\n"), "{mode:?}");
        }
    }

    #[test]
    fn other_modes_write_nothing() {
        for mode in [Mode::Disabled, Mode::Frozen] {
            let dir = tempfile::tempdir().unwrap();
            let lock = Locked::new(mode, dir.path());
            lock.record(&branch(), "beef", Policy::Pin).unwrap();
            assert!(!lock.has_news(), "{mode:?}");
            lock.write().unwrap();
            assert!(!dir.path().join(".dagger").exists(), "{mode:?}");
        }
    }

    #[test]
    fn a_damaged_lock_is_told_only_where_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        replace(&dir.path().join(FILE), "x").unwrap();
        assert!(
            Locked::new(Mode::Disabled, dir.path())
                .pin(&image())
                .is_ok()
        );
        let error = Locked::new(Mode::Live, dir.path())
            .pin(&image())
            .unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with("cannot read `.dagger/lock`: line 1: "),
            "{error}"
        );
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for (lookup, value, words) in [
            (
                image(),
                "not-a-digest",
                "invalid lock digest `not-a-digest` for `container.from ",
            ),
            (image(), COMMIT, "invalid lock digest"),
            (
                branch(),
                "--upload-pack=x",
                "invalid lock commit `--upload-pack=x` for `git.branch ",
            ),
        ] {
            let dir = dir();
            let old = if lookup == image() { DIGEST } else { COMMIT };
            let text = written(&dir).replace(old, value);
            replace(&dir.path().join(FILE), &text).unwrap();
            assert_eq!(
                Locked::new(Mode::Live, dir.path()).pin(&lookup).unwrap(),
                None
            );
            let error = Locked::new(Mode::Frozen, dir.path())
                .pin(&lookup)
                .unwrap_err();
            let error = error.to_string();
            assert!(
                error.starts_with(words) && error.contains("lock update"),
                "{error}"
            );
        }
    }

    #[test]
    fn passwords_stay_out_of_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let lookup = Lookup::Head {
            url: "https://ann:open@h/r.git".to_owned(),
        };
        let lock = Locked::new(Mode::Live, dir.path());
        let error = lock.pin(&lookup).unwrap_err().to_string();
        assert!(
            error.contains("password") && !error.contains("open"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn renewing_looks_everything_up_and_nothing_when_one_is_unknown() {
        let old = parse(&written(&dir())).unwrap();
        let new = renewed(old.clone(), async |lookup| Ok(format!("new {lookup}")))
            .await
            .unwrap();
        let expected = old
            .to_text()
            .replace(
                DIGEST,
                "new container.from docker.io/library/alpine:latest linux/amd64",
            )
            .replace(COMMIT, "new git.branch https://h/r.git main");
        assert_eq!(new.to_text(), expected);
        let line = r#"["acme","resolve",["x"],"v","pin"]"#;
        let unknown = parse(&format!("{}\n{line}", old.to_text())).unwrap();
        let asked = std::cell::Cell::new(0);
        let look_up = async |_| {
            asked.set(asked.get() + 1);
            Ok(String::new())
        };
        let error = renewed(unknown, look_up).await.unwrap_err();
        assert!(
            format!("{error:#}").contains("`acme resolve x`"),
            "{error:#}"
        );
        assert_eq!(asked.get(), 0);
    }
}
