//! More commands at once than are started at the same time: none waits for one that
//! waits for it.

use std::fmt::Write as _;
use std::thread::available_parallelism;

use crate::place::{Place, nonce};

#[test]
fn commands_that_need_services_and_a_locked_volume_all_have_their_turn() {
    const SERVE: &str = "perl,-MIO::Socket::INET,-e,'$s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5) or die; sleep 600'";
    let place = Place::new();
    place.works();
    let count = 4 * available_parallelism().map_or(1, usize::from) + 1;
    let word = nonce();
    let mut script = String::new();
    for n in 0..count {
        let base =
            format!("container | from debian:bookworm-slim | with-env-variable WORD {word}-{n}");
        writeln!(
            script,
            "service{n}=$({base} | with-exposed-port 8080 | as-service --args {SERVE})\n\
             {base} | with-mounted-cache /held $(cache-volume {word}) --sharing LOCKED \
             | with-service-binding web $service{n} \
             | with-exec -- sh -c 'grep -c web /etc/hosts >>/held/all; wc -l </held/all' | stdout &"
        )
        .expect("a string takes all");
    }
    script.push_str(".wait\n");
    let done = place.run(&["-M", "-c", &script]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let stdout = done.stdout();
    let mut seen: Vec<usize> = stdout.lines().flat_map(str::parse).collect();
    seen.sort_unstable();
    let all: Vec<usize> = (1..=count).collect();
    assert_eq!(seen, all, "each came once, one after another: {stdout}");
    place.nothing_is_left();
}
