//! Which paths of a directory count: include, exclude, `.gitignore`.

use eyre::Result;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::{Deserialize, Serialize};

use super::pattern::Pattern;

/// Patterns as Dagger takes them (see [`super::pattern`]). All empty: everything counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// Only what matches one of these, or is below what does.
    pub include: Vec<String>,
    /// Nothing that matches these or is below what does; a later `!pattern` brings back.
    pub exclude: Vec<String>,
    /// Obey the `.gitignore` files of the directory.
    pub gitignore: bool,
}

impl Filter {
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty() && !self.gitignore
    }

    /// Refuses patterns that are not well-formed.
    pub fn check(&self) -> Result<()> {
        self.matcher().map(drop)
    }

    pub(crate) fn matcher(&self) -> Result<Matcher> {
        let include = Patterns::parse(&self.include, true)?;
        Ok(Matcher {
            everything: include.0.is_empty(),
            include,
            exclude: Patterns::parse(&self.exclude, false)?,
            gitignore: self.gitignore,
        })
    }
}

/// A filter, ready for use.
#[derive(Debug)]
pub(crate) struct Matcher {
    everything: bool,
    include: Patterns,
    exclude: Patterns,
    pub gitignore: bool,
}

/// What is known of a path for the sake of those below it.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    include: Vec<bool>,
    exclude: Vec<bool>,
}

/// What becomes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    /// Not itself, but a path below may be kept, and this directory with it.
    Descend,
    Drop,
}

impl Matcher {
    /// Judges a path whose parent has `parent` as its state, and `ignores` for what
    /// is in it.
    pub fn judge(
        &self,
        parent: &State,
        ignores: &GitIgnores,
        path: &str,
        is_dir: bool,
    ) -> (Verdict, State) {
        if self.gitignore && ignores.ignores(path, is_dir) {
            return (Verdict::Drop, State::default());
        }
        let (included, include) = self.include.matches(&parent.include, path);
        let (excluded, exclude) = self.exclude.matches(&parent.exclude, path);
        let included = included || self.everything;
        let verdict = if included && !excluded {
            Verdict::Keep
        } else if is_dir
            && (included || self.include.reach_below(path))
            && (!excluded || self.exclude.bring_back_below(path))
        {
            Verdict::Descend
        } else {
            Verdict::Drop
        };
        (verdict, State { include, exclude })
    }
}

/// Patterns of which the last that matches a path, or a directory above it, decides.
#[derive(Debug)]
struct Patterns(Vec<Pattern>);

impl Patterns {
    fn parse(texts: &[String], dot_is_everything: bool) -> Result<Self> {
        let mut patterns = Vec::new();
        for text in texts {
            let root = matches!(text.trim(), "." | "/" | "./");
            let text = match root {
                true if dot_is_everything => "**",
                true => continue,
                false => text,
            };
            patterns.extend(Pattern::parse(text)?);
        }
        Ok(Self(patterns))
    }

    fn matches(&self, parent: &[bool], path: &str) -> (bool, Vec<bool>) {
        let mut matched = false;
        let state = self.0.iter().enumerate().map(|(index, pattern)| {
            let hit = parent.get(index).copied().unwrap_or(false) || pattern.matches(path);
            if hit {
                matched = !pattern.negated;
            }
            hit
        });
        let state = state.collect();
        (matched, state)
    }

    fn reach_below(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|pattern| !pattern.negated && pattern.reaches_below(path))
    }

    fn bring_back_below(&self, path: &str) -> bool {
        self.0
            .iter()
            .any(|pattern| pattern.negated && pattern.reaches_below(path))
    }
}

/// A line without the spaces at its end, which the library takes away together
/// with all that looks like one.
fn as_git_reads(line: &str) -> String {
    let (mut end, mut letters) = (0, line.char_indices());
    while let Some((at, letter)) = letters.next() {
        match letter {
            ' ' => {}
            '\\' => {
                end = letters
                    .next()
                    .map_or(line.len(), |(at, next)| at + next.len_utf8())
            }
            _ => end = at + letter.len_utf8(),
        }
    }
    let line = &line[..end];
    match line.chars().next_back() {
        Some(last) if last.is_whitespace() && last != ' ' => {
            let rest = &line[..line.len() - last.len_utf8()];
            format!("{}[{last}]", rest.strip_suffix('\\').unwrap_or(rest))
        }
        _ => line.to_owned(),
    }
}

/// The `.gitignore` files from the root down to a directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct GitIgnores(Vec<(usize, std::sync::Arc<Gitignore>)>);

impl GitIgnores {
    /// With the file of the directory `dir` (relative to the root).
    pub fn with(&self, dir: &str, text: &str) -> Result<Self> {
        let mut builder = GitignoreBuilder::new("");
        for line in text.lines() {
            // As git does, go on after a line that makes no sense.
            let _ = builder.add_line(None, &as_git_reads(line));
        }
        let prefix = if dir.is_empty() { 0 } else { dir.len() + 1 };
        let mut all = self.clone();
        all.0.push((prefix, std::sync::Arc::new(builder.build()?)));
        Ok(all)
    }

    /// The deepest file that says anything decides.
    pub fn ignores(&self, path: &str, is_dir: bool) -> bool {
        for (prefix, file) in self.0.iter().rev() {
            let found = file.matched(&path[*prefix..], is_dir);
            if !found.is_none() {
                return found.is_ignore();
            }
        }
        false
    }
}
