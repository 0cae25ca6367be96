//! Changes of text that expansions ask for.

use brush_parser::word::SubstringMatchKind;

use crate::shell::stop::Stop;

use super::pattern;

/// Characters from `offset` on; negative numbers count from the end.
pub fn slice(text: &str, offset: i64, length: Option<i64>) -> String {
    let chars: Vec<char> = text.chars().collect();
    let count = i64::try_from(chars.len()).unwrap_or(i64::MAX);
    let from_end = |n: i64| if n < 0 { count.saturating_add(n) } else { n };
    let start = from_end(offset);
    if start < 0 || start > count {
        return String::new();
    }
    let end = match length {
        None => count,
        Some(length) if length < 0 => from_end(length),
        Some(length) => start.saturating_add(length).min(count),
    };
    if end <= start {
        return String::new();
    }
    chars[start as usize..end as usize].iter().collect()
}

pub fn replace(
    text: &str,
    pattern: &str,
    with: &str,
    kind: &SubstringMatchKind,
) -> Result<String, Stop> {
    let literal = regex::NoExpand(with);
    Ok(match kind {
        SubstringMatchKind::Anywhere => pattern::anywhere(pattern)?
            .replace_all(text, literal)
            .into_owned(),
        SubstringMatchKind::FirstOccurrence => pattern::anywhere(pattern)?
            .replace(text, literal)
            .into_owned(),
        SubstringMatchKind::Prefix => pattern::compile(pattern, "^(?:", ")")?
            .replace(text, literal)
            .into_owned(),
        SubstringMatchKind::Suffix => pattern::compile(pattern, "(?:", ")$")?
            .replace(text, literal)
            .into_owned(),
    })
}

pub fn change_first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => change(first) + chars.as_str(),
        None => String::new(),
    }
}
