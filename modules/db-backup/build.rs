//! How the program is linked.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| {
        let list = env::var(name).unwrap_or_default();
        list.split(',').any(|item| item == value)
    };
    let mut arguments = Vec::new();
    // Where there is no debug information to lose. Cargo forgets `strip` for a package
    // whose optimisation is set by itself, as here in `.cargo/config.toml`, and a third
    // of the program would be symbols.
    if is("DEBUG", "false") {
        arguments.push("-Wl,--strip-all");
    }
    // At fixed addresses, as Go's programs are: what it takes to move them is a
    // sixteenth of this one. And by GNU's linker, which unlike LLVM's leaves out how to
    // unwind the functions that it leaves out.
    if is("CARGO_CFG_TARGET_FEATURE", "crt-static") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        arguments.extend(["-static", "-no-pie", "-fuse-ld=bfd"]);
    }
    for argument in arguments {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
