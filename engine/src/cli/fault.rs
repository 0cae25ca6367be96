//! A fault of poniard itself: one line that says where, and an end like any other.

use std::panic::{self, PanicHookInfo};

use crate::client::Failure;

/// From now on a panic is told in a line; `RUST_BACKTRACE` asks for all there is.
pub fn watch() {
    if std::env::var_os("RUST_BACKTRACE").is_none() {
        panic::set_hook(Box::new(|info| eprintln!("{}", told(info))));
    }
}

fn told(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("no message");
    match info.location() {
        Some(at) => format!("a fault of poniard at {at}: {message}"),
        None => format!("a fault of poniard: {message}"),
    }
}

/// What ends a run that such a fault broke off.
pub fn failure() -> Failure {
    Failure::new(
        "the run ended by a fault of poniard, which is told above: report it with the command; \
         with `RUST_BACKTRACE=1` it says more",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_panic_is_told_in_one_line_with_its_place() {
        let (tell, lines) = mpsc::channel();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() == Some("faulty") {
                let _ = tell.send(told(info));
            } else {
                before(info);
            }
        }));
        let faulty = std::thread::Builder::new().name("faulty".to_owned());
        let thread = faulty.spawn(|| panic!("no {}", "more")).expect("a thread");
        assert!(thread.join().is_err());
        let line = lines.recv().expect("a line");
        assert!(line.starts_with("a fault of poniard at "), "{line}");
        assert!(
            line.contains("fault.rs:") && line.ends_with(": no more"),
            "{line}"
        );
    }
}
