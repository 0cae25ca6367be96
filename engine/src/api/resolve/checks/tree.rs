//! Finds checks, generators and services among a module's functions, also those
//! of the objects that functions without required arguments give.

use std::sync::Arc;

use eyre::Result;

use super::names;
use crate::api::sdl::parse_type;
use crate::graph::task::{Kind, Task};
use crate::module::Module;
use crate::module::types::{ArgDoc, FunctionDoc};

/// All of a kind, by name. Their paths start below the module.
pub fn of(module: &Arc<Module>, kind: Kind) -> Result<Vec<Task>> {
    let mut walk = Walk {
        module,
        kind,
        path: Vec::new(),
        objects: Vec::new(),
        found: Vec::new(),
    };
    walk.object(&module.main())?;
    let mut found = walk.found;
    found.sort_by_key(|task| names::shown(&task.path));
    found.dedup_by_key(|task| names::shown(&task.path));
    Ok(found)
}

struct Walk<'a> {
    module: &'a Arc<Module>,
    kind: Kind,
    path: Vec<String>,
    /// Objects on the way: one that leads to itself ends there.
    objects: Vec<String>,
    found: Vec<Task>,
}

impl Walk<'_> {
    fn object(&mut self, name: &str) -> Result<()> {
        let Some(object) = self.module.types.object(name) else {
            return Ok(());
        };
        if self.objects.iter().any(|known| known == name) {
            return Ok(());
        }
        self.objects.push(name.to_owned());
        for function in object.functions.iter().filter(|f| can_be_left_alone(f)) {
            self.path.push(function.name.clone());
            let ty = parse_type(&function.ty)?;
            if self.is_wanted(function) {
                let own = self.module.types.object(ty.name()).is_some();
                let is_object = !ty.is_list() && (own || is_object(ty.name()));
                self.found.push(Task {
                    kind: self.kind,
                    module: self.module.clone(),
                    path: self.path.clone(),
                    fields: self.path.clone(),
                    gives: is_object.then(|| ty.name().to_owned()),
                    description: function.description.clone(),
                    ports: Vec::new(),
                    outcome: None,
                });
            } else if !ty.is_list() {
                self.object(ty.name())?;
            }
            self.path.pop();
        }
        for field in &object.fields {
            let ty = parse_type(&field.ty)?;
            if !ty.is_list() {
                self.path.push(field.name.clone());
                self.object(ty.name())?;
                self.path.pop();
            }
        }
        self.objects.pop();
        Ok(())
    }

    fn is_wanted(&self, function: &FunctionDoc) -> bool {
        match self.kind {
            Kind::Check => function.check,
            Kind::Generator | Kind::GeneratorCheck => function.generate,
            Kind::Up => function.up,
        }
    }
}

fn is_object(name: &str) -> bool {
    !matches!(
        name,
        "String" | "Int" | "Float" | "Boolean" | "Void" | "JSON" | "Platform" | "ID"
    )
}

/// Whether a call needs no argument.
fn can_be_left_alone(function: &FunctionDoc) -> bool {
    !function.args.iter().any(is_required)
}

fn is_required(arg: &ArgDoc) -> bool {
    arg.ty.ends_with('!')
        && arg.ty != "Workspace!"
        && arg.default_value.is_none()
        && arg.default_path.as_deref().unwrap_or_default().is_empty()
        && arg.user_default.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with these types.
    async fn module(types: &str) -> (tempfile::TempDir, Arc<Module>) {
        let bench = crate::api::tests::Bench::new();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("dagger.json"),
            r#"{"name": "app", "sdk": "rust"}"#,
        )
        .unwrap();
        std::fs::write(dir.path().join("dagger.types.json"), types).unwrap();
        let engine = bench.caller().shared.engine.clone();
        let module = Module::read(&engine, dir.path(), Default::default())
            .await
            .unwrap();
        (dir, module)
    }

    fn named(module: &Arc<Module>, kind: Kind) -> Vec<String> {
        let found = of(module, kind).unwrap();
        found.iter().map(|task| names::shown(&task.path)).collect()
    }

    #[tokio::test]
    async fn checks_of_objects_count_and_those_that_need_arguments_do_not() {
        let (_dir, module) = module(
            r#"{"objects": [
                {"name": "App", "functions": [
                    {"name": "unitTest", "type": "Void", "check": true},
                    {"name": "lint", "type": "Void", "check": true, "args": [
                        {"name": "ws", "type": "Workspace!"},
                        {"name": "fix", "type": "Boolean!", "defaultValue": "false"},
                        {"name": "source", "type": "Directory!", "defaultPath": "/"}]},
                    {"name": "of", "type": "Void", "check": true, "args": [{"name": "x", "type": "String!"}]},
                    {"name": "again", "type": "App!"},
                    {"name": "docs", "type": "Docs!"},
                    {"name": "types", "type": "Changeset!", "generate": true},
                    {"name": "web", "type": "Service!", "up": true}]},
                {"name": "Docs", "fields": [{"name": "more", "type": "Docs!"}],
                    "functions": [{"name": "links", "type": "Void", "check": true}]}]}"#,
        )
        .await;
        assert_eq!(
            named(&module, Kind::Check),
            ["docs:links", "lint", "unit-test"]
        );
        assert_eq!(named(&module, Kind::Generator), ["types"]);
        assert_eq!(named(&module, Kind::Up), ["web"]);
    }
}
