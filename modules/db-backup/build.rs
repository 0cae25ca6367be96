//! Strips the program where there is no debug information to lose. Cargo forgets
//! `strip` for a package whose optimisation is set by itself, as here in
//! `.cargo/config.toml`, and a third of the program would be symbols.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("DEBUG").as_deref() == Ok("false") {
        println!("cargo::rustc-link-arg-bins=-Wl,--strip-all");
    }
}
