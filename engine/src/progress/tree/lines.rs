//! Lines of a given width.

use std::collections::BTreeMap;
use std::time::Duration;

use console::{Style, measure_text_width, truncate_str};

use crate::progress::cause;

use super::state::{Branch, State, Told};

const TURNS: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

fn style() -> Style {
    Style::new().for_stderr()
}

/// What stays.
pub fn told(told: &Told, width: usize) -> Vec<String> {
    match told {
        Told::Note(text) => text
            .trim_end()
            .lines()
            .flat_map(|line| wrapped("", line, width))
            .collect(),
        Told::Sum(text) => vec![fit(&style().dim().apply_to(text).to_string(), width)],
        Told::Done { depth, name, took } => {
            let took = style().dim().apply_to(duration(*took)).to_string();
            vec![step(
                *depth,
                &style().green().apply_to("✔").to_string(),
                name,
                &took,
                width,
            )]
        }
        Told::Cached { depth, name } => {
            let dim = style().dim();
            let name = dim.apply_to(name).to_string();
            vec![step(
                *depth,
                &dim.apply_to("∙").to_string(),
                &name,
                &dim.apply_to("cached").to_string(),
                width,
            )]
        }
        Told::Stopped { depth, name, took } => {
            let dim = style().dim();
            let took = dim.apply_to(format!("stopped after {}", duration(*took)));
            let sign = style().yellow().apply_to("■").to_string();
            vec![step(*depth, &sign, name, &took.to_string(), width)]
        }
        Told::Failed {
            depth,
            name,
            took,
            last,
            error,
        } => {
            let red = style().red();
            let took = style().dim().apply_to(duration(*took)).to_string();
            let mut lines = vec![step(
                *depth,
                &red.apply_to("✘").to_string(),
                name,
                &took,
                width,
            )];
            let gutter = format!("{}{} ", indent(*depth, width), style().dim().apply_to("│"));
            let output = last.iter().flat_map(|line| wrapped(&gutter, line, width));
            lines.extend(output);
            let gutter = format!("{}{} ", indent(*depth, width), red.apply_to("!"));
            let error = cause(error).lines().next().unwrap_or_default();
            lines.extend(wrapped(&gutter, error, width));
            lines
        }
    }
}

/// What is under way, in no more lines than there are, and how much is done.
pub fn live(state: &State, width: usize, height: usize, frame: usize) -> Vec<String> {
    if state.running.is_empty() {
        return Vec::new();
    }
    let mut children: BTreeMap<Option<u64>, Vec<u64>> = BTreeMap::new();
    for (number, branch) in &state.running {
        // A child may outlive what has begun it.
        let parent = branch
            .parent
            .filter(|parent| state.running.contains_key(parent));
        children.entry(parent).or_default().push(*number);
    }
    let turn = style()
        .cyan()
        .apply_to(TURNS[frame % TURNS.len()])
        .to_string();
    let mut lines = Vec::new();
    let mut open: Vec<(u64, usize)> = Vec::new();
    let of = |parent: Option<u64>, depth: usize| {
        let numbers = children.get(&parent).into_iter().flatten().rev();
        numbers.map(move |number| (*number, depth))
    };
    open.extend(of(None, 0));
    while let Some((number, depth)) = open.pop() {
        let Some(branch) = state.running.get(&number) else {
            continue;
        };
        let took = style()
            .dim()
            .apply_to(duration(branch.start.elapsed()))
            .to_string();
        lines.push(step(depth, &turn, &branch.name, &took, width));
        lines.extend(saying(branch, depth, width));
        open.extend(of(Some(number), depth + 1));
    }
    // A line for what is left out, one for the sum, and one for the cursor.
    let room = height.saturating_sub(3).max(1);
    if lines.len() > room {
        let more = lines.len() - room;
        lines.truncate(room);
        lines.push(fit(
            &style()
                .dim()
                .apply_to(format!("… {more} more lines"))
                .to_string(),
            width,
        ));
    }
    lines.push(fit(
        &style()
            .dim()
            .apply_to(state.counts().join(" · "))
            .to_string(),
        width,
    ));
    lines
}

/// What a step has said last.
fn saying(branch: &Branch, depth: usize, width: usize) -> Option<String> {
    let last = branch.last.back()?;
    let dim = style().dim();
    let line = format!(
        "{}{}",
        indent(depth, width),
        dim.apply_to(format!("│ {last}"))
    );
    Some(fit(&line, width))
}

/// The name as far as there is room, and always how long it took.
fn step(depth: usize, sign: &str, name: &str, took: &str, width: usize) -> String {
    let indent = indent(depth, width);
    let room = width
        .saturating_sub(indent.len() + 2)
        .saturating_sub(measure_text_width(took) + 1);
    if room < 4 {
        return fit(&format!("{indent}{sign} {name}"), width);
    }
    let name = truncate_str(name, room, "…");
    fit(&format!("{indent}{sign} {name} {took}"), width)
}

/// Not more than a quarter of a narrow terminal.
fn indent(depth: usize, width: usize) -> String {
    " ".repeat((2 * depth).min(width / 4))
}

fn fit(line: &str, width: usize) -> String {
    truncate_str(line, width, "…").into_owned()
}

/// The text in as many lines as it needs, each after the gutter; broken between words
/// where that leaves no line half empty.
fn wrapped(gutter: &str, text: &str, width: usize) -> Vec<String> {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    let room = width.saturating_sub(measure_text_width(gutter)).max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for c in text.chars() {
        let wide = measure_text_width(c.encode_utf8(&mut [0; 4]));
        if used + wide > room && used > 0 {
            let rest = lines.last_mut().map_or(String::new(), |line| {
                let space = line.rfind(' ').filter(|at| 2 * at > line.len());
                space.map_or(String::new(), |at| line.split_off(at + 1))
            });
            used = measure_text_width(&rest);
            lines.push(rest);
        }
        used += wide;
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
    }
    lines
        .into_iter()
        .map(|line| format!("{gutter}{line}"))
        .collect()
}

/// `0.4s`, `12.3s`, `2m05s`, `1h02m`.
pub fn duration(time: Duration) -> String {
    let secs = time.as_secs();
    match secs {
        0..60 => format!("{:.1}s", time.as_secs_f64()),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        _ => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Event, Waited};

    fn state() -> State {
        let mut state = State::new(0);
        for (span, name) in [
            (1, "php-build.composer"),
            (
                2,
                "composer install --no-dev --prefer-dist --no-interaction --classmap-authoritative",
            ),
            (
                3,
                "日本語の名前はとても広い日本語の名前はとても広い日本語の名前",
            ),
        ] {
            let parent = (span > 1).then_some(span - 1);
            let (name, waited) = (name.to_owned(), Waited::default());
            state.event(Event::Started {
                span,
                parent,
                name,
                waited,
            });
            let bytes = "Downloading a package with a long name: 広い 100 %\n"
                .repeat(3)
                .into_bytes();
            state.event(Event::Output {
                span,
                stderr: false,
                bytes,
            });
        }
        state
    }

    #[test]
    fn lines_fit_any_terminal() {
        for width in [1, 5, 20, 40, 80, 200] {
            for height in [2, 5, 24] {
                let lines = live(&state(), width, height, 0);
                assert!(lines.len() < height.max(4), "{lines:#?}");
                for line in &lines {
                    assert!(measure_text_width(line) <= width, "{width}: {line}");
                }
            }
            let mut state = state();
            let error =
                Some("exit code: 1, and many more words about what has gone wrong".to_owned());
            let end = Event::Finished {
                span: 3,
                cached: false,
                error,
                dropped: false,
            };
            let lines = told(&state.event(end).expect("told"), width);
            for line in &lines {
                // A wide letter needs two columns, and a gutter its own.
                assert!(measure_text_width(line) <= width.max(5), "{width}: {line}");
            }
        }
    }

    #[test]
    fn long_lines_are_broken_between_words_and_say_what_the_name_does_not() {
        let mut state = state();
        let error = "process `composer install --no-dev` did not complete successfully: exit code: 100 of a hundred";
        let end = Event::Finished {
            span: 1,
            cached: false,
            error: Some(error.to_owned()),
            dropped: false,
        };
        let lines = told(&state.event(end).expect("told"), 24);
        let lines: Vec<_> = lines
            .iter()
            .map(|line| console::strip_ansi_codes(line).trim_end().to_owned())
            .collect();
        assert!(
            lines.ends_with(&["! exit code: 100 of a".into(), "! hundred".into()]),
            "{lines:#?}"
        );
    }

    #[test]
    fn of_what_fails_the_last_lines_are_told_whole() {
        let mut state = state();
        let error = Some("exit code: 1".to_owned());
        let end = Event::Finished {
            span: 2,
            cached: false,
            error,
            dropped: false,
        };
        let lines = told(&state.event(end).expect("told"), 30).join("\n");
        let lines = console::strip_ansi_codes(&lines).into_owned();
        let whole: String = lines
            .lines()
            .skip(1)
            .map(|line| &line.trim_start()["│ ".len().min(line.trim_start().len())..])
            .collect();
        assert!(
            whole.contains("Downloading a package with a long name: 広い 100 %"),
            "{lines}"
        );
        assert!(
            lines.starts_with("  ✘ composer install") && lines.ends_with("  ! exit code: 1"),
            "{lines}"
        );
    }

    #[test]
    fn what_was_given_up_is_not_called_done() {
        let mut state = state();
        let end = Event::Finished {
            span: 2,
            cached: false,
            error: None,
            dropped: true,
        };
        let lines = told(&state.event(end).expect("told"), 60).join("\n");
        let lines = console::strip_ansi_codes(&lines).into_owned();
        assert!(
            lines.starts_with("  ■ composer") && lines.contains(" stopped after "),
            "{lines}"
        );
        let counts = state.counts().join(" ");
        assert!(counts.starts_with("2 running 1 stopped "), "{counts}");
    }

    #[test]
    fn times_are_short() {
        for (millis, want) in [
            (440, "0.4s"),
            (12_340, "12.3s"),
            (125_000, "2m05s"),
            (3_720_000, "1h02m"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), want);
        }
    }
}
