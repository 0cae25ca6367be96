//! GraphQL literals.

/// A value as it is written in a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// String, number, truth value or null.
    Json(serde_json::Value),
    /// A bare word.
    Enum(String),
    List(Vec<Literal>),
    /// An input object.
    Object(Vec<(String, Literal)>),
}

impl Literal {
    pub fn string(text: impl Into<String>) -> Self {
        Self::Json(serde_json::Value::String(text.into()))
    }

    pub fn strings<T: Into<String>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Self::string).collect())
    }
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // JSON's escapes are those of GraphQL.
            Self::Json(value) => write!(f, "{value}"),
            Self::Enum(name) => write!(f, "{name}"),
            Self::List(items) => {
                write!(f, "[")?;
                for (i, item) in items.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{item}")?;
                }
                write!(f, "]")
            }
            Self::Object(fields) => {
                write!(f, "{{")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    let comma = if i == 0 { "" } else { "," };
                    write!(f, "{comma}{name}:{value}")?;
                }
                write!(f, "}}")
            }
        }
    }
}

impl<T: Into<serde_json::Value>> From<T> for Literal {
    fn from(value: T) -> Self {
        Self::Json(value.into())
    }
}
