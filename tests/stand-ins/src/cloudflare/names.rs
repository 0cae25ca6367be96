//! What may be a name.

/// Worker names are labels of `workers.dev`, where `_` is allowed as well.
pub fn is_worker(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 63 && name.chars().all(inner) && name.starts_with(ends) && name.ends_with(ends)
}

/// Preview aliases start with a letter, and make one label of 63 bytes at most
/// together with the worker's name.
pub fn is_alias(alias: &str, worker: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    alias.chars().all(inner)
        && alias.starts_with(|c: char| c.is_ascii_lowercase())
        && !alias.ends_with('-')
        && alias.len() + 1 + worker.len() <= 63
}

/// Identifiers of accounts: 32 hexadecimal digits.
pub fn is_account(id: &str) -> bool {
    id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_and_its_worker_make_one_label() {
        assert!(is_alias("mr-7", "site"));
        assert!(is_alias(&"a".repeat(58), "site"));
        assert!(!is_alias(&"a".repeat(59), "site"));
        for bad in ["", "7", "HEAD", "feature/x", "a_b", "mr-"] {
            assert!(!is_alias(bad, "site"), "{bad}");
        }
    }

    #[test]
    fn a_worker_is_named_like_a_label() {
        for good in ["site", "my_site", "a", "7-site"] {
            assert!(is_worker(good), "{good}");
        }
        for bad in ["", "-site", "Site", "site.", &"a".repeat(64)] {
            assert!(!is_worker(bad), "{bad}");
        }
    }
}
