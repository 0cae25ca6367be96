//! Names of images, written in full as Docker does.

use eyre::Result;
use oci_client::Reference;

/// Reads an image's name: `debian` is `docker.io/library/debian:latest`.
pub fn parse(address: &str) -> Result<Reference> {
    // URLs are a common slip, and their scheme would be taken for a host.
    let name = address.strip_prefix("docker://").unwrap_or(address);
    if let Some(reference) = plain(name) {
        return Ok(reference);
    }
    let refused = |why: String| {
        eyre::eyre!(
            "cannot use `{address}` as the name of an image: {why}; expected `[host/]name[:tag][@digest]`"
        )
    };
    let read: Result<Reference, oci_client::ParseError> = name.parse();
    let reference = read.map_err(|error| refused(error.to_string()))?;
    // The library takes the first part for a host, and what it adds is before it.
    if reference.repository().contains(char::is_uppercase) {
        return Err(refused("repository name must be lowercase".to_owned()));
    }
    Ok(reference)
}

/// Reads the names that most images have. The library's own way compiles a
/// regular expression, which takes longer than a whole cached pipeline.
fn plain(name: &str) -> Option<Reference> {
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (name, "latest"),
    };
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let plain_part = |part: &str| {
        part.starts_with(lower)
            && part.ends_with(lower)
            && part.chars().all(|c| lower(c) || c == '-')
    };
    let plain_tag = tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric())
        && tag
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    // A first part with a dot or a port is a host, which the library knows better.
    if !plain_tag
        || name.len() > 200
        || name.starts_with("localhost/")
        || !name.split('/').all(plain_part)
    {
        return None;
    }
    let repository = if name.contains('/') {
        name.to_owned()
    } else {
        format!("library/{name}")
    };
    Some(Reference::with_tag(
        "docker.io".to_owned(),
        repository,
        tag.to_owned(),
    ))
}

/// `reference` with the digest of what it stands for.
pub(super) fn pinned(reference: &Reference, digest: &str) -> String {
    let tag = reference
        .tag()
        .map(|tag| format!(":{tag}"))
        .unwrap_or_default();
    format!(
        "{}/{}{tag}@{digest}",
        reference.registry(),
        reference.repository()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_docker_does() {
        for (name, full) in [
            ("debian", "docker.io/library/debian:latest"),
            (
                "debian:bookworm-slim",
                "docker.io/library/debian:bookworm-slim",
            ),
            ("oven/bun:1", "docker.io/oven/bun:1"),
            ("docker.io/debian:12", "docker.io/library/debian:12"),
            ("localhost:5000/a/b", "localhost:5000/a/b:latest"),
            ("registry.example.com/x:1", "registry.example.com/x:1"),
        ] {
            assert_eq!(parse(name).expect(name).whole(), full);
        }
    }

    #[test]
    fn the_short_way_reads_names_as_the_library_does() {
        for name in [
            "debian",
            "debian:bookworm-slim",
            "oven/bun:1",
            "a/b-c/d:V1.0_x",
            "localhost",
            "x:1-",
        ] {
            let library: Reference = name.parse().expect(name);
            assert_eq!(plain(name), Some(library), "{name}");
        }
        for name in [
            "",
            "Debian",
            "a..b",
            "a:b:c",
            "a.b/c",
            "localhost/x",
            "a@sha256:12",
            "a//b",
            "x:",
            "-a",
        ] {
            assert_eq!(plain(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_refused_by_name() {
        for name in [
            "no such image!",
            "",
            "Debian",
            "A/b",
            "a:b:c",
            "x@sha256:12",
        ] {
            let error = parse(name).expect_err(name).to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn a_pinned_name_keeps_its_tag() {
        let reference = parse("debian:12").expect("is a name");
        assert_eq!(
            pinned(&reference, "sha256:ab"),
            "docker.io/library/debian:12@sha256:ab"
        );
    }
}
