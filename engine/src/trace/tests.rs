//! Pages as files: bounded, whole, and without anything that is not theirs.

use super::*;
use crate::progress::Progress;

fn trace(file: &Path) -> (Trace, Progress) {
    let context = Arc::new(Context::new(None, None));
    let trace = Trace::begin("poniard </script> \"x\"".to_owned(), context, Some(file)).unwrap();
    let events = trace.clone();
    let progress = Progress::new(move |event| events.event(&event));
    (trace, progress)
}

#[test]
fn the_page_of_an_endless_run_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, progress) = trace(&dir.path().join("trace.html"));
    for n in 0..55_000 {
        let span = progress.start(format!("step {n} {}", "x".repeat(400)));
        span.output(false, &[b'y'; 600]);
        span.finish();
    }
    let file = trace.write().unwrap().unwrap();
    let bytes = file.metadata().unwrap().len();
    assert!((20_000_000..40_000_000).contains(&bytes), "{bytes}");
}

#[test]
fn words_of_the_run_do_not_become_markup_and_nothing_is_left_beside_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let (trace, progress) = trace(&dir.path().join("deep/er/trace.html"));
    progress.start("<!-- <script> {{style}}").finish();
    trace.end(Ended::Failed("</script>".to_owned()));
    let file = trace.write().unwrap().unwrap();
    trace.write().unwrap();
    let page = std::fs::read_to_string(&file).unwrap();
    assert_eq!(page.matches("</script>").count(), 2);
    assert_eq!(page.matches("<script").count(), 2);
    assert!(
        page.contains("{{style}}\""),
        "what a step says is no part of the frame"
    );
    assert!(!page.contains("http://") && !page.contains("https://"));
    assert_eq!(file.parent().unwrap().read_dir().unwrap().count(), 1);
}
