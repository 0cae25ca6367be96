//! A database server beside the application, and the variables that tell it where.

use poniard_sdk::api::ContainerAsServiceOptsBuilder;
use poniard_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// What database servers are called.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum DatabaseKind {
    /// MySQL.
    Mysql,
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    Mariadb,
}

/// A server of a version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Database {
    pub kind: DatabaseKind,
    pub version: String,
}

const HOST: &str = "database";
const NAME: &str = "site";
const USER: &str = "site";
/// Of a server that ends with the run and nobody else reaches.
const PASSWORD: &str = "only-for-this-run";

impl Database {
    pub fn new(kind: DatabaseKind, version: Option<String>) -> Result<Self> {
        let version = version.unwrap_or_else(|| kind.default_version().to_owned());
        let tag = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        ensure!(
            !version.is_empty() && version.chars().all(tag),
            "`{version}` is no version of a database: pass one such as `{}`",
            kind.default_version()
        );
        Ok(Self { kind, version })
    }

    /// `container` beside the server, configured for it. Of one session, those
    /// with the same `purpose` share a server.
    pub fn bind(&self, container: &Container, purpose: &str) -> Result<Container> {
        let mut bound = container.with_service_binding(HOST, self.service(purpose)?);
        for (name, value) in self.variables() {
            bound = bound.with_env_variable(name, value);
        }
        Ok(bound)
    }

    fn service(&self, purpose: &str) -> Result<Service> {
        let kind = self.kind;
        let server = dag()
            .container()
            .from(format!("{}:{}", kind.image(), self.version));
        let prefix = kind.prefix();
        let server = server.with_env_variable("PHP_BUILD_PURPOSE", purpose);
        let server = match kind {
            DatabaseKind::Postgres => server
                .with_env_variable("POSTGRES_DB", NAME)
                .with_env_variable("POSTGRES_USER", USER)
                .with_env_variable("POSTGRES_PASSWORD", PASSWORD),
            _ => server
                .with_env_variable(format!("{prefix}_DATABASE"), NAME)
                .with_env_variable(format!("{prefix}_USER"), USER)
                .with_env_variable(format!("{prefix}_PASSWORD"), PASSWORD)
                .with_env_variable(format!("{prefix}_RANDOM_ROOT_PASSWORD"), "1"),
        };
        let opts = ContainerAsServiceOptsBuilder::default()
            .use_entrypoint(true)
            .build()?;
        Ok(server.with_exposed_port(kind.port()).as_service_opts(opts))
    }

    /// As Craft CMS, as Laravel and as Symfony read them.
    fn variables(&self) -> Vec<(&'static str, String)> {
        let kind = self.kind;
        let (craft, laravel, scheme) = match kind {
            DatabaseKind::Mysql => ("mysql", "mysql", "mysql"),
            DatabaseKind::Mariadb => ("mysql", "mariadb", "mysql"),
            DatabaseKind::Postgres => ("pgsql", "pgsql", "postgresql"),
        };
        let port = kind.port();
        let server_version = match kind {
            DatabaseKind::Mariadb => format!("{}-MariaDB", self.version),
            _ => self.version.clone(),
        };
        let url = format!(
            "{scheme}://{USER}:{PASSWORD}@{HOST}:{port}/{NAME}?serverVersion={server_version}"
        );
        let both = [
            ("CRAFT_DB_DRIVER", "DB_CONNECTION", craft, laravel),
            ("CRAFT_DB_SERVER", "DB_HOST", HOST, HOST),
            ("CRAFT_DB_DATABASE", "DB_DATABASE", NAME, NAME),
            ("CRAFT_DB_USER", "DB_USERNAME", USER, USER),
            ("CRAFT_DB_PASSWORD", "DB_PASSWORD", PASSWORD, PASSWORD),
        ];
        let mut variables: Vec<(&str, String)> = Vec::new();
        for (of_craft, of_laravel, craft, laravel) in both {
            variables.push((of_craft, craft.to_owned()));
            variables.push((of_laravel, laravel.to_owned()));
        }
        variables.push(("CRAFT_DB_PORT", port.to_string()));
        variables.push(("DB_PORT", port.to_string()));
        variables.push(("DATABASE_URL", url));
        variables
    }
}

impl DatabaseKind {
    fn image(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Mariadb => "MARIADB",
            Self::Mysql => "MYSQL",
            Self::Postgres => "POSTGRES",
        }
    }

    fn port(self) -> isize {
        match self {
            Self::Postgres => 5432,
            Self::Mysql | Self::Mariadb => 3306,
        }
    }

    /// The oldest that is supported for long: what runs there runs on newer ones.
    fn default_version(self) -> &'static str {
        match self {
            Self::Mysql => "8.4",
            Self::Postgres => "15",
            Self::Mariadb => "10.11",
        }
    }
}
