//! `functions`: what a module offers.

use std::sync::Arc;

use crate::api::Model;
use crate::api::model::{Function, Object, kebab};
use crate::client::{Failure, help, lookup, print};

use super::args;
use super::args::Global;
use super::call::root;
use super::runtime::{Context, Interrupts, with_engine};

pub fn run(global: &Global, options: args::Functions) -> Result<(), Failure> {
    with_engine(
        global,
        Interrupts::End,
        async move |context: Arc<Context>| {
            let Some(root) = root::of_module(&context).await? else {
                return match options.functions.first() {
                    Some(name) => Err(Failure::new(format!(
                        "no function \"{name}\": there is no module here (no dagger.json)"
                    ))),
                    None => Ok(context.teller()(
                        "there is no module here: choose one with `-m`\n",
                    )?),
                };
            };
            let model = context.session.model();
            let text = list(&model, &root, &options.functions)?;
            Ok(context.printer()(&text)?)
        },
    )
}

/// The table of what can be called after `path`.
pub fn list(model: &Model, root: &root::Root, path: &[String]) -> Result<String, Failure> {
    let Some((first, rest)) = path.split_first() else {
        let mut functions: Vec<&Function> = Vec::new();
        if let Some(object) = root.object(model) {
            functions.extend(lookup::visible(object));
        }
        functions.extend(root.toolchains(model));
        // The real engine puts the constructor there under this name.
        let more = root.object(model).map(|_| "with");
        return Ok(table(model, &functions, more));
    };
    let unknown = |name: &str, names: &[String]| {
        let hint = lookup::hint(name, names);
        Failure::new(format!(
            "no function \"{name}\": `poniard functions` lists them{hint}"
        ))
    };
    let mut function = root.function(model, first).ok_or_else(|| {
        let mut names = root.object(model).map(lookup::names).unwrap_or_default();
        names.extend(root.toolchains(model).map(|f| kebab(&f.name)));
        unknown(first, &names)
    })?;
    for name in rest {
        let object = object_of(model, function)?;
        function =
            lookup::function(object, name).ok_or_else(|| unknown(name, &lookup::names(object)))?;
    }
    let functions: Vec<&Function> = lookup::visible(object_of(model, function)?).collect();
    Ok(table(model, &functions, None))
}

fn object_of<'a>(model: &'a Model, function: &Function) -> Result<&'a Object, Failure> {
    model.object(function.ty.name()).ok_or_else(|| {
        let (name, ty) = (kebab(&function.name), &function.ty);
        Failure::new(format!(
            "function \"{name}\" returns {ty}, which has no functions"
        ))
    })
}

fn table(model: &Model, functions: &[&Function], more: Option<&str>) -> String {
    let (callable, mut skipped): (Vec<_>, Vec<_>) = functions
        .iter()
        .map(|f| (is_callable(model, f), help::row(f)))
        .partition(|(callable, _)| *callable);
    let mut rows: Vec<_> = callable.into_iter().map(|(_, row)| row).collect();
    rows.sort();
    let mut text = print::table(["Name", "Description"], &rows);
    let mut names: Vec<String> = skipped.drain(..).map(|(_, (name, _))| name).collect();
    names.extend(more.map(str::to_owned));
    names.sort();
    if !names.is_empty() {
        let list = names.join(", ");
        text += &format!(
            "\nSkipped {} function(s) with unsupported types: {list}\n",
            names.len()
        );
    }
    text
}

/// Whether flags can say all that it needs.
pub fn is_callable(model: &Model, function: &Function) -> bool {
    function
        .args
        .iter()
        .filter(|arg| lookup::is_required(arg))
        .all(|arg| lookup::has_literal_form(model, arg))
}
