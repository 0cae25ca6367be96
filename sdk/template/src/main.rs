poniard_sdk::main!({{crate_name}}::{{TypeName}});
