//! Words of a Dockerfile: quotes, escapes and variables.

/// Splits at white space outside of quotes and replaces variables.
pub fn split(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut started) = (String::new(), false);
    let mut rest = text;
    let mut quote = None;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        rest = after;
        match (letter, quote) {
            ('\'' | '"', None) => (quote, started) = (Some(letter), true),
            (letter, Some(open)) if letter == open => quote = None,
            ('\\', None | Some('"')) => {
                let next = after.chars().next();
                word.extend(next);
                rest = &after[next.map_or(0, char::len_utf8)..];
                started = true;
            }
            ('$', None | Some('"')) => {
                let (text, left) = variable(after, value);
                word.push_str(&text);
                rest = left;
                started = true;
            }
            (letter, None) if letter.is_whitespace() => {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            (letter, _) => {
                word.push(letter);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

/// One text with its variables replaced; white space stays.
pub fn expand(text: &str, value: &dyn Fn(&str) -> Option<String>) -> String {
    split(&text.replace(' ', "\\ ").replace('\t', "\\\t"), value).concat()
}

/// What stands after a `$`: its value, and the rest of the text.
fn variable<'a>(text: &'a str, value: &dyn Fn(&str) -> Option<String>) -> (String, &'a str) {
    let name_end = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        end.unwrap_or(text.len())
    };
    if let Some((inner, rest)) = text.strip_prefix('{').and_then(|t| t.split_once('}')) {
        let (name, operator) = inner.split_at(name_end(inner));
        let found = value(name);
        let text = match (operator.split_at_checked(2), found) {
            (Some((":-", _)), Some(found)) if !found.is_empty() => found,
            (Some((":-", default)), _) => expand(default, value),
            (Some((":+", other)), Some(found)) if !found.is_empty() => expand(other, value),
            (Some((":+", _)), _) => String::new(),
            (_, found) => found.unwrap_or_default(),
        };
        return (text, rest);
    }
    let (name, rest) = text.split_at(name_end(text));
    match name {
        "" => ("$".to_owned(), rest),
        name => (value(name).unwrap_or_default(), rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_quotes_escapes_and_variables() {
        let value = |name: &str| (name == "A").then(|| "one".to_owned());
        let text = r#"a="x $A" b='$A' c=\$A d=${B:-de f}${A:+y} e"#;
        let words = ["a=x one", "b=$A", "c=$A", "d=de fy", "e"];
        assert_eq!(split(text, &value), words);
        assert_eq!(expand("/x y/$A", &value), "/x y/one");
    }
}
