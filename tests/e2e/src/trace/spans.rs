//! Spans of a run, at a collector.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use test_support::{Finished, Running};

use super::collector::{Collector, span};
use crate::fixture::sink;
use crate::place::{LIMIT, Place, argument, nonce};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Runs with what a CI server puts into the environment.
fn run(place: &Place, collector: &Collector, args: &[&str]) -> Finished {
    let mut command = place.command(args);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.server.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t0ken")
        .env("OTEL_SERVICE_NAME", "deploy")
        .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-01"));
    Running::to_end(&mut command, "", LIMIT).expect("a run")
}

#[test]
fn a_run_is_part_of_the_trace_that_called_it_and_programs_are_part_of_their_steps() {
    let place = Place::beside_others();
    let collector = Collector::start("Bearer t0ken");
    let script = format!(
        "base=$(container | from debian:bookworm-slim | with-env-variable WORD {})\n\
         $base | with-exec -- sh -c 'echo in=$TRACEPARENT' | stdout\n\
         $base | with-exec -- sh -c 'exit 3' | sync",
        nonce()
    );
    let done = run(&place, &collector, &["-M", "-c", &script]);
    assert_eq!(done.code, 3, "{}", done.stderr());
    let spans = collector.spans();
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    let whole = span(&spans, "poniard -M -c");
    assert_eq!(hex(&whole.parent_span_id), PARENT);
    let status = whole.status.clone().expect("a status");
    assert!(
        status.code == 2 && status.message.contains("exit code: 3"),
        "{status:?}"
    );
    let echo = span(&spans, "echo in=");
    assert_eq!(echo.parent_span_id, whole.span_id);
    // What the program could make a span of its own a part of.
    assert_eq!(
        done.stdout().trim(),
        format!("in=00-{TRACE}-{}-01", hex(&echo.span_id))
    );
    assert_eq!(
        span(&spans, "exit 3")
            .status
            .clone()
            .map(|status| status.code),
        Some(2)
    );
    assert_eq!(collector.services(), ["deploy"]);
    // The same again is cached.
    let again = Collector::start("Bearer t0ken");
    run(&place, &again, &["-M", "-c", &script]);
    let spans = again.spans();
    let cached = span(&spans, "echo in=");
    assert!(
        cached
            .attributes
            .iter()
            .any(|pair| pair.key == "dagger.io/dag.cached"),
        "{cached:?}"
    );
}

#[test]
fn what_a_module_does_is_part_of_its_call() {
    let place = Place::beside_others();
    let collector = Collector::start("Bearer t0ken");
    let sink = sink();
    let code = format!("{}", 3 + nonce().len() % 2);
    let done = run(
        &place,
        &collector,
        &["call", "-m", argument(&sink), "fail-exec", "--code", &code],
    );
    let spans = collector.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.clone()).collect();
    assert_ne!(done.code, 0, "{}\n{names:?}", done.stderr());
    let call = span(&spans, "sink.failExec");
    let inside = span(&spans, "exit");
    assert_eq!(inside.parent_span_id, call.span_id, "{names:?}");
    assert_eq!(call.parent_span_id, span(&spans, "poniard call").span_id);
}

#[test]
fn no_secret_is_in_what_is_sent_or_in_an_id() {
    let place = Place::beside_others();
    let collector = Collector::start("Bearer t0ken");
    let secret = format!("canary-{}-of-spans", nonce());
    let script = format!(
        "token=$(secret env:CANARY)\n\
         held=$(container | from debian:bookworm-slim | with-env-variable WORD {} \
         | with-secret-variable TOKEN $token | with-mounted-secret /key $token)\n\
         $held | with-exec -- sh -c 'echo $TOKEN; printf %s $TOKEN | base64 -w0' | sync\n\
         $held | with-exec -- sh -c 'echo $TOKEN >&2; exit 4' | stdout",
        nonce()
    );
    let mut command = place.command(&["-M", "-c", &script]);
    command
        .env("CANARY", &secret)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.server.url())
        .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t0ken");
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    assert_eq!(done.code, 4, "{}", done.stderr());
    let spans = collector.spans();
    assert!(!spans.is_empty());
    // `sync` prints the container's ID: base64 of what it is made of.
    assert!(done.stdout().len() > 20, "{}", done.stdout());
    let mut said = format!("{spans:?}\n{}\n{}", done.stdout(), done.stderr());
    for word in done.stdout().split_whitespace() {
        if let Ok(bytes) = STANDARD.decode(word) {
            said.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    let encoded = STANDARD.encode(&secret);
    for form in [secret.as_str(), &encoded[..24]] {
        assert!(!said.contains(form), "`{form}` is in {said}");
    }
}

#[test]
fn a_collector_that_is_not_there_fails_no_run() {
    let place = Place::beside_others();
    let mut command = place.command(&["-M", "-c", ".echo hello"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    assert_eq!(
        (done.code, done.stdout().as_str()),
        (0, "hello\n"),
        "{}",
        done.stderr()
    );
    assert_eq!(
        done.stderr()
            .matches("cannot send spans to `127.0.0.1`")
            .count(),
        1,
        "{}",
        done.stderr()
    );
}

#[test]
fn a_trace_that_its_caller_does_not_want_is_not_sent() {
    let place = Place::beside_others();
    let collector = Collector::start("");
    let mut command = place.command(&["-M", "-c", ".echo hello"]);
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.server.url())
        .env("TRACEPARENT", format!("00-{TRACE}-{PARENT}-00"));
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    assert_eq!(done.code, 0, "{}", done.stderr());
    assert_eq!(collector.server.requests(), []);
}
