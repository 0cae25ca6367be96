//! The fields of `EnvFile`. Values are kept as they are written; what they are
//! after quotes and `${…}` is told by the parser of `.env` files.

use std::collections::BTreeMap;
use std::sync::Arc;

use eyre::{Result, WrapErr};
use serde_json::json;

use super::{records, unsupported};
use crate::api::client::Client;
use crate::graph::container::{set, unset};
use crate::graph::node::{Answer, EnvFile};
use crate::graph::{Args, File, Object};
use crate::module::defaults::{Environment, below};

fn answer(file: EnvFile) -> Answer {
    Answer::Object("EnvFile", Object::EnvFile(Arc::new(file)))
}

pub fn resolve(client: &Arc<Client>, this: &EnvFile, field: &str, args: &Args) -> Result<Answer> {
    let name = || args.str("name");
    Ok(match field {
        "asFile" => {
            let lines = this.own.iter().map(|(name, raw)| format!("{name}={raw}\n"));
            let text: String = lines.collect();
            File::made(client.engine(), ".env", text.into_bytes(), 0o644).into()
        }
        "exists" => this.raw(&name()?).is_some().into(),
        "get" if args.flag("raw")? => this.raw(&name()?).unwrap_or_default().into(),
        "get" => value(client, this, &name()?)?.into(),
        "namespace" => answer(namespace(this, &args.str("prefix")?)),
        "variables" => {
            let all: BTreeMap<String, String> = if args.flag("raw")? {
                this.own.iter().cloned().collect()
            } else {
                values(client, this)?
            };
            let record = |(name, value)| records::record(json!({"name": name, "value": value}));
            Answer::Objects("EnvVariable", all.into_iter().map(record).collect())
        }
        "withVariable" => {
            let mut file = this.clone();
            set(&mut file.own, &name()?, args.str("value")?);
            answer(file)
        }
        "withoutVariable" => {
            let mut file = this.clone();
            unset(&mut file.own, &name()?);
            answer(file)
        }
        _ => unsupported("EnvFile", field)?,
    })
}

/// Reads a file's text; comments and blank lines are not kept.
pub fn parse(text: &str) -> Result<EnvFile> {
    let mut own = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let line = match line.strip_prefix("export") {
            Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
            _ => line,
        };
        if !line.is_empty() && !line.starts_with('#') {
            let (name, raw) = line.split_once('=').unwrap_or((line, ""));
            set(&mut own, name, raw.to_owned());
        }
    }
    let context = Vec::new();
    Ok(EnvFile { own, context })
}

/// All values. What the file does not set comes from the caller's environment;
/// programs in containers have their own.
pub fn values(client: &Client, this: &EnvFile) -> Result<BTreeMap<String, String>> {
    let environment = Environment::of(&this.own, &this.context)?;
    environment.values(&outside(client))
}

/// Empty when it is not set.
fn value(client: &Client, this: &EnvFile, name: &str) -> Result<String> {
    let environment = Environment::of(&this.own, &this.context)?;
    let value = environment.value(name, &outside(client));
    value.wrap_err_with(|| format!("variable `{name}`"))
}

fn outside(client: &Client) -> impl Fn(&str) -> Option<String> + use<> {
    let confined = client.confined;
    move |name| std::env::var(name).ok().filter(|_| !confined)
}

/// The variables below a prefix; the others can still be referred to.
fn namespace(this: &EnvFile, prefix: &str) -> EnvFile {
    let prefix = prefix.trim_end_matches(['_', '-']);
    let mut inner = EnvFile {
        own: Vec::new(),
        context: this.context.clone(),
    };
    for (name, raw) in &this.own {
        match below(name, prefix) {
            Some(rest) => set(&mut inner.own, rest, raw.clone()),
            None => set(&mut inner.context, name, raw.clone()),
        }
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_as_it_is_written() {
        let file = parse("# c\nA=1\n\nexport B=\"two words\"\nA='3'\nC\n").unwrap();
        let pairs = [("A", "'3'"), ("B", "\"two words\""), ("C", "")];
        let pairs = pairs.map(|(name, raw)| (name.to_owned(), raw.to_owned()));
        assert_eq!(file.own, pairs);
    }
}
