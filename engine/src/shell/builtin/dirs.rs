//! `.cd`, `.ls`, `.refresh`.

use std::path::Path;

use crate::shell::output::Io;
use crate::shell::place::Place;
use crate::shell::state::Shell;
use crate::shell::stop::{Run, Stop};

impl Shell {
    pub(super) async fn cd(&mut self, path: Option<&String>) -> Run {
        let Some(path) = path else {
            self.place = self.home.clone();
            return Ok(());
        };
        let target = self.place.paths().resolve(path)?;
        if !target.is_dir() {
            return Err(Stop::failed(format!("`{path}` is not a directory")));
        }
        let module = match self.modules {
            true => self
                .engine
                .find_module(&target)
                .await
                .map_err(crate::client::Failure::from)?,
            false => None,
        };
        // The outermost root stays, so that there is a way back.
        let context = self.place.context.clone();
        self.place = match module {
            Some(module) => Place::inside(&target, module),
            None => Place::plain(&target),
        };
        if target.starts_with(&context) && self.place.context.starts_with(&context) {
            self.place.context = context;
        }
        Ok(())
    }

    pub(super) async fn ls(&self, path: Option<&String>, io: &Io) -> Run {
        let path = path.map_or(".", String::as_str);
        let dir = self.place.paths().resolve(path)?;
        let text = listing(&dir).map_err(|e| Stop::failed(format!("cannot list `{path}`: {e}")))?;
        self.emit_text(io, text).await
    }

    pub(super) async fn refresh(&mut self) -> Run {
        let Some(module) = &self.place.module else {
            return Ok(());
        };
        let source = module.source.clone();
        let loaded = self
            .engine
            .load(&source.to_string_lossy(), &self.place.dir)
            .await;
        self.place.module = Some(loaded.map_err(crate::client::Failure::from)?);
        Ok(())
    }
}

/// Names in order, directories with a slash.
fn listing(dir: &Path) -> std::io::Result<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(format!("{}{slash}\n", entry.file_name().to_string_lossy()));
    }
    names.sort();
    Ok(names.concat())
}
