//! A stage of a pipeline: a function is found by its name and put on a chain.

use crate::api::model::{Function, Model, Object};
use crate::api::{LoadedModule, support};
use crate::client::{Chain, Failure, Value, argument, flags, lookup};
use crate::module::git::Reference;

use super::output::Io;
use super::state::Shell;
use super::stop::{Run, Stop};

impl Shell {
    /// Runs a word that is no builtin and no function of the script.
    pub(super) async fn stage(&mut self, name: &str, args: Vec<Value>, io: &Io) -> Run {
        let chain = match io.take_input() {
            None => self.first(name, args).await?,
            Some(input) => match input.as_chain() {
                Some(chain) => self.next(chain, name, args).await?,
                None => {
                    return Err(Stop::failed(format!(
                        "unexpected input for `{name}`: it takes no text on its stdin"
                    )));
                }
            },
        };
        self.emit(io, Value::chain(chain)).await
    }

    /// A function of the object that a chain gives.
    async fn next(&self, chain: &Chain, name: &str, args: Vec<Value>) -> Result<Chain, Failure> {
        let model = self.engine.model();
        let Some(object) = model.object(chain.type_name()) else {
            let (last, ty) = (chain.last().unwrap_or_default(), chain.type_name());
            let last = crate::api::model::kebab(last);
            return Err(Failure::new(format!(
                "`{name}` cannot follow `{last}`, which gives a {ty} and no object"
            )));
        };
        let Some(function) = lookup::function(object, name) else {
            return Err(unknown(object, name));
        };
        self.apply(chain, function, args).await
    }

    /// The beginning of a pipeline.
    async fn first(&mut self, name: &str, args: Vec<Value>) -> Result<Chain, Failure> {
        let model = self.engine.model();
        if let Some(module) = self.place.module.clone() {
            if let Some(function) =
                main_object(&model, &module).and_then(|o| lookup::function(o, name))
            {
                let chain = self.construct(&module, vec![]).await.map_err(|error| {
                    error.within(format!(
                        "`{name}` needs the module's constructor: `{} … | {name}`",
                        module.name
                    ))
                })?;
                return self.apply(&chain, function, args).await;
            }
            if name == "." || name == module.name && module.has_sdk {
                return self.construct(&module, args).await;
            }
        } else if name == "." {
            return Err(Failure::new(
                "there is no module here: `.` is the module of the working directory",
            ));
        }
        if self.is_related(name) {
            let module = self.load(name).await?;
            return self.construct(&module, args).await;
        }
        let query = model.object("Query");
        if let Some(function) = query.and_then(|q| lookup::function(q, name)) {
            return self.apply(&Chain::root(), function, args).await;
        }
        let module = self.load(name).await?;
        self.construct(&module, args).await
    }

    /// A module by path, git reference or name of a dependency.
    async fn load(&self, reference: &str) -> Result<LoadedModule, Failure> {
        let related = self
            .place
            .module
            .as_ref()
            .filter(|_| self.is_related(reference));
        let base = related.map_or(&self.place.dir, |module| &module.source);
        match self.engine.load(reference, base).await {
            Ok(module) => Ok(module),
            Err(error) if self.could_be_module(reference) => {
                Err(Failure::from(error).within(format!("cannot load module `{reference}`")))
            }
            Err(error) => {
                if let Some(missing) = support::refusal("Query", reference) {
                    return Err(Failure::new(missing));
                }
                let hint = match super::builtin::is_interpreter(reference) {
                    true => format!(" (`_{reference}` is the shell's own)"),
                    false => String::new(),
                };
                let message = format!("function or module `{reference}` does not exist{hint}");
                let meant = lookup::hint(reference, &self.beginnings());
                let why = format!("{error:#}");
                let why = cause(&why, reference);
                Err(Failure::new(format!("{message}: {why}{meant}")))
            }
        }
    }

    /// Words that a pipeline can begin with here.
    fn beginnings(&self) -> Vec<String> {
        let model = self.engine.model();
        let mut names = model.object("Query").map(lookup::names).unwrap_or_default();
        names.extend(
            super::builtin::DOT
                .iter()
                .map(|(name, ..)| (*name).to_owned()),
        );
        if let Some(module) = &self.place.module {
            names.extend(
                main_object(&model, module)
                    .map(lookup::names)
                    .unwrap_or_default(),
            );
            names.extend(
                module
                    .dependencies
                    .iter()
                    .chain(&module.toolchains)
                    .cloned(),
            );
        }
        names
    }

    /// Whether a module that cannot be loaded is there all the same.
    fn could_be_module(&self, reference: &str) -> bool {
        // A reference to git, or one that cannot be read.
        !matches!(Reference::read(reference, &self.place.dir), Ok(None))
            || self.place.dir.join(reference).join("dagger.json").exists()
            || self.is_related(reference)
    }

    /// Whether the module here names it as a dependency or toolchain.
    fn is_related(&self, name: &str) -> bool {
        let module = self.place.module.as_ref();
        module.is_some_and(|m| {
            m.dependencies
                .iter()
                .chain(&m.toolchains)
                .any(|d| d == name)
        })
    }

    pub(super) async fn construct(
        &self,
        module: &LoadedModule,
        args: Vec<Value>,
    ) -> Result<Chain, Failure> {
        let model = self.engine.model();
        let constructor = model
            .object("Query")
            .filter(|_| module.has_sdk)
            .and_then(|q| q.functions.get(&module.constructor));
        let Some(constructor) = constructor else {
            let message = format!("module `{}` has no functions of its own", module.name);
            return Err(Failure::new(message));
        };
        self.apply(&Chain::root(), constructor, args).await
    }

    async fn apply(
        &self,
        chain: &Chain,
        function: &Function,
        args: Vec<Value>,
    ) -> Result<Chain, Failure> {
        let name = crate::api::model::kebab(&function.name);
        let context = format!("function `{name}`");
        let assigned = flags::assign(function, args).map_err(|e| e.within(&context))?;
        let paths = self.place.paths();
        let args = argument::literals(&*self.engine, &paths, function, assigned).await;
        Ok(chain.then(function, args.map_err(|e| e.within(&context))?))
    }
}

/// The object of a module whose functions are called by their names.
pub fn main_object<'a>(model: &'a Model, module: &LoadedModule) -> Option<&'a Object> {
    model.object(&module.object).filter(|_| module.has_sdk)
}

fn unknown(object: &Object, name: &str) -> Failure {
    let missing = support::refusal(&object.name, name);
    Failure::new(missing.unwrap_or_else(|| {
        let hint = lookup::hint(name, &lookup::names(object));
        format!(
            "{} has no function `{name}`: `… | .help` lists what it has{hint}",
            object.name
        )
    }))
}

/// Why a word is no module, without that it is none.
fn cause<'a>(error: &'a str, reference: &str) -> &'a str {
    let said = format!("module `{reference}` does not exist: ");
    error.strip_prefix(&said).unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_told_once() {
        let error = "module `x` does not exist: nothing has that name";
        assert_eq!(cause(error, "x"), "nothing has that name");
        assert_eq!(cause(error, "y"), error);
    }
}
