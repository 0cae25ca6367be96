poniard_sdk::main!(bun_website::BunWebsite);
