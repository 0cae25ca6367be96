//! What `dagger.json` says of a module in a directory of the same repository.

use std::path::Path;

use eyre::{Result, WrapErr, bail};

use super::{Entry, Manifest, NAME, context, relative};

/// The entry of the module in `target` for the `dagger.json` of `dir`.
///
/// # Errors
/// When there is no module, it is that of `dir` itself, or not of its repository.
pub fn nearby(dir: &Path, target: &Path) -> Result<Entry> {
    let real = |path: &Path| {
        let real = path.canonicalize();
        real.wrap_err_with(|| format!("cannot read `{}`", path.display()))
    };
    let target = real(target)?;
    // A module that is only about to be made has no directory yet.
    let dir = if dir.exists() {
        real(dir)?
    } else {
        dir.to_owned()
    };
    let (own, other) = (context(&dir), context(&target));
    if !target.starts_with(own) || own != other && !other.starts_with(own) {
        bail!(
            "local module dependency context directory \"{}\" is not in parent context directory \"{}\"",
            other.display(),
            own.display()
        );
    }
    if target == dir {
        bail!("a module cannot depend on itself");
    }
    let Some(found) = Manifest::read_if_there(&target)? else {
        bail!("there is no {NAME} in `{}`", target.display());
    };
    Ok(Entry {
        name: found.own_name()?.to_owned(),
        source: relative(&dir, &target),
        pin: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_outside_of_the_repository_is_refused() {
        let (root, other) = (
            tempfile::tempdir().expect("a"),
            tempfile::tempdir().expect("b"),
        );
        std::fs::create_dir(root.path().join(".git")).expect("made");
        for dir in [root.path(), other.path()] {
            std::fs::write(dir.join(NAME), r#"{"name":"x"}"#).expect("written");
        }
        let error = nearby(root.path(), other.path()).expect_err("outside");
        assert!(
            error
                .to_string()
                .contains("is not in parent context directory"),
            "{error}"
        );
    }
}
