//! `doctor`: where all is well, outside of any project, and where nothing else works.
//!
//! Not here: which fact is how bad (`logic/doctor/tests.rs`).

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use serde_json::Value as Json;

use crate::kit::Sandbox;

const HELLO: &str =
    "version: 3\nname: hello\nrequires: {tools: [git, no-such-tool]}\nstages:\n  greet: {run: echo hello}\n";

/// All below a folder, with sizes, times of change and permissions.
fn all(folder: &Path) -> BTreeMap<String, (u64, i64, i64, u32)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it is there") {
            let path = entry.expect("it can be read").path();
            let about = path.symlink_metadata().expect("it is there");
            if about.is_dir() {
                folders.push(path);
                continue;
            }
            // In there readers of a store say to each other what they read, which is no change of it.
            if path.ends_with("sortie.db-shm") {
                continue;
            }
            let facts = (about.len(), about.mtime(), about.mtime_nsec(), about.mode());
            found.insert(path.display().to_string(), facts);
        }
    }
    found
}

fn report(sandbox: &Sandbox) -> (i32, Json) {
    let ran = sandbox.sortie(["doctor", "--json"]).run();
    assert_eq!(ran.err, "");
    let json = serde_json::from_str(&ran.out).expect("it is JSON");
    (i32::from(!ran.is_code(0)), json)
}

fn of<'j>(report: &'j Json, about: &str, level: &str) -> &'j Json {
    let found = report["findings"].as_array().expect("a list");
    let fits = |it: &&Json| it["about"] == about && it["level"] == level;
    found.iter().find(fits).unwrap_or_else(|| panic!("no {level} about {about}: {report:#}"))
}

#[test]
fn what_is_not_ok_has_a_way_out_and_nothing_is_changed() {
    let sandbox = Sandbox::new().file("playbooks/hello.yml", HELLO).file("playbooks/bad.yml", "version: 3\n");
    sandbox.program("git", ["init", "-q"]).run().code(0).done();
    let before = all(&sandbox.base());
    let (failed, told) = report(&sandbox);
    assert_eq!(failed, 0, "{told:#}");
    assert_eq!(all(&sandbox.base()), before);
    for finding in told["findings"].as_array().expect("a list") {
        assert_eq!(finding["cure"].is_null(), finding["level"] == "ok", "{finding:#}");
    }
    assert!(
        of(&told, "programs", "warning")["says"]
            .as_str()
            .is_some_and(|it| it.contains("`no-such-tool` is missing"))
    );
    assert!(of(&told, "project", "note")["says"].as_str().is_some_and(|it| it.contains("errors in `bad`")));
    assert!(of(&told, "system", "ok")["says"].as_str().is_some_and(|it| it.contains("keeper")));
    of(&told, "store", "ok");
}

#[test]
fn it_looks_at_what_was_recorded_without_touching_it() {
    let sandbox =
        Sandbox::new().file("playbooks/hello.yml", "version: 3\nstages: {greet: {run: echo hello}}\n");
    sandbox.sortie(["run", "hello"]).run().code(0).done();
    let state = sandbox.project().join(".sortie");
    std::fs::set_permissions(&state, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let before = all(&state);
    let (failed, told) = report(&sandbox);
    assert_eq!(failed, 0, "{told:#}");
    assert!(of(&told, "store", "ok")["says"].as_str().is_some_and(|it| it.contains("1 job")), "{told:#}");
    assert!(of(&told, "folder", "warning")["cure"].as_str().is_some_and(|it| it.starts_with("chmod 700")));
    assert_eq!(all(&state), before);
}

#[test]
fn it_works_where_nothing_else_does() {
    let sandbox = Sandbox::new().file("sortie.yml", "run:\n  max-parallel: many\nruin: {}\n").file(
        ".sortie/sortie.db",
        "this was a store once, before something was written over it, again and again and again",
    );
    sandbox.sortie(["playbooks", "list"]).run().code(2).done();
    let before = all(&sandbox.base());
    let (failed, told) = report(&sandbox);
    assert_eq!(failed, 1);
    assert_eq!(told["problems"], 3, "{told:#}");
    let settings = of(&told, "settings", "problem")["says"].as_str().unwrap_or_default();
    assert!(settings.starts_with("sortie.yml:2:17: the setting `run.max-parallel`"), "{settings}");
    of(&told, "store", "problem");
    assert_eq!(all(&sandbox.base()), before);
    let ran = sandbox.sortie(["doctor"]).run().code(5).says("3 problems").says("→ ");
    assert_eq!(ran.err, "");
}

#[test]
fn it_fits_into_80_columns() {
    let sandbox = Sandbox::new().file("playbooks/hello.yml", HELLO);
    let terminal = sandbox.terminal(["doctor"], (80, 40)).start();
    terminal
        .wait_for_end()
        .code(0)
        .shows("xterm-256color 80x40")
        .shows("install no-such-tool")
        .shows("1 warning")
        .done();
}
