//! `.help` and `.types`.

use crate::api::LoadedModule;
use crate::client::help::Style;
use crate::client::{Chain, Value, help, lookup, print};
use crate::shell::output::Io;
use crate::shell::stage::main_object;
use crate::shell::state::Shell;
use crate::shell::stop::{Run, Stop};

use super::DOT;

impl Shell {
    pub(super) async fn help(&mut self, args: Vec<Value>, io: &Io) -> Run {
        let input = io.take_input();
        let chain = match &input {
            None => None,
            Some(value) => match value.as_chain() {
                Some(chain) => Some(chain),
                None => {
                    return Err(Stop::failed(
                        "unexpected input for `.help`: it explains objects, not text",
                    ));
                }
            },
        };
        let name = match args.first() {
            Some(arg) => Some(self.text(arg).await?),
            None => None,
        };
        let text = match (chain, name) {
            (Some(chain), name) => self.help_of_type(chain, name.as_deref())?,
            (None, Some(name)) => self.help_of_name(&name).await?,
            (None, None) => self.overview(),
        };
        self.emit_text(io, text).await
    }

    fn help_of_type(&self, chain: &Chain, name: Option<&str>) -> Result<String, Stop> {
        let model = self.engine.model();
        let type_name = chain.type_name();
        let Some(object) = model.object(type_name) else {
            return Ok(format!("{type_name}\n"));
        };
        match name {
            None => Ok(format!("{type_name}: {}", help::object(object))),
            Some(name) => match lookup::function(object, name) {
                Some(function) => Ok(help::function(&model, function, Style::Positional)),
                None => Err(Stop::failed(format!(
                    "{type_name} has no function `{name}`"
                ))),
            },
        }
    }

    async fn help_of_name(&self, name: &str) -> Result<String, Stop> {
        let dotted = format!(".{name}");
        if let Some((name, usage, about)) = DOT.iter().find(|(n, ..)| *n == name || *n == dotted) {
            return Ok(format!("{about}\n\nUsage: {name} {usage}\n"));
        }
        let model = self.engine.model();
        if let Some(module) = &self.place.module {
            if let Some(function) =
                main_object(&model, module).and_then(|o| lookup::function(o, name))
            {
                return Ok(help::function(&model, function, Style::Positional));
            }
            if name == "." || name == module.name {
                return Ok(self.help_of_module(module));
            }
        }
        if let Some(function) = model
            .object("Query")
            .and_then(|q| lookup::function(q, name))
        {
            return Ok(help::function(&model, function, Style::Positional));
        }
        if let Some(object) = model.object(name) {
            return Ok(help::object(object));
        }
        match self.engine.load(name, &self.place.dir).await {
            Ok(module) => Ok(self.help_of_module(&module)),
            Err(_) => Err(Stop::failed(format!(
                "there is no command, function, type or module `{name}`"
            ))),
        }
    }

    fn help_of_module(&self, module: &LoadedModule) -> String {
        let model = self.engine.model();
        let mut text = format!("{}: {}\n\n", module.name, module.description.trim());
        if let Some(constructor) = model
            .object("Query")
            .and_then(|q| q.functions.get(&module.constructor))
        {
            text += &format!(
                "Usage: {}\n{}\n",
                help::usage(constructor, Style::Positional),
                help::arguments(&model, &constructor.args)
            );
        }
        if let Some(object) = main_object(&model, module) {
            text += &print::table(["Function", "Description"], &help::functions(object));
        }
        text
    }

    /// What can be called here.
    fn overview(&self) -> String {
        let mut text = String::new();
        let model = self.engine.model();
        if let Some(module) = &self.place.module {
            if let Some(object) = main_object(&model, module) {
                text += &print::table(["Module function", "Description"], &help::functions(object));
                text.push('\n');
            }
            if !module.dependencies.is_empty() {
                text += &format!("Dependencies: {}\n\n", module.dependencies.join(", "));
            }
        }
        if let Some(query) = model.object("Query") {
            let core: Vec<_> = lookup::visible(query)
                .filter(|f| model.object(f.ty.name()).is_none_or(|o| o.module.is_none()))
                .map(help::row)
                .collect();
            text += &print::table(["Core function", "Description"], &core);
            text.push('\n');
        }
        let builtins: Vec<_> = DOT
            .iter()
            .map(|(name, usage, about)| (format!("{name} {usage}"), (*about).to_owned()))
            .collect();
        text + &print::table(["Command", "Description"], &builtins)
    }

    pub(super) async fn types(&self, io: &Io) -> Run {
        let model = self.engine.model();
        let mut rows: Vec<(String, String)> = model
            .objects
            .values()
            .map(|o| (o.name.clone(), lookup::summary(&o.description).to_owned()))
            .chain(
                model
                    .enums
                    .values()
                    .map(|e| (e.name.clone(), lookup::summary(&e.description).to_owned())),
            )
            .collect();
        rows.sort();
        self.emit_text(io, print::table(["Type", "Description"], &rows))
            .await
    }
}
