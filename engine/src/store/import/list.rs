//! Lists a host directory on all cores, for that is what a scan of unchanged
//! files takes: asking the system for each one's times.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use eyre::{Report, Result};

use super::index::Index;
use super::scan::{Dir, Entry};
use crate::store::error::PathContext;
use crate::store::filter::{GitIgnores, Matcher, State, Verdict};
use crate::store::walk::gitignore;

/// Lists `root` and everything below that `matcher` keeps. A directory's number
/// is its place; the root comes first.
pub(super) fn list(root: &Path, matcher: &Matcher, index: &Index) -> Result<Vec<Dir>> {
    let lister = Lister {
        root,
        matcher,
        index,
        work: Mutex::new(Work {
            waiting: vec![Job::default()],
            dirs: vec![Dir::default()],
            ..Work::default()
        }),
        more: Condvar::new(),
    };
    // A directory without any in it needs no help.
    lister.step(lister.lock());
    if !lister.lock().waiting.is_empty() {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 1..threads.min(4) {
                scope.spawn(|| lister.run());
            }
            lister.run();
        });
    }
    let work = lister
        .work
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    match work.failed {
        Some(error) => Err(error),
        None => Ok(work.dirs),
    }
}

struct Lister<'a> {
    root: &'a Path,
    matcher: &'a Matcher,
    index: &'a Index,
    work: Mutex<Work>,
    /// There is more to do, or nothing any more.
    more: Condvar,
}

#[derive(Default)]
struct Work {
    waiting: Vec<Job>,
    under_way: usize,
    dirs: Vec<Dir>,
    failed: Option<Report>,
}

/// A directory to be listed.
#[derive(Default)]
struct Job {
    number: usize,
    path: PathBuf,
    state: State,
    ignores: GitIgnores,
}

impl Lister<'_> {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let mut work = self.lock();
            while work.waiting.is_empty() && work.under_way > 0 {
                work = self.more.wait(work).unwrap_or_else(PoisonError::into_inner);
            }
            if work.waiting.is_empty() {
                return;
            }
            self.step(work);
        }
    }

    fn step(&self, mut work: MutexGuard<'_, Work>) {
        let Some(job) = work.waiting.pop() else {
            return;
        };
        work.under_way += 1;
        drop(work);
        let _under_way = UnderWay(self);
        let found = self.dir(&job);
        let mut work = self.lock();
        match found {
            Ok((mut dir, mut below)) => {
                // Numbers are given here, where nobody else gives any.
                let first = work.dirs.len();
                for (at, (entry, job)) in below.iter_mut().enumerate() {
                    job.number = first + at;
                    dir.entries[*entry].below = Some(job.number);
                }
                work.dirs.resize_with(first + below.len(), Dir::default);
                work.dirs[job.number] = dir;
                if work.failed.is_none() {
                    work.waiting.extend(below.into_iter().map(|(_, job)| job));
                }
            }
            Err(error) => {
                work.failed = Some(error);
                work.waiting.clear();
            }
        }
    }

    /// What is in a directory, and what is to be listed next, with its place.
    fn dir(&self, job: &Job) -> Result<(Dir, Vec<(usize, Job)>)> {
        let host = self.root.join(&job.path);
        let ignores = gitignore(self.matcher, &host, &job.path, &job.ignores)?;
        let mut found = std::fs::read_dir(&host)
            .and_then(|entries| {
                entries
                    .map(|entry| entry.map(|entry| (entry.file_name(), entry)))
                    .collect::<Result<Vec<_>, _>>()
            })
            .at("list", &host)?;
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut known = self.index.dir(&job.path);
        let mut entries = Vec::with_capacity(found.len());
        let mut below = Vec::new();
        let mut path = job.path.as_os_str().as_bytes().to_owned();
        if !path.is_empty() {
            path.push(b'/');
        }
        let prefix = path.len();
        for (name, entry) in found {
            let meta = match entry.metadata() {
                // It went away since the directory was read.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                meta => meta.at("read", entry.path())?,
            };
            path.truncate(prefix);
            path.extend_from_slice(name.as_bytes());
            let text = String::from_utf8_lossy(&path);
            let (verdict, state) = self
                .matcher
                .judge(&job.state, &ignores, &text, meta.is_dir());
            if verdict == Verdict::Drop {
                continue;
            }
            if meta.is_dir() {
                let job = Job {
                    number: 0,
                    path: PathBuf::from(OsStr::from_bytes(&path)),
                    state,
                    ignores: ignores.clone(),
                };
                below.push((entries.len(), job));
            }
            if let Some(mut entry) = Entry::new(name, meta, &host)? {
                entry.kept = verdict == Verdict::Keep;
                entry.recall(&mut known);
                entries.push(entry);
            }
        }
        let dir = Dir::new(job.path.clone(), entries);
        Ok((dir, below))
    }
}

/// A job that somebody is at, or that came to a sudden end.
struct UnderWay<'a>(&'a Lister<'a>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
        self.0.more.notify_all();
    }
}
