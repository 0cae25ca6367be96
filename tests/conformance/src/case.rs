//! A case as it lies in its folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

/// One recording.
#[derive(Clone, Debug)]
pub struct Case {
    pub name: String,
    dir: PathBuf,
}

/// One command of a case.
pub enum Step {
    /// Arguments of the CLI.
    Argv(String),
    /// Standard input of the CLI.
    Script(String),
}

impl Case {
    /// Every case of a folder, by name.
    pub fn all(cases: &Path) -> io::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(cases)? {
            let dir = entry?.path();
            if dir.is_dir() {
                all.push(Self::at(&dir));
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    pub fn at(dir: &Path) -> Self {
        let name = dir
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Self {
            name,
            dir: dir.to_path_buf(),
        }
    }

    /// A file of the case, if it has it.
    pub fn read(&self, file: &str) -> io::Result<Option<String>> {
        match fs::read_to_string(self.dir.join(file)) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(io::Error::other(format!(
                "cannot read `{}`: {e}",
                self.dir.join(file).display()
            ))),
        }
    }

    /// The same, empty when the case does not have it.
    pub fn text(&self, file: &str) -> io::Result<String> {
        Ok(self.read(file)?.unwrap_or_default())
    }

    /// The inputs, if there are any.
    pub fn files(&self) -> Option<PathBuf> {
        let files = self.dir.join("files");
        files.is_dir().then_some(files)
    }

    /// The commands in their order: `argv` or `script`, then those numbered.
    pub fn steps(&self) -> io::Result<Vec<Step>> {
        let mut steps = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let (kind, number) = name.split_once('.').unwrap_or((&name, "1"));
            let step = match kind {
                "argv" => Step::Argv,
                "script" => Step::Script,
                _ => continue,
            };
            if let Ok(number) = number.parse::<u32>() {
                steps.push((number, step(self.text(&name)?)));
            }
        }
        steps.sort_by_key(|(number, _)| *number);
        Ok(steps.into_iter().map(|(_, step)| step).collect())
    }
}
