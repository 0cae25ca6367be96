//! The runtime in Dang, as far as it can be tested without an engine: it reads
//! every key that a module writes, and its script builds what is there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use poniard_sdk::Result;
use poniard_sdk::registry::types_text;
use poniard_sdk::serde_json::{self, Value};

use crate::shop::Shop;

const SDK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Public fields of the records in `types.dang`.
fn records() -> Result<HashMap<String, HashSet<String>>> {
    let text = fs::read_to_string(Path::new(SDK).join("types.dang"))?;
    let mut records = HashMap::<String, HashSet<String>>::new();
    let mut record = String::new();
    for line in text.lines() {
        if let Some(name) = line
            .strip_prefix("type ")
            .and_then(|rest| rest.strip_suffix(" {"))
        {
            record = name.to_owned();
        } else if let Some((field, _)) = line
            .strip_prefix("  pub ")
            .and_then(|rest| rest.split_once(':'))
        {
            records
                .entry(record.clone())
                .or_default()
                .insert(field.to_owned());
        }
    }
    Ok(records)
}

#[test]
fn the_runtime_reads_every_key_that_a_module_writes() -> Result<()> {
    let records = records()?;
    let types: Value = serde_json::from_str(&types_text::<Shop>()?)?;
    let mut seen = HashSet::new();
    let mut todo = vec![("TypesDoc", &types)];
    while let Some((record, value)) = todo.pop() {
        let fields = &records[record];
        for (key, value) in value.as_object().into_iter().flatten() {
            assert!(
                fields.contains(key),
                "`{record}` in types.dang has no `pub {key}`"
            );
            seen.insert((record, key.as_str()));
            let inner = match key.as_str() {
                "objects" => "ObjectDoc",
                "enums" => "EnumDoc",
                "fields" => "FieldDoc",
                "functions" | "constructor" => "FunctionDoc",
                "args" => "ArgDoc",
                "members" => "MemberDoc",
                _ => continue,
            };
            match value {
                Value::Array(items) => todo.extend(items.iter().map(|item| (inner, item))),
                one => todo.push((inner, one)),
            }
        }
    }
    // The module under test writes them all, so that none goes untested.
    let all: usize = records.values().map(HashSet::len).sum();
    assert_eq!(seen.len(), all, "{seen:?}");
    Ok(())
}

/// A workspace of which only one member is there, and a stand-in for cargo.
struct Context(PathBuf);

impl Context {
    fn new(name: &str, cargo: &str) -> Result<Self> {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        fs::create_dir_all(root.join("modules/hello"))?;
        fs::create_dir_all(root.join("bin"))?;
        fs::create_dir_all(root.join("target/host/dagger"))?;
        fs::write(
            root.join("Cargo.toml"),
            "[workspace]\nmembers = [\"engine\", \"modules/*\",\n  \"xtask\"]\ndefault-members = [\"engine\"]\n\n[workspace.dependencies]\nengine = { path = \"engine\" }\n",
        )?;
        fs::write(
            root.join("modules/hello/Cargo.toml"),
            "[package]\nname = \"hello\"\n",
        )?;
        fs::write(root.join("target/host/dagger/hello"), "program")?;
        fs::write(root.join("ca.crt"), "authorities")?;
        let program = root.join("bin/cargo");
        fs::write(&program, format!("#!/bin/sh\n{cargo}\n"))?;
        let made = Command::new("chmod").arg("+x").arg(&program).status()?;
        assert!(made.success());
        Ok(Self(root))
    }

    fn build(&self) -> Result<Output> {
        let path = std::env::var("PATH")?;
        Ok(Command::new("sh")
            .arg(Path::new(SDK).join("build.sh").canonicalize()?)
            .args(["hello", "../../out"])
            .current_dir(self.0.join("modules/hello"))
            .env("PATH", format!("{}:{path}", self.0.join("bin").display()))
            .env("SSL_CERT_FILE", self.0.join("ca.crt"))
            .env_remove("CARGO_TARGET_DIR")
            .output()?)
    }

    fn read(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.0.join(file)).ok()
    }
}

#[test]
fn a_module_is_built_static_without_the_absent_members() -> Result<()> {
    let context = Context::new("built", r#"echo "$RUSTFLAGS $*" >../../called"#)?;
    assert!(context.build()?.status.success());
    assert_eq!(
        context.read("called").as_deref(),
        Some(
            "-C target-feature=+crt-static build --target host-tuple --profile dagger --bin hello\n"
        )
    );
    assert_eq!(
        context.read("Cargo.toml").as_deref(),
        Some(
            "[workspace]\nmembers = [ \"modules/*\",\n  ]\ndefault-members = []\n\n[workspace.dependencies]\nengine = { path = \"engine\" }\n"
        )
    );
    assert_eq!(context.read("out/module").as_deref(), Some("program"));
    assert_eq!(
        context.read("out/ca-certificates.crt").as_deref(),
        Some("authorities")
    );
    assert_eq!(context.read("out/error"), None);
    Ok(())
}

#[test]
fn what_the_compiler_says_is_a_result() -> Result<()> {
    let context = Context::new(
        "wrong",
        r#"printf '   Compiling hello v0.1.0\nerror[E0425]: cannot find value\nerror: could not compile `hello`\n' >&2; exit 101"#,
    )?;
    assert!(context.build()?.status.success());
    assert_eq!(
        context.read("out/error").as_deref(),
        Some("error[E0425]: cannot find value\nerror: could not compile `hello`\n")
    );
    assert_eq!(context.read("out/module"), None);
    Ok(())
}

#[test]
fn a_failure_that_may_pass_is_a_failure() -> Result<()> {
    let context = Context::new(
        "offline",
        "echo 'error: failed to download from registry' >&2; exit 101",
    )?;
    let output = context.build()?;
    assert_eq!(output.status.code(), Some(101));
    assert!(String::from_utf8(output.stderr)?.contains("failed to download"));
    assert_eq!(context.read("out/error"), None);
    Ok(())
}
