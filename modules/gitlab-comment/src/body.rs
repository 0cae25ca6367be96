//! The text of a note: the marker that it is found by, and what GitLab would
//! refuse or act upon.

use std::hash::{BuildHasher, RandomState};

use poniard_sdk::prelude::*;

/// <https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics>
const LONGEST: usize = 1_000_000;
const CUT: &str = "\n\n*Cut here: GitLab's notes end at 1,000,000 characters.*";
const START: &str = "<!-- gitlab-comment ";
const END: &str = " -->";

/// What tells our notes from others of the same user: the first line of a note,
/// which Markdown does not show.
///
/// ```text
/// <!-- gitlab-comment poniard https://gitlab.com/group/site/-/merge_requests/7 -->
/// ```
///
/// The address is there because GitLab's notes do not tell theirs: without it,
/// each update would ask for the merge request first. A note of `APPEND` has
/// `+` and a random text behind the marker, so that it is not taken for the
/// sticky one, and is known again when nobody knows whether GitLab took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(String);

/// What a note's first line says.
#[derive(Debug, PartialEq, Eq)]
pub struct Marked<'a> {
    pub appended: bool,
    /// Address of the merge request.
    pub url: &'a str,
}

impl Marker {
    pub fn new(marker: &str) -> Result<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte);
        ensure!(
            (1..=100).contains(&marker.len()) && marker.bytes().all(fits) && !marker.contains("--"),
            "`{marker}` is no marker: use 1 to 100 letters, digits, `.`, `_`, `/` and single `-`"
        );
        Ok(Self(marker.to_owned()))
    }

    /// Whether a note begins with this marker.
    pub fn of<'a>(&self, note: &'a str) -> Option<Marked<'a>> {
        let rest = note
            .trim_start()
            .strip_prefix(START)?
            .strip_prefix(&self.0)?;
        let (appended, rest) = match rest.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (name, rest) = rest.split_once(' ')?;
        if !appended && !name.is_empty() {
            return None;
        }
        let (url, _) = rest.split_once(END)?;
        Some(Marked { appended, url })
    }

    /// A note's whole body.
    pub fn body(&self, url: &str, text: &str) -> String {
        whole(&self.0, url, text)
    }

    /// The same for one that is appended.
    pub fn appended_body(&self, url: &str, text: &str) -> String {
        let random = RandomState::new().hash_one(0_u8);
        whole(&format!("{}+{random:x}", self.0), url, text)
    }

    pub fn name(&self) -> &str {
        &self.0
    }
}

fn whole(name: &str, url: &str, text: &str) -> String {
    let first = format!("{START}{name} {url}{END}\n");
    let room = LONGEST - first.chars().count();
    first + &cut(text, room)
}

/// The text as GitLab keeps it, so that an unchanged note is known as such.
pub fn text(body: &str) -> Result<String> {
    let body = body.replace("\r\n", "\n");
    ensure!(
        !body.trim().is_empty(),
        "the body is empty: GitLab takes no empty notes"
    );
    ensure!(!body.contains('\0'), "the body has a NUL character");
    Ok(without_quick_actions(body.trim_end()))
}

/// A line that begins with `/` may be a command such as `/close`, which GitLab
/// carries out: outside of code, it is escaped.
/// <https://docs.gitlab.com/user/project/quick_actions/>
fn without_quick_actions(text: &str) -> String {
    let mut fence = Fence::default();
    let lines = text.split('\n').map(|line| {
        let code = fence.passes(line);
        let command = line.trim_start();
        let is_command = command
            .strip_prefix('/')
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()));
        if is_command && !code {
            let indent = &line[..line.len() - command.len()];
            format!("{indent}\\{command}")
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// At most `room` characters, ended at a line and with a notice.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    // Room for a fence that is open where it is cut.
    let kept = room - CUT.chars().count() - 100;
    let end = text
        .char_indices()
        .nth(kept)
        .map_or(text.len(), |(at, _)| at);
    let end = text[..end].rfind('\n').unwrap_or(end);
    let text = text[..end].trim_end();
    let mut fence = Fence::default();
    for line in text.split('\n') {
        fence.passes(line);
    }
    match fence.open {
        Some(open) => format!("{text}\n{open}{CUT}"),
        None => format!("{text}{CUT}"),
    }
}

/// Whether a line is within a fenced code block.
#[derive(Default)]
struct Fence {
    open: Option<String>,
}

impl Fence {
    fn passes(&mut self, line: &str) -> bool {
        let trimmed = line.trim_start();
        let mark = trimmed.chars().next().filter(|c| "`~".contains(*c));
        let run: String = mark.map_or_else(String::new, |mark| {
            trimmed
                .chars()
                .take_while(|c| *c == mark)
                .take(90)
                .collect()
        });
        let indented = line.len() - trimmed.len() > 3;
        match &self.open {
            Some(open) => {
                let rest = trimmed[run.len()..].trim();
                if !indented && run.starts_with(open.as_str()) && rest.is_empty() {
                    self.open = None;
                }
                true
            }
            None if run.len() >= 3 && !indented => {
                self.open = Some(run);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://git.example/g/s/-/merge_requests/7";

    fn marker() -> Marker {
        Marker::new("poniard").unwrap()
    }

    #[test]
    fn a_note_is_known_by_its_first_line_only() {
        let body = marker().body(URL, "Hello");
        assert_eq!(
            body,
            format!("<!-- gitlab-comment poniard {URL} -->\nHello")
        );
        let found = marker().of(&body).unwrap();
        assert_eq!((found.appended, found.url), (false, URL));
        for other in [
            "Hello",
            "",
            &format!("As it says:\n{body}"),
            &format!("> {body}"),
            "<!-- gitlab-comment poniard",
            "<!-- gitlab-comment poniard-2 https://x -->",
        ] {
            assert_eq!(marker().of(other), None, "{other}");
        }
        assert_eq!(Marker::new("pon").unwrap().of(&body), None);
    }

    #[test]
    fn appended_notes_differ_from_each_other_and_from_the_sticky_one() {
        let (one, two) = (
            marker().appended_body(URL, "a"),
            marker().appended_body(URL, "a"),
        );
        assert_ne!(one, two);
        assert_eq!(
            marker().of(&one).unwrap(),
            Marked {
                appended: true,
                url: URL
            }
        );
    }

    #[test]
    fn markers_cannot_end_the_comment() {
        for bad in ["", "a b", "a-->", "a--b", "é", "a+b", &"x".repeat(101)] {
            assert!(Marker::new(bad).is_err(), "{bad}");
        }
        assert!(Marker::new("site/preview_1.2-x").is_ok());
    }

    #[test]
    fn quick_actions_stay_text() {
        assert_eq!(
            text("/close\n  /merge now\r\na /close\n").unwrap(),
            "\\/close\n  \\/merge now\na /close"
        );
        let code = "```sh\n/close\n```\n~~~~\n/label\n~~~\n/label\n~~~~\nend";
        assert_eq!(text(code).unwrap(), code);
        assert_eq!(
            text("```\nx\n```\n/close").unwrap(),
            "```\nx\n```\n\\/close"
        );
        assert_eq!(text("/ or //x or /1").unwrap(), "/ or //x or /1");
    }

    #[test]
    fn empty_bodies_are_refused() {
        assert!(text(" \n").is_err() && text("a\0b").is_err());
    }

    #[test]
    fn long_bodies_are_cut_at_a_line_with_a_notice_and_keep_the_marker() {
        let long = "é line of text\n".repeat(80_000);
        let body = marker().body(URL, &long);
        let length = body.chars().count();
        assert!(length <= LONGEST && length > LONGEST - 300, "{length}");
        assert!(body.ends_with(&format!("é line of text{CUT}")));
        assert!(marker().of(&body).is_some());

        let code = format!("```\n{}```", "x\n".repeat(600_000));
        let body = marker().body(URL, &code);
        assert!(body.ends_with(&format!("x\n```{CUT}")));

        let exact = "x".repeat(LONGEST - marker().body(URL, "").chars().count());
        assert_eq!(marker().body(URL, &exact).chars().count(), LONGEST);
        assert!(marker().body(URL, &exact).ends_with('x'));
        let one_line = marker().body(URL, &"x".repeat(LONGEST));
        assert!(one_line.ends_with(&format!("x{CUT}")) && one_line.len() <= LONGEST);
    }
}
