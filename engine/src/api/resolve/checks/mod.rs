//! Checks, generators and services of modules: [`tree`] finds them, [`names`]
//! chooses among them, [`run`] runs them, and [`services`] offers what is to be
//! up on ports of the host.

mod names;
mod run;
mod services;
mod tree;

use std::sync::Arc;

use eyre::{Result, bail, eyre};

use super::{changeset, unsupported};
use crate::api::client::Client;
use crate::graph::node::{Answer, Changeset};
use crate::graph::task::{Done, Kind, Task};
use crate::graph::{Args, Directory, File, Object};
use crate::module::Module;
use crate::module::config::Dependency;

/// What a group is made of.
fn answer(kind: Kind, tasks: Vec<Task>) -> Answer {
    let type_name = match kind {
        Kind::Check | Kind::GeneratorCheck => "CheckGroup",
        Kind::Generator => "GeneratorGroup",
        Kind::Up => "UpGroup",
    };
    let tasks = tasks.into_iter().map(Arc::new).collect();
    Answer::Object(type_name, Object::Tasks(Arc::new(tasks)))
}

fn single(task: Task) -> Answer {
    Answer::Object(type_of(&task), Object::Task(Arc::new(task)))
}

fn type_of(task: &Task) -> &'static str {
    match task.kind {
        Kind::Check | Kind::GeneratorCheck => "Check",
        Kind::Generator => "Generator",
        Kind::Up => "Up",
    }
}

/// The kind that a field gives, as `checks` or `check`.
fn kind_of(field: &str) -> Kind {
    match field.trim_end_matches('s') {
        "check" => Kind::Check,
        "generator" => Kind::Generator,
        _ => Kind::Up,
    }
}

/// Checks with the generators that count as such, or all of another kind.
fn found(module: &Arc<Module>, kind: Kind, args: &Args) -> Result<Vec<Task>> {
    let (skip, only) = (args.flag("noGenerate")?, args.flag("onlyGenerate")?);
    if kind != Kind::Check {
        return tree::of(module, kind);
    }
    let mut tasks = if only {
        Vec::new()
    } else {
        tree::of(module, kind)?
    };
    if !skip {
        let known: Vec<_> = tasks.iter().map(|task| task.path.clone()).collect();
        let more = tree::of(module, Kind::GeneratorCheck)?;
        tasks.extend(more.into_iter().filter(|task| !known.contains(&task.path)));
    }
    Ok(tasks)
}

/// Groups of a module, with the names that it gives itself.
pub fn of_module(module: &Arc<Module>, field: &str, args: &Args) -> Result<Answer> {
    let kind = kind_of(field);
    let tasks = names::chosen(found(module, kind, args)?, &args.list("include")?, false)?;
    Ok(answer(kind, tasks))
}

/// Groups of all modules that the caller works with.
pub async fn of_workspace(client: &Arc<Client>, field: &str, args: &Args) -> Result<Answer> {
    let kind = kind_of(field);
    let include = args.list("include")?;
    let mut all = Vec::new();
    for (module, toolchain) in client.shared.workspace_modules().await? {
        // Generators of a blueprint are those of the module that it stands for.
        if kind == Kind::Generator && module.role.caller.is_some() {
            continue;
        }
        let mut tasks = found(&module, kind, args)?;
        for task in &mut tasks {
            task.path.insert(0, module.name.clone());
        }
        let mut tasks = names::chosen(tasks, &include, true)?;
        if let Some(toolchain) = &toolchain {
            tasks = names::others(tasks, ignored(toolchain, kind))?;
            services::map_ports(&mut tasks, &toolchain.port_mappings)?;
        }
        all.extend(tasks);
    }
    Ok(answer(kind, all))
}

fn ignored(toolchain: &Dependency, kind: Kind) -> &[String] {
    match kind {
        Kind::Check | Kind::GeneratorCheck => &toolchain.ignore_checks,
        Kind::Generator => &toolchain.ignore_generators,
        Kind::Up => &toolchain.ignore_services,
    }
}

/// The one of a name in a module: `check` or `generator`.
pub fn named(module: &Arc<Module>, field: &str, name: &str) -> Result<Answer> {
    let all = found(module, kind_of(field), &Args::default())?;
    let mut tasks = names::chosen(all, &[name.to_owned()], false)?;
    match (tasks.pop(), tasks.len()) {
        (Some(task), 0) => Ok(single(task)),
        (Some(_), more) => bail!(
            "`{name}` names {} {field}s of module `{}`: name one",
            more + 1,
            module.name
        ),
        (None, _) => bail!(
            "module `{}` has no {field} `{name}`: `{field}s` lists them",
            module.name
        ),
    }
}

/// The fields of one check, generator or service.
pub async fn one(client: &Arc<Client>, this: &Arc<Task>, field: &str) -> Result<Answer> {
    let type_name = type_of(this);
    Ok(match (field, this.kind) {
        ("name", _) => names::shown(&this.path).into(),
        ("description", _) => this.description.clone().into(),
        ("path", _) => this.path.clone().into(),
        ("originalModule", _) => {
            let module = Object::LoadedModule(this.module.clone(), None);
            Answer::Object("Module", module)
        }
        ("run", Kind::Up) => {
            services::run(client, std::slice::from_ref(this)).await?;
            single(Task::clone(this))
        }
        ("run", _) => single(run::one(client, this).await),
        ("completed", Kind::Check | Kind::GeneratorCheck | Kind::Generator) => {
            this.outcome.is_some().into()
        }
        ("passed", Kind::Check | Kind::GeneratorCheck) => {
            matches!(this.outcome, Some(Ok(_))).into()
        }
        ("checkType", Kind::Check) => "check".into(),
        ("checkType", Kind::GeneratorCheck) => "generate".into(),
        ("resultEmoji", Kind::Check | Kind::GeneratorCheck) => picture(this).into(),
        ("error", Kind::Check | Kind::GeneratorCheck) => match &this.outcome {
            Some(Err(failure)) => Answer::Object("Error", Object::Error(Arc::new(failure.clone()))),
            _ => Answer::Null,
        },
        ("changes", Kind::Generator) => {
            Answer::Object("Changeset", Object::Changeset(run::changes(this, field)?))
        }
        ("isEmpty", Kind::Generator) => {
            let changes = run::changes(this, field)?;
            changeset::is_empty(client.engine(), &changes).await?.into()
        }
        _ => unsupported(type_name, field)?,
    })
}

fn picture(task: &Task) -> &'static str {
    match task.outcome {
        None => "",
        Some(Ok(_)) => "🟢",
        Some(Err(_)) => "🔴",
    }
}

/// The fields of a group.
pub async fn group(
    client: &Arc<Client>,
    type_name: &str,
    this: &Arc<Vec<Arc<Task>>>,
    field: &str,
    args: &Args,
) -> Result<Answer> {
    let engine = client.engine();
    Ok(match (type_name, field) {
        (_, "list") => {
            let of = match type_name {
                "CheckGroup" => "Check",
                "GeneratorGroup" => "Generator",
                _ => "Up",
            };
            let tasks = this.iter().map(|task| Object::Task(task.clone()));
            Answer::Objects(of, tasks.collect())
        }
        ("CheckGroup", "run") => {
            let ran = run::all(client, this, args.flag("failFast")?).await?;
            answer(Kind::Check, ran)
        }
        ("CheckGroup", "report") => {
            File::made(engine, "checks.md", report(this).into_bytes(), 0o644).into()
        }
        ("GeneratorGroup", "run") => answer(Kind::Generator, run::all(client, this, false).await?),
        ("GeneratorGroup", "isEmpty") => {
            for task in this.iter() {
                let changes = run::changes(task, field)?;
                if !changeset::is_empty(engine, &changes).await? {
                    return Ok(false.into());
                }
            }
            true.into()
        }
        ("GeneratorGroup", "changes") => {
            let mut all = Vec::new();
            for task in this.iter() {
                let changes = *run::changes(task, field)?;
                if !changeset::is_empty(engine, &changes).await? {
                    all.push(changes);
                }
            }
            let (before, after) = (Directory::scratch(), Directory::scratch());
            let none = Changeset { before, after };
            match all.split_first() {
                Some((first, others)) => {
                    changeset::many(engine, first, others, &args.text("onConflict")?).await?
                }
                None => changeset::many(engine, &none, &[], "").await?,
            }
        }
        ("UpGroup", "run") => {
            services::run(client, this).await?;
            answer(
                Kind::Up,
                this.iter().map(|task| Task::clone(task)).collect(),
            )
        }
        _ => unsupported(type_name, field)?,
    })
}

fn report(tasks: &[Arc<Task>]) -> String {
    let mut text = "| check | type | description | success |\n| -- | -- | -- | -- |\n".to_owned();
    for task in tasks {
        let kind = match task.kind {
            Kind::GeneratorCheck => "generate",
            _ => "check",
        };
        let (name, about) = (names::shown(&task.path), &task.description);
        text += &format!("| {name} | {kind} | {about} | {} |\n", picture(task));
    }
    text
}

/// The service that a function gave.
fn service(task: &Task) -> Result<Arc<crate::graph::Service>> {
    match &task.outcome {
        Some(Ok(Done::Service(service))) => Ok(service.clone()),
        Some(Err(failure)) => Err(failure.clone().into()),
        _ => Err(eyre!("`{}` gave no service", names::shown(&task.path))),
    }
}
