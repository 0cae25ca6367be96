//! Ctrl-C at several moments: exit code 130, nothing left, the next run right.

use rustix::process::Signal;
use test_support::{Finished, Running};

use crate::fixture::{greet, greeter};
use crate::place::{GRACE, LIMIT, Place, argument, nonce, readable};

/// What a command prints that says so by `$((40 + 2))`: progress shows commands
/// before they run, and these do not hold it.
const BEGUN: &str = "at-42";

fn start(place: &Place, args: &[&str]) -> Running {
    let args = [&["--progress", "plain"], args].concat();
    Running::start(&mut place.command(&args), "").expect("a start")
}

/// Starts, waits until stderr has `moment` (at once when it is empty),
/// interrupts as a terminal does, and waits for the end.
#[track_caller]
fn interrupt(place: &Place, args: &[&str], moment: &str) -> Finished {
    let running = start(place, args);
    let reached = moment.is_empty() || running.says(moment, LIMIT);
    if reached {
        running.signal(Signal::INT).expect("a signal");
    }
    let done = running.finish(GRACE).expect("an end");
    assert!(reached, "`{moment}` does not come:\n{}", done.stderr());
    readable(&done);
    assert_eq!(done.code, 130, "{}", done.stderr());
    place.nothing_is_left();
    done
}

fn sleeper(word: &str, then: &str) -> String {
    format!(
        "container | from debian:bookworm-slim | with-env-variable WORD {word} \
         | with-exec -- sh -c 'echo at-$((40 + 2)); {then}; echo done' | stdout"
    )
}

#[test]
fn at_the_very_start() {
    let place = Place::new();
    // It does not end before the signal, however busy the machine is.
    let script = sleeper(&nonce(), "sleep 600");
    interrupt(&place, &["-M", "-c", &script], "");
    place.works();
}

#[test]
fn while_a_command_runs() {
    let place = Place::new();
    place.works();
    let word = nonce();
    let done = interrupt(&place, &["-M", "-c", &sleeper(&word, "sleep 600")], BEGUN);
    assert_eq!(done.stdout(), "");
    // The interrupted run is in no cache.
    let done = place.run(&["-M", "-c", &sleeper(&word, "sleep 0")]);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "at-42\ndone\n"),
        "{}",
        done.stderr()
    );
}

#[test]
fn while_a_command_that_ignores_signals_runs() {
    let place = Place::new();
    place.works();
    let stubborn = "trap \"\" INT TERM HUP; echo deaf-$((40 + 2)); sleep 600";
    interrupt(
        &place,
        &["-M", "-c", &sleeper(&nonce(), stubborn)],
        "deaf-42",
    );
    place.works();
}

#[test]
fn while_commands_run_side_by_side() {
    let place = Place::new();
    place.works();
    let script = format!(
        "{} &\n{} &\n.wait",
        sleeper(&nonce(), "sleep 600"),
        sleeper(&nonce(), "echo second-$((40 + 2)); sleep 600")
    );
    interrupt(&place, &["-M", "-c", &script], "second-42");
    place.works();
}

#[test]
fn while_a_service_runs() {
    let place = Place::new();
    place.works();
    let script = "svc=$(container | from debian:bookworm-slim | with-exposed-port 8080 \
        | as-service --args perl,-MIO::Socket::INET,-e,'$s = IO::Socket::INET->new(LocalPort => 8080 => Listen => 5); sleep 600')\n\
        container | from debian:bookworm-slim | with-service-binding web $svc \
        | with-exec -- sh -c 'echo at-$((40 + 2)); sleep 600' | stdout";
    interrupt(&place, &["-M", "-c", script], BEGUN);
    place.works();
}

#[test]
fn while_a_cache_volume_is_held() {
    let place = Place::new();
    place.works();
    let volume = nonce();
    let with_volume = |command: &str| {
        format!(
            "container | from debian:bookworm-slim | with-env-variable WORD {} \
             | with-mounted-cache /held $(cache-volume {volume}) --sharing LOCKED | with-exec -- sh -c '{command}' | stdout",
            nonce()
        )
    };
    interrupt(
        &place,
        &["-M", "-c", &with_volume("echo at-$((40 + 2)); sleep 600")],
        BEGUN,
    );
    // The lock went with its holder.
    let done = place.run(&["-M", "-c", &with_volume("echo mine")]);
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "mine\n"),
        "{}",
        done.stderr()
    );
}

#[test]
fn while_a_module_is_built() {
    let word = nonce();
    let (place, module) = greeter(&greet(&format!("{word:?}.to_string()")));
    interrupt(
        &place,
        &["call", "-m", argument(&module), "greet"],
        "Compiling",
    );
    let done = place.run(&["call", "-m", argument(&module), "greet"]);
    assert_eq!((done.code, done.stdout()), (0, word), "{}", done.stderr());
}

#[test]
fn twice() {
    let place = Place::new();
    place.works();
    let running = start(&place, &["-M", "-c", &sleeper(&nonce(), "sleep 600")]);
    assert!(running.says(BEGUN, LIMIT));
    running.signal(Signal::INT).expect("a signal");
    let _ = running.signal(Signal::INT);
    let done = running.finish(GRACE).expect("an end");
    readable(&done);
    assert_eq!(done.code, 130, "{}", done.stderr());
    place.nothing_is_left();
    place.works();
}

#[test]
fn killed_without_a_chance_to_clear_up() {
    let place = Place::new();
    place.works();
    let running = start(&place, &["-M", "-c", &sleeper(&nonce(), "sleep 600")]);
    assert!(running.says(BEGUN, LIMIT));
    rustix::process::kill_process(running.pid(), Signal::KILL).expect("a signal");
    let done = running.finish(GRACE).expect("an end");
    assert_eq!(done.code, 137);
    // The next run clears away what could not be, and works.
    place.works();
    place.nothing_is_left();
}
