//! The tree on a terminal, of any width.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::process::Stdio;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::place::{Place, nonce};

/// Runs with standard error on a terminal; gives its screen with all that has
/// gone above it, and what the screen showed on the way.
fn on_terminal(
    place: &Place,
    columns: u16,
    script: &str,
    with_stdout: bool,
) -> (Vec<String>, Vec<String>) {
    let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&main).expect("a terminal");
    unlockpt(&main).expect("a terminal");
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&main, size).expect("a size");
    let name = ptsname(&main, Vec::new()).expect("a name");
    let end = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().expect("a path"))
        .expect("a terminal");
    let mut command = place.command(&["-M", "-c", script]);
    let mut child = command
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .stdout(match with_stdout {
            true => end.try_clone().expect("a terminal").into(),
            false => Stdio::null(),
        })
        .stderr(end)
        .spawn()
        .expect("a start");
    drop(command);
    let mut main = File::from(main);
    let reader = thread::spawn(move || {
        let mut parser = vt100::Parser::new(nonzero(24), nonzero(columns), 10_000);
        let (mut bytes, mut moments) = ([0; 4096], Vec::new());
        // Ends with an error when nobody writes any more.
        while let Ok(length @ 1..) = main.read(&mut bytes) {
            parser.process(&bytes[..length]);
            moments.push(parser.screen().contents());
        }
        parser.screen_mut().set_scrollback(10_000);
        let above = parser.screen().scrollback();
        let mut lines = Vec::new();
        for back in (0..=above).rev() {
            parser.screen_mut().set_scrollback(back);
            let rows: Vec<String> = parser.screen().rows(0, columns).collect();
            match back {
                0 => lines.extend(rows),
                _ => lines.extend(rows.into_iter().take(1)),
            }
        }
        (lines, moments)
    });
    child.wait().expect("an end");
    let (lines, moments) = reader.join().expect("a reader");
    let lines = lines.into_iter().map(|line| line.trim_end().to_owned());
    (lines.filter(|line| !line.is_empty()).collect(), moments)
}

fn nonzero(n: u16) -> NonZero<u16> {
    NonZero::new(n).expect("not zero")
}

#[test]
fn the_tree_fits_terminals_of_any_width_and_leaves_no_traces_of_what_it_drew() {
    let place = Place::beside_others();
    for columns in [20, 40, 80, 200] {
        let script = format!(
            "base=$(container | from debian:bookworm-slim | with-env-variable WORD {0}-{columns})\n\
             $base | with-exec -- sh -c 'for n in 1 2 3 4 5 6; do echo a line of output that is longer than many terminals are wide $n; sleep 0.1; done' | stdout\n\
             $base | with-exec -- sh -c 'echo last words of a step that fails; exit 3' | sync",
            nonce()
        );
        let (lines, moments) = on_terminal(&place, columns, &script, false);
        let text = lines.join("\n");
        let one_line: String = lines.concat();
        assert!(
            moments.iter().any(|screen| screen.contains("1 running")),
            "{columns}: {moments:#?}"
        );
        // Once each: lines that do not fit would be drawn again and again.
        let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
        assert_eq!(count("✔ sh -c"), 1, "{columns}:\n{text}");
        assert_eq!(count("✘ sh -c"), 1, "{columns}:\n{text}");
        assert_eq!(count("running"), 0, "{columns}:\n{text}");
        assert_eq!(count("│ last words"), 1, "{columns}:\n{text}");
        assert!(one_line.contains("exit code: 3"), "{columns}:\n{text}");
        for screen in &moments {
            let spinning = screen
                .lines()
                .filter(|line| line.starts_with(|c| "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏".contains(c)))
                .count();
            assert!(spinning <= 2, "{columns}:\n{screen}");
        }
    }
}

#[test]
fn values_without_a_line_end_stay_on_the_terminal() {
    let place = Place::beside_others();
    let base = format!(
        "container | from debian:bookworm-slim | with-env-variable WORD {}",
        nonce()
    );
    let script = format!(
        "{base} | with-exec -- printf %s first-value | stdout\n\
         {base} | with-exec -- sh -c 'sleep 0.5; printf second' | stdout"
    );
    let (lines, moments) = on_terminal(&place, 80, &script, true);
    assert!(
        moments.iter().any(|screen| screen.contains("1 running")),
        "{moments:#?}"
    );
    for value in ["first-value", "second"] {
        let found = lines.iter().filter(|line| *line == value).count();
        assert_eq!(found, 1, "`{value}`:\n{}", lines.join("\n"));
    }
}

#[test]
fn without_a_terminal_progress_is_plain() {
    let place = Place::beside_others();
    let script = format!(
        "container | from debian:bookworm-slim | with-env-variable WORD {} | with-exec -- sh -c 'echo said' | stdout",
        nonce()
    );
    let done = place.run(&["-M", "-c", &script]);
    assert_eq!((done.code, done.stdout().as_str()), (0, "said\n"));
    let stderr = done.stderr();
    assert!(
        stderr.contains(" | said\n") && stderr.contains(" DONE "),
        "{stderr}"
    );
    assert!(!stderr.contains(['\x1b', '\r', '✔']), "{stderr}");
}
