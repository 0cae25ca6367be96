poniard_sdk::main!(ci::Ci);
