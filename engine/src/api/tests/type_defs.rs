//! Types as objects of the API: those of modules and of the core.

use std::fs;

use super::*;

const TYPES: &str = r#"{"description": "A lab.", "objects": [
    {"name": "Lab", "description": "The lab.",
     "constructor": {"type": "Lab!", "args": [{"name": "source", "type": "Directory!",
        "defaultPath": ".", "ignore": ["target"]}]},
     "fields": [{"name": "title", "type": "String", "description": "Its title."}],
     "functions": [{"name": "people", "type": "[Person!]!", "description": "Those in it.",
        "deprecated": "use names", "args": [
        {"name": "mood", "type": "Mood!", "defaultValue": "\"HAPPY\"", "description": "Theirs."},
        {"name": "boxes", "type": "[Container]"}]}]},
    {"name": "Person", "deprecated": "gone", "fields": [{"name": "name", "type": "String!"}]}],
    "enums": [{"name": "Mood", "members": [{"name": "HAPPY", "description": "Well."}]}]}"#;

fn lay_out(bench: &Bench) {
    fs::write(
        bench.work("dagger.json"),
        r#"{"name": "lab", "sdk": "rust"}"#,
    )
    .unwrap();
    fs::write(bench.work("dagger.types.json"), TYPES).unwrap();
}

async fn module(client: &Arc<Client>, fields: &str) -> Json {
    let query = format!(r#"{{moduleSource(refString: "."){{asModule{{{fields}}}}}}}"#);
    let found = client.query(&query, Json::Null).await;
    let mut found = found.unwrap_or_else(|error| panic!("{query}: {error}"));
    found["moduleSource"]["asModule"].take()
}

#[tokio::test]
async fn a_module_tells_its_objects_with_fields_functions_and_constructor() {
    let bench = Bench::new();
    lay_out(&bench);
    let fields = "objects{name kind optional asEnum{name} asList{id} asObject{
        name description deprecated sourceModuleName
        fields{name description typeDef{name kind optional}}
        functions{name description deprecated sourceModuleName returnType{name kind optional
            asList{elementTypeDef{name kind optional asObject{name}}}}
            args{name description defaultValue defaultPath ignore typeDef{name kind optional
                asEnum{name} asList{elementTypeDef{kind optional}}}}}
        constructor{name returnType{name} args{name defaultPath ignore typeDef{name optional}}}}}
        enums{kind asEnum{name sourceModuleName members{name value description deprecated} values{name}}}
        interfaces{name}";
    let found = module(&bench.caller(), fields).await;
    let [lab, person] = found["objects"].as_array().unwrap().as_slice() else {
        panic!("{found}")
    };
    assert_eq!(
        (&lab["name"], &lab["kind"], &lab["optional"]),
        (&json!("Lab"), &json!("OBJECT_KIND"), &json!(false))
    );
    assert_eq!((&lab["asEnum"], &lab["asList"]), (&Json::Null, &Json::Null));
    let string = |optional| json!({"name": "String", "kind": "STRING_KIND", "optional": optional});
    let people = json!({"name": "[LabPerson]", "kind": "LIST_KIND", "optional": false, "asList": {"elementTypeDef":
        {"name": "LabPerson", "kind": "OBJECT_KIND", "optional": false, "asObject": {"name": "LabPerson"}}}});
    let mood = json!({"name": "mood", "description": "Theirs.", "defaultValue": "\"HAPPY\"",
        "defaultPath": "", "ignore": [], "typeDef": {"name": "LabMood", "kind": "ENUM_KIND",
        "optional": false, "asEnum": {"name": "LabMood"}, "asList": null}});
    let boxes = json!({"name": "boxes", "description": "", "defaultValue": "", "defaultPath": "",
        "ignore": [], "typeDef": {"name": "[Container?]", "kind": "LIST_KIND", "optional": true,
        "asEnum": null, "asList": {"elementTypeDef": {"kind": "OBJECT_KIND", "optional": true}}}});
    let want = json!({
        "name": "Lab", "description": "The lab.", "deprecated": null, "sourceModuleName": "lab",
        "fields": [{"name": "title", "description": "Its title.", "typeDef": string(true)}],
        "functions": [{"name": "people", "description": "Those in it.", "deprecated": "use names",
            "sourceModuleName": "lab", "returnType": people, "args": [mood, boxes]}],
        "constructor": {"name": "", "returnType": {"name": "Lab"}, "args": [{"name": "source",
            "defaultPath": ".", "ignore": ["target"],
            "typeDef": {"name": "Directory", "optional": false}}]},
    });
    assert_eq!(lab["asObject"], want);
    assert_eq!(person["asObject"]["deprecated"], "gone");
    assert_eq!(person["asObject"]["constructor"], Json::Null);
    let mood = json!([{"kind": "ENUM_KIND", "asEnum": {"name": "LabMood", "sourceModuleName": "lab",
        "members": [{"name": "HAPPY", "value": "HAPPY", "description": "Well.", "deprecated": null}],
        "values": [{"name": "HAPPY"}]}}]);
    assert_eq!(found["enums"], mood);
    assert_eq!(found["interfaces"], json!([]));
}

#[tokio::test]
async fn types_of_a_module_by_another_name_have_that() {
    let bench = Bench::new();
    lay_out(&bench);
    let query =
        r#"{moduleSource(refString: "."){withName(name: "drain"){asModule{objects{name}}}}}"#;
    let names = value(&bench.caller(), query).await;
    assert_eq!(names, json!([{"name": "Drain"}, {"name": "DrainPerson"}]));
}

/// The current types by name.
async fn current(client: &Arc<Client>, args: &str) -> std::collections::BTreeMap<String, Json> {
    let query = format!(
        "{{currentTypeDefs{args}{{name kind optional asScalar{{name}} asInterface{{name functions{{name}}}}
        asInput{{name fields{{name typeDef{{name kind}}}}}} asObject{{functions{{name sourceModuleName
        args{{name defaultValue typeDef{{name}}}} returnType{{kind asInterface{{name}}}}}}}}}}}}"
    );
    let all = value(client, &query).await;
    let all = all.as_array().unwrap().iter();
    all.map(|found| {
        let (name, kind) = (found["name"].as_str().unwrap(), &found["optional"]);
        (
            format!("{name}{}", if kind == true { "?" } else { "" }),
            found.clone(),
        )
    })
    .collect()
}

#[tokio::test]
async fn current_types_are_those_that_this_client_sees() {
    let bench = Bench::new();
    lay_out(&bench);
    let client = bench.caller();
    let core = current(&client, "").await;
    assert_eq!(core["Platform"]["asScalar"]["name"], "Platform");
    assert_eq!(core["ReturnType"]["kind"], "ENUM_KIND");
    let fields = &core["PortForward"]["asInput"]["fields"];
    let protocol =
        json!({"name": "protocol", "typeDef": {"name": "NetworkProtocol", "kind": "ENUM_KIND"}});
    assert!(fields.as_array().unwrap().contains(&protocol), "{fields}");
    let functions = core["Directory"]["asObject"]["functions"]
        .as_array()
        .unwrap();
    let with = functions
        .iter()
        .find(|f| f["name"] == "asModuleSource")
        .unwrap();
    let path =
        json!([{"name": "sourceRootPath", "defaultValue": "\".\"", "typeDef": {"name": "String"}}]);
    assert_eq!(with["args"], path);
    let with = functions
        .iter()
        .find(|f| f["name"] == "withDirectory")
        .unwrap();
    assert_eq!(with["args"][1]["typeDef"]["name"], "Directory");
    let functions = core["Query"]["asObject"]["functions"].as_array().unwrap();
    let node = functions.iter().find(|f| f["name"] == "node").unwrap();
    let interface = json!({"kind": "INTERFACE_KIND", "asInterface": {"name": "Node"}});
    assert_eq!(node["returnType"], interface);
    assert!(!core.contains_key("Lab") && !core.contains_key("[String]"));

    let lab = client.shared.module(&bench.work(""), None).await.unwrap();
    client.add(&lab).unwrap();
    let with_lab = current(&client, "").await;
    assert_eq!(with_lab.len(), core.len() + 3);
    let own = current(&client, "(hideCore: true)").await;
    let query = own["Query"]["asObject"]["functions"].as_array().unwrap();
    let names: Vec<_> = query
        .iter()
        .map(|f| (&f["name"], &f["sourceModuleName"]))
        .collect();
    assert_eq!(names, [(&json!("lab"), &json!("lab"))]);
    let all = current(&client, "(returnAllTypes: true)").await;
    for name in ["[LabPerson]", "String", "String?", "[Container?]?", "Node?"] {
        assert!(all.contains_key(name), "{name}");
    }
}
