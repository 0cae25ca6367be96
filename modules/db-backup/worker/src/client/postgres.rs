//! PostgreSQL's tools, told by libpq's environment variables.
//! <https://www.postgresql.org/docs/current/libpq-envars.html>

use std::io::{BufRead, BufReader, Write as _};
use std::process::{ChildStdin, Command, Stdio};

use poniard_sdk::prelude::*;
use serde::Deserialize;

use super::child::{Child, output};
use super::{tool, version_text};
use crate::Options;
use crate::address::{Address, Tls};
use crate::authorities;
use crate::engine::{Engine, Version};
use crate::manifest::Manifest;

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
/// Those that are worth a process of their own.
const TABLES: &str = "
select json_build_object('schema', n.nspname, 'name', c.relname, 'bytes', pg_table_size(c.oid))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence <> 't'
    and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
    and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
  order by pg_table_size(c.oid) desc, c.oid limit 500";

#[derive(Clone, Debug, Deserialize)]
pub struct Table {
    pub schema: String,
    pub name: String,
    pub bytes: u64,
}

impl Table {
    /// In SQL, and as a pattern of pg_dump.
    fn quoted(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.name))
    }
}

/// Others can see it, and no table of it changes its form, until it is dropped.
pub struct Snapshot {
    name: String,
    _session: (ChildStdin, Child),
}

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
        Child::start(self.whole(options), Stdio::null())
    }

    /// Everything but the rows of these tables.
    pub fn dump_without(
        &self,
        options: &Options,
        snapshot: &Snapshot,
        tables: &[Table],
    ) -> Result<Child> {
        let mut command = self.whole(options);
        command.arg(format!("--snapshot={}", snapshot.name));
        for table in tables {
            command.arg(format!("--exclude-table-data={}", table.quoted()));
        }
        Child::start(command, Stdio::null())
    }

    /// The rows of these tables.
    pub fn dump_rows(
        &self,
        options: &Options,
        snapshot: &Snapshot,
        tables: &[Table],
    ) -> Result<Child> {
        let mut command = self.pg_dump(options);
        command.arg("--data-only");
        command.arg(format!("--snapshot={}", snapshot.name));
        for table in tables {
            command.arg(format!("--table={}", table.quoted()));
        }
        Child::start(command, Stdio::null())
    }

    fn whole(&self, options: &Options) -> Command {
        let mut command = self.pg_dump(options);
        for table in &options.exclude_tables {
            command.arg(format!("--exclude-table={table}"));
        }
        command
    }

    fn pg_dump(&self, options: &Options) -> Command {
        let mut command = self.tool("pg_dump");
        command.args(["--format=custom", "--compress=0"]);
        // Says which table is locked, before the dump counts as stalled.
        let wait = options.lock_wait().as_millis();
        command.arg(format!("--lock-wait-timeout={wait}"));
        command
    }

    /// The largest tables first.
    pub fn tables(&self) -> Result<Vec<Table>> {
        let tables = self.query(TABLES)?;
        let tables: Result<_, _> = tables.lines().map(serde_json::from_str).collect();
        tables.wrap_err("cannot read the list of tables")
    }

    /// What other processes see from now on, with these tables as they are.
    pub fn snapshot(&self, options: &Options, tables: &[Table]) -> Result<Snapshot> {
        let mut child = Child::start(self.psql(), Stdio::piped())?;
        let mut stdin = child.stdin()?;
        let wait = options.lock_wait().as_millis();
        let mut sql = format!(
            "set statement_timeout = 0;\nset idle_in_transaction_session_timeout = 0;\n\
             set lock_timeout = {wait};\nbegin isolation level repeatable read read only;\n"
        );
        // A table that is emptied by TRUNCATE is empty in older snapshots, too.
        let names: Vec<_> = tables
            .iter()
            .map(|table| format!("only {}", table.quoted()))
            .collect();
        if !names.is_empty() {
            sql += &format!("lock table {} in access share mode;\n", names.join(", "));
        }
        sql += "select pg_export_snapshot();\n";
        let written = stdin.write_all(sql.as_bytes());
        let mut name = String::new();
        BufReader::new(child.stdout()?).read_line(&mut name)?;
        let name = name.trim().to_owned();
        if name.is_empty() {
            drop(stdin);
            child.finish()?;
            written?;
            bail!("the server names no snapshot");
        }
        Ok(Snapshot {
            name,
            _session: (stdin, child),
        })
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
        output(self.psql(), sql)
    }

    fn psql(&self) -> Command {
        let mut command = self.tool("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.args(["--set=ON_ERROR_STOP=1", "--file=-"]);
        command
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
