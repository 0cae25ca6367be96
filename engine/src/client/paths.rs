//! What paths in arguments mean.

use std::path::{Component, Path, PathBuf};

use super::Failure;

/// Where paths start.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Relative paths start here.
    pub dir: PathBuf,
    /// Absolute paths start here, and relative ones may not leave it; none means
    /// the root of the host.
    pub context: Option<PathBuf>,
}

impl Paths {
    /// Paths as any program understands them.
    pub fn host(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            context: None,
        }
    }

    /// The path of the host that `path` stands for.
    ///
    /// # Errors
    /// When it leads out of the context.
    pub fn resolve(&self, path: &str) -> Result<PathBuf, Failure> {
        let Some(context) = &self.context else {
            return Ok(normal(&self.dir.join(path)));
        };
        if let Some(inside) = path.strip_prefix('/') {
            // `..` cannot lead above the root, as in any file system.
            let inside = normal(&Path::new("/").join(inside));
            let inside = inside.strip_prefix("/").unwrap_or(&inside).to_owned();
            return Ok(if inside.as_os_str().is_empty() {
                context.clone()
            } else {
                context.join(inside)
            });
        }
        let resolved = normal(&self.dir.join(path));
        if !resolved.starts_with(context) {
            let message = format!("path `{path}` leads out of `{}`", context.display());
            return Err(Failure::new(format!(
                "{message}: use `host | directory` for other places"
            )));
        }
        Ok(resolved)
    }
}

/// Without `.` and `..`; links are not followed.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_start_at_the_context() {
        let paths = Paths {
            dir: "/w/sub".into(),
            context: Some("/w".into()),
        };
        let cases = [
            ("a", "/w/sub/a"),
            (".", "/w/sub"),
            ("..", "/w"),
            ("/data", "/w/data"),
            ("/", "/w"),
            ("/../x", "/w/x"),
        ];
        for (path, want) in cases {
            assert_eq!(paths.resolve(path).expect(path), Path::new(want), "{path}");
        }
        let error = paths.resolve("../../up").expect_err("leads out");
        assert!(error.message.contains("../../up"), "{error}");
    }

    #[test]
    fn without_a_context_paths_are_those_of_the_host() {
        let paths = Paths::host(Path::new("/w"));
        assert_eq!(paths.resolve("../x").expect("resolves"), Path::new("/x"));
        assert_eq!(paths.resolve("/etc").expect("resolves"), Path::new("/etc"));
    }
}
