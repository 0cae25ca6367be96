//! What helps people at the command line: help, suggestions, completion in real
//! shells, the manual, and `doctor` on machines that lack something.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use test_support::{Finished, Running};

use crate::fixture::sink;
use crate::place::{LIMIT, Place, argument, readable};

fn shell(place: &Place, program: &str, script: &str) -> String {
    let poniard = place.cli.program();
    let path = format!(
        "{}:{}",
        poniard.parent().expect("a directory").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut command = Command::new(program);
    command
        .args(["-c", script])
        .current_dir(place.path(""))
        .env("PATH", path)
        .env("TERM", "xterm");
    let done = Running::to_end(&mut command, "", LIMIT).expect("no shell: run `cargo xtask tools`");
    assert_eq!(done.code, 0, "{program}: {}", done.stderr());
    done.stdout()
}

#[test]
fn bash_completes_commands_and_flags() {
    let place = Place::beside_others();
    let complete = |words: &str, at: usize| {
        let script = format!(
            "eval \"$(poniard completion bash)\"; COMP_WORDS=({words}); COMP_CWORD={at}; \
             _poniard poniard \"${{COMP_WORDS[$COMP_CWORD]}}\" \"${{COMP_WORDS[$COMP_CWORD-1]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        shell(&place, "bash", &script)
    };
    assert_eq!(complete("poniard doc", 1), "doctor\n");
    assert!(complete("poniard --tr", 1).contains("--trace"));
    assert!(complete("poniard --progress d", 2).contains("dots"));
    assert_eq!(complete("poniard toolchain ins", 2), "install\n");
}

#[test]
fn zsh_completes_commands_and_flags() {
    let place = Place::beside_others();
    fs::write(
        place.path("_poniard"),
        shell(&place, "sh", "poniard completion zsh"),
    )
    .expect("a file");
    // A shell within a shell, whose answers to the tab key are written down.
    let complete = |typed: &str| {
        let script = format!(
            "zmodload zsh/zpty; zpty z zsh -f -i; \
             zpty -w z $'PS1=; fpath=($PWD $fpath); autoload -U compinit; compinit -u -D; zstyle \":completion:*\" list-colors; echo re''ady'; \
             zpty -r z seen '*ready*'; zpty -w -n z {typed:?}$'\\t\\t'; \
             for i in {{1..100}}; do sleep 0.05; while zpty -r -t z more; do seen+=$more; done; [[ $seen == *{{found,--trace,doctor,dots}}* ]] && break; done; \
             print -r -- $seen"
        );
        shell(&place, "zsh", &script)
    };
    assert!(complete("poniard doc").contains("poniard doctor"));
    assert!(complete("poniard --trac").contains("--trace"));
}

#[test]
fn fish_completes_commands_and_flags() {
    let place = Place::beside_others();
    let complete = |typed: &str| {
        shell(
            &place,
            "fish",
            &format!("poniard completion fish | source; complete -C {typed:?}"),
        )
    };
    assert!(complete("poniard doc").starts_with("doctor\t"));
    assert!(complete("poniard --tr").starts_with("--trace"));
    assert!(complete("poniard toolchain ins").starts_with("install\t"));
}

#[test]
fn the_manual_is_read_by_man_without_a_complaint() {
    let place = Place::beside_others();
    let text = shell(
        &place,
        "sh",
        "poniard man > poniard.1 && MANWIDTH=80 man --warnings=w -l poniard.1 2>warnings | col -bx; cat warnings",
    );
    for part in [
        "NAME",
        "SYNOPSIS",
        "ENVIRONMENT",
        "EXIT STATUS",
        "EXAMPLES",
        "PONIARD_STATE",
        "--trace",
    ] {
        assert!(text.contains(part), "no {part}:\n{text}");
    }
    assert!(!text.contains("warning"), "{text}");
    shell(&place, "sh", "poniard man --dir pages");
    assert!(place.path("pages/poniard-toolchain-install.1").exists());
}

#[test]
fn help_has_commands_in_groups_and_flags_under_headings() {
    let place = Place::beside_others();
    for words in [&["--help"][..], &["-h"], &["help"]] {
        let help = place.run(words);
        assert_eq!(help.code, 0);
        let help = help.stdout();
        for line in [
            "Pipelines:",
            "Modules:",
            "This machine:",
            "Module:",
            "Progress:",
            "Examples:",
            "Environment:",
        ] {
            assert!(help.lines().any(|own| own == line), "no `{line}`:\n{help}");
        }
        assert!(help.lines().count() < 100, "{help}");
    }
}

#[test]
fn a_slip_gets_a_suggestion() {
    let place = Place::beside_others();
    let sink = sink();
    let sink = argument(&sink);
    let slip = format!("{sink}x");
    let near = &format!("`{sink}`");
    place.write(
        "dagger.json",
        r#"{ "name": "shop", "dependencies": [{ "name": "config", "source": "./config" }] }"#,
    );
    for (words, meant) in [
        (&["shel"][..], "`shell`"),
        (
            &["call", "-m", sink, "--progres=plain", "greet"],
            "`--progress`",
        ),
        (&["--progres", "plain", "version"], "`--progress`"),
        (&["call", "-m", sink, "gret"], "`greet`"),
        (&["call", "-m", sink, "greet", "--nam", "you"], "`--name`"),
        (&["-m", sink, "-c", "gret you"], "`greet`"),
        (&["-M", "-c", "contaner | from x"], "`container`"),
        (&["-M", "-c", "container | form x"], "`from`"),
        (
            &["-M", "-c", "directory | with-new-file a b --permisions 4"],
            "`--permissions`",
        ),
        (&["functions", "-m", sink, "gret"], "`greet`"),
        (&["--progress=plan", "version"], "`plain`"),
        (&["completion", "bsh"], "`bash`"),
        (&["help", "toolchain", "instal"], "`install`"),
        (
            &[
                "-M",
                "-c",
                "container | with-mounted-cache /x $(cache-volume a) --sharing lockd",
            ],
            "`LOCKED`",
        ),
        (&["functions", "-m", &slip], near),
        (&["call", "-m", "confg", "schema"], "`config`"),
        (&["-c", "confg"], "`config`"),
        (&["update", "confg"], "`config`"),
    ] {
        let mut command = place.command(words);
        command.env("RUST_BACKTRACE", "full");
        let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
        readable(&done);
        assert_ne!(done.code, 0, "{words:?}");
        let stderr = done.stderr();
        assert!(
            stderr.contains(&format!("did you mean {meant}?")),
            "{words:?}: {stderr}"
        );
    }
    let done = place.run(&["-M", "-c", "nothing-like-this-at-all"]);
    assert!(!done.stderr().contains("did you mean"), "{}", done.stderr());
}

/// `doctor` where only these programs are to be found.
fn doctor(place: &Place, programs: &[&str], change: impl Fn(&mut Command)) -> (Finished, Value) {
    let bin = place.path("bin");
    let _ = fs::remove_dir_all(&bin);
    fs::create_dir_all(&bin).expect("a directory");
    for name in programs {
        let found = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
            .iter()
            .map(|dir| Path::new(dir).join(name));
        let found = found
            .into_iter()
            .find(|file| file.exists())
            .unwrap_or_else(|| panic!("no `{name}`"));
        symlink(found, bin.join(name)).expect("a link");
    }
    let mut command = place.command(&["doctor", "--json", "--offline"]);
    command.env("PATH", &bin);
    change(&mut command);
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    let report = serde_json::from_slice(&done.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}{}", done.stdout(), done.stderr()));
    (done, report)
}

#[track_caller]
fn finding<'a>(report: &'a Value, name: &str) -> &'a Value {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .find(|finding| finding["name"] == name)
        .unwrap_or_else(|| panic!("no {name}: {report:#}"))
}

const ALL: [&str; 3] = ["runc", "git", "mmdebstrap"];

#[test]
fn doctor_finds_a_machine_that_runs_these_tests_able() {
    let place = Place::beside_others();
    let (done, report) = doctor(&place, &ALL, |_| {});
    assert_eq!(
        (done.code, &report["healthy"]),
        (0, &Value::Bool(true)),
        "{report:#}"
    );
    for name in [
        "rights",
        "isolation",
        "runtime",
        "state",
        "overlay",
        "packet filter",
        "forwarding",
    ] {
        assert_eq!(finding(&report, name)["health"], "good", "{report:#}");
    }
    // What only some need makes nobody ill.
    assert_eq!(finding(&report, "cargo")["health"], "poor");
    let told = place.run(&["doctor", "--offline"]).stdout();
    assert!(
        told.contains("✔ runtime") && told.contains("This machine"),
        "{told}"
    );
}

#[test]
fn doctor_says_what_is_missing_and_how_to_mend_it() {
    let place = Place::beside_others();
    let rest: Vec<_> = ALL.into_iter().filter(|name| *name != "runc").collect();
    let (done, report) = doctor(&place, &rest, |_| {});
    let found = finding(&report, "runtime");
    assert_eq!(
        (done.code, found["health"].as_str()),
        (1, Some("bad")),
        "{report:#}"
    );
    assert!(
        found["mend"]
            .as_str()
            .is_some_and(|text| text.contains("apt-get install runc")),
        "{found}"
    );
    assert_eq!(report["healthy"], false);
    place.write("file", "");
    let state = place.path("file/state");
    let (done, report) = doctor(&place, &ALL, |command| {
        command.env("PONIARD_STATE", &state);
    });
    assert_eq!(
        (done.code, finding(&report, "state")["health"].as_str()),
        (1, Some("bad")),
        "{report:#}"
    );
}

#[test]
fn doctor_tells_an_ordinary_user_what_to_do() {
    let place = Place::beside_others();
    let cli = place.cli.under(&[
        "setpriv",
        "--reuid",
        "65534",
        "--regid",
        "65534",
        "--clear-groups",
    ]);
    let program = place.path("poniard");
    fs::copy(place.cli.program(), &program).expect("a copy");
    let mut command = place.command_of(
        &cli.at(Path::new("setpriv")),
        &["doctor", "--json", "--offline"],
    );
    // The target directory may be out of an ordinary user's reach.
    let mut moved = Command::new("setpriv");
    moved
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["doctor", "--json", "--offline"]);
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            moved.env(name, value);
        }
    }
    moved
        .env("PONIARD_STATE", "/tmp/poniard-of-nobody")
        .current_dir("/");
    fs::set_permissions(
        place.path(""),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("a mode");
    command = moved;
    let done = Running::to_end(&mut command, "", LIMIT).expect("a run");
    let _ = fs::remove_dir_all("/tmp/poniard-of-nobody");
    let report: Value =
        serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", done.stderr()));
    assert_eq!(done.code, 1, "{report:#}");
    let rights = finding(&report, "rights");
    assert!(
        rights["mend"]
            .as_str()
            .is_some_and(|text| text.contains("sudo")),
        "{rights}"
    );
}
