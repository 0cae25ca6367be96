//! The types of the fake engine, written as in GraphQL. `ID!@File` is an id of a
//! file; `= …` is a default.

use crate::api::model::{Arg, Enum, Function, Model, Object};

use super::{arg, ty};

const TYPES: &str = r#"
Query
  container(platform: Platform): Container!
  directory: Directory!
  file(name: String!, contents: String!, permissions: Int = 420): File!
  host: Host!
  cacheVolume(key: String!): CacheVolume!
  setSecret(name: String!, plaintext: String!): Secret!
  sink(greeting: String! = "hello", counter: Int! = 0): Sink!
Host
  directory(path: String!, exclude: [String!] = []): Directory!
  file(path: String!): File!
Directory
  withNewFile(path: String!, contents: String!, permissions: Int = 420): Directory!
  withNewDirectory(path: String!): Directory!
  withDirectory(path: String!, source: ID!@Directory, include: [String!] = []): Directory!
  withFile(path: String!, source: ID!@File): Directory!
  withFiles(path: String!, sources: [ID!]!@File): Directory!
  withChanges(changes: ID!@Changeset): Directory!
  entries(path: String): [String!]!
  glob(pattern: String!): [String!]!
  exists(path: String!): Boolean!
  export(path: String!): String!
  file(path: String!): File!
  sync: ID!
File
  contents: String!
  size: Int!
  name: String!
  sync: ID!
Container
  from(address: String!): Container!
  withExec(args: [String!]!, expect: ReturnType = SUCCESS, expand: Boolean = false): Container!
  withEnvVariable(name: String!, value: String!): Container!
  envVariables: [EnvVariable!]!
  label(name: String!): String
  user: String!
  entrypoint: [String!]!
  stdout: String!
  sync: ID!
EnvVariable
  name: String!
  value: String!
CacheVolume
Secret
Changeset
Sink
  greet(name: String! = "world"): String!
  increment(by: Int! = 1): Sink!
  total: Int!
  add(a: Int!, b: Int!): Int!
  flip(flag: Boolean!): Boolean!
  describe(name: String!, count: Int! = 1, ratio: Float! = 0.5, loud: Boolean! = false, note: String): String!
  joinWords(words: [String!]!, sep: String! = " "): String!
  sum(numbers: [Int!]!): Int!
  feel(mood: SinkMood! = HAPPY): String!
  opposite(mood: SinkMood!): SinkMood!
  person(name: String!, age: Int! = 30): SinkPerson!
  people: [SinkPerson!]!
  meet(who: ID!@SinkPerson): String!
  listDir(dir: ID!@Directory): [String!]!
  here(workspace: ID!@Workspace): String!
  nothing: Void
  maybe(value: String): String
  echo(msg: String!): String!
  makeDir(name: String! = "made.txt"): Directory!
SinkPerson
  name: String!
  age: Int!
  older(years: Int! = 1): SinkPerson!
"#;

pub fn model() -> Model {
    let mut model = Model::default();
    let mut object = Object::default();
    for line in TYPES.lines().filter(|l| !l.is_empty()) {
        if let Some(text) = line.strip_prefix("  ") {
            let function = function(text);
            object.functions.insert(function.name.clone(), function);
        } else {
            model
                .objects
                .insert(object.name.clone(), std::mem::take(&mut object));
            object.name = line.to_owned();
            object.module = line.starts_with("Sink").then(|| "sink".to_owned());
        }
    }
    model.objects.insert(object.name.clone(), object);
    for (name, members) in [
        ("ReturnType", "SUCCESS FAILURE ANY"),
        ("SinkMood", "HAPPY SAD CALM"),
    ] {
        let members = members
            .split(' ')
            .map(|m| (m.to_owned(), String::new()))
            .collect();
        model.enums.insert(
            name.into(),
            Enum {
                name: name.into(),
                members,
                ..Enum::default()
            },
        );
    }
    model
}

fn function(text: &str) -> Function {
    let (head, result) = text.rsplit_once(": ").expect("a result type");
    let (name, args) = match head.split_once('(') {
        Some((name, args)) => (
            name,
            args.trim_end_matches(')')
                .split(", ")
                .map(argument)
                .collect(),
        ),
        None => (head, vec![]),
    };
    Function {
        name: name.into(),
        description: format!("About {name}"),
        args,
        ty: ty(result),
        deprecated: None,
        check: false,
        field: false,
    }
}

fn argument(text: &str) -> Arg {
    let (name, text) = text.split_once(": ").expect("a type");
    let (text, default) = match text.split_once(" = ") {
        Some((text, value)) => (text, Some(value)),
        None => (text, None),
    };
    let (type_text, expected) = match text.split_once('@') {
        Some((type_text, expected)) => (type_text, expected.to_owned()),
        None => (text, ty(text).name().to_owned()),
    };
    let default = default.map(|d| serde_json::from_str(d).unwrap_or_else(|_| d.into()));
    Arg {
        default,
        ..arg(name, type_text, &expected)
    }
}
