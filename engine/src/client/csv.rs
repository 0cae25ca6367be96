//! Lists in one word: `a,b` or `"a,b",c`, as in a line of a CSV file.

/// Splits a word; the empty word is the empty list.
///
/// # Errors
/// A quote in the middle of a bare item, or one that is not closed.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        let (item, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_item(quoted)?,
            None => bare_item(rest)?,
        };
        items.push(item);
        match after {
            Some(after) => rest = after,
            None => return Ok(items),
        }
    }
}

type Item<'a> = (String, Option<&'a str>);

fn bare_item(text: &str) -> Result<Item<'_>, String> {
    let (item, after) = match text.split_once(',') {
        Some((item, after)) => (item, Some(after)),
        None => (text, None),
    };
    if item.contains('"') {
        return Err(format!(
            "bare \" in the list item `{item}`: quote the whole item, and write \"\" for a quote"
        ));
    }
    Ok((item.to_owned(), after))
}

fn quoted_item(text: &str) -> Result<Item<'_>, String> {
    let mut item = String::new();
    let mut rest = text;
    while let Some((part, after)) = rest.split_once('"') {
        item += part;
        if let Some(more) = after.strip_prefix('"') {
            item.push('"');
            rest = more;
        } else if after.is_empty() {
            return Ok((item, None));
        } else if let Some(next) = after.strip_prefix(',') {
            return Ok((item, Some(next)));
        } else {
            return Err(format!(
                "text after the closing \" of the list item `{item}`"
            ));
        }
    }
    Err(format!("no closing \" after the list item `{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_split_at_commas_outside_of_quotes() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("a,,b,", &["a", "", "b", ""]),
            ("\"a,b\",c", &["a,b", "c"]),
            ("\"say \"\"hi\"\"\"", &["say \"hi\""]),
            ("sh,-c,echo $T; exit 3", &["sh", "-c", "echo $T; exit 3"]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text).as_deref(), Ok(&want.map_to()[..]), "{text}");
        }
    }

    trait MapTo {
        fn map_to(&self) -> Vec<String>;
    }
    impl MapTo for &[&str] {
        fn map_to(&self) -> Vec<String> {
            self.iter().map(|s| (*s).to_owned()).collect()
        }
    }

    #[test]
    fn stray_quotes_are_refused() {
        for text in ["a\"b", "\"a\"b", "\"a", "x,\"y"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
