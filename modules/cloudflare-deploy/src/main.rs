poniard_sdk::main!(cloudflare_deploy::CloudflareDeploy);
