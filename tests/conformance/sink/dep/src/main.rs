poniard_sdk::main!(dep::Dep);
