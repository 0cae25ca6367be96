//! Finding functions by the names that users type.

use crate::api::model::{Arg, Function, Model, Object, kebab};
use crate::suggest;

/// The function of `object` that is meant by `word`: kebab-case or camelCase.
///
/// Dagger puts a dash between a letter and a digit (`with-d-2`). A word without
/// it is understood when nothing else is called so, as in `with-d2`.
pub fn function<'a>(object: &'a Object, word: &str) -> Option<&'a Function> {
    let functions = || object.functions.values();
    object
        .functions
        .get(word)
        .or_else(|| functions().find(|f| kebab(&f.name) == word))
        .or_else(|| functions().find(|f| undashed(&kebab(&f.name)) == word))
}

/// The name without dashes around digits.
fn undashed(name: &str) -> String {
    let bytes = name.as_bytes();
    let beside_digit = |at: usize| {
        let digit = |at: Option<usize>| {
            at.and_then(|at| bytes.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        digit(at.checked_sub(1)) || digit(Some(at + 1))
    };
    name.char_indices()
        .filter(|(at, c)| *c != '-' || !beside_digit(*at))
        .map(|(_, c)| c)
        .collect()
}

/// The argument of `function` that the flag `--word` sets.
pub fn argument<'a>(function: &'a Function, word: &str) -> Option<&'a Arg> {
    let flag = |arg: &&Arg| arg.name == word || kebab(&arg.name) == word;
    function.args.iter().filter(|arg| is_flag(arg)).find(flag)
}

/// Whether users can give it: the engine fills in the caller's workspace.
pub fn is_flag(arg: &Arg) -> bool {
    arg.expected != "Workspace"
}

/// Whether a caller must give it.
pub fn is_required(arg: &Arg) -> bool {
    is_flag(arg) && arg.required()
}

/// Whether an argument can be written as a word or flag: all but objects of
/// modules and core objects that have no address.
pub fn has_literal_form(model: &Model, arg: &Arg) -> bool {
    let name = arg.expected.as_str();
    if model.is_enum(name) || super::address::is_addressable(name) {
        return true;
    }
    if model.inputs.contains_key(name) {
        return matches!(name, "PortForward" | "BuildArg" | "PipelineLabel");
    }
    model.object(name).is_none() && !model.interfaces.contains_key(name)
}

/// Functions that users see: not those that only programs need.
pub fn visible(object: &Object) -> impl Iterator<Item = &Function> {
    let root = object.name == "Query";
    object.functions.values().filter(move |f| {
        f.name != "id" && !(root && f.name.starts_with("load") && f.name.ends_with("FromID"))
    })
}

/// Names of visible functions, as users type them.
pub fn names(object: &Object) -> Vec<String> {
    visible(object).map(|f| kebab(&f.name)).collect()
}

/// The end of an error about a function that is none of these.
pub fn hint(word: &str, names: &[String]) -> String {
    suggest::hint(word, names.iter().map(String::as_str))
}

/// The end of an error about a flag that `function` does not have.
pub fn flag_hint<'a>(
    word: &str,
    function: Option<&Function>,
    more: impl Iterator<Item = &'a str>,
) -> String {
    let own = function.map_or(&[][..], |function| &function.args);
    let own = own
        .iter()
        .filter(|arg| is_flag(arg))
        .map(|arg| kebab(&arg.name));
    let names: Vec<String> = own.chain(more.map(str::to_owned)).collect();
    match suggest::closest(word, names.iter().map(String::as_str)) {
        Some(name) => format!("; did you mean `--{name}`?"),
        None => String::new(),
    }
}

/// Such as `Container.from`, for errors.
pub fn summary(description: &str) -> &str {
    description.trim().lines().next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::undashed;

    #[test]
    fn dashes_before_digits_may_be_left_out() {
        assert_eq!(undashed("with-d-2"), "with-d2");
        assert_eq!(undashed("to-v-2-url"), "to-v2url");
        assert_eq!(undashed("with-exec"), "with-exec");
    }
}
