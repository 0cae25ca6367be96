//! The address of a database, `postgres://user:password@host:5432/name`.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use poniard_sdk::prelude::*;
use url::Url;

/// Parsed; never shown whole, as it holds the password.
#[derive(Clone)]
pub struct Address {
    pub postgres: bool,
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    pub database: String,
    pub tls: Tls,
    /// Other parameters of libpq, by the environment variable that sets them.
    pub libpq: BTreeMap<String, String>,
}

/// How much of TLS is asked for, in libpq's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

const LIBPQ: [&str; 6] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "gssencmode",
    "options",
    "target_session_attrs",
];

impl Address {
    /// Errors do not repeat the address.
    pub fn parse(text: &str) -> Result<Self> {
        const FORM: &str =
            "expected `postgres://user:password@host:port/database`, `mysql://…` or `mariadb://…`";
        let url = Url::parse(text.trim())
            .map_err(|error| eyre!("the database's url is none ({error}): {FORM}"))?;
        let postgres = match url.scheme() {
            "postgres" | "postgresql" => true,
            "mysql" | "mariadb" => false,
            other => bail!("the database's url begins with `{other}://`: {FORM}"),
        };
        let decoded = |text: &str| -> Result<String> {
            let text = percent_decode_str(text).decode_utf8();
            let text = text.map_err(|_| eyre!("the database's url is not UTF-8: {FORM}"))?;
            ensure!(
                !text.contains(['\0', '\n', '\r']),
                "the database's url has a line break or a null character in it"
            );
            Ok(text.into_owned())
        };
        let host = decoded(url.host_str().unwrap_or_default())?;
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        ensure!(!host.is_empty(), "the database's url names no host: {FORM}");
        let user = decoded(url.username())?;
        ensure!(!user.is_empty(), "the database's url names no user: {FORM}");
        let database = decoded(url.path().trim_start_matches('/'))?;
        ensure!(
            !database.is_empty(),
            "the database's url names no database: {FORM}"
        );
        ensure!(
            !database.starts_with('-'),
            "the database's name begins with `-`, which client tools take for an option"
        );
        let mut address = Self {
            postgres,
            port: url.port().unwrap_or(if postgres { 5432 } else { 3306 }),
            password: decoded(url.password().unwrap_or_default())?,
            host,
            user,
            database,
            tls: Tls::Prefer,
            libpq: BTreeMap::new(),
        };
        for (name, value) in url.query_pairs() {
            address.set(&name, &value)?;
        }
        Ok(address)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "sslmode" | "ssl-mode" => self.tls = Tls::parse(value)?,
            _ if self.postgres && LIBPQ.contains(&name) => {
                let variable = format!("PG{}", name.to_ascii_uppercase().replace('_', ""));
                let variable = match name {
                    "application_name" => "PGAPPNAME".to_owned(),
                    "connect_timeout" => "PGCONNECT_TIMEOUT".to_owned(),
                    _ => variable,
                };
                self.libpq.insert(variable, value.to_owned());
            }
            _ => {
                let known = if self.postgres {
                    format!("sslmode, {}", LIBPQ.join(", "))
                } else {
                    "ssl-mode".to_owned()
                };
                bail!("the database's url has the parameter `{name}`, which is not one of {known}")
            }
        }
        Ok(())
    }
}

impl Tls {
    fn parse(text: &str) -> Result<Self> {
        let word = text.to_ascii_lowercase().replace('_', "-");
        Ok(match word.as_str() {
            "disable" | "disabled" => Self::Disable,
            "allow" | "prefer" | "preferred" => Self::Prefer,
            "require" | "required" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" | "verify-identity" => Self::VerifyFull,
            _ => bail!(
                "`{text}` is no sslmode: use disable, prefer, require, verify-ca or verify-full"
            ),
        })
    }

    /// In libpq's words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_decoded() {
        let address = Address::parse(
            "postgresql://a%40b:p%2Fw%20%25@[::1]:6000/my%20db?sslmode=require&connect_timeout=3",
        )
        .unwrap();
        assert_eq!(address.user, "a@b");
        assert_eq!(address.password, "p/w %");
        assert_eq!((address.host.as_str(), address.port), ("::1", 6000));
        assert_eq!(address.database, "my db");
        assert_eq!(address.tls, Tls::Require);
        assert_eq!(address.libpq["PGCONNECT_TIMEOUT"], "3");
    }

    #[test]
    fn ports_have_defaults() {
        assert_eq!(Address::parse("mariadb://u@h/d").unwrap().port, 3306);
        assert_eq!(Address::parse("postgres://u@h/d").unwrap().port, 5432);
    }

    #[test]
    fn errors_say_what_is_missing_and_never_the_password() {
        for (text, word) in [
            ("hunter2", "is none"),
            ("redis://u:hunter2@h/d", "redis"),
            ("mysql://u:hunter2@h/", "no database"),
            ("mysql://u:hunter2@h/--result-file=x", "option"),
            ("mysql://:hunter2@h/d", "no user"),
            ("mysql://u:hunter2@h/d?charset=x", "charset"),
            ("postgres://u:hunter2@h/d?sslmode=maybe", "sslmode"),
            ("postgres://u:hunter2%0a@h/d", "line break"),
        ] {
            let error = Address::parse(text).err().unwrap().to_string();
            assert!(error.contains(word), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
