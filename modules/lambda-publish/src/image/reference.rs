//! Names of repositories and images.

use poniard_sdk::prelude::*;

/// `site`, or `123456789012.dkr.ecr.eu-west-1.amazonaws.com/site`.
#[derive(Clone, Debug, PartialEq)]
pub struct Repository {
    /// None: the account's own registry at ECR.
    pub host: Option<String>,
    pub path: String,
}

/// A repository, and a tag or a digest in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    pub repository: Repository,
    /// A tag, or `sha256:…`.
    pub name: String,
}

impl Repository {
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            eyre!(
                "repository `{text}` {why}: write it as `site`, or as `<account>.dkr.ecr.<region>.amazonaws.com/site`"
            )
        };
        let (host, path) = match text.split_once('/') {
            Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => {
                (Some(first.to_owned()), rest)
            }
            _ => (None, text),
        };
        ensure!(
            !path.contains(['@', ':']),
            wrong("has a tag or a digest, which belongs to an image")
        );
        let part = |part: &str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            part.chars().all(plain) && ends(part.chars().next()) && ends(part.chars().last())
        };
        ensure!(path.split('/').all(part), wrong("is no name"));
        Ok(Self {
            host,
            path: path.to_owned(),
        })
    }
}

impl Reference {
    pub fn parse(text: &str) -> Result<Self> {
        let at_tag = text.rfind(':').filter(|at| !text[*at..].contains('/'));
        let (repository, name) = match (text.split_once('@'), at_tag) {
            (Some((before, digest)), _) => {
                // A digest says it all; a tag beside it is a comment.
                let end = before.rfind(':').filter(|at| !before[*at..].contains('/'));
                ensure!(
                    is_digest(digest),
                    "`{digest}` of image `{text}` is no digest: expected `sha256:` and 64 hexadecimal digits"
                );
                (&before[..end.unwrap_or(before.len())], digest)
            }
            (None, Some(at)) => {
                let tag = &text[at + 1..];
                check_tag(tag)?;
                (&text[..at], tag)
            }
            (None, None) => {
                bail!(
                    "image `{text}` has neither tag nor digest: write it as `site:tag` or `site@sha256:…`"
                )
            }
        };
        Ok(Self {
            repository: Repository::parse(repository)?,
            name: name.to_owned(),
        })
    }
}

pub fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").unwrap_or_default();
    hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

pub fn check_tag(tag: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let good = tag.len() <= 128
        && tag.chars().all(plain)
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    ensure!(
        good,
        "`{tag}` is no tag: at most 128 letters, digits, `.`, `_` and `-`, such as `$CI_COMMIT_SHA`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_a_name_or_has_its_host() -> Result<()> {
        let own = Repository::parse("team/site")?;
        assert_eq!((own.host, own.path.as_str()), (None, "team/site"));
        let other = Repository::parse("1.dkr.ecr.eu-west-1.amazonaws.com/site")?;
        assert_eq!(
            other.host.as_deref(),
            Some("1.dkr.ecr.eu-west-1.amazonaws.com")
        );
        Ok(())
    }

    #[test]
    fn a_repository_has_no_tag_and_no_capitals() {
        for text in ["site:1", "Site", "", "site/", "a@sha256:b"] {
            let error = Repository::parse(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn an_image_has_a_tag_or_a_digest() -> Result<()> {
        let digest = format!("sha256:{}", "a".repeat(64));
        let by_tag = Reference::parse("localhost:5000/site:v1")?;
        assert_eq!(
            (by_tag.name.as_str(), by_tag.repository.path.as_str()),
            ("v1", "site")
        );
        let by_digest = Reference::parse(&format!("h:5000/site:v1@{digest}"))?;
        assert_eq!(by_digest.name, digest);
        assert_eq!(by_digest.repository.path, "site");
        for text in ["site", "localhost:5000/site", "site@sha256:12", "site:-"] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
        Ok(())
    }
}
