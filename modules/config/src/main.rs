poniard_sdk::main!(config::Config);
