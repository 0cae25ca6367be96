//! Redirects. Only builtins have text to write: of a chain, its unresolved token
//! is written, as Dagger does, and the user is told.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use brush_parser::ast::{
    IoFileRedirectKind as Kind, IoFileRedirectTarget as Target, IoRedirect, RedirectList,
};
use sha2::{Digest, Sha256};

use crate::client::{Piece, Value};

use super::output::{Io, Printer};
use super::state::Shell;
use super::stop::Stop;

impl Shell {
    pub(super) async fn redirected(
        &mut self,
        list: Option<&RedirectList>,
        io: &Io,
    ) -> Result<Io, Stop> {
        let redirects = list.iter().flat_map(|list| &list.0).collect();
        self.redirect_all(redirects, io).await
    }

    pub(super) async fn redirect_all(
        &mut self,
        redirects: Vec<&IoRedirect>,
        io: &Io,
    ) -> Result<Io, Stop> {
        let mut io = io.clone();
        for redirect in redirects {
            io = self.redirect(redirect, io).await?;
        }
        Ok(io)
    }

    async fn redirect(&mut self, redirect: &IoRedirect, io: Io) -> Result<Io, Stop> {
        match redirect {
            IoRedirect::HereDocument(None | Some(0), document) => {
                let value = if document.requires_expansion {
                    self.heredoc(&document.doc.value).await?
                } else {
                    Value::text(&document.doc.value)
                };
                Ok(io.with_input(Some(value)))
            }
            IoRedirect::HereString(None | Some(0), word) => {
                let mut value = self.word(&word.value).await?;
                value.push(Piece::Text("\n".into()));
                Ok(io.with_input(Some(value)))
            }
            IoRedirect::File(fd, kind, Target::Filename(word)) => {
                let value = self.word(&word.value).await?;
                let path = self.place.dir.join(self.text(&value).await?);
                self.file(*fd, kind, path, io)
            }
            IoRedirect::OutputAndError(word, append) => {
                let value = self.word(&word.value).await?;
                let path = self.place.dir.join(self.text(&value).await?);
                let kind = if *append { Kind::Append } else { Kind::Write };
                self.file(None, &kind, path, io)
            }
            // Errors are told by the program itself, so there is nothing to move.
            IoRedirect::File(Some(2), Kind::DuplicateOutput, _) => Ok(io),
            IoRedirect::File(None | Some(1), Kind::DuplicateOutput, Target::Fd(2)) => {
                Ok(io.with_printer(self.teller.clone()))
            }
            other => Err(Stop::failed(format!(
                "the redirect `{other}` is not supported"
            ))),
        }
    }

    fn file(&self, fd: Option<i32>, kind: &Kind, path: PathBuf, io: Io) -> Result<Io, Stop> {
        let failed = |error: std::io::Error| {
            Stop::failed(format!("cannot open `{}`: {error}", path.display()))
        };
        let mut options = std::fs::OpenOptions::new();
        match kind {
            Kind::Read => {
                let text = std::fs::read_to_string(&path).map_err(failed)?;
                return Ok(io.with_input(Some(Value::text(text))));
            }
            Kind::Write | Kind::Clobber => options.write(true).create(true).truncate(true),
            Kind::Append => options.append(true).create(true),
            _ => {
                return Err(Stop::failed(
                    "only `<`, `>` and `>>` are supported as redirects of files",
                ));
            }
        };
        let file = options.open(&path).map_err(failed)?;
        if fd == Some(2) {
            return Ok(io);
        }
        let printer: Printer = Arc::new(move |text| (&file).write_all(text.as_bytes()));
        Ok(io.with_file(printer, self.teller.clone()))
    }
}

/// What stands for a chain in a file.
pub fn token(document: &str) -> String {
    let hash = Sha256::digest(document.as_bytes());
    let hex: String = hash
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("DSH:{hex}")
}
