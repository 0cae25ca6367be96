//! `.echo`.

/// The text that is printed for the words, flags among them.
pub fn text(words: &[String]) -> String {
    let is_flag = |w: &&String| {
        w.len() > 1 && w.starts_with('-') && w[1..].bytes().all(|b| matches!(b, b'n' | b'e' | b'E'))
    };
    let flags: Vec<_> = words.iter().take_while(is_flag).collect();
    let has = |letter| flags.iter().any(|f| f.contains(letter));
    let mut text = words[flags.len()..].join(" ");
    if has('e') {
        text = unescape(&text);
    }
    if !has('n') {
        text.push('\n');
    }
    text
}

/// Escapes as `echo -e` and `$'…'` know them; others stay as they are.
pub fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let Some(kind) = chars.peek().copied() else {
            out.push('\\');
            break;
        };
        let number = match kind {
            '0'..='7' => Some((8, 3, kind != '0')),
            'x' => Some((16, 2, false)),
            'u' => Some((16, 4, false)),
            'U' => Some((16, 8, false)),
            _ => None,
        };
        if let Some((radix, most, counts)) = number {
            if !counts {
                chars.next();
            }
            match digits(&mut chars, radix, most) {
                Some(c) => out.push(c),
                None if kind == '0' => out.push('\0'),
                None => out.extend(['\\', kind]),
            }
            continue;
        }
        chars.next();
        match kind {
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'a' => out.push('\u{7}'),
            'b' => out.push('\u{8}'),
            'e' | 'E' => out.push('\u{1b}'),
            'f' => out.push('\u{c}'),
            'v' => out.push('\u{b}'),
            '\\' | '\'' | '"' => out.push(kind),
            other => out.extend(['\\', other]),
        }
    }
    out
}

/// The character whose number follows.
fn digits(
    chars: &mut std::iter::Peekable<std::str::Chars>,
    radix: u32,
    most: usize,
) -> Option<char> {
    let mut value = None;
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        chars.next();
        value = Some(
            value
                .unwrap_or(0_u32)
                .checked_mul(radix)?
                .checked_add(digit)?,
        );
    }
    value.and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_joined_and_escapes_are_read_on_demand() {
        let cases: &[(&[&str], &str)] = &[
            (&[], "\n"),
            (&["-n", "one", "two"], "one two"),
            (&[" three"], " three\n"),
            (&["-e", "a\\tb"], "a\tb\n"),
            (&["a\\tb"], "a\\tb\n"),
            (&["-ne", "\\x41\\101\\u2713"], "AA✓"),
            (&["-x"], "-x\n"),
            (&["", "x", ""], " x \n"),
        ];
        for (words, want) in cases {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            assert_eq!(text(&words), *want, "{words:?}");
        }
    }
}
