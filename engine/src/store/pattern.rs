//! Patterns for paths as in `.dockerignore` files: `*` and `?` within a name,
//! `[a-z]`, `**` over any number of directories, rooted at the directory.

use eyre::{Result, WrapErr};
use regex::{Regex, RegexBuilder};

/// One pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// `!`: takes back what patterns before it matched.
    pub negated: bool,
    text: String,
    whole: Matcher,
    /// For each leading name of the pattern; nothing stands for `**`.
    names: Vec<Option<Matcher>>,
}

/// What is compared. Most patterns are plain, and compiling a regular expression
/// costs more than everything that is done with it.
#[derive(Clone, Debug)]
enum Matcher {
    Plain(String),
    /// One `*`, with what is before and after it: anything in between but `/`.
    Around(String, String),
    Expression(Regex),
}

impl Matcher {
    fn is_match(&self, text: &str) -> bool {
        match self {
            Self::Plain(plain) => plain == text,
            Self::Around(before, after) => {
                let rest = text.strip_prefix(before.as_str());
                let between = rest.and_then(|rest| rest.strip_suffix(after.as_str()));
                between.is_some_and(|between| !between.contains('/'))
            }
            Self::Expression(regex) => regex.is_match(text),
        }
    }
}

fn is_plain(pattern: &str) -> bool {
    !pattern.contains(['*', '?', '[', ']', '\\'])
}

impl Pattern {
    /// Nothing for an empty pattern, which matches nothing.
    pub fn parse(text: &str) -> Result<Option<Self>> {
        let (negated, rest) = match text.trim().strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, text.trim()),
        };
        if rest.is_empty() {
            return Ok(None);
        }
        let clean = clean(rest);
        let compile = |pattern: &str| {
            if is_plain(pattern) {
                return Ok(Matcher::Plain(pattern.to_owned()));
            }
            if let Some((before, after)) = pattern.split_once('*')
                && is_plain(before)
                && is_plain(after)
            {
                return Ok(Matcher::Around(before.to_owned(), after.to_owned()));
            }
            RegexBuilder::new(&expression(pattern)?)
                .dot_matches_new_line(true)
                .build()
                .map(Matcher::Expression)
                .wrap_err_with(|| format!("cannot use pattern `{text}`: it is not well-formed"))
        };
        let names = clean
            .split('/')
            .map(|name| {
                if name.contains("**") {
                    Ok(None)
                } else {
                    compile(name).map(Some)
                }
            })
            .collect::<Result<_>>()?;
        let whole = compile(&clean)?;
        Ok(Some(Self {
            negated,
            text: clean,
            whole,
            names,
        }))
    }

    /// Whether it matches the path itself.
    pub fn matches(&self, path: &str) -> bool {
        self.whole.is_match(path)
    }

    /// Whether something below the directory `path` may match.
    pub fn reaches_below(&self, path: &str) -> bool {
        let mut names = self.names.iter();
        for part in path.split('/') {
            match names.next() {
                Some(Some(name)) if name.is_match(part) => {}
                Some(None) => return true,
                _ => return false,
            }
        }
        names.next().is_some()
    }

    /// The path that it stands for, when it has no special characters.
    pub fn literal(&self) -> Option<&str> {
        is_plain(&self.text).then_some(self.text.as_str())
    }
}

/// Makes a path a pattern that matches it alone.
pub fn escape(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for (index, letter) in path.chars().enumerate() {
        if letter.is_whitespace() {
            // At either end it would be trimmed.
            pattern.extend(['[', letter, ']']);
            continue;
        }
        if "*?[]\\".contains(letter) || (index == 0 && letter == '!') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// Without `.`, empty names and a leading or trailing slash; `..` takes a name back.
fn clean(text: &str) -> String {
    let mut names = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

/// The pattern as a regular expression.
fn expression(pattern: &str) -> Result<String> {
    let mut out = String::from("^");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.peek() == Some(&'*') => {
                while letters.next_if_eq(&'*').is_some() {}
                letters.next_if_eq(&'/');
                out.push_str(if letters.peek().is_none() {
                    ".*"
                } else {
                    "(?:.*/)?"
                });
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => out.push_str(&class(pattern, &mut letters)?),
            '\\' => {
                let Some(next) = letters.next() else {
                    eyre::bail!("cannot use pattern `{pattern}`: nothing follows the last `\\`");
                };
                out.push_str(&regex::escape(&next.to_string()));
            }
            other => out.push_str(&regex::escape(&other.to_string())),
        }
    }
    out.push('$');
    Ok(out)
}

/// A set of letters, after its `[`.
fn class(pattern: &str, letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String> {
    let mut out = String::from("[");
    if letters.next_if(|letter| "^!".contains(*letter)).is_some() {
        out.push_str("^/");
    }
    let mut empty = true;
    loop {
        match letters.next() {
            None => eyre::bail!("cannot use pattern `{pattern}`: expected `]` after `[`"),
            Some(']') if !empty => break,
            Some('\\') => {
                let next = letters.next().unwrap_or('\\');
                out.push_str(&regex::escape(&next.to_string()));
            }
            Some('-') => out.push('-'),
            Some(letter) if "[]&~^".contains(letter) => {
                out.push('\\');
                out.push(letter);
            }
            Some(letter) => out.push(letter),
        }
        empty = false;
    }
    out.push(']');
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern)
            .expect(pattern)
            .expect(pattern)
            .matches(path)
    }

    #[test]
    fn patterns_match_whole_paths_from_the_root() {
        for (pattern, path, expected) in [
            ("*.txt", "a.txt", true),
            ("*.txt", "s/a.txt", false),
            ("*.txt", "a.txt.old", false),
            ("**/*.txt", "a.txt", true),
            ("**/*.txt", "s/t/a.txt", true),
            ("**", "a/b", true),
            ("**/*", "a", true),
            ("s/**", "s", false),
            ("s/**", "s/a/b", true),
            ("s/**", "sx/a", false),
            ("s/*", "s/a", true),
            ("s/*", "s/a/b", false),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("a/**/z", "a/bz", false),
            ("?.c", "x.c", true),
            ("?.c", "/.c", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[!a-c]x", "dx", true),
            ("[^a]", "/", false),
            ("a[]]b", "a]b", true),
            ("a.b", "axb", false),
            ("a+(b)", "a+(b)", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("/a", "a", true),
            ("./a/", "a", true),
            ("a/./b/../c", "a/c", true),
            ("../a", "a", true),
            ("grüße*", "grüße ✓", true),
            ("**.log", "x.log", false),
            ("**/.log", "x/.log", true),
        ] {
            assert_eq!(matches(pattern, path), expected, "`{pattern}` on `{path}`");
        }
    }

    #[test]
    fn one_star_means_the_same_without_an_expression() {
        let paths = [
            "", "a", "aa", "ab", "aba", "a/a", "a\nb", "abab", "ba", "ä", "a.b",
        ];
        for pattern in ["*", "a*", "*a", "a*a", "ab*ab", "a/*", "*/a", "a.*"] {
            let regex = Regex::new(&expression(pattern).expect(pattern)).expect(pattern);
            for path in paths {
                let expected = regex.is_match(path);
                assert_eq!(matches(pattern, path), expected, "`{pattern}` on `{path}`");
            }
        }
    }

    #[test]
    fn a_negation_is_told_apart_from_its_pattern() {
        let pattern = Pattern::parse("! a/ ")
            .expect("is well-formed")
            .expect("is a pattern");
        assert!(pattern.negated && pattern.matches("a"));
        assert!(Pattern::parse("!").expect("is well-formed").is_none());
        assert!(Pattern::parse("  ").expect("is well-formed").is_none());
    }

    #[test]
    fn only_directories_that_a_pattern_can_reach_are_walked() {
        for (pattern, dir, expected) in [
            ("a/b/*.c", "a", true),
            ("a/b/*.c", "a/b", true),
            ("a/b/*.c", "a/x", false),
            ("a/b/*.c", "a/b/c", false),
            ("*.txt", "a", false),
            ("**/x", "any/where", true),
            ("a*/x", "abc", true),
        ] {
            let found = Pattern::parse(pattern)
                .expect(pattern)
                .expect(pattern)
                .reaches_below(dir);
            assert_eq!(found, expected, "`{pattern}` below `{dir}`");
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused_by_name() {
        for text in ["[a", "a\\", "[z-a]"] {
            let error = Pattern::parse(text).expect_err(text);
            assert!(format!("{error:#}").contains(text), "{error:#}");
        }
    }

    #[test]
    fn an_escaped_path_matches_itself_alone() {
        for path in ["!a", "a*[b]?", " x ", "a\\b", "s/ü"] {
            assert!(matches(&escape(path), path), "{path}");
        }
        assert!(!matches(&escape("a*"), "ab"));
    }
}
