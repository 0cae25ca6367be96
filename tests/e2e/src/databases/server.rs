//! Database servers as services of a shell script.

use std::net::{IpAddr, Shutdown, TcpListener, TcpStream};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};
use std::{fs, io};

use test_support::{Finished, Running, repository};

use super::s3::free_port;
use crate::fixture::module;
use crate::place::{LIMIT, Place};

const PASSWORD: &str = "pass'word \"1\"";
const ENCODED: &str = "pass%27word%20%221%22";

/// Between what a script prints.
pub const MARK: &str = "=====";

/// A server with the zoo in its database `app`, and the empty databases `copy` and `second`.
pub struct Database {
    pub image: &'static str,
    pub postgres: bool,
    /// What runs beside the server in its container, as a shell script.
    pub beside: &'static str,
    /// What its container has besides: steps of the shell, each with ` | ` after it.
    pub with: &'static str,
}

impl Database {
    pub fn of(image: &'static str) -> Self {
        let postgres = image.starts_with("postgres");
        Self {
            image,
            postgres,
            beside: "",
            with: "",
        }
    }

    fn zoo(&self) -> &'static str {
        if self.postgres { "postgres" } else { "mysql" }
    }

    fn port(&self) -> u16 {
        if self.postgres { 5432 } else { 3306 }
    }

    pub fn url(&self, database: &str) -> String {
        self.url_at("db", database)
    }

    pub fn url_at(&self, host: &str, database: &str) -> String {
        let (scheme, user) = match self.postgres {
            true => ("postgres", "postgres"),
            false => ("mysql", "root"),
        };
        format!("{scheme}://{user}:{ENCODED}@{host}/{database}")
    }

    /// The zoo, with `more` SQL after it.
    pub fn write(&self, place: &Place, more: &str) {
        let zoo = repository().join("tests/e2e/src/databases/zoo");
        let read = |name: String| fs::read_to_string(zoo.join(name)).expect("the zoo");
        let kind = self.zoo();
        let grants = match self.image {
            _ if self.postgres => String::new(),
            image => privileges(image),
        };
        let sql = read(format!("{kind}.sql"));
        place.write("zoo.sql", format!("{sql}\n{grants}\n{more}\n"));
        let server = match self.image.split(':').next() {
            Some("mysql") => "mysqld",
            Some("mariadb") => "mariadbd",
            _ => "postgres",
        };
        let beside = self.beside;
        place.write(
            "beside.sh",
            format!("docker-entrypoint.sh {server} &\nserver=$!\n{beside}\nwait $server\n"),
        );
        place.write("probe.sql", read(format!("{kind}.probe.sql")));
    }

    /// A statement of the shell: the service as `$db`, the module as `$b`.
    pub fn start(&self) -> String {
        let (image, port, with) = (self.image, self.port(), self.with);
        let variables = match self.postgres {
            true => {
                "with-env-variable POSTGRES_DB app | with-secret-variable POSTGRES_PASSWORD env://PASSWORD"
            }
            false => {
                "with-env-variable MYSQL_DATABASE app | with-secret-variable MYSQL_ROOT_PASSWORD env://PASSWORD"
            }
        };
        let module = module("db-backup");
        let module = module.display();
        let start = match self.beside {
            "" => "as-service --use-entrypoint",
            _ => "with-file /beside.sh beside.sh | as-service --args sh,/beside.sh",
        };
        format!(
            "db=$(container | from {image} | {with}{variables} | with-file /docker-entrypoint-initdb.d/zoo.sql zoo.sql | with-exposed-port {port} | {start})\n\
             b=$({module} env://URL --server $db --stall-timeout 20)\n"
        )
    }

    /// A statement of the shell: what the probe says of a database.
    pub fn probe(&self, database: &str) -> String {
        let client = match self.postgres {
            true => format!(
                "with-secret-variable PGPASSWORD env://PASSWORD | with-exec -- psql -h db -U postgres -d {database} -XAtq -v ON_ERROR_STOP=1 -f /probe.sql"
            ),
            false => {
                let tool = if self.image.starts_with("mysql") {
                    "mysql"
                } else {
                    "mariadb"
                };
                // MariaDB's client wants TLS from 11.4 on.
                let plain = if tool == "mariadb" { " --skip-ssl" } else { "" };
                format!(
                    "with-secret-variable MYSQL_PWD env://PASSWORD | with-exec -- sh -c '{tool} -h db -u root{plain} --batch --default-character-set=utf8mb4 {database} < /probe.sql'"
                )
            }
        };
        format!(
            "container | from {} | with-service-binding db $db | with-file /probe.sql probe.sql | with-env-variable PROBE {database}{} | {client} | stdout",
            self.image,
            crate::place::nonce()
        )
    }

    /// Runs a script after [`Self::start`], with every secret in the environment.
    pub fn run(&self, place: &Place, script: &str) -> Finished {
        let script = format!("{}{script}", self.start());
        let mut command = place.command(&["shell", "--progress", "plain", "-c", &script]);
        self.secrets(&mut command);
        Running::to_end(&mut command, "", LIMIT).expect("a run")
    }

    /// Starts the server for as many commands as there will be, at a port of `host`.
    pub fn serve(&self, place: &Place, host: IpAddr) -> Served {
        let port = free_port();
        let script = format!("{}$db | up --ports {port}:{}", self.start(), self.port());
        let mut command = place.command(&["shell", "--progress", "plain", "-c", &script]);
        self.secrets(&mut command);
        let server = Running::start(&mut command, "").expect("a start");
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < LIMIT, "no server");
            sleep(Duration::from_millis(50));
        }
        Served {
            url: self.url_at(&format!("{host}:{}", relay(host, port)), "app"),
            _server: server,
        }
    }

    pub fn secrets(&self, command: &mut std::process::Command) {
        command
            .env("PASSWORD", PASSWORD)
            .env("URL", self.url("app"))
            .env("COPY_URL", self.url("copy"))
            .env("SECOND_URL", self.url("second"))
            .env("STRANGER_URL", STRANGER)
            .env("READER_URL", READER)
            .env("ACCESS_KEY_ID", super::s3::ACCESS_KEY_ID)
            .env("SECRET_ACCESS_KEY", super::s3::SECRET_ACCESS_KEY)
            .env("AGE_KEY", AGE_KEY);
    }
}

/// A server that runs until this is dropped.
pub struct Served {
    pub url: String,
    _server: Running,
}

/// Makes a port of this machine alone one for containers on it.
fn relay(host: IpAddr, port: u16) -> u16 {
    let listener = TcpListener::bind((host, 0)).expect("a port");
    let public = listener.local_addr().expect("a port").port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else {
                continue;
            };
            let both = (
                client.try_clone().expect("a socket"),
                server.try_clone().expect("a socket"),
            );
            for (mut from, mut to) in [(client, server), (both.1, both.0)] {
                thread::spawn(move || {
                    let _ = io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Write);
                });
            }
        }
    });
    public
}

/// Of a user who may only read: no RELOAD, no PROCESS.
fn privileges(image: &str) -> String {
    let mut sql =
        "grant select, show view, trigger, event, lock tables on app.* to 'backup'@'%';\n"
            .to_owned();
    sql += match image {
        "mysql:9.7" => "grant show_routine on *.* to 'backup'@'%';\n",
        "mariadb:11.8" => "grant show create routine on app.* to 'backup'@'%';\n",
        _ => "grant select on mysql.proc to 'backup'@'%';\n",
    };
    sql
}

/// The address of that user.
const READER: &str = "mysql://backup:b%27ack%5Cup%20%221%22%20%23%3B@db/app";

/// The address of nobody whom a server knows.
const STRANGER: &str = "mysql://stranger:wrong@db/app";

const AGE_KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/// Expects success, and that no secret is in any output.
#[track_caller]
pub fn succeeded(done: &Finished) -> String {
    let (stdout, stderr) = (done.stdout(), done.stderr());
    assert_eq!(done.code, 0, "it fails:\n{stdout}\n{stderr}");
    secretless(done);
    stdout
}

#[track_caller]
pub fn secretless(done: &Finished) {
    let all = done.stdout() + &done.stderr();
    let plain = all.replace("X-Amz-Credential", "");
    for secret in [PASSWORD, ENCODED, super::s3::SECRET_ACCESS_KEY, AGE_KEY] {
        assert!(!plain.contains(secret), "`{secret}` is shown:\n{all}");
    }
}
