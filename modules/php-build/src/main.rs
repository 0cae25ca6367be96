poniard_sdk::main!(php_build::PhpBuild);
