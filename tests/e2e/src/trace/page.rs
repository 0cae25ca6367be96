//! The page of a run: written however it ends, read by people of all kinds.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::{Value, json};
use test_support::Running;

use super::browser::{Browser, pictures};
use crate::place::{GRACE, LIMIT, Place, argument, nonce};

const WIDE: (u32, u32) = (1440, 900);

/// The data of a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").expect("data");
    let (json, _) = rest.split_once("</script>").expect("an end");
    serde_json::from_str(json).expect("JSON")
}

/// The same page with other data.
fn with_data(page: &str, data: &Value) -> String {
    let (before, rest) = page.split_once("id=\"data\">").expect("data");
    let (_, after) = rest.split_once("</script>").expect("an end");
    let json = data.to_string().replace('<', "\\u003c");
    format!("{before}id=\"data\">{json}</script>{after}")
}

fn step<'a>(data: &'a Value, name: &str) -> &'a Value {
    let steps = data["steps"].as_array().expect("steps");
    let found = steps
        .iter()
        .find(|step| step[2].as_str().is_some_and(|own| own.contains(name)));
    found.unwrap_or_else(|| panic!("no step `{name}`: {steps:#?}"))
}

fn run_with_trace(place: &Place, script: &str) -> (test_support::Finished, PathBuf) {
    let file = place.path("out/trace.html");
    let done = place.run(&["-M", "--trace", argument(&file), "-c", script]);
    (done, file)
}

/// A run with every kind of step: cached, slow, with much output, failed.
fn script(word: &str) -> String {
    format!(
        "base=$(container | from debian:bookworm-slim)\n\
         $base | with-exec -- echo cached-before | stdout\n\
         $base | with-env-variable WORD {word} | with-exec -- sh -c 'echo \"\x1b[32mgreen\x1b[0m </script><b>not bold\"; sleep 0.3; echo of-standard-error >&2' | stdout\n\
         $base | with-env-variable WORD {word} | with-exec -- sh -c 'seq 1 40000' | sync\n\
         $base | with-env-variable WORD {word} | with-exec -- sh -c 'echo last words; exit 3' | sync"
    )
}

#[test]
fn a_failed_run_leaves_a_page_that_says_what_was_cached_what_took_long_and_what_failed() {
    let place = Place::beside_others();
    let (done, _) = run_with_trace(&place, &script(&nonce()));
    assert_eq!(done.code, 3, "{}", done.stderr());
    let (done, file) = run_with_trace(&place, &script(&nonce()));
    assert_eq!(done.code, 3, "{}", done.stderr());
    assert!(
        done.stderr()
            .contains(&format!("trace: {}", file.display())),
        "{}",
        done.stderr()
    );
    let page = fs::read_to_string(&file).expect("a page");
    let data = data(&page);
    assert_eq!(data["outcome"], "failed");
    assert!(
        data["error"]
            .as_str()
            .is_some_and(|text| text.contains("exit code: 3")),
        "{}",
        data["error"]
    );
    assert_eq!(step(&data, "cached-before")[5], "cached");
    let slow = step(&data, "sleep 0.3");
    assert_eq!(slow[5], "done");
    assert!(
        slow[4]
            .as_f64()
            .is_some_and(|took| (300.0..20_000.0).contains(&took)),
        "{slow}"
    );
    assert_eq!(step(&data, "exit 3")[5], "failed");
    let long = &data["logs"][step(&data, "seq 1")[0].to_string()];
    assert!(
        long[0].as_u64().is_some_and(|bytes| bytes > 100_000),
        "what is left out is said"
    );
    assert!(
        long[1]
            .as_str()
            .is_some_and(|text| text.len() <= 64 << 10 && text.ends_with("39999\n40000\n"))
    );
    assert!(page.len() < 400_000, "{}", page.len());

    let kept = pictures().join("failed.html");
    fs::copy(&file, &kept).expect("a copy");
    let mut browser = Browser::open(&kept, "", WIDE, false);
    assert_eq!(
        browser.text("document.title").split(' ').next(),
        Some("poniard")
    );
    assert_eq!(
        browser.text("document.querySelector('#outcome').textContent"),
        "✕ Failed"
    );
    // What has failed is what is looked at first, with its last words.
    let details = browser.text("document.querySelector('#details').innerText");
    assert!(
        details.contains("exit 3") && details.contains("last words"),
        "{details}"
    );
    browser.picture("failed-light.png");
    // Output is text, with its colours.
    let slow = slow[0].to_string();
    browser.value(&format!("location.hash = '#step={slow}'"));
    browser.until("document.querySelector('#details').innerText.includes('sleep 0.3')");
    assert_eq!(
        browser.text("document.querySelector('.log .c2').textContent"),
        "green"
    );
    assert_eq!(
        browser.value("document.querySelector('.log b')"),
        Value::Null
    );
    assert!(
        browser
            .text("document.querySelector('.log .err').textContent")
            .contains("of-standard-error")
    );
    assert_eq!(browser.complaints, Vec::<String>::new());

    let mut browser = Browser::open(&kept, &format!("#step={slow}"), WIDE, true);
    browser.picture("failed-dark.png");
    let mut narrow = Browser::open(&kept, "", (390, 800), false);
    assert_eq!(
        narrow.value("document.documentElement.scrollWidth <= 390"),
        true
    );
    narrow.picture("failed-narrow.png");
}

#[test]
fn an_interrupted_run_leaves_its_page_too() {
    let place = Place::beside_others();
    let file = place.path("trace.html");
    let script = format!(
        "container | from debian:bookworm-slim | with-env-variable WORD {} | with-exec -- sh -c 'echo at-$((40 + 2)); sleep 600' | stdout",
        nonce()
    );
    let mut command = place.command(&["--progress", "plain", "-M", "-c", &script]);
    command.env("PONIARD_TRACE", &file);
    let running = Running::start(&mut command, "").expect("a start");
    assert!(running.says("at-42", LIMIT));
    running.signal(Signal::INT).expect("a signal");
    let done = running.finish(GRACE).expect("an end");
    assert_eq!(done.code, 130, "{}", done.stderr());
    let data = data(&fs::read_to_string(&file).expect("a page"));
    assert_eq!(data["outcome"], "interrupted");
    let stopped = step(&data, "sleep 600");
    assert_eq!(stopped[5], "stopped");
    assert!(
        data["logs"][stopped[0].to_string()][1]
            .as_str()
            .is_some_and(|text| text.contains("at-42"))
    );
}

#[test]
fn a_directory_gets_a_page_for_each_run_and_a_place_that_cannot_be_is_refused_at_once() {
    let place = Place::beside_others();
    for _ in 0..2 {
        let mut command = place.command(&["-M", "-c", ".echo hello"]);
        let done = Running::to_end(
            command.env("PONIARD_TRACE", place.path("traces/")),
            "",
            LIMIT,
        )
        .expect("a run");
        assert_eq!(
            (done.code, done.stdout().as_str()),
            (0, "hello\n"),
            "{}",
            done.stderr()
        );
    }
    let pages: Vec<_> = fs::read_dir(place.path("traces"))
        .expect("a directory")
        .collect();
    assert_eq!(pages.len(), 2);
    place.write("file", "");
    let done = place.run(&["--trace", "file/trace.html", "-M", "-c", ".echo hello"]);
    assert_eq!((done.code, done.stdout().as_str()), (1, ""));
    assert!(done.stderr().contains("`"), "{}", done.stderr());
}

#[test]
fn no_secret_is_in_the_page_in_any_form() {
    let place = Place::beside_others();
    let secret = format!("canary-{}", nonce());
    let script = format!(
        "token=$(secret env:CANARY)\n\
         $token | plaintext | .true\n\
         container | from debian:bookworm-slim | with-secret-variable TOKEN $token | with-env-variable WORD {} \
         | with-exec -- sh -c 'echo $TOKEN; echo $TOKEN | base64; printf %s \"user:$TOKEN\" | base64 -w0; echo $TOKEN >/tmp/x; exit 4' | stdout",
        nonce()
    );
    // Given where nothing knows it for a secret, too.
    let script = script.replace(
        "$token | plaintext | .true\n",
        &format!("container | from debian:bookworm-slim | with-exec -- echo {secret} | sync\n"),
    );
    let file = place.path("trace.html");
    let mut command = place.command(&["-M", "--trace", argument(&file), "-c", &script]);
    command.env("CANARY", &secret);
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    assert_eq!(done.code, 4, "{}", done.stderr());
    let page = fs::read_to_string(&file).expect("a page");
    assert!(page.contains("***"), "nothing was hidden");
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(&secret);
    let after = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
    for form in [secret.as_str(), &encoded[..24], &after[8..32]] {
        assert!(!page.contains(form), "`{form}` is in the page");
    }
}

/// A run of ten thousand steps, as a page.
fn large(place: &Place) -> PathBuf {
    let (done, file) = run_with_trace(place, ".echo hello");
    assert_eq!(done.code, 0, "{}", done.stderr());
    let page = fs::read_to_string(&file).expect("a page");
    let mut data = data(&page);
    let (mut steps, mut logs) = (Vec::new(), serde_json::Map::new());
    let mut start = 0.0;
    for n in 0..10_000_u32 {
        // A hundred calls with ninety-nine commands each.
        let parent = n - n % 100;
        let own = f64::from((n * 7919) % 997);
        let (name, took) = match n % 100 {
            0 => (format!("module.call-{}", n / 100), 30_000.0),
            _ => (
                format!("sh -c make part-{n} --jobs 4 --with-a-rather-long-flag"),
                own * 9.0,
            ),
        };
        start = if n % 100 == 0 {
            f64::from(n / 100) * 6_000.0
        } else {
            start + own / 4.0
        };
        let state = if n % 1234 == 77 {
            "failed"
        } else if n % 3 == 1 {
            "cached"
        } else {
            "done"
        };
        let took = if state == "cached" { 0.2 } else { took };
        let parent = (n % 100 != 0).then_some(parent);
        let waited = if n % 5 == 0 { own } else { 0.0 };
        let error = (state == "failed").then_some("exit code: 2");
        steps.push(json!([
            n, parent, name, start, took, state, waited, 0, error
        ]));
        logs.insert(
            n.to_string(),
            json!([0, format!("line of part {n}\n").repeat(20)]),
        );
    }
    data["steps"] = steps.into();
    data["logs"] = logs.into();
    data["took"] = json!(640_000.0);
    let file = pictures().join("large.html");
    fs::write(&file, with_data(&page, &data)).expect("a file");
    file
}

#[test]
fn ten_thousand_steps_are_read_by_keys_by_ear_and_without_stutter() {
    let place = Place::beside_others();
    let file = large(&place);
    let mut browser = Browser::open(&file, "", WIDE, false);
    let ready = browser.value("performance.getEntriesByType('navigation')[0].domComplete");
    browser.picture("large-light.png");
    keys(&mut browser);
    by_ear(&mut browser);
    shared_links(&file);
    // Everything unfolded.
    browser.value("document.querySelector('input[value=time]').click()");
    browser.until("document.querySelector('#tree').getAttribute('aria-rowcount') === '10001'");
    let rows = browser.value("document.querySelectorAll('#rows .row').length");
    assert!(
        rows.as_u64().is_some_and(|rows| rows < 120),
        "all rows are drawn: {rows}"
    );
    // What the page works for each thing that a person does.
    let mut figures = format!("10,000 steps: ready after {ready} ms;");
    let mut measured = |browser: &mut Browser, what: &str, times: f64, act: &str| {
        let before = browser.work();
        browser.value(act);
        browser.value(FRAME);
        let work = (browser.work() - before) / times;
        figures += &format!(" {what} {work:.1} ms;");
        work
    };
    // Sixty frames a second are 16.7 ms each; a busy machine takes longer for the same.
    let frames: Vec<f64> = (0..3)
        .map(|_| measured(&mut browser, "a frame of a scroll", 100.0, SCROLL))
        .collect();
    let best = frames.iter().copied().fold(f64::MAX, f64::min);
    assert!(best < 33.4, "{figures}");
    for (what, act) in [
        ("a key", KEY),
        (
            "a click",
            "document.querySelectorAll('#rows .row')[3].click()",
        ),
        (
            "a filter",
            "document.querySelector('input[value=failed]').click()",
        ),
        (
            "all again",
            "document.querySelector('input[value=all]').click()",
        ),
        (
            "another order",
            "document.querySelector('input[value=slowest]').click()",
        ),
        ("a search", SEARCH),
    ] {
        let work = measured(&mut browser, what, 1.0, act);
        assert!(work < 500.0, "{figures}");
    }
    browser.until("document.querySelector('#found').textContent.startsWith('1 of')");
    fs::write(pictures().join("large.txt"), format!("{figures}\n")).expect("a file");
    eprintln!("{figures}");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// Until what has changed is drawn.
const FRAME: &str =
    "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))";

/// A hundred frames of a long scroll.
const SCROLL: &str = "new Promise(done => { const tree = document.querySelector('#tree'); let n = 0; \
    const turn = () => { tree.scrollTop = (tree.scrollTop + 700) % 270000; tree.dispatchEvent(new Event('scroll')); \
    requestAnimationFrame(() => ++n < 100 ? setTimeout(turn, 0) : done(n)) }; turn() })";

const KEY: &str = "document.querySelector('#tree').dispatchEvent(new KeyboardEvent('keydown', {key: 'PageDown', bubbles: true}))";

/// Until it is found.
const SEARCH: &str = "new Promise(done => { const query = document.querySelector('#query'); \
    query.value = 'part-4321'; query.dispatchEvent(new Event('input')); \
    const look = () => document.querySelector('#found').textContent.startsWith('1 of') ? done(1) : setTimeout(look, 20); look() })";

/// Id of the row that keys act on, as assistive technology is told.
fn active(browser: &mut Browser) -> String {
    browser.text("document.querySelector('#tree').getAttribute('aria-activedescendant')")
}

fn keys(browser: &mut Browser) {
    assert_eq!(browser.text("document.activeElement.id"), "tree");
    browser.press("Home");
    assert_eq!(active(browser), "row-0");
    let expanded = |browser: &mut Browser| {
        browser.text("document.querySelector('#row-0').getAttribute('aria-expanded')")
    };
    if expanded(browser) == "true" {
        browser.press("ArrowLeft");
    }
    assert_eq!(expanded(browser), "false");
    browser.press("ArrowRight");
    assert_eq!(expanded(browser), "true");
    browser.press("ArrowRight");
    assert_eq!(active(browser), "row-1");
    assert_eq!(
        browser.text("document.querySelector('#row-1').getAttribute('aria-level')"),
        "2"
    );
    browser.press("PageDown");
    assert_ne!(active(browser), "row-1");
    browser.press("ArrowLeft");
    assert_eq!(active(browser), "row-0");
    browser.press("End");
    let last = active(browser);
    let box_of = format!(
        "(() => {{ const row = document.getElementById('{last}').getBoundingClientRect(), tree = document.querySelector('#tree').getBoundingClientRect(); return row.top >= tree.top && row.bottom <= tree.bottom + 1 }})()"
    );
    assert_eq!(browser.value(&box_of), true, "`{last}` is out of sight");
    browser.press("n");
    assert_eq!(active(browser), "row-77");
    browser.press("Enter");
    assert_eq!(browser.text("document.activeElement.className"), "log");
    browser.press("Escape");
    assert_eq!(browser.text("document.activeElement.id"), "tree");
    browser.press("/");
    assert_eq!(browser.text("document.activeElement.id"), "query");
    for letter in "part-4321".chars() {
        browser.press(&letter.to_string());
    }
    browser.until("document.querySelector('#found').textContent === '1 of 10,000'");
    browser.press("Enter");
    browser.until(
        "document.querySelector('#tree').getAttribute('aria-activedescendant') === 'row-4321'",
    );
    browser.picture("large-found.png");
    browser.press("Escape");
    browser.press("Escape");
    browser.value("(() => { const query = document.querySelector('#query'); query.value = ''; query.dispatchEvent(new Event('input')) })()");
    browser.until("document.querySelector('#found').textContent === ''");
}

/// Roles, names and states as a screen reader gets them.
fn by_ear(browser: &mut Browser) {
    browser.press("Home");
    let nodes = browser.accessibility();
    let of = |role: &str| -> Vec<&Value> {
        nodes
            .iter()
            .filter(|node| node["role"]["value"] == role && node["ignored"] != true)
            .collect()
    };
    let name = |node: &Value| {
        node["name"]["value"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let tree = of("treegrid");
    assert_eq!(tree.len(), 1);
    assert_eq!(name(tree[0]), "Steps of the run");
    let heads: Vec<_> = of("columnheader").into_iter().map(name).collect();
    assert_eq!(heads, ["Step", "Took", "Waited", "When"]);
    let rows = of("row");
    let first = rows
        .iter()
        .find(|row| name(row).contains("module.call-0"))
        .expect("a row with its name");
    let properties = first["properties"].as_array().expect("properties");
    let has = |name: &str, value: Value| {
        properties
            .iter()
            .any(|own| own["name"] == name && own["value"]["value"] == value)
    };
    assert!(
        has("level", json!(1)) && has("selected", json!(true)),
        "{properties:#?}"
    );
    assert!(
        properties.iter().any(|own| own["name"] == "expanded"),
        "{properties:#?}"
    );
    assert!(name(first).starts_with("done: "), "{}", name(first));
    let cells = of("gridcell");
    assert!(
        cells.iter().any(|cell| name(cell).starts_with("at ")),
        "no times in words"
    );
    for role in ["searchbox", "button", "radio"] {
        for node in of(role) {
            assert!(!name(node).is_empty(), "a {role} has no name: {node}");
        }
    }
    for role in ["banner", "main", "search", "heading", "status"] {
        assert!(!of(role).is_empty(), "no {role}");
    }
}

/// A link shows another person the same.
fn shared_links(file: &Path) {
    let mut browser = Browser::open(
        file,
        "#step=4321&show=ran&order=slowest&from=1000&to=90000",
        WIDE,
        true,
    );
    browser.until("document.querySelector('#details h2').textContent.includes('part-4321')");
    assert_eq!(
        browser.text("document.querySelector('input[name=show]:checked').value"),
        "ran"
    );
    assert_eq!(
        browser.text("document.querySelector('input[name=order]:checked').value"),
        "slowest"
    );
    assert_eq!(
        browser.value("document.querySelector('#unzoom').hidden"),
        false
    );
    browser.picture("large-dark.png");
    browser.value("document.querySelector('input[value=failed]').click()");
    browser.until("location.hash.includes('show=failed') && location.hash.includes('step=4321')");
    assert_eq!(browser.complaints, Vec::<String>::new());
}
