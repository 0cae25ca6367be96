//! More commands at once than are started at the same time: none waits for one that
//! waits for it.

use std::fmt::Write as _;
use std::thread::available_parallelism;

use crate::place::{Place, nonce};

#[test]
fn commands_that_need_services_and_a_locked_volume_all_have_their_turn() {
    const SERVE: &str = "perl,-MIO::Socket::INET,-e,'$s = IO::Socket::INET->new(LocalPort => 8080 => Listen => 5); sleep 600'";
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
             | with-exec -- sh -c 'was=$(wc -l </held/all || echo 0); echo $((was + 1)) >>/held/all' | stdout &"
        )
        .expect("a string takes all");
    }
    writeln!(
        script,
        ".wait\n\
         container | from debian:bookworm-slim | with-mounted-cache /held $(cache-volume {word}) \
         | with-env-variable WORD {word} | with-exec cat /held/all | stdout"
    )
    .expect("a string takes all");
    let done = place.run(&["-M", "-c", &script]);
    assert_eq!(done.code, 0, "{}", done.stderr());
    let numbers: String = (1..=count).map(|n| format!("{n}\n")).collect();
    assert_eq!(done.stdout(), numbers, "each came once, one after another");
    place.nothing_is_left();
}
