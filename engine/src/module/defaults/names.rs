//! Which variables are meant: `LAB_NOW_KEY` is `KEY` of function `now` of module `lab`.

/// The rest of a variable's name below a prefix, which is the name of a module,
/// object or function: in any case, as one word or with words separated.
pub fn below<'a>(variable: &'a str, prefix: &str) -> Option<&'a str> {
    let one_word: String = prefix.split(['-', '_', ' ', '.']).collect();
    [one_word, snake(prefix)].into_iter().find_map(|prefix| {
        let (start, rest) = variable.split_at_checked(prefix.len())?;
        let rest = rest.strip_prefix('_')?;
        start.eq_ignore_ascii_case(&prefix).then_some(rest)
    })
}

/// `echoArgs` → `echo_args`, `HTTPHost` → `HTTP_Host`, `port80` → `port_80`.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let bytes = name.as_bytes();
    let kind = |at: Option<&u8>| match at {
        Some(b'A'..=b'Z') => 'A',
        Some(b'a'..=b'z') => 'a',
        Some(b'0'..=b'9') => '0',
        _ => '-',
    };
    for (n, letter) in name.char_indices() {
        let last = n.checked_sub(1).and_then(|last| bytes.get(last));
        let breaks = match (kind(last), kind(bytes.get(n))) {
            // The last capital of a run begins a word.
            ('A', 'A') => kind(bytes.get(n + 1)) == 'a',
            ('a', 'A' | '0') | ('0', 'A' | 'a') | ('A', '0') => true,
            _ => false,
        };
        if breaks {
            out.push('_');
        }
        out.push(match letter {
            '-' | ' ' | '.' => '_',
            letter => letter,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_match_in_any_case_with_words_together_or_apart() {
        let cases = [
            ("LAB_PREFIX", "lab", Some("PREFIX")),
            ("lab_prefix", "lab", Some("prefix")),
            (
                "CLOUDFLARE_DEPLOY_APIURL",
                "cloudflare-deploy",
                Some("APIURL"),
            ),
            (
                "CLOUDFLAREDEPLOY_APIURL",
                "cloudflare-deploy",
                Some("APIURL"),
            ),
            (
                "cloudflareDeploy_apiUrl",
                "cloudflare-deploy",
                Some("apiUrl"),
            ),
            ("ECHO_ARGS_I", "echoArgs", Some("I")),
            ("ECHOARGS_I", "echoArgs", Some("I")),
            ("WITH_D_2_DARK", "withD2", Some("DARK")),
            ("WITHD2_DARK", "withD2", Some("DARK")),
            ("LABORATORY_PREFIX", "lab", None),
            ("PREFIX", "lab", None),
            ("LAB", "lab", None),
            ("LÄB_X", "la", None),
        ];
        for (variable, prefix, want) in cases {
            assert_eq!(below(variable, prefix), want, "{variable} {prefix}");
        }
    }

    #[test]
    fn words_are_told_apart_by_case_and_digits() {
        for (name, want) in [
            ("echoArgs", "echo_Args"),
            ("HTTPHost", "HTTP_Host"),
            ("withD2", "with_D_2"),
            ("a-b.c", "a_b_c"),
        ] {
            assert_eq!(snake(name), want);
        }
    }
}
