//! How Rust values travel through the API: as arguments, results and state.

use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;

use eyre::{Result, WrapErr, bail, eyre};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::registry::Registry;

/// A conversion or call that may ask the engine.
pub type Later<T> = Pin<Box<dyn Future<Output = Result<T>>>>;

/// A type that functions may take or return and that public fields may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type of Dagger's API",
    label = "cannot be an argument, a result or a public field",
    note = "use `String`, `bool`, `i64`, `f64`, `()`, a core object such as `Directory`, an `#[object]`, an `#[enumeration]`, or `Option<T>` or `Vec<T>` of these",
    note = "objects of dependencies cannot pass through: return what they give, or an `#[object]` of this module"
)]
pub trait ApiType {
    /// As written in GraphQL: `[Directory!]!`.
    fn type_ref() -> String;

    /// Adds the module's own types that this one consists of.
    fn register(_: &mut Registry) {}
}

/// A type that is read from what the engine passes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from an argument or from an object's state",
    label = "expected a type of Dagger's API",
    note = "a struct of this module: with `#[object]` on it; an enum: with `#[enumeration]`",
    note = "private state of any other type: `State<{Self}>`, when it implements serde's traits"
)]
pub trait FromApi: Sized {
    fn from_api(value: Value) -> Result<Self>;
}

/// A type that can be handed to the engine.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a result or part of an object's state",
    label = "expected a type of Dagger's API",
    note = "a struct of this module: with `#[object]` on it; an enum: with `#[enumeration]`",
    note = "private state of any other type: `State<{Self}>`, when it implements serde's traits"
)]
pub trait IntoApi {
    fn into_api(self) -> Later<Value>;
}

/// A value that an argument of type `T` may have as its default.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the default of `{T}`",
    label = "expected a value of `{T}`"
)]
pub trait DefaultValue<T> {
    fn default_value(&self) -> Value;
}

/// JSON text of a default, as `dagger.types.json` wants it.
pub fn default_text<T, V: DefaultValue<T> + ?Sized>(value: &V) -> String {
    value.default_value().to_string()
}

/// Private state of any type that serde knows: `settings: State<Settings>`.
///
/// ```
/// use poniard_sdk::State;
/// use poniard_sdk::prelude::*;
///
/// #[derive(poniard_sdk::serde::Serialize, poniard_sdk::serde::Deserialize)]
/// #[serde(crate = "poniard_sdk::serde")]
/// struct Limits {
///     pages: u32,
/// }
///
/// #[object]
/// pub struct Site {
///     limits: State<Limits>,
/// }
///
/// let site = Site { limits: State(Limits { pages: 9 }) };
/// assert_eq!(site.limits.pages, 9);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<T>(pub T);

impl<T> Deref for State<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for State<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: DeserializeOwned> FromApi for State<T> {
    fn from_api(value: Value) -> Result<Self> {
        Ok(Self(serde_json::from_value(value)?))
    }
}

impl<T: Serialize> IntoApi for State<T> {
    fn into_api(self) -> Later<Value> {
        ready(serde_json::to_value(self.0).map_err(Into::into))
    }
}

/// A conversion that is over already.
pub(crate) fn ready(value: Result<Value>) -> Later<Value> {
    Box::pin(std::future::ready(value))
}

/// For messages: `expected a string, got 3`.
pub(crate) fn unexpected(expected: &str, got: &Value) -> eyre::Report {
    let text = got.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => eyre!("expected {expected}, got {}…", &text[..end]),
        None => eyre!("expected {expected}, got {text}"),
    }
}

impl ApiType for String {
    fn type_ref() -> String {
        "String!".into()
    }
}

impl FromApi for String {
    fn from_api(value: Value) -> Result<Self> {
        match value {
            Value::String(text) => Ok(text),
            other => Err(unexpected("a string", &other)),
        }
    }
}

impl IntoApi for String {
    fn into_api(self) -> Later<Value> {
        ready(Ok(self.into()))
    }
}

impl DefaultValue<Self> for String {
    fn default_value(&self) -> Value {
        self.as_str().into()
    }
}

impl DefaultValue<String> for str {
    fn default_value(&self) -> Value {
        self.into()
    }
}

impl ApiType for bool {
    fn type_ref() -> String {
        "Boolean!".into()
    }
}

impl FromApi for bool {
    fn from_api(value: Value) -> Result<Self> {
        value
            .as_bool()
            .ok_or_else(|| unexpected("true or false", &value))
    }
}

impl IntoApi for bool {
    fn into_api(self) -> Later<Value> {
        ready(Ok(self.into()))
    }
}

impl DefaultValue<Self> for bool {
    fn default_value(&self) -> Value {
        (*self).into()
    }
}

impl ApiType for f64 {
    fn type_ref() -> String {
        "Float!".into()
    }
}

impl FromApi for f64 {
    fn from_api(value: Value) -> Result<Self> {
        value.as_f64().ok_or_else(|| unexpected("a number", &value))
    }
}

impl IntoApi for f64 {
    fn into_api(self) -> Later<Value> {
        ready(match serde_json::Number::from_f64(self) {
            Some(number) => Ok(number.into()),
            None => Err(eyre!(
                "`{self}` cannot be passed: JSON has finite numbers only"
            )),
        })
    }
}

impl DefaultValue<Self> for f64 {
    fn default_value(&self) -> Value {
        (*self).into()
    }
}

/// `default = 1` for a fraction.
impl DefaultValue<f64> for i32 {
    fn default_value(&self) -> Value {
        (*self).into()
    }
}

macro_rules! integers {
    ($($int:ty)*) => {$(
        impl ApiType for $int {
            fn type_ref() -> String {
                "Int!".into()
            }
        }

        impl FromApi for $int {
            fn from_api(value: Value) -> Result<Self> {
                let wide = integer(&value).ok_or_else(|| unexpected("an integer", &value))?;
                <$int>::try_from(wide).map_err(|_| {
                    eyre!("{wide} is out of range: {} to {}", <$int>::MIN, <$int>::MAX)
                })
            }
        }

        impl IntoApi for $int {
            fn into_api(self) -> Later<Value> {
                // The API's integers are 64 bits, signed.
                ready(match i64::try_from(self) {
                    Ok(number) => Ok(number.into()),
                    Err(_) => Err(eyre!("{self} is out of range: at most {}", i64::MAX)),
                })
            }
        }

        impl DefaultValue<Self> for $int {
            fn default_value(&self) -> Value {
                (*self).into()
            }
        }
    )*};
}

integers! { i16 i32 i64 isize u8 u16 u32 u64 usize }

fn integer(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    number.as_i128().or_else(|| {
        // 1e6 is an integer too.
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i128)
    })
}

impl ApiType for () {
    fn type_ref() -> String {
        "Void".into()
    }
}

impl IntoApi for () {
    fn into_api(self) -> Later<Value> {
        ready(Ok(Value::Null))
    }
}

impl<T: ApiType> ApiType for Option<T> {
    fn type_ref() -> String {
        let inner = T::type_ref();
        inner.strip_suffix('!').unwrap_or(&inner).to_owned()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: FromApi> FromApi for Option<T> {
    fn from_api(value: Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::from_api(value).map(Some),
        }
    }
}

impl<T: IntoApi> IntoApi for Option<T> {
    fn into_api(self) -> Later<Value> {
        match self {
            Some(value) => value.into_api(),
            None => ready(Ok(Value::Null)),
        }
    }
}

impl<T: ApiType> ApiType for Vec<T> {
    fn type_ref() -> String {
        format!("[{}]!", T::type_ref())
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: FromApi> FromApi for Vec<T> {
    fn from_api(value: Value) -> Result<Self> {
        let Value::Array(items) = value else {
            return Err(unexpected("a list", &value));
        };
        items
            .into_iter()
            .enumerate()
            .map(|(at, item)| T::from_api(item).wrap_err_with(|| format!("item {at}")))
            .collect()
    }
}

impl<T: IntoApi + 'static> IntoApi for Vec<T> {
    fn into_api(self) -> Later<Value> {
        Box::pin(async {
            let mut items = Vec::with_capacity(self.len());
            for item in self {
                items.push(item.into_api().await?);
            }
            Ok(Value::Array(items))
        })
    }
}

impl<T, V: DefaultValue<T>> DefaultValue<Vec<T>> for [V] {
    fn default_value(&self) -> Value {
        self.iter().map(V::default_value).collect()
    }
}

impl<T, V: DefaultValue<T>, const N: usize> DefaultValue<Vec<T>> for [V; N] {
    fn default_value(&self) -> Value {
        self.as_slice().default_value()
    }
}

impl<T, V: DefaultValue<T> + ?Sized> DefaultValue<T> for &V {
    fn default_value(&self) -> Value {
        V::default_value(self)
    }
}

impl<T: ApiType, E> ApiType for Result<T, E> {
    fn type_ref() -> String {
        T::type_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: IntoApi, E: Into<eyre::Report>> IntoApi for Result<T, E> {
    fn into_api(self) -> Later<Value> {
        match self {
            Ok(value) => value.into_api(),
            Err(error) => ready(Err(error.into())),
        }
    }
}

/// Members of an enumeration, by name.
pub(crate) fn member<T>(
    enumeration: &str,
    names: &[&str],
    value: &Value,
    from_name: impl Fn(&str) -> Option<T>,
) -> Result<T> {
    let Value::String(name) = value else {
        return Err(unexpected("the name of a member", value));
    };
    match from_name(name) {
        Some(member) => Ok(member),
        None => bail!(
            "`{name}` is not in `{enumeration}`: expected {}",
            names.join(", ")
        ),
    }
}
