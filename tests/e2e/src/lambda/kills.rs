//! A kill at each step of a publication: the alias serves what it served, and the
//! same again ends right, without a second version of the same code.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use stand_ins::{Fault, Server};
use test_support::Running;

use super::cloud::Cloud;
use super::faults::{GOOD, SMOKE, publish};
use super::shop::Shop;
use crate::place::{GRACE, LIMIT};

/// What the alias serves after the kill.
enum Serves {
    Old,
    New,
}

fn asked(server: &Server, method: &str, path: &str) -> bool {
    let asked = server.requests();
    let mut same = asked
        .iter()
        .map(|one| one.method == method && one.path.contains(path));
    same.any(|same| same)
}

fn holds(server: &Server, method: &str, path: &str) {
    server.faults().add(Fault::slow(method, path, LIMIT));
}

fn holds_answer(server: &Server, method: &str, path: &str) {
    server.faults().add(Fault::slow_answer(method, path, LIMIT));
}

#[test]
fn after_a_kill_at_any_step_the_alias_is_as_it_was_and_a_second_run_ends_right() {
    let cloud = Cloud::start();
    let shop = Shop::new(cloud.server.url());
    let (aws, registry) = (&cloud.server, &shop.registry.server);
    let step = |name: &str, holds: &dyn Fn(), reached: &dyn Fn() -> bool, serves: Serves| {
        let publish = publish(name, &format!("{SMOKE} --keep 2"));
        let before = cloud.serves("live");
        let newest = cloud.function().newest;
        cloud.function().answers = [GOOD].into();
        aws.forget_requests();
        registry.forget_requests();
        holds();
        let running = Running::start(&mut shop.command(&publish), "").expect("a start");
        let deadline = Instant::now() + LIMIT;
        while !reached() {
            if Instant::now() > deadline {
                let done = running.finish(Duration::ZERO).expect("an end");
                panic!("`{name}` is never reached:\n{}", done.stderr());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        running.signal(Signal::KILL).expect("a signal");
        let done = running.finish(GRACE).expect("an end");
        assert_eq!(done.code, 137, "{name}");
        let served = match serves {
            Serves::Old => before,
            Serves::New => (newest + 1).to_string(),
        };
        assert_eq!(cloud.serves("live"), served, "killed at `{name}`");

        aws.faults().clear();
        registry.faults().clear();
        let mut function = cloud.function();
        function.answers = [GOOD].into();
        // What AWS was at has come a step nearer to its end.
        function.under_way = function.under_way.min(1);
        function
            .versions
            .values_mut()
            .for_each(|version| version.pending = 0);
        drop(function);
        let version = shop.prints(&format!("{publish} | version"));
        assert_eq!(version, (newest + 1).to_string(), "after `{name}`");
        assert_eq!(cloud.serves("live"), version, "after `{name}`");
        assert_eq!(cloud.function().newest, newest + 1, "after `{name}`");
    };
    let live = |version: u32| cloud.serves("live") == version.to_string();

    step(
        "layer",
        &|| holds(registry, "POST", "/blobs/uploads"),
        &|| asked(registry, "POST", "/blobs/uploads"),
        Serves::Old,
    );
    step(
        "manifest",
        &|| holds(registry, "PUT", "/manifests/"),
        &|| asked(registry, "PUT", "/manifests/"),
        Serves::Old,
    );
    let pushed = || shop.registry.tags("site").contains(&"pushed".to_owned());
    step(
        "pushed",
        &|| holds_answer(registry, "PUT", "/manifests/"),
        &pushed,
        Serves::Old,
    );
    step(
        "update",
        &|| holds(aws, "PUT", "/code"),
        &|| asked(aws, "PUT", "/code"),
        Serves::Old,
    );
    let image = cloud.function().image.clone();
    let updated = || cloud.function().image != image;
    step(
        "updated",
        &|| holds_answer(aws, "PUT", "/code"),
        &updated,
        Serves::Old,
    );
    let never_ends = || cloud.function().update_takes = u32::MAX;
    let polled = || {
        let asked = aws.requests();
        let mut after = asked.iter().skip_while(|one| one.method != "PUT");
        after.any(|one| one.method == "GET")
    };
    step("in-progress", &never_ends, &polled, Serves::Old);
    step(
        "publish",
        &|| holds(aws, "POST", "/versions"),
        &|| asked(aws, "POST", "/versions"),
        Serves::Old,
    );
    let newest = cloud.function().newest;
    let published = || cloud.function().newest > newest;
    step(
        "published",
        &|| holds_answer(aws, "POST", "/versions"),
        &published,
        Serves::Old,
    );
    let never_starts = || cloud.function().version_takes = u32::MAX;
    step(
        "pending",
        &never_starts,
        &|| asked(aws, "GET", "/configuration"),
        Serves::Old,
    );
    step(
        "invoke",
        &|| holds(aws, "POST", "/invocations"),
        &|| asked(aws, "POST", "/invocations"),
        Serves::Old,
    );
    let invoked = || cloud.function().answers.is_empty();
    step(
        "invoked",
        &|| holds_answer(aws, "POST", "/invocations"),
        &invoked,
        Serves::Old,
    );
    step(
        "move",
        &|| holds(aws, "PUT", "/aliases/live"),
        &|| asked(aws, "PUT", "/aliases/live"),
        Serves::Old,
    );
    let newest = cloud.function().newest;
    step(
        "moved",
        &|| holds_answer(aws, "PUT", "/aliases/live"),
        &|| live(newest + 1),
        Serves::New,
    );
    step(
        "prune",
        &|| holds(aws, "DELETE", "/functions/site"),
        &|| asked(aws, "DELETE", "/functions/site"),
        Serves::New,
    );
    assert_eq!(cloud.versions().len(), 2, "{:?}", cloud.versions());
    shop.place.nothing_is_left();
}
