//! A checkout of this repository: its `dagger.json` names every module.

use test_support::{Finished, Running, repository};

use crate::git::modules;
use crate::place::{LIMIT, Place};

/// The root and directories that belong to no module.
const DIRECTORIES: [&str; 3] = ["", "engine", "engine/src/cli"];

fn run(place: &Place, dir: &str, args: &[&str]) -> Finished {
    let mut command = place.command(args);
    command.current_dir(repository().join(dir));
    Running::to_end(&mut command, "", LIMIT).expect("a run")
}

#[test]
fn every_module_is_there_by_name_in_every_way_from_every_directory_without_compiling() {
    let place = Place::new();
    let modules = modules();
    assert!(modules.len() >= 2, "{modules:?}");
    for dir in DIRECTORIES {
        let functions = run(&place, dir, &["functions"]).stdout();
        for module in &modules {
            assert!(
                functions.contains(&format!("\n{module} ")),
                "in `{dir}`: {functions}"
            );
            for line in [
                &["-c", &format!(".help {module}")][..],
                &["call", module, "--help"],
                &["functions", module],
                &["-m", module, "functions"],
                &["call", "-m", module, "--help"],
            ] {
                let done = run(&place, dir, line);
                let (stdout, stderr) = (done.stdout(), done.stderr());
                assert_eq!(done.code, 0, "{line:?} in `{dir}`:\n{stderr}");
                assert!(
                    stdout.contains("Description"),
                    "{line:?} in `{dir}`:\n{stdout}"
                );
                assert!(
                    !stderr.contains("compile"),
                    "{line:?} in `{dir}`:\n{stderr}"
                );
            }
        }
    }
}

#[test]
fn a_module_does_its_work_when_called_by_name_from_a_deep_directory() {
    let place = Place::new();
    for line in [
        &["-c", "config | schema | contents"][..],
        &["call", "config", "schema", "contents"],
        &["call", "-m", "config", "schema", "contents"],
    ] {
        let done = run(&place, "engine/src/cli", line);
        assert!(
            done.stdout().contains("pipeline.yaml"),
            "{line:?}: {}",
            done.stderr()
        );
    }
}
