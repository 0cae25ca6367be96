poniard_sdk::main!(sink::Sink);
