//! The client tools: how they are told where to connect ([`postgres`],
//! [`mysql`]), and how they are run ([`child`]). No password is in their
//! arguments.

mod child;
mod mysql;
pub mod postgres;

use std::process::Command;

use poniard_sdk::prelude::*;

pub use child::Child;

use crate::Options;
use crate::address::Address;
use crate::engine::{Engine, Version};
use crate::manifest::Manifest;
use crate::{ACCESS_KEY_ID, ENCRYPTION_KEY, SECRET_ACCESS_KEY, SESSION_TOKEN, URL};

/// The tools for one database of one server.
pub enum Tools<'a> {
    Postgres(postgres::Tools<'a>),
    Mysql(mysql::Tools<'a>),
}

impl<'a> Tools<'a> {
    /// Checks that the tools are those of exactly the server's major: an older
    /// one may leave out what it does not know.
    pub fn of(address: &'a Address, server: &Version) -> Result<Self> {
        let (tools, found) = match server.engine {
            Engine::Postgresql => {
                let (tools, found) = postgres::Tools::of(address)?;
                (Self::Postgres(tools), found)
            }
            engine => {
                let (tools, found) = mysql::Tools::of(address, engine)?;
                (Self::Mysql(tools), found)
            }
        };
        ensure!(
            found.major() == server.major(),
            "the client tools are of {} {}, and the server is {}: use the image `{}`",
            found.engine.title(),
            found.version,
            server.version,
            server.image()
        );
        Ok(tools)
    }

    pub fn dump(&self, options: &Options) -> Result<Child> {
        match self {
            Self::Postgres(tools) => tools.dump(options),
            Self::Mysql(tools) => tools.dump(options),
        }
    }

    /// A process that takes a dump on its standard input.
    pub fn restore(&self, manifest: &Manifest, overwrite: bool, no_owner: bool) -> Result<Child> {
        match self {
            Self::Postgres(tools) => tools.restore(manifest, overwrite, no_owner),
            Self::Mysql(tools) => tools.restore(),
        }
    }

    /// How many tables and the like the database holds.
    pub fn contents(&self) -> Result<u64> {
        let text = match self {
            Self::Postgres(tools) => tools.query(postgres::CONTENTS)?,
            Self::Mysql(tools) => tools.query(mysql::CONTENTS)?,
        };
        text.trim()
            .parse()
            .map_err(|_| eyre!("cannot tell whether the database is empty: `{text}`"))
    }

    /// Accounts that the database needs.
    pub fn owners(&self) -> Result<Vec<String>> {
        Ok(lines(&match self {
            Self::Postgres(tools) => tools.query(postgres::OWNERS)?,
            Self::Mysql(tools) => tools.query(mysql::DEFINERS)?,
        }))
    }

    /// Those of `owners` that the server does not know.
    pub fn unknown(&self, owners: &[String]) -> Result<Vec<String>> {
        let known = match self {
            Self::Postgres(tools) => tools.query(postgres::ROLES)?,
            // Not everyone may ask who there is, and nothing fails without.
            Self::Mysql(tools) => match tools.query(mysql::ACCOUNTS) {
                Ok(known) => known,
                Err(_) => return Ok(Vec::new()),
            },
        };
        let known = lines(&known);
        let unknown = owners.iter().filter(|owner| !known.contains(owner));
        Ok(unknown.cloned().collect())
    }

    /// Makes a throwaway server ready for a backup: its owners, and an empty
    /// database of the backup's kind.
    pub fn prepare(&self, manifest: &Manifest) -> Result<()> {
        match self {
            Self::Postgres(tools) => tools.prepare(manifest),
            Self::Mysql(tools) => tools.prepare(manifest),
        }
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A tool that gets none of this program's own secrets.
fn tool(name: &str) -> Command {
    let mut command = Command::new(name);
    for name in [
        URL,
        ACCESS_KEY_ID,
        SECRET_ACCESS_KEY,
        SESSION_TOKEN,
        ENCRYPTION_KEY,
    ] {
        command.env_remove(name);
    }
    command.env("LC_ALL", "C");
    command
}

/// What `tool --version` says.
fn version_text(name: &str) -> Result<String> {
    let output = tool(name)
        .arg("--version")
        .output()
        .map_err(|error| eyre!("cannot run `{name}`: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
