//! The tools of MySQL and MariaDB, told by an option file that only exists in
//! memory. <https://dev.mysql.com/doc/refman/8.4/en/option-files.html>

use std::io::Write as _;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};

use poniard_sdk::prelude::*;
use rustix::fs::{MemfdFlags, Mode, fchmod, memfd_create};

use super::child::{Child, output};
use super::{tool, version_text};
use crate::Options;
use crate::address::{Address, Tls};
use crate::authorities;
use crate::engine::{Engine, Version};
use crate::manifest::Manifest;

pub const CONTENTS: &str = "
select
  (select count(*) from information_schema.tables where table_schema = database())
  + (select count(*) from information_schema.routines where routine_schema = database())
  + (select count(*) from information_schema.events where event_schema = database());";
pub const DEFINERS: &str = "
select definer from information_schema.views where table_schema = database()
union select definer from information_schema.routines where routine_schema = database()
union select definer from information_schema.triggers where trigger_schema = database()
union select definer from information_schema.events where event_schema = database();";
pub const ACCOUNTS: &str = "select concat(user, '@', host) from mysql.user;";

pub struct Tools<'a> {
    address: &'a Address,
    engine: Engine,
    /// Inherited by the tools.
    options: OwnedFd,
}

impl<'a> Tools<'a> {
    pub fn of(address: &'a Address, engine: Engine) -> Result<(Self, Version)> {
        let options = memfd_create("options", MemfdFlags::empty())?;
        // The tools ignore what others may write.
        fchmod(&options, Mode::RUSR | Mode::WUSR)?;
        let mut file = std::fs::File::from(options);
        file.write_all(option_file(address, engine)?.as_bytes())?;
        let tools = Self {
            address,
            engine,
            options: file.into(),
        };
        let text = version_text(tools.name("dump"))?;
        let version = release(engine, &text)?;
        Ok((tools, version))
    }

    fn name(&self, tool: &str) -> &'static str {
        match (self.engine, tool) {
            (Engine::Mariadb, "dump") => "mariadb-dump",
            (Engine::Mariadb, _) => "mariadb",
            (_, "dump") => "mysqldump",
            _ => "mysql",
        }
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = tool(self.name(name));
        let options = self.options.as_raw_fd();
        // In place of any other option file.
        command.arg(format!("--defaults-file=/proc/self/fd/{options}"));
        command
    }

    pub fn dump(&self, options: &Options) -> Result<Child> {
        let mut command = self.tool("dump");
        command.args([
            "--single-transaction",
            "--quick",
            "--routines",
            "--triggers",
            "--events",
            "--hex-blob",
            "--skip-dump-date",
            // Would need the privilege PROCESS.
            "--no-tablespaces",
            "--max-allowed-packet=1G",
        ]);
        if self.engine == Engine::Mysql {
            // Would need RELOAD, or what servers before 8 do not have.
            command.args(["--set-gtid-purged=OFF", "--loose-column-statistics=0"]);
        }
        let database = &self.address.database;
        for table in &options.exclude_tables {
            command.arg(format!("--ignore-table={database}.{table}"));
        }
        command.arg(database);
        Child::start(command, Stdio::null())
    }

    /// Statements of MySQL cannot be undone: what came before an error stays.
    pub fn restore(&self) -> Result<Child> {
        let mut command = self.tool("client");
        command.args(["--batch", "--max-allowed-packet=1G"]);
        command.arg(&self.address.database);
        Child::start(command, Stdio::piped())
    }

    pub fn query(&self, sql: &str) -> Result<String> {
        let mut command = self.tool("client");
        command.args(["--batch", "--raw", "--skip-column-names"]);
        command.arg(&self.address.database);
        output(command, sql)
    }

    /// Views cannot even be dumped when their definer is gone.
    pub fn prepare(&self, manifest: &Manifest) -> Result<()> {
        let mut sql = String::new();
        for owner in &manifest.owners {
            let (user, host) = owner.rsplit_once('@').unwrap_or((owner, "%"));
            let account = format!("{}@{}", text(user), text(host));
            sql += &format!("create user if not exists {account};\n");
            sql += &format!("grant all on *.* to {account};\n");
        }
        self.query(&sql)?;
        Ok(())
    }
}

/// `mysqldump  Ver 8.4.6 for Linux…`, `mariadb-dump  Ver 10.19 Distrib 10.11.14-MariaDB, for…`
/// or `mariadb-dump from 11.8.3-MariaDB, client 10.19 for…`.
fn release(engine: Engine, text: &str) -> Result<Version> {
    let words: Vec<_> = text.split_whitespace().collect();
    let mariadb = words.iter().find(|word| word.contains("-MariaDB"));
    match (mariadb, engine) {
        (Some(word), _) => Version::parse(Engine::Mariadb, word),
        (None, Engine::Mysql) => {
            let after = words.iter().skip_while(|word| **word != "Ver").nth(1);
            Version::parse(Engine::Mysql, after.copied().unwrap_or(text.trim()))
        }
        _ => bail!("the client tools are not MariaDB's: `{}`", text.trim()),
    }
}

fn option_file(address: &Address, engine: Engine) -> Result<String> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\"));
    let mut file = format!(
        "[client]\nprotocol=tcp\nhost={}\nport={}\nuser={}\npassword={}\ndefault-character-set=utf8mb4\n",
        quoted(&address.host),
        address.port,
        quoted(&address.user),
        quoted(&address.password)
    );
    let bundle = authorities::bundle();
    let authorities = || {
        let path = bundle.as_ref().map(|path| path.display().to_string());
        path.ok_or_else(|| eyre!("no certificate authorities to check the server's by"))
    };
    match (engine, address.tls) {
        (Engine::Mysql, tls) => {
            let mode = match tls {
                Tls::Disable => "DISABLED",
                Tls::Prefer => "PREFERRED",
                Tls::Require => "REQUIRED",
                Tls::VerifyCa => "VERIFY_CA",
                Tls::VerifyFull => "VERIFY_IDENTITY",
            };
            file += &format!("ssl-mode={mode}\n");
            if matches!(tls, Tls::VerifyCa | Tls::VerifyFull) {
                file += &format!("ssl-ca={}\n", quoted(&authorities()?));
            }
        }
        (_, Tls::Disable) => file += "skip-ssl\n",
        // From 11.4 on, MariaDB's client insists on a certificate otherwise.
        (_, Tls::Prefer) => file += "disable-ssl-verify-server-cert\n",
        (_, Tls::Require) => file += "ssl\ndisable-ssl-verify-server-cert\n",
        (_, Tls::VerifyCa | Tls::VerifyFull) => {
            file += &format!(
                "ssl\nssl-verify-server-cert\nssl-ca={}\n",
                quoted(&authorities()?)
            );
        }
    }
    Ok(file)
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_tell_their_release_in_three_ways() {
        let of = |engine, text| release(engine, text).unwrap().version;
        let old = "mariadb-dump  Ver 10.19 Distrib 10.11.14-MariaDB, for debian-linux-gnu (x86_64)";
        let new = "mariadb-dump from 11.8.3-MariaDB, client 10.19 for debian-linux-gnu (x86_64)";
        let mysql = "mysqldump  Ver 8.4.6 for Linux on x86_64 (MySQL Community Server - GPL)";
        assert_eq!(of(Engine::Mariadb, old), "10.11.14");
        assert_eq!(of(Engine::Mariadb, new), "11.8.3");
        assert_eq!(of(Engine::Mysql, mysql), "8.4.6");
    }

    #[test]
    fn the_option_file_takes_any_password() {
        let address = Address::parse(r##"mysql://u:%22%5C%23'@h/d"##).unwrap();
        let file = option_file(&address, Engine::Mysql).unwrap();
        assert!(file.contains("password=\"\"\\\\#'\"\n"), "{file}");
    }
}
