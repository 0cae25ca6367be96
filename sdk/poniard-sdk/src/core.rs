//! Core objects, enumerations and scalars as arguments, results and state.
//!
//! An object travels as its id, an opaque handle of the running engine.

use dagger_sdk::id::IntoID as _;
use dagger_sdk::loadable::Loadable;
use eyre::{Result, eyre};
use serde_json::Value;

use crate::dag::dag;
use crate::error::EngineError;
use crate::value::{ApiType, DefaultValue, FromApi, IntoApi, Later, ready, unexpected};

macro_rules! core_objects {
    ($($object:ident)*) => {$(
        impl ApiType for dagger_sdk::$object {
            fn type_ref() -> String {
                format!("{}!", Self::graphql_type())
            }
        }

        impl FromApi for dagger_sdk::$object {
            fn from_api(value: Value) -> Result<Self> {
                object(value)
            }
        }

        impl IntoApi for dagger_sdk::$object {
            fn into_api(self) -> Later<Value> {
                Box::pin(async {
                    let id = self.into_id().await.map_err(EngineError::from)?;
                    match EngineError::recall(&id.0) {
                        Some(error) => Err(error.into()),
                        None => Ok(id.0.into()),
                    }
                })
            }
        }
    )*};
}

core_objects! {
    Address Binding CacheVolume Changeset Check CheckGroup Cloud Container CurrentModule
    DiffStat Directory Engine Env EnvFile EnvVariable Error File Function GeneratedCode
    Generator GeneratorGroup GitRef GitRepository HealthcheckConfig Host JsonValue Label Llm
    Module ModuleSource Port SearchResult Secret Service Socket SourceMap Stat Terminal TypeDef
    Volume Workspace
}

fn object<T: Loadable>(value: Value) -> Result<T> {
    match value {
        Value::String(id) => Ok(dag().object(id)),
        other => Err(unexpected(
            &format!("the id of a `{}`", T::graphql_type()),
            &other,
        )),
    }
}

macro_rules! core_enums {
    ($($enumeration:ident)*) => {$(
        impl ApiType for dagger_sdk::$enumeration {
            fn type_ref() -> String {
                concat!(stringify!($enumeration), "!").into()
            }
        }

        impl FromApi for dagger_sdk::$enumeration {
            fn from_api(value: Value) -> Result<Self> {
                serde_json::from_value(value)
                    .map_err(|cause| eyre!("not in `{}`: {cause}", stringify!($enumeration)))
            }
        }

        impl IntoApi for dagger_sdk::$enumeration {
            fn into_api(self) -> Later<Value> {
                ready(serde_json::to_value(self).map_err(Into::into))
            }
        }

        impl DefaultValue<Self> for dagger_sdk::$enumeration {
            fn default_value(&self) -> Value {
                // Serde knows the member's name; a unit variant cannot fail.
                serde_json::to_value(self).unwrap_or_default()
            }
        }
    )*};
}

core_enums! {
    CacheSharingMode ChangesetMergeConflict ChangesetsMergeConflict DiffStatKind ExistsType
    FileType FunctionCachePolicy ImageLayerCompression ImageMediaTypes ModuleSourceKind
    NetworkProtocol ReturnType TypeDefKind
}

macro_rules! core_scalars {
    ($($scalar:ident = $name:literal)*) => {$(
        impl ApiType for dagger_sdk::$scalar {
            fn type_ref() -> String {
                concat!($name, "!").into()
            }
        }

        impl FromApi for dagger_sdk::$scalar {
            fn from_api(value: Value) -> Result<Self> {
                String::from_api(value).map(Self)
            }
        }

        impl IntoApi for dagger_sdk::$scalar {
            fn into_api(self) -> Later<Value> {
                self.0.into_api()
            }
        }

        impl DefaultValue<dagger_sdk::$scalar> for str {
            fn default_value(&self) -> Value {
                self.into()
            }
        }
    )*};
}

core_scalars! { Json = "JSON" Platform = "Platform" }
