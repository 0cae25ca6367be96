//! What was meant by a word that means nothing.

/// `; did you mean …?` for an error, or nothing when no name is like the word.
pub fn hint<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

/// The name that is most like the word, if one is.
pub fn closest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let edits = strsim::damerau_levenshtein(&word, &name);
        // A word that was not written to its end is like what it begins.
        let begun = word.len() >= 3 && name.starts_with(&word);
        let beginning = word.chars().next() != name.chars().next();
        // Few slips are at the beginning of a word.
        let most = match beginning {
            true => 1,
            false => (word.chars().count().max(name.chars().count()) / 3).max(1),
        };
        (begun || edits <= most).then_some((!begun, edits, beginning))
    };
    let found = names
        .into_iter()
        .filter_map(|name| Some((distance(name)?, name)));
    // Of several, the shortest, so that it does not depend on an order.
    let found = found.filter(|(_, name)| !name.is_empty());
    found
        .min_by_key(|(distance, name)| (*distance, name.len(), *name))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        let names = [
            "build",
            "with-exec",
            "with-env-variable",
            "from",
            "stdout",
            "zsh",
            "bash",
            "version",
        ];
        for (word, want) in [
            ("bsh", Some("bash")),
            ("buidl", Some("build")),
            ("Build", Some("build")),
            ("with-exce", Some("with-exec")),
            ("with-env", Some("with-env-variable")),
            ("form", Some("from")),
            ("deploy", None),
            ("session", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(word, names), want, "{word}");
        }
        assert_eq!(hint("stdut", names), "; did you mean `stdout`?");
        assert_eq!(hint("nothing-like-it", names), "");
    }
}
