//! Which server it is, and which image has its client tools.

use poniard_sdk::prelude::*;
use serde::{Deserialize, Serialize};

/// A kind of database server.
#[enumeration]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    Postgresql,
    Mysql,
    Mariadb,
}

/// What a server says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    pub engine: Engine,
    /// As numbers: `15.4`, `10.11.6`.
    pub version: String,
}

impl Engine {
    /// Name of the official image, also in the names of backups.
    pub fn image_name(self) -> &'static str {
        match self {
            Self::Postgresql => "postgres",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
        }
    }

    /// As its makers write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Postgresql => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::Mariadb => "MariaDB",
        }
    }
}

impl Version {
    /// From what the server or a client tool says, such as `15.4 (Debian 15.4-2)`
    /// or `17beta1`.
    pub fn parse(engine: Engine, text: &str) -> Result<Self> {
        let end = text
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(text.len());
        let version = text[..end].trim_end_matches('.').to_owned();
        ensure!(
            !version.is_empty(),
            "cannot read the version `{text}` of {}",
            engine.title()
        );
        Ok(Self { engine, version })
    }

    /// What client and server must agree on: `15` (`9.6` before 10), `10.11`, `8.4`.
    pub fn major(&self) -> String {
        let mut numbers = self.version.split('.');
        let first = numbers.next().unwrap_or_default();
        let one_number = self.engine == Engine::Postgresql
            && first.parse::<u32>().is_ok_and(|first| first >= 10);
        match (one_number, numbers.next()) {
            (false, Some(second)) => format!("{first}.{second}"),
            _ => first.to_owned(),
        }
    }

    /// The image with server and client tools of this major.
    pub fn image(&self) -> String {
        format!("{}:{}", self.engine.image_name(), self.major())
    }

    /// To compare majors by.
    pub fn order(&self) -> Vec<u32> {
        let major = self.major();
        major.split('.').filter_map(|n| n.parse().ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn major(engine: Engine, text: &str) -> String {
        Version::parse(engine, text).unwrap().major()
    }

    #[test]
    fn the_major_is_what_images_are_named_by() {
        assert_eq!(major(Engine::Postgresql, "15.4 (Debian 15.4-2)"), "15");
        assert_eq!(major(Engine::Postgresql, "17beta1"), "17");
        assert_eq!(major(Engine::Postgresql, "9.6.24"), "9.6");
        assert_eq!(major(Engine::Mariadb, "10.11.6-MariaDB-0+deb12u1"), "10.11");
        assert_eq!(major(Engine::Mysql, "8.0.35-27"), "8.0");
    }

    #[test]
    fn ten_eleven_comes_after_ten_five() {
        let order = |text| Version::parse(Engine::Mariadb, text).unwrap().order();
        assert!(order("10.11.1") > order("10.5.9"));
    }

    #[test]
    fn what_is_no_version_is_told() {
        assert!(Version::parse(Engine::Mysql, "unknown").is_err());
    }
}
