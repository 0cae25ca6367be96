//! Names of images, written in full as Docker does.

use eyre::Result;
use oci_client::Reference;

/// Reads an image's name: `debian` is `docker.io/library/debian:latest`.
pub fn parse(address: &str) -> Result<Reference> {
    // URLs are a common slip, and their scheme would be taken for a host.
    let name = address.strip_prefix("docker://").unwrap_or(address);
    name.parse().map_err(|error: oci_client::ParseError| {
        eyre::eyre!(
            "cannot use `{address}` as the name of an image: {error}; expected `[host/]name[:tag][@digest]`"
        )
    })
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
    fn a_name_that_is_none_is_refused_by_name() {
        for name in ["no such image!", "", "Debian", "a:b:c", "x@sha256:12"] {
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
