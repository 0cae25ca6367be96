//! Objects that are given by an address: a path, an image name, a URL.

use crate::api::model::{Arg, TypeRef};

use super::literal::Literal;
use super::paths::normal;
use super::{Chain, Failure, Paths};

/// Types that have an address.
const ADDRESSABLE: &[&str] = &[
    "Directory",
    "File",
    "Container",
    "Secret",
    "CacheVolume",
    "Service",
    "Socket",
    "GitRepository",
    "GitRef",
    "EnvFile",
];

pub fn is_addressable(type_name: &str) -> bool {
    ADDRESSABLE.contains(&type_name)
}

/// The chain that gives the object of the type `arg.expected` at `address`.
///
/// # Errors
/// When the type has no address, or the address is malformed.
pub fn chain(paths: &Paths, arg: &Arg, address: &str) -> Result<Chain, Failure> {
    let remote = is_git_url(address);
    match arg.expected.as_str() {
        "Directory" if remote => Ok(at(address, "directory", "Directory")),
        "File" if remote => Ok(at(address, "file", "File")),
        "GitRepository" if remote => Ok(at(address, "gitRepository", "GitRepository")),
        "GitRef" if remote => Ok(at(address, "gitRef", "GitRef")),
        "Directory" => directory(paths, address, &arg.ignore),
        "File" => file(paths, address),
        "EnvFile" => Ok(step(&file(paths, address)?, "asEnvFile", vec![], "EnvFile")),
        "GitRepository" => repository(paths, address),
        "GitRef" => Ok(step(&repository(paths, address)?, "head", vec![], "GitRef")),
        "Container" => {
            let container = root("container", vec![], "Container");
            Ok(step(
                &container,
                "from",
                one("address", address),
                "Container",
            ))
        }
        "Secret" => Ok(root(
            "secret",
            one("uri", secret_uri(paths, address)?),
            "Secret",
        )),
        "CacheVolume" => Ok(root("cacheVolume", one("key", address), "CacheVolume")),
        "Service" => service(address),
        "Socket" => {
            let path = paths
                .dir
                .join(address.strip_prefix("unix://").unwrap_or(address));
            Ok(step(
                &host(),
                "unixSocket",
                one("path", path.to_string_lossy()),
                "Socket",
            ))
        }
        other => Err(Failure::new(format!(
            "a `{other}` cannot be written as a word: give the result of a pipeline, as in `$(…)`"
        ))),
    }
}

fn named(name: &str) -> TypeRef {
    TypeRef::Named {
        name: name.to_owned(),
        required: true,
    }
}

fn one(name: &str, value: impl Into<String>) -> Vec<(String, Literal)> {
    vec![(name.to_owned(), Literal::string(value))]
}

fn step(chain: &Chain, function: &str, args: Vec<(String, Literal)>, ty: &str) -> Chain {
    chain.call(function, args, named(ty))
}

fn root(function: &str, args: Vec<(String, Literal)>, ty: &str) -> Chain {
    step(&Chain::root(), function, args, ty)
}

fn host() -> Chain {
    root("host", vec![], "Host")
}

fn at(address: &str, function: &str, ty: &str) -> Chain {
    step(
        &root("address", one("value", address), "Address"),
        function,
        vec![],
        ty,
    )
}

fn is_git_url(address: &str) -> bool {
    let scheme = ["https://", "http://", "ssh://", "git://"];
    scheme.iter().any(|s| address.starts_with(s)) || address.starts_with("git@")
}

fn local(address: &str) -> &str {
    address.strip_prefix("file://").unwrap_or(address)
}

fn directory(paths: &Paths, address: &str, ignore: &[String]) -> Result<Chain, Failure> {
    let mut args = one("path", paths.resolve(local(address))?.to_string_lossy());
    if !ignore.is_empty() {
        args.push(("exclude".to_owned(), Literal::strings(ignore)));
    }
    Ok(step(&host(), "directory", args, "Directory"))
}

fn file(paths: &Paths, address: &str) -> Result<Chain, Failure> {
    let path = paths.resolve(local(address))?;
    Ok(step(
        &host(),
        "file",
        one("path", path.to_string_lossy()),
        "File",
    ))
}

fn repository(paths: &Paths, address: &str) -> Result<Chain, Failure> {
    Ok(step(
        &directory(paths, address, &[])?,
        "asGit",
        vec![],
        "GitRepository",
    ))
}

/// `env:X` means `env://X`; files are relative to the working directory.
fn secret_uri(paths: &Paths, address: &str) -> Result<String, Failure> {
    let Some((scheme, rest)) = address.split_once(':') else {
        // The word may be the secret itself, so it is not repeated.
        return Err(Failure::new(
            "a secret is given by where it is: env://NAME, file://PATH, cmd://COMMAND, op://…, vault://…",
        ));
    };
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    if scheme != "file" {
        return Ok(format!("{scheme}://{rest}"));
    }
    let path = match (rest.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(inside), Some(home)) => std::path::PathBuf::from(home).join(inside),
        _ => paths.dir.join(rest),
    };
    Ok(format!("file://{}", normal(&path).display()))
}

/// `tcp://host:port` or `udp://host:port`.
fn service(address: &str) -> Result<Chain, Failure> {
    let parts = || {
        let (scheme, rest) = address.split_once("://")?;
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
        let protocol = matches!(scheme, "tcp" | "udp").then(|| scheme.to_uppercase())?;
        Some((protocol, host, port.parse::<u16>().ok()?))
    };
    let Some((protocol, name, port)) = parts() else {
        let message = "expected tcp://HOST:PORT or udp://HOST:PORT";
        return Err(Failure::new(format!(
            "invalid address of a service `{address}`: {message}"
        )));
    };
    let forward = Literal::Object(vec![
        ("backend".into(), Literal::from(port)),
        ("frontend".into(), Literal::from(port)),
        ("protocol".into(), Literal::Enum(protocol)),
    ]);
    let mut args = one("host", name);
    args.push(("ports".into(), Literal::List(vec![forward])));
    Ok(step(&host(), "service", args, "Service"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::arg;

    #[test]
    fn addresses_become_chains_of_the_core() {
        let paths = Paths {
            dir: "/w".into(),
            context: Some("/w".into()),
        };
        let cases = [
            ("Directory", "./a", r#"{host{directory(path:"/w/a"){id}}}"#),
            (
                "Directory",
                "https://h.test/r.git#main:sub",
                r#"{address(value:"https://h.test/r.git#main:sub"){directory{id}}}"#,
            ),
            ("File", "/f", r#"{host{file(path:"/w/f"){id}}}"#),
            (
                "Container",
                "debian:12",
                r#"{container{from(address:"debian:12"){id}}}"#,
            ),
            ("Secret", "env:X", r#"{secret(uri:"env://X"){id}}"#),
            ("Secret", "env://X", r#"{secret(uri:"env://X"){id}}"#),
            (
                "Secret",
                "file:./tok",
                r#"{secret(uri:"file:///w/tok"){id}}"#,
            ),
            (
                "Secret",
                "cmd:printf abc",
                r#"{secret(uri:"cmd://printf abc"){id}}"#,
            ),
            ("CacheVolume", "bun", r#"{cacheVolume(key:"bun"){id}}"#),
            (
                "Service",
                "tcp://db:5432",
                r#"{host{service(host:"db",ports:[{backend:5432,frontend:5432,protocol:TCP}]){id}}}"#,
            ),
        ];
        for (ty, address, want) in cases {
            let chain = chain(&paths, &arg("x", "ID!", ty), address).expect(address);
            assert_eq!(chain.document(Some("id")), want);
        }
    }

    #[test]
    fn a_secret_that_is_no_address_is_not_repeated_in_the_error() {
        let paths = Paths::host(std::path::Path::new("/w"));
        let error = chain(&paths, &arg("x", "ID!", "Secret"), "hunter2").expect_err("no address");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
