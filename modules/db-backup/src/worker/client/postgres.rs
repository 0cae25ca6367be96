//! PostgreSQL's tools, told by libpq's environment variables.
//! <https://www.postgresql.org/docs/current/libpq-envars.html>

use std::process::{Command, Stdio};

use poniard_sdk::prelude::*;

use super::child::{Child, output};
use super::{tool, version_text};
use crate::address::{Address, Tls};
use crate::authorities;
use crate::engine::{Engine, Version};
use crate::manifest::Manifest;
use crate::worker::Options;

/// Of people, not of the system or an extension.
pub const CONTENTS: &str = "
select
  (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e'))
  + (select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e'))
  + (select count(*) from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'public'))
  + (select count(*) from pg_largeobject_metadata)";
/// Who owns something, may do something, or is named in a policy.
pub const OWNERS: &str = "
select distinct r.rolname from pg_shdepend d join pg_roles r on r.oid = d.refobjid
  where d.refclassid = 'pg_authid'::regclass
    and d.dbid = (select oid from pg_database where datname = current_database())";
pub const ROLES: &str = "select rolname from pg_roles";

pub struct Tools<'a> {
    address: &'a Address,
}

impl<'a> Tools<'a> {
    pub fn of(address: &'a Address) -> Result<(Self, Version)> {
        let text = version_text("pg_dump")?;
        let version = text.split(") ").nth(1).unwrap_or(&text);
        let version = Version::parse(Engine::Postgresql, version)?;
        Ok((Self { address }, version))
    }

    fn tool(&self, name: &str) -> Command {
        let address = self.address;
        let mut command = tool(name);
        command
            .env("PGHOST", &address.host)
            .env("PGPORT", address.port.to_string())
            .env("PGUSER", &address.user)
            .env("PGPASSWORD", &address.password)
            .env("PGDATABASE", &address.database)
            .env("PGSSLMODE", address.tls.name())
            .envs(&address.libpq);
        if let (Tls::VerifyCa | Tls::VerifyFull, Some(bundle)) =
            (address.tls, authorities::bundle())
        {
            command.env("PGSSLROOTCERT", bundle);
        }
        command.arg("--no-password");
        command
    }

    pub fn dump(&self, options: &Options) -> Result<Child> {
        let mut command = self.tool("pg_dump");
        command.args(["--format=custom", "--compress=0"]);
        // Says which table is locked, before the dump counts as stalled.
        let wait = options.stall_secs.saturating_mul(750);
        command.arg(format!("--lock-wait-timeout={wait}"));
        for table in &options.exclude_tables {
            command.arg(format!("--exclude-table={table}"));
        }
        Child::start(command, Stdio::null())
    }

    /// All or nothing, in one transaction.
    pub fn restore(&self, _: &Manifest, overwrite: bool, no_owner: bool) -> Result<Child> {
        let mut command = self.tool("pg_restore");
        let name = self
            .address
            .database
            .replace('\\', "\\\\")
            .replace('\'', "\\'");
        command.arg(format!("--dbname=dbname='{name}'"));
        command.args(["--exit-on-error", "--single-transaction"]);
        if overwrite {
            command.args(["--clean", "--if-exists"]);
        }
        if no_owner {
            command.args(["--no-owner", "--no-privileges"]);
        }
        Child::start(command, Stdio::piped())
    }

    pub fn query(&self, sql: &str) -> Result<String> {
        let mut command = self.tool("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.args(["--set=ON_ERROR_STOP=1", "--file=-"]);
        output(command, sql)
    }

    /// The address's database must be another than the backup's.
    pub fn prepare(&self, manifest: &Manifest) -> Result<()> {
        let mut sql = String::new();
        for owner in self.unknown_owners(manifest)? {
            sql += &format!("create role {};\n", identifier(&owner));
        }
        self.query(&sql)?;
        Ok(())
    }

    fn unknown_owners(&self, manifest: &Manifest) -> Result<Vec<String>> {
        let known = self.query(ROLES)?;
        let unknown = |owner: &&String| !known.lines().any(|role| role == owner.as_str());
        Ok(manifest.owners.iter().filter(unknown).cloned().collect())
    }
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
